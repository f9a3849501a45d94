/** Two short, soft tones. A browser in which nobody has pressed anything yet stays silent. */
export function chime(): void {
  try {
    const context = new AudioContext();
    const at = context.currentTime;
    for (const [n, hertz] of [660, 880].entries()) {
      const tone = context.createOscillator();
      const loud = context.createGain();
      tone.frequency.value = hertz;
      loud.gain.setValueAtTime(0.0001, at + n * 0.12);
      loud.gain.exponentialRampToValueAtTime(0.08, at + n * 0.12 + 0.02);
      loud.gain.exponentialRampToValueAtTime(0.0001, at + n * 0.12 + 0.22);
      tone.connect(loud).connect(context.destination);
      tone.start(at + n * 0.12);
      tone.stop(at + n * 0.12 + 0.25);
    }
    setTimeout(() => void context.close(), 800);
  } catch {
    // A browser without sound shows it all the same.
  }
}

// Reordering: what a drag, a key or a menu means for a list, and how the server is told.

/** The list with the one at `from` standing at `to`. */
export function moved<T>(list: readonly T[], from: number, to: number): T[] {
  const out = [...list];
  const [one] = out.splice(from, 1);
  if (one !== undefined) out.splice(Math.max(0, Math.min(out.length, to)), 0, one);
  return out;
}

/** Before which one it stands when it stands at `to`; null: at the end. */
export function before<T extends { id: string }>(list: readonly T[], from: number, to: number): string | null {
  return moved(list, from, to)[Math.max(0, Math.min(list.length - 1, to)) + 1]?.id ?? null;
}

/** Where something lands that is held at a height: after as many of the others as have their middle above it. */
export function landing(middles: readonly number[], from: number, height: number): number {
  return middles.filter((middle, n) => n !== from && middle < height).length;
}

/** A whole number with its thousands apart: 12,345. Lists say hundreds of these, and `Intl` takes long to wake. */
export function full(count: number): string {
  return `${count}`.replace(/\B(?=(\d{3})+$)/g, ',');
}

/** A count in at most four characters. */
export function short(count: number): string {
  if (count < 1_000) return `${count}`;
  for (const [unit, size] of [
    ['k', 1e3],
    ['M', 1e6],
    ['G', 1e9],
  ] as const) {
    const share = count / size;
    if (share < 999.5) return `${share < 9.95 ? share.toFixed(1) : Math.round(share)}${unit}`;
  }
  return `${Math.round(count / 1e12)}T`;
}

/** Millionths of a dollar as dollars. */
export function dollars(micro: number): string {
  const sum = micro / 1e6;
  if (sum === 0) return '$0';
  if (sum < 0.01) return '<$0.01';
  if (sum < 100) return `$${sum.toFixed(2)}`;
  return `$${full(Math.round(sum))}`;
}

/** Bytes in at most six characters. */
export function bytes(count: number): string {
  if (count < 1_000) return `${count} B`;
  for (const [unit, size] of [
    ['kB', 1e3],
    ['MB', 1e6],
    ['GB', 1e9],
  ] as const) {
    const share = count / size;
    if (share < 999.5) return `${share < 9.95 ? share.toFixed(1) : Math.round(share)} ${unit}`;
  }
  return `${(count / 1e12).toFixed(1)} TB`;
}

/** "1 prompt", "2 prompts". */
export function many(count: number, noun: string): string {
  return `${full(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** All tokens of a session or a line of a report. */
export function totalTokens(usage: {
  inputTokens: number;
  cachedInputTokens: number;
  cacheWriteTokens: number;
  outputTokens: number;
}): number {
  return usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens + usage.outputTokens;
}

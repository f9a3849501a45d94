import type { UsageReport } from '../../api/types';
import { totalTokens } from '../../lib/numbers';
import { dated } from '../../lib/time';

type Line = UsageReport['lines'][number];
export type Count = 'cost' | 'tokens';

const DAY = 86_400_000;

/** What a line comes to; what has no price, to nothing. */
export function amount(line: Line, count: Count): number {
  return count === 'cost' ? (line.costMicroUsd ?? 0) : totalTokens(line.usage);
}

/** A day as the report names it, in UTC as the report counts. */
export function dayName(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** All days from one to another, none left out. */
export function daysBetween(first: string, last: string): string[] {
  const out: string[] = [];
  for (let at = Date.parse(first); at <= Date.parse(last) && out.length < 4_000; at += DAY) out.push(dayName(at));
  return out;
}

interface Stacked {
  parts: string[];
  days: Map<string, number[]>;
  /** Parts of which nothing has a price, by their place in `parts`. */
  unpriced: Set<number>;
}

/** Amounts by day and part, the largest parts first, the small ones together as "other". */
export function stacked(lines: Line[], count: Count, most: number): Stacked {
  const sums = new Map<string, number>();
  for (const line of lines) sums.set(line.and ?? '', (sums.get(line.and ?? '') ?? 0) + amount(line, count));
  const ordered = [...sums].sort((a, b) => b[1] - a[1]).map(([part]) => part);
  const named = ordered.slice(0, most);
  const hasOthers = ordered.length > most;
  const days = new Map<string, number[]>();
  const parts = hasOthers ? [...named, 'other'] : named;
  const unpriced = new Set(count === 'cost' ? parts.keys() : []);
  for (const line of lines) {
    const day = days.get(line.key) ?? Array.from({ length: named.length + (hasOthers ? 1 : 0) }, () => 0);
    const at = named.indexOf(line.and ?? '');
    const slot = at < 0 ? named.length : at;
    if (line.costMicroUsd !== null) unpriced.delete(slot);
    day[slot] = (day[slot] ?? 0) + amount(line, count);
    days.set(line.key, day);
  }
  return { parts, days, unpriced };
}

/** The weeks of a calendar, Monday first; days before the first one are null. */
export function weeks(days: string[]): (string | null)[][] {
  const [first] = days;
  if (first === undefined) return [];
  const lead = (new Date(`${first}T00:00:00Z`).getUTCDay() + 6) % 7;
  const cells: (string | null)[] = [...Array.from({ length: lead }, () => null), ...days];
  return Array.from({ length: Math.ceil(cells.length / 7) }, (_, week) => cells.slice(week * 7, week * 7 + 7));
}

/** A day of the calendar as one says it: 24 Nov 2026. */
export function sayDay(day: string): string {
  return day === '' ? '' : dated(`${day}T12:00:00`);
}

/** The top of a scale that holds `most` in so many equal steps of 1, 2 or 5 with noughts. */
export function roundTop(most: number, steps: number): number {
  const size = 10 ** Math.floor(Math.log10(most / steps));
  const step = [1, 2, 5, 10].find((count) => count * size * steps >= most) ?? 10;
  return step * size * steps;
}

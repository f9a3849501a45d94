import { expect, it } from 'vitest';
import type { UsageReport } from '../../api/types';
import { daysBetween, roundTop, sayDay, stacked, weeks } from './days';

const line = (key: string, and: string, costMicroUsd: number | null): UsageReport['lines'][number] => ({
  key,
  and,
  requests: 1,
  usage: { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 },
  costMicroUsd,
});

it('leaves no day out', () => {
  expect(daysBetween('2026-02-27', '2026-03-02')).toEqual(['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02']);
});

it('says days and scales as people do', () => {
  expect(sayDay('2026-11-04')).toBe('4 Nov 2026');
  expect([roundTop(480_000, 3), roundTop(1, 3), roundTop(600, 3), roundTop(7_000, 3)]).toEqual([
    600_000, 1.5, 600, 15_000,
  ]);
});

it('puts small parts together and loses none', () => {
  const { parts, days } = stacked(
    [line('d1', 'a', 5), line('d1', 'b', 3), line('d2', 'c', 1), line('d2', 'b', 1)],
    'cost',
    2,
  );
  expect(parts).toEqual(['a', 'b', 'other']);
  expect([...days]).toEqual([
    ['d1', [5, 3, 0]],
    ['d2', [0, 1, 1]],
  ]);
});

it('tells what has no price from what cost nothing', () => {
  const lines = [line('d1', 'a', 5), line('d1', 'b', null), line('d2', 'c', 0), line('d2', 'a', null)];
  expect(stacked(lines, 'cost', 6).unpriced).toEqual(new Set([1]));
  expect(stacked(lines, 'cost', 6).parts[1]).toBe('b');
  expect(stacked(lines, 'tokens', 6).unpriced).toEqual(new Set());
});

it('begins weeks on Monday', () => {
  // 2026-11-18 is a Wednesday.
  expect(weeks(daysBetween('2026-11-18', '2026-11-24'))).toEqual([
    [null, null, '2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22'],
    ['2026-11-23', '2026-11-24'],
  ]);
});

import { describe, expect, it } from 'vitest';
import type { Item, ItemPage, ToolStatus } from '../../api/types';
import { numbered, pairs } from './diff-view';
import { after, before, growsAfter, partOf } from './merge';
import { rowAt, rowsOf, sumUp } from './rows';

const item = (key: string, more: Partial<Item> = {}): Item => ({
  seq: Number(key),
  key,
  kind: 'answer',
  at: null,
  text: '',
  model: null,
  raw: { path: '', offset: 0, length: 0 },
  ...more,
});
const tool = (key: string, status: ToolStatus = 'completed', more: Partial<Item> = {}): Item =>
  item(key, {
    kind: 'tool',
    tool: {
      name: 'Bash',
      callId: null,
      input: null,
      output: null,
      status,
      exitCode: null,
      durationMs: null,
      action: { type: 'command', command: 'ls', cwd: null },
    },
    ...more,
  });
const page = (items: Item[], previousCursor: string | null, nextCursor: string | null): ItemPage => ({
  items,
  previousCursor,
  nextCursor,
  revision: 1,
  warnings: [],
});

describe('pages', () => {
  it('join at both ends without doubles', () => {
    const first = partOf(page([item('5'), item('6')], '5', '6'));
    const longer = after(
      before(first, page([item('3'), item('4')], null, '4')),
      page([item('6'), item('7')], '6', null),
    );
    expect(longer.items.map((one) => one.key)).toEqual(['3', '4', '5', '6', '7']);
    expect([longer.previous, longer.next]).toEqual([null, null]);
  });
  it('grow from the last item, or from before a call that still runs', () => {
    const part = partOf(page([item('1'), tool('2', 'pending'), item('3')], null, null));
    expect(growsAfter(part)).toBe('1');
    const done = after(part, page([tool('2'), item('3'), item('4')], null, null));
    expect(done.items.map((one) => one.key)).toEqual(['1', '2', '3', '4']);
    expect(growsAfter(done)).toBe('4');
  });
});

describe('rows', () => {
  it('fold work between what is said', () => {
    const items = [
      item('0', { kind: 'prompt' }),
      ...['1', '2', '3', '4'].map((key) => tool(key)),
      item('5'),
      tool('6'),
    ];
    const rows = rowsOf(items, null);
    expect(rows.map((row) => row.key)).toEqual(['0', 'run 1', '5', '6']);
    expect(rowAt(rows, '3')).toBe(1);
    expect(rowAt(rows, '99')).toBe(-1);
    expect(sumUp(items.slice(1, 5))).toBe('4 tool calls · 4 commands');
  });
  it('put what the agent put in together', () => {
    const context = (key: string) => item(key, { kind: 'context' });
    const rows = rowsOf([context('0'), context('1'), tool('2'), context('3')], null);
    expect(rows.map((row) => row.key)).toEqual(['run 0', '2', '3']);
    expect(sumUp([context('0'), context('1')])).toBe('2 pieces of context');
  });
  it('show what waited in the queue once, as the prompt that it became', () => {
    const said = (key: string, kind: 'context' | 'prompt', text: string) => item(key, { kind, text });
    const items = [
      said('0', 'prompt', 'go on'),
      said('1', 'context', 'go on'),
      said('2', 'context', 'and this'),
      tool('3'),
      said('4', 'prompt', 'go on\n'),
    ];
    const rows = rowsOf(items, null);
    expect(rows.map((row) => row.key)).toEqual(['0', '2', '3', '4']);
    expect([rowAt(rows, '1'), rowAt(rows, '4'), rowAt(rows, '0')]).toEqual([3, 3, 0]);
    expect(rowsOf(items, null, true).map((row) => row.key)).toEqual(['0', 'run 1', '3', '4']);
  });
  it('leave what starts a child outside', () => {
    const rows = rowsOf([tool('1'), tool('2'), tool('3', 'completed', { childId: 'claude:x' }), tool('4')], null);
    expect(rows.map((row) => row.key)).toEqual(['1', '2', '3', '4']);
  });
  it('say where a fork leaves its origin', () => {
    const rows = rowsOf([item('1.0', { inherited: true }), item('0')], 'codex:a');
    expect(rows.map((row) => row.key)).toEqual(['1.0', 'fork 0', '0']);
  });
});

describe('a diff', () => {
  const lines = [
    { op: ' ' as const, text: 'one' },
    { op: '-' as const, text: 'two' },
    { op: '+' as const, text: '2' },
    { op: '+' as const, text: '2½' },
    { op: ' ' as const, text: 'three' },
  ];

  it('has numbers where the beginning is known', () => {
    const told = numbered({ oldStart: 7, newStart: 9, lines }).map((at) => [at.old, at.new]);
    expect(told).toEqual([
      [7, 9],
      [8, null],
      [null, 10],
      [null, 11],
      [9, 12],
    ]);
    const sides = pairs(numbered({ oldStart: 7, newStart: 9, lines })).map(([left, right]) => [left?.old, right?.new]);
    expect(sides).toEqual([
      [7, 9],
      [8, 10],
      [undefined, 11],
      [9, 12],
    ]);
  });

  it('has none where it is not', () => {
    expect(numbered({ oldStart: 0, newStart: 0, lines }).every((at) => at.old === null && at.new === null)).toBe(true);
  });
});

it('says where another day begins, and not where the first one does', () => {
  const rows = rowsOf(
    [
      item('1', { at: '2026-11-24T12:00:00' }),
      item('2'),
      item('3', { at: '2026-11-24T13:00:00' }),
      item('4', { at: '2026-11-26T12:00:00' }),
    ],
    null,
  );
  expect(rows.map((row) => row.kind)).toEqual(['item', 'item', 'item', 'day', 'item']);
});

import { describe, expect, it } from 'vitest';
import type { AgentEvent, Logged, Question, Run, Task, TaskCounts } from '../../api/types';
import { signOf } from '../../components/ui/signed-lines';
import { fileName } from '../../lib/save-file';
import { lap, took } from '../../lib/time';
import { fold, KEPT, LONGEST, NOTHING_HEARD, openQuestion } from './heard';
import { laneWidth } from './lanes';
import { membersOf } from './members';
import { before, landing, moved } from './order';
import { counted, hasBegun, shareOf, stateOf, stateOfRun } from './states';
import { firstLine, nameOf } from './titles';

const at = '2026-11-21T10:00:00.000Z';
let seq = 0;

type Told = Logged extends infer L ? (L extends Logged ? Omit<L, 'seq' | 'run' | 'at'> : never) : never;
const logged = (event: Told): Logged => ({ ...event, seq: ++seq, run: 'r', at }) as Logged;
const item = (task: string, item: AgentEvent): Logged => logged({ event: 'item', task, item });
const said = (task: string, text: string, more = false) => item(task, { kind: 'said', text, more });

const QUESTION: Question = {
  id: 'q',
  tool: 'Bash',
  what: 'touch x',
  cwd: '/p',
  files: [],
  why: null,
  diff: null,
  forSession: true,
};

describe('events become lanes', () => {
  it('words that go on are joined, others stand for themselves', () => {
    const { lanes } = fold(NOTHING_HEARD, [
      said('a', 'Hel'),
      said('a', 'lo', true),
      said('b', 'Other'),
      said('a', '!', true),
      said('a', 'Next'),
    ]);
    expect(lanes.get('a')?.entries).toMatchObject([{ text: 'Hello!' }, { text: 'Next' }]);
    expect(lanes.get('b')?.entries).toMatchObject([{ text: 'Other' }]);
  });

  it('words after a call are no part of those before it', () => {
    const { lanes } = fold(NOTHING_HEARD, [
      said('a', 'One'),
      item('a', { kind: 'tool', call: 'c', title: 'ls', status: 'running' }),
      said('a', 'two', true),
    ]);
    expect(lanes.get('a')?.entries.map((entry) => entry.kind)).toEqual(['said', 'tool', 'said']);
  });

  it('a call is one line that changes, and keeps its title', () => {
    const { lanes } = fold(NOTHING_HEARD, [
      item('a', { kind: 'tool', call: 'c', title: 'ls -la', status: 'running' }),
      item('a', { kind: 'tool', call: 'd', title: 'pwd', status: 'running' }),
      item('a', { kind: 'tool', call: 'c', title: '', status: 'failed' }),
    ]);
    expect(lanes.get('a')?.entries).toMatchObject([
      { title: 'ls -la', status: 'failed' },
      { title: 'pwd', status: 'running' },
    ]);
  });

  it('is the same in pieces as in one go, and hears nothing twice', () => {
    const all = [
      logged({ event: 'started', task: 'a', attempt: 1 }),
      said('a', 'x'),
      said('a', 'y', true),
      logged({ event: 'needsApproval', task: 'a', number: 7, question: QUESTION }),
      logged({ event: 'answered', task: 'a', number: 7, decision: { say: 'allow' }, by: 'the board' }),
      logged({ event: 'completed', task: 'a', answer: 'xy' }),
    ];
    const whole = fold(NOTHING_HEARD, all);
    let pieces = NOTHING_HEARD;
    for (let n = 0; n < all.length; n++) pieces = fold(pieces, all.slice(Math.max(0, n - 1), n + 1));
    expect(pieces).toEqual(whole);
    expect(whole.last).toBe(seq);
  });

  it('a question is open until it is answered', () => {
    const asked = fold(NOTHING_HEARD, [logged({ event: 'needsApproval', task: 'a', number: 7, question: QUESTION })]);
    const lane = asked.lanes.get('a');
    expect(lane && openQuestion(lane)?.number).toBe(7);
    const answered = fold(asked, [logged({ event: 'answered', task: 'a', number: 7 })]).lanes.get('a');
    expect(answered && openQuestion(answered)).toBeUndefined();
    expect(answered?.entries).toMatchObject([{ answer: {} }]);
  });

  it('a limit is waited for until the next attempt begins', () => {
    const waits = fold(NOTHING_HEARD, [logged({ event: 'waits', task: 'a', why: 'usage limit', until: at })]);
    expect(waits.lanes.get('a')?.waits).toEqual({ why: 'usage limit', until: at });
    const again = fold(waits, [logged({ event: 'started', task: 'a', attempt: 2 })]).lanes.get('a');
    expect(again?.waits).toBeNull();
    expect(again?.entries).toMatchObject([{ text: 'usage limit' }, { text: 'Tried again, for the second time' }]);
  });

  it('lanes in which nothing happened stay the same objects', () => {
    const first = fold(NOTHING_HEARD, [said('a', 'x'), said('b', 'x')]);
    const second = fold(first, [said('b', 'y')]);
    expect(second.lanes.get('a')).toBe(first.lanes.get('a'));
    expect(second.lanes.get('b')).not.toBe(first.lanes.get('b'));
    expect(fold(second, [])).toBe(second);
  });

  it('keeps the end of what is endless', () => {
    const many = Array.from({ length: KEPT + 30 }, (_, n) => said('a', `line ${n}`));
    const lane = fold(fold(NOTHING_HEARD, many), [said('a', 'w'.repeat(LONGEST * 2))]).lanes.get('a');
    expect(lane?.entries.length).toBe(KEPT);
    expect(lane?.dropped).toBe(31);
    expect(lane?.entries.at(-1)).toMatchObject({ text: 'w'.repeat(LONGEST) });
  });

  it('what concerns the whole run is no lane', () => {
    const { lanes, notes } = fold(NOTHING_HEARD, [logged({ event: 'note', text: 'a line' })]);
    expect(lanes.size).toBe(0);
    expect(notes).toMatchObject([{ text: 'a line' }]);
  });
});

describe('reordering', () => {
  const list = ['a', 'b', 'c', 'd'].map((id) => ({ id }));
  const ids = (from: number, to: number) => moved(list, from, to).map(({ id }) => id);

  it.each([
    [0, 3, 'bcda', null],
    [3, 0, 'dabc', 'a'],
    [1, 2, 'acbd', 'd'],
    [2, 1, 'acbd', 'b'],
    [1, 1, 'abcd', 'c'],
    [0, 99, 'bcda', null],
    [3, -5, 'dabc', 'a'],
  ])('from %i to %i', (from, to, order, next) => {
    expect(ids(from, to).join('')).toBe(order);
    expect(before(list, from, to)).toBe(next);
  });

  it('something lands after those whose middle is above it', () => {
    const middles = [10, 30, 50, 70];
    expect(landing(middles, 0, 5)).toBe(0);
    expect(landing(middles, 0, 35)).toBe(1);
    expect(landing(middles, 3, 35)).toBe(2);
    expect(landing(middles, 1, 99)).toBe(3);
  });
});

const COUNTS: TaskCounts = { pending: 0, running: 0, completed: 0, failed: 0, interrupted: 0, cancelled: 0 };
const OPTIONS = {
  timeoutSeconds: 7_200,
  approvalSeconds: 1_800,
  retries: 0,
  waitsForLimit: true,
  limitSeconds: 300,
  halfDone: 'interrupt',
  isPlain: false,
  arguments: [],
};
const run = (more: Partial<Run>): Run =>
  ({
    id: 'r',
    number: 1,
    list: 'l',
    isQueue: false,
    name: 'n',
    options: OPTIONS,
    maxConcurrency: 3,
    place: 'own',
    wish: 'run',
    counts: COUNTS,
    createdAt: at,
    ...more,
  }) as Run;
const task = (more: Partial<Task>): Task =>
  ({
    id: 't',
    list: 'l',
    number: 1,
    position: 1,
    prompt: '\n  Do it\nwell',
    images: [],
    status: 'pending',
    isManual: false,
    source: 'codex',
    isNew: false,
    attempt: 0,
    goesOn: false,
    itemsBefore: 0,
    heard: 0,
    usage: { inputTokens: 0, cachedInputTokens: 0, cacheWriteTokens: 0, outputTokens: 0, reasoningTokens: 0 },
    addedAt: at,
    ...more,
  }) as Task;

describe('states', () => {
  it.each([
    [{}, 'running'],
    [{ wish: 'pause' }, 'paused'],
    [{ wish: 'stop' }, 'stopping'],
    [{ endedAt: at, counts: { ...COUNTS, completed: 3 } }, 'completed'],
    [{ endedAt: at, counts: { ...COUNTS, completed: 3, failed: 1 } }, 'failed'],
    [{ endedAt: at, counts: { ...COUNTS, completed: 3, interrupted: 1 } }, 'interrupted'],
    [{ endedAt: at, counts: { ...COUNTS, cancelled: 2 } }, 'cancelled'],
  ] as [Partial<Run>, string][])('of a run %#', (more, state) => {
    expect(stateOfRun(run(more))).toBe(state);
  });

  it.each([
    [{}, false, 'pending'],
    [{ isManual: true }, false, 'manual'],
    [{ notBefore: at }, false, 'limited'],
    [{ status: 'running' }, false, 'running'],
    [{ status: 'running' }, true, 'asks'],
    [{ status: 'completed' }, true, 'completed'],
  ] as [Partial<Task>, boolean, string][])('of a prompt %#', (more, asks, state) => {
    expect(stateOf(task(more), asks)).toBe(state);
  });

  it('a prompt that failed before an agent could begin is seen, one that was taken back is not', () => {
    expect(
      [{}, { status: 'failed' }, { status: 'cancelled' }].map((more) => hasBegun(task(more as Partial<Task>))),
    ).toEqual([false, true, false]);
  });

  it('counts are words and a share', () => {
    const counts = { ...COUNTS, running: 2, pending: 1, completed: 4, failed: 1 };
    expect(counted(counts)).toBe('2 working, 1 waiting, 4 done, 1 failed');
    expect(counted(COUNTS)).toBe('nothing yet');
    expect(shareOf(counts)).toBe(5 / 8);
    expect(shareOf(COUNTS)).toBe(0);
  });
});

describe('words and sizes', () => {
  it('a queue’s lane is called after its prompt, a group’s after its session', () => {
    expect(nameOf(task({}), true, [])).toBe('Do it');
    expect(nameOf(task({}), false, [])).toBe('New session of Codex');
    expect(firstLine('')).toBe('');
  });

  it('sessions become members by the agent that their ids name', () => {
    expect(membersOf(['codex:1', 'nobody:2', 'claude:a:b'])).toEqual([
      { source: 'codex', session: 'codex:1' },
      { source: 'claude', session: 'claude:a:b' },
    ]);
  });

  it('lanes fill the row where they fit, and let the next one show where not', () => {
    expect(laneWidth(1_000, 1)).toBe(1_000);
    expect(laneWidth(1_000, 2)).toBe(494);
    expect(laneWidth(1_000, 50) * 2).toBeLessThan(1_000);
    expect(laneWidth(358, 3)).toBeLessThan(358);
    expect(laneWidth(0, 3)).toBeGreaterThanOrEqual(0);
  });

  it.each([
    ['+a', 'added'],
    ['-a', 'removed'],
    ['+++ b/x', 'place'],
    ['--- a/x', 'place'],
    ['@@ -1 +1 @@', 'place'],
    [' a', 'plain'],
    ['', 'plain'],
  ])('a line of a change %j', (line, sign) => {
    expect(signOf(line)).toBe(sign);
  });

  it('time that counts keeps its figures in place', () => {
    expect([59_000, 119_700, 3_599_900, 7_199_000].map(took)).toEqual([
      '59.0 s',
      '2 min 0 s',
      '1 h 0 min',
      '2 h 0 min',
    ]);
    expect([-5, 7_900, 760_000, 3_723_000].map(lap)).toEqual(['0:00', '0:07', '12:40', '1:02:03']);
  });

  it('a name becomes one that file systems take', () => {
    expect(fileName('Tidy: the/report?')).toBe('Tidy-the-report');
    expect(fileName('../..')).toBe('export');
    expect(fileName('Größe 2')).toBe('Größe-2');
  });
});

// What was heard of a run: its events, folded into one lane for each prompt. Thousands of events come in a run of many
// sessions; of each lane the end is kept, which is all that anybody watches.

import type { AgentEvent, CallStatus, Decision, Logged, Question } from '../../api/types';

/** A lane keeps so many entries; the session itself holds all. */
export const KEPT = 150;
/** Of what is said in one go, so many characters. */
export const LONGEST = 20_000;

/** One thing that happened in a lane. `key` names it while it changes. */
export type Entry = { key: number; at: string } & (
  | { kind: 'said'; text: string }
  | { kind: 'tool'; call: string; title: string; status: CallStatus }
  | { kind: 'asked'; number: number; question: Question; answer: { decision?: Decision; by?: string } | null }
  | { kind: 'note'; text: string; tone: 'plain' | 'warn' | 'bad' }
);

/** What one prompt's agent did. */
export interface Lane {
  entries: readonly Entry[];
  /** So many are no longer kept. */
  dropped: number;
  tokens: number;
  /** When it is tried again, while it waits for that. */
  waits: { until: string; why: string } | null;
  /** When this attempt began. */
  startedAt: string | null;
}

export interface Heard {
  /** The `seq` of the last event. */
  last: number;
  lanes: ReadonlyMap<string, Lane>;
  /** What was said about the whole run. */
  notes: readonly { key: number; at: string; text: string }[];
}

export const NOTHING_HEARD: Heard = { last: 0, lanes: new Map(), notes: [] };
export const EMPTY_LANE: Lane = { entries: [], dropped: 0, tokens: 0, waits: null, startedAt: null };

/** What was heard before and what came since. Lanes in which nothing happened stay the same objects. */
export function fold(heard: Heard, events: readonly Logged[]): Heard {
  if (events.length === 0) return heard;
  const drafts = new Map<string, Draft>();
  const notes = [...heard.notes];
  let last = heard.last;
  for (const event of events) {
    // An answer may overlap with the one before.
    if (event.seq <= last) continue;
    last = event.seq;
    if (event.task === undefined) {
      if (event.event === 'note') notes.push({ key: event.seq, at: event.at, text: event.text });
      continue;
    }
    let draft = drafts.get(event.task);
    if (!draft) {
      const before = heard.lanes.get(event.task) ?? EMPTY_LANE;
      draft = { ...before, entries: [...before.entries] };
      drafts.set(event.task, draft);
    }
    tell(draft, event);
  }
  const lanes = new Map(heard.lanes);
  for (const [task, draft] of drafts) {
    const extra = Math.max(0, draft.entries.length - KEPT);
    lanes.set(task, { ...draft, entries: draft.entries.slice(extra), dropped: draft.dropped + extra });
  }
  return { last, lanes, notes: notes.slice(-KEPT) };
}

type Draft = Omit<Lane, 'entries'> & { entries: Entry[] };

function tell(lane: Draft, event: Logged): void {
  const { seq: key, at } = event;
  const note = (text: string, tone: 'plain' | 'warn' | 'bad' = 'plain') =>
    lane.entries.push({ key, at, kind: 'note', text, tone });
  switch (event.event) {
    case 'started':
      lane.startedAt = at;
      lane.waits = null;
      if (event.attempt > 1) note(`Tried again, for the ${ordinal(event.attempt)} time`);
      return;
    case 'adopted':
      note('Found again after Marline was gone');
      return;
    case 'item':
      hear(lane, key, at, event.item);
      return;
    case 'needsApproval':
      lane.entries.push({ key, at, kind: 'asked', number: event.number, question: event.question, answer: null });
      return;
    case 'answered':
      lane.entries = lane.entries.map((entry) =>
        entry.kind === 'asked' && entry.number === event.number
          ? {
              ...entry,
              answer: {
                ...(event.decision ? { decision: event.decision } : {}),
                ...(event.by !== undefined ? { by: event.by } : {}),
              },
            }
          : entry,
      );
      return;
    case 'waits':
      lane.waits = { until: event.until, why: event.why };
      note(event.why, 'warn');
      return;
    case 'note':
      note(event.text);
      return;
    case 'completed':
      lane.waits = null;
      return;
    case 'failed':
    case 'interrupted':
      lane.waits = null;
      note(event.why, 'bad');
      return;
    case 'cancelled':
      lane.waits = null;
      note('Taken back');
      return;
    case 'progress':
    case 'wished':
    case 'ended':
      return;
    default:
      event satisfies never;
  }
}

function hear(lane: Draft, key: number, at: string, item: AgentEvent): void {
  switch (item.kind) {
    case 'said': {
      const before = lane.entries.at(-1);
      if (item.more && before?.kind === 'said') {
        lane.entries[lane.entries.length - 1] = { ...before, text: (before.text + item.text).slice(-LONGEST) };
      } else if (item.text !== '') {
        lane.entries.push({ key, at, kind: 'said', text: item.text.slice(-LONGEST) });
      }
      return;
    }
    case 'tool': {
      const known = lane.entries.findLastIndex((entry) => entry.kind === 'tool' && entry.call === item.call);
      const before = lane.entries[known];
      if (before?.kind === 'tool') {
        lane.entries[known] = { ...before, title: item.title || before.title, status: item.status };
      } else {
        lane.entries.push({ key, at, kind: 'tool', call: item.call, title: item.title, status: item.status });
      }
      return;
    }
    case 'tokens': {
      const { inputTokens, cachedInputTokens, cacheWriteTokens, outputTokens } = item.usage;
      lane.tokens = inputTokens + cachedInputTokens + cacheWriteTokens + outputTokens;
      return;
    }
    case 'note':
      lane.entries.push({ key, at, kind: 'note', text: item.text, tone: 'plain' });
      return;
    // The run tells of these in its own words.
    case 'session':
    case 'began':
    case 'asks':
    case 'answered':
    case 'ended':
      return;
    default:
      item satisfies never;
  }
}

function ordinal(count: number): string {
  const word = ['first', 'second', 'third', 'fourth', 'fifth'][count - 1];
  return word ?? `${count}th`;
}

/** The question of a lane that waits for an answer. */
export function openQuestion(lane: Lane): Extract<Entry, { kind: 'asked' }> | undefined {
  return lane.entries.findLast(
    (entry): entry is Extract<Entry, { kind: 'asked' }> => entry.kind === 'asked' && entry.answer === null,
  );
}

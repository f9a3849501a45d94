import type { Item } from '../../api/types';
import { dateOf } from '../../lib/time';

/** A line of a transcript as shown. */
export type Row =
  | { kind: 'item'; key: string; item: Item; queued?: string | undefined }
  /** Tool calls and thoughts between two things that were said, told in one line. */
  | { kind: 'run'; key: string; items: Item[] }
  /** Another day begins. */
  | { kind: 'day'; key: string; at: string }
  /** Here the session leaves what it inherited. */
  | { kind: 'fork'; key: string; origin: string | null };

/** Shorter runs are shown as they are. */
const WORTH_FOLDING = { work: 4, context: 2 } as const;

/** What can be told in one line with its neighbours: what was done, and what the agent put in. */
function foldOf(item: Item): keyof typeof WORTH_FOLDING | null {
  // What starts a child or holds a picture is worth a line of its own.
  if (item.childId || item.images || item.tool?.action.type === 'todo') return null;
  if (item.kind === 'tool' || item.kind === 'reasoning' || item.kind === 'file_change') return 'work';
  return item.kind === 'context' ? 'context' : null;
}

/**
 * The lines of a transcript; `origin` is the session that it was forked from. `isWhole`: also what is told twice has its
 * line, for whoever looks at records.
 */
export function rowsOf(items: Item[], origin: string | null, isWhole = false): Row[] {
  const rows: Row[] = [];
  const queued = isWhole ? new Map<string, string>() : queuedIn(items);
  const twice = new Set(queued.values());
  let run: Item[] = [];
  let fold: keyof typeof WORTH_FOLDING | null = null;
  const flush = () => {
    const [first] = run;
    if (first && fold && run.length >= WORTH_FOLDING[fold])
      rows.push({ kind: 'run', key: `run ${first.key}`, items: run });
    else for (const item of run) rows.push({ kind: 'item', key: item.key, item });
    run = [];
  };
  let wasInherited = false;
  let day = '';
  for (const item of items) {
    if (twice.has(item.key)) continue;
    const its = item.at === null ? day : dateOf(item.at);
    // The first one of all is said at the head.
    if (item.at !== null && its !== day && day !== '') {
      flush();
      rows.push({ kind: 'day', key: `day ${its} ${item.key}`, at: item.at });
    }
    day = its;
    const isInherited = item.inherited === true;
    if (wasInherited && !isInherited) {
      flush();
      rows.push({ kind: 'fork', key: `fork ${item.key}`, origin });
    }
    wasInherited = isInherited;
    const next = foldOf(item);
    if (next === null || next !== fold) flush();
    fold = next;
    if (next === null) rows.push({ kind: 'item', key: item.key, item, queued: queued.get(item.key) });
    else run.push(item);
  }
  flush();
  return rows;
}

/** For a prompt that had waited in the agent's queue, the item that tells of that: both say the same. */
function queuedIn(items: Item[]): Map<string, string> {
  const queued = new Map<string, string>();
  const said = new Map<string, string[]>();
  for (const item of items.toReversed()) {
    const words = item.text.trim();
    if (item.kind === 'prompt') said.set(words, [...(said.get(words) ?? []), item.key]);
    const prompt = item.kind === 'context' ? said.get(words)?.pop() : undefined;
    if (prompt !== undefined) queued.set(prompt, item.key);
  }
  return queued;
}

/** The row that shows an item. */
export function rowAt(rows: Row[], key: string): number {
  return rows.findIndex((row) => shows(row, key));
}

/** Whether a row shows an item. */
export function shows(row: Row, key: string): boolean {
  if (row.kind === 'run') return row.items.some((item) => item.key === key);
  return row.kind === 'item' && (row.key === key || row.queued === key);
}

/** What a run came to, in words. */
export function sumUp(items: Item[]): string {
  const tools = items.filter((item) => item.tool);
  if (items.every((item) => item.kind === 'context')) return `${items.length} pieces of context`;
  const count = (what: (item: Item) => boolean) => items.filter(what).length;
  const edits = new Set(
    items.flatMap((item) => (item.tool?.action.type === 'edit' ? item.tool.action.files.map((file) => file.path) : [])),
  );
  const commands = count((item) => item.tool?.action.type === 'command');
  const parts = [
    `${tools.length} tool call${tools.length === 1 ? '' : 's'}`,
    commands > 0 ? `${commands} command${commands === 1 ? '' : 's'}` : '',
    edits.size > 0 ? `${edits.size} file${edits.size === 1 ? '' : 's'} changed` : '',
  ];
  return parts.filter((part) => part !== '').join(' · ');
}

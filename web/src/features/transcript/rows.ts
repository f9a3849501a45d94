import type { Item } from '../../api/types';

/** A line of a transcript as shown. */
export type Row =
  | { kind: 'item'; key: string; item: Item }
  /** Tool calls and thoughts between two things that were said, told in one line. */
  | { kind: 'run'; key: string; items: Item[] }
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

/** The lines of a transcript; `origin` is the session that it was forked from. */
export function rowsOf(items: Item[], origin: string | null): Row[] {
  const rows: Row[] = [];
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
  for (const item of items) {
    const isInherited = item.inherited === true;
    if (wasInherited && !isInherited) {
      flush();
      rows.push({ kind: 'fork', key: `fork ${item.key}`, origin });
    }
    wasInherited = isInherited;
    const next = foldOf(item);
    if (next === null || next !== fold) flush();
    fold = next;
    if (next === null) rows.push({ kind: 'item', key: item.key, item });
    else run.push(item);
  }
  flush();
  return rows;
}

/** The row that shows an item. */
export function rowAt(rows: Row[], key: string): number {
  return rows.findIndex((row) =>
    row.kind === 'run' ? row.items.some((item) => item.key === key) : row.kind === 'item' && row.key === key,
  );
}

/** What a run came to, in words. */
export function sumUp(items: Item[]): string {
  const tools = items.filter((item) => item.tool);
  if (items.every((item) => item.kind === 'context')) return `${items.length} texts put in by the agent`;
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

import type { Item } from '../../api/types';

/** A line of a transcript as shown. */
export type Row =
  | { kind: 'item'; key: string; item: Item }
  /** Tool calls and thoughts between two things that were said, told in one line. */
  | { kind: 'run'; key: string; items: Item[] }
  /** Here the session leaves what it inherited. */
  | { kind: 'fork'; key: string; origin: string | null };

/** Shorter runs are shown as they are. */
const WORTH_FOLDING = 4;

const isWork = (item: Item) => item.kind === 'tool' || item.kind === 'reasoning' || item.kind === 'file_change';

/** The lines of a transcript; `origin` is the session that it was forked from. */
export function rowsOf(items: Item[], origin: string | null): Row[] {
  const rows: Row[] = [];
  let run: Item[] = [];
  const flush = () => {
    const [first] = run;
    if (first && run.length >= WORTH_FOLDING) rows.push({ kind: 'run', key: `run ${first.key}`, items: run });
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
    // What starts a child or holds a picture is worth a line of its own.
    if (isWork(item) && !item.childId && !item.images && item.tool?.action.type !== 'todo') {
      run.push(item);
    } else {
      flush();
      rows.push({ kind: 'item', key: item.key, item });
    }
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

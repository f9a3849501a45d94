import type { Item, ItemPage } from '../../api/types';

/** A part of a transcript without gaps. */
export interface Part {
  items: Item[];
  /** There is more before it: the key to ask with. */
  previous: string | null;
  /** There is more behind it. */
  next: string | null;
  warnings: string[];
}

/** Calls that still run are looked at again, this far back. */
const RECENT = 60;

export function partOf(page: ItemPage): Part {
  return { items: page.items, previous: page.previousCursor, next: page.nextCursor, warnings: page.warnings };
}

export function before(part: Part, page: ItemPage): Part {
  return { ...part, items: [...page.items, ...part.items], previous: page.previousCursor };
}

export function after(part: Part, page: ItemPage): Part {
  const known = new Map(part.items.map((item, n) => [item.key, n]));
  const items = [...part.items];
  for (const item of page.items) {
    const at = known.get(item.key);
    if (at === undefined) items.push(item);
    else items[at] = item;
  }
  return { ...part, items, next: page.nextCursor };
}

/** The key behind which something may be new: the last item, or the last one before a call that still runs. */
export function growsAfter(part: Part): string | null {
  const from = Math.max(0, part.items.length - RECENT);
  const running = part.items.findIndex((item, n) => n >= from && item.tool?.status === 'pending');
  const at = running < 0 ? part.items.length - 1 : running - 1;
  return part.items[at]?.key ?? null;
}

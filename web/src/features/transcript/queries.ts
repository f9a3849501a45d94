import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { address, get, getText, ofSession } from '../../api/client';
import type { Item, ItemPage, Outline, SearchAnswer, SessionDetail, TouchedFiles } from '../../api/types';

export const transcript = {
  detail: (id: string) =>
    queryOptions({
      queryKey: ['session', id, 'detail'] as const,
      queryFn: ({ signal }) => get<SessionDetail>(ofSession(id), signal),
    }),
  outline: (id: string, items: number) =>
    queryOptions({
      queryKey: ['session', id, 'outline', items] as const,
      queryFn: ({ signal }) => get<Outline>(ofSession(id, '/outline'), signal),
      placeholderData: keepPreviousData,
    }),
  files: (id: string) =>
    queryOptions({
      queryKey: ['session', id, 'files'] as const,
      queryFn: ({ signal }) => get<TouchedFiles>(ofSession(id, '/files'), signal),
    }),
  find: (id: string, q: string) =>
    queryOptions({
      queryKey: ['session', id, 'find', q] as const,
      queryFn: ({ signal }) =>
        get<SearchAnswer>(address('/api/v1/search', { q, session: id, order: 'place', limit: 200 }), signal),
    }),
  raw: (id: string, key: string) =>
    queryOptions({
      queryKey: ['session', id, 'raw', key] as const,
      queryFn: ({ signal }) => getText(ofSession(id, `/items/${key}/raw`), signal),
      gcTime: 0,
    }),
};

/** Which page of a transcript. */
export type PageOf = { after: string } | { before: string } | { around: string } | { at: 'start' | 'end' };

/** A page of a transcript. */
export function readPage(id: string, page: PageOf, limit: number, signal?: AbortSignal): Promise<ItemPage> {
  return get<ItemPage>(address(ofSession(id, '/items'), { ...page, limit }), signal);
}

const COPIED_PAGE = 500;
const MOST_COPIED = 10_000;

/** A whole transcript, or as much of it as a clipboard takes. */
export async function readAll(id: string): Promise<{ items: Item[]; isAll: boolean }> {
  const items: Item[] = [];
  let page: PageOf = { at: 'start' };
  while (items.length < MOST_COPIED) {
    const read = await readPage(id, page, COPIED_PAGE);
    items.push(...read.items);
    if (read.nextCursor === null) return { items, isAll: true };
    page = { after: read.nextCursor };
  }
  return { items, isAll: false };
}

/** One item with its whole texts. */
export function readItem(id: string, key: string): Promise<Item> {
  return get<Item>(ofSession(id, `/items/${key}`));
}

/** Where a picture of an item is. */
export function imageAddress(id: string, key: string, number: number): string {
  return ofSession(id, `/items/${key}/images/${number}`);
}

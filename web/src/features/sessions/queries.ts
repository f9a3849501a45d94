import {
  type InfiniteData,
  infiniteQueryOptions,
  keepPreviousData,
  type QueryClient,
  queryOptions,
} from '@tanstack/react-query';
import { address, get } from '../../api/client';
import type { ProjectPage, Session, SessionPage } from '../../api/types';

/** Which sessions are listed: as in the page's address. */
export interface ListFilter {
  q?: string | undefined;
  source?: string[] | undefined;
  project?: string[] | undefined;
  branch?: string[] | undefined;
  model?: string[] | undefined;
  file?: string[] | undefined;
  since?: string | undefined;
  until?: string | undefined;
  archived?: boolean | undefined;
  all?: boolean | undefined;
  reviews?: boolean | undefined;
  sort?: 'updated' | 'started' | 'cost' | 'size' | undefined;
}

const PAGE = 100;
/** Longer lists are not read again as a whole. */
const SHORT = 2;

const readPage = (filter: ListFilter, cursor: string, signal?: AbortSignal) =>
  get<SessionPage>(address('/api/v1/sessions', { ...filter, limit: PAGE, cursor }), signal);

export const sessions = {
  all: ['sessions'] as const,
  list: (filter: ListFilter) =>
    infiniteQueryOptions({
      queryKey: [...sessions.all, 'list', filter],
      queryFn: ({ pageParam, signal }) => readPage(filter, pageParam, signal),
      initialPageParam: '',
      getNextPageParam: (page) => page.nextCursor,
      // Events keep it true; two hundred pages are not asked for again because a minute went by.
      staleTime: Number.POSITIVE_INFINITY,
      placeholderData: keepPreviousData,
    }),
  projects: (filter: ListFilter) =>
    queryOptions({
      queryKey: [...sessions.all, 'projects', filter],
      queryFn: ({ signal }) => get<ProjectPage>(address('/api/v1/projects', { ...filter, per: 5, limit: 200 }), signal),
      placeholderData: keepPreviousData,
    }),
};

type List = InfiniteData<SessionPage, string>;

/** Puts a session as it is now wherever it is listed. */
export function patchSession(cache: QueryClient, session: Session): void {
  const swap = (list: Session[]): Session[] =>
    list.some((known) => known.id === session.id)
      ? list.map((known) => (known.id === session.id ? session : known))
      : list;
  cache.setQueriesData<List>(
    { queryKey: [...sessions.all, 'list'] },
    (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, sessions: swap(page.sessions) })) },
  );
  cache.setQueriesData<ProjectPage>(
    { queryKey: [...sessions.all, 'projects'] },
    (data) =>
      data && { ...data, projects: data.projects.map((group) => ({ ...group, sessions: swap(group.sessions) })) },
  );
}

/** A list with its first page as it is now: what came or moved up stands there once, and all others stay. */
export function withHead(list: List, head: SessionPage): List {
  const moved = new Set(head.sessions.map((session) => session.id));
  const pages = list.pages.map((page) => ({
    ...page,
    total: head.total,
    sessions: page.sessions.filter((session) => !moved.has(session.id)),
  }));
  const [first, ...others] = pages;
  if (!first) return list;
  return { ...list, pages: [{ ...first, sessions: [...head.sessions, ...first.sessions] }, ...others] };
}

/** Brings lists up to date: short ones are read again, of long ones the beginning. */
export async function refreshSessions(cache: QueryClient): Promise<void> {
  const isLong = (data: unknown) =>
    typeof data === 'object' && data !== null && 'pages' in data && Array.isArray(data.pages)
      ? data.pages.length > SHORT
      : false;
  void cache.invalidateQueries({ queryKey: sessions.all, predicate: (query) => !isLong(query.state.data) });
  const long = cache.getQueryCache().findAll({ queryKey: [...sessions.all, 'list'] });
  for (const query of long.filter((query) => isLong(query.state.data))) {
    const filter = query.queryKey.at(-1) as ListFilter;
    const head = await readPage(filter, '').catch(() => null);
    if (head) cache.setQueryData<List>(query.queryKey, (list) => list && withHead(list, head));
  }
}

/** The sessions of all lists that were read. */
export function listed(cache: QueryClient): Session[] {
  const lists = cache.getQueriesData<List>({ queryKey: [...sessions.all, 'list'] });
  return lists.flatMap(([, list]) => list?.pages.flatMap((page) => page.sessions) ?? []);
}

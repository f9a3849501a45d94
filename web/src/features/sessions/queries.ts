import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from '@tanstack/react-query';
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
  sort?: 'updated' | 'started' | 'cost' | 'size' | undefined;
}

const PAGE = 100;

export const sessions = {
  all: ['sessions'] as const,
  list: (filter: ListFilter) =>
    infiniteQueryOptions({
      queryKey: [...sessions.all, 'list', filter],
      queryFn: ({ pageParam, signal }) =>
        get<SessionPage>(address('/api/v1/sessions', { ...filter, limit: PAGE, cursor: pageParam }), signal),
      initialPageParam: '',
      getNextPageParam: (page) => page.nextCursor,
      placeholderData: keepPreviousData,
    }),
  projects: (filter: ListFilter) =>
    queryOptions({
      queryKey: [...sessions.all, 'projects', filter],
      queryFn: ({ signal }) => get<ProjectPage>(address('/api/v1/projects', { ...filter, per: 5, limit: 200 }), signal),
      placeholderData: keepPreviousData,
    }),
};

/** Puts a session as it is now wherever it is listed. Says whether it was listed anywhere. */
export function patchSession(cache: QueryClient, session: Session): boolean {
  let isListed = false;
  const swap = (list: Session[]): Session[] => {
    if (!list.some((known) => known.id === session.id)) return list;
    isListed = true;
    return list.map((known) => (known.id === session.id ? session : known));
  };
  cache.setQueriesData<{ pages: SessionPage[]; pageParams: unknown[] }>(
    { queryKey: [...sessions.all, 'list'] },
    (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, sessions: swap(page.sessions) })) },
  );
  cache.setQueriesData<ProjectPage>(
    { queryKey: [...sessions.all, 'projects'] },
    (data) =>
      data && { ...data, projects: data.projects.map((group) => ({ ...group, sessions: swap(group.sessions) })) },
  );
  return isListed;
}

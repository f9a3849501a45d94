import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { address, get } from '../../api/client';
import type {
  ApprovalsAnswer,
  GroupAnswer,
  GroupLine,
  Logged,
  QueueAnswer,
  QueueLine,
  RunAnswer,
} from '../../api/types';
import { fold, type Heard, NOTHING_HEARD } from './heard';

/** So many events come in one answer. */
const EVENTS = 1_000;

export const ofGroup = (id: string, rest = '') => `/api/v1/groups/${encodeURIComponent(id)}${rest}`;
export const ofQueue = (id: string, rest = '') => `/api/v1/queues/${encodeURIComponent(id)}${rest}`;
export const ofPrompt = (queue: string, id: string, rest = '') =>
  ofQueue(queue, `/prompts/${encodeURIComponent(id)}${rest}`);
export const ofRun = (id: string, rest = '') => `/api/v1/runs/${encodeURIComponent(id)}${rest}`;

/** What was heard of a run, and what came since: events are read once. */
async function hear(cache: QueryClient, key: readonly unknown[], id: string): Promise<Heard> {
  let heard = cache.getQueryData<Heard>(key) ?? NOTHING_HEARD;
  for (;;) {
    const { events } = await get<{ events: Logged[] }>(address(ofRun(id, '/events'), { after: heard.last }));
    heard = fold(heard, events);
    if (events.length < EVENTS) return heard;
  }
}

/** Groups, queues and their runs. A live event says that something of it changed; see `app/follow.ts`. */
export const work = {
  all: ['work'] as const,
  groups: queryOptions({
    queryKey: ['work', 'groups'] as const,
    queryFn: ({ signal }) => get<{ groups: GroupLine[] }>('/api/v1/groups', signal),
  }),
  group: (id: string) =>
    queryOptions({
      queryKey: ['work', 'group', id] as const,
      queryFn: ({ signal }) => get<GroupAnswer>(ofGroup(id), signal),
    }),
  queues: queryOptions({
    queryKey: ['work', 'queues'] as const,
    queryFn: ({ signal }) => get<{ queues: QueueLine[] }>('/api/v1/queues', signal),
  }),
  queue: (id: string) =>
    queryOptions({
      queryKey: ['work', 'queue', id] as const,
      queryFn: ({ signal }) => get<QueueAnswer>(ofQueue(id), signal),
    }),
  run: (id: string) =>
    queryOptions({
      queryKey: ['work', 'run', id] as const,
      queryFn: ({ signal }) => get<RunAnswer>(ofRun(id), signal),
    }),
  events: (id: string) =>
    queryOptions({
      queryKey: ['work', 'events', id] as const,
      queryFn: ({ client, queryKey }) => hear(client, queryKey, id),
      // What was heard before is the same object: only lanes that changed are drawn again.
      structuralSharing: false,
    }),
  /** What waits for an answer alone: the whole page needs the rest, too. */
  open: queryOptions({
    queryKey: ['work', 'open'] as const,
    queryFn: ({ signal }) => get<ApprovalsAnswer>('/api/v1/approvals?open=true', signal),
  }),
  approvals: queryOptions({
    queryKey: ['work', 'approvals'] as const,
    queryFn: ({ signal }) => get<ApprovalsAnswer>('/api/v1/approvals', signal),
  }),
};

/** Asks again for all that is shown of groups and queues. */
export function renewWork(cache: QueryClient): Promise<void> {
  return cache.invalidateQueries({ queryKey: work.all });
}

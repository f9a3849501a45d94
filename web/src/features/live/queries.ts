import { type QueryClient, queryOptions, useQuery } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { LiveAnswer, LiveEntry, LiveSession } from '../../api/types';
import type { State } from '../../components/ui/state-mark';

/** What runs. A live event says that it is another; see `app/follow.ts`. */
export const live = {
  now: queryOptions({
    queryKey: ['live'] as const,
    queryFn: ({ signal }) => get<LiveAnswer>('/api/v1/live', signal),
  }),
};

export const ofLive = (id: string) => `/api/v1/live/${encodeURIComponent(id)}`;

/** Asks again for what runs. */
export function renewLive(cache: QueryClient): Promise<void> {
  return cache.invalidateQueries({ queryKey: live.now.queryKey });
}

/** The live session of an id, as it is now, if an agent has it open. */
export function useLive(id: string): LiveEntry | undefined {
  return useQuery({ ...live.now, select: (answer) => entryOf(answer, id) }).data;
}

/** The same in an answer. */
export function entryOf(answer: LiveAnswer, id: string): LiveEntry | undefined {
  return answer.sessions.find((entry) => entry.live.id === id);
}

const STATES: Record<LiveSession['state'], State> = {
  starting: 'starting',
  working: 'running',
  needs_approval: 'asks',
  needs_input: 'asks',
  idle: 'idle',
  ended: 'ended',
  unknown: 'unknown',
};

/** How a live session stands, as marks show it. */
export function stateOfLive(session: LiveSession): State {
  return STATES[session.state];
}

const WORDS: Record<LiveSession['state'], string> = {
  starting: 'starting',
  working: 'working',
  needs_approval: 'asks for leave',
  needs_input: 'asks something',
  idle: 'waits for a prompt',
  ended: 'ended',
  unknown: 'not known',
};

/** The same in words. */
export function sayLive(session: LiveSession): string {
  return WORDS[session.state];
}

/** A person is waited for. */
export function needsYou(session: LiveSession): boolean {
  return session.state === 'needs_approval' || session.state === 'needs_input';
}

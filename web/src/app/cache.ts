import { QueryClient } from '@tanstack/react-query';
import { ApiError } from '../api/client';

const TRIES = 3;

/** What the server said last. Events say when it is no longer true, so nothing is asked for again by time. */
export const cache = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 60_000,
      refetchOnWindowFocus: false,
      // Only what may pass is tried again; `follow.ts` asks again when the stream is back.
      retry: (count, error) => error instanceof ApiError && (error.isOffline || error.status >= 500) && count < TRIES,
    },
  },
});

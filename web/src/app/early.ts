import type { QueryClient } from '@tanstack/react-query';
import { sessions } from '../features/sessions/queries';
import { status } from '../features/sources/queries';

/** Later than this, a picture of nothing is better than none. */
const LONGEST_MS = 150;

/**
 * Waits a moment for what `early.js` asked for, and for the router, which draws nothing before it has found its page. Mostly both
 * are here by now, and the first picture has all in it, instead of a picture of nothing that is drawn before.
 */
export async function awaitEarly(cache: QueryClient, page: Promise<void>): Promise<void> {
  const asked = window.early ?? {};
  const answers = [
    page,
    '/api/v1/status' in asked && cache.prefetchQuery(status),
    '/api/v1/sessions?limit=100' in asked && cache.prefetchInfiniteQuery(sessions.list({})),
  ];
  await Promise.race([Promise.allSettled(answers), new Promise((resolve) => setTimeout(resolve, LONGEST_MS))]);
}

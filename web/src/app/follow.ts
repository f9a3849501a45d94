import type { LiveAnswer, Status } from '../api/types';
import { renewLive, live as running } from '../features/live/queries';
import { renewReviews } from '../features/reviews/queries';
import { patchSession, refreshSessions, sessions } from '../features/sessions/queries';
import { devices } from '../features/settings/queries';
import { status } from '../features/sources/queries';
import { transcript } from '../features/transcript/queries';
import { renewWork } from '../features/work/queries';
import { live } from '../lib/live';
import { cache } from './cache';

/** Lists are asked for again so often at most while sessions come and go. */
const EVERY = 2_000;

let waiting = false;

function soon(): void {
  if (waiting) return;
  waiting = true;
  setTimeout(() => {
    waiting = false;
    void refreshSessions(cache);
    void cache.invalidateQueries({ queryKey: status.queryKey });
  }, EVERY);
}

/** Between two rounds of asking: agents that write all the time leave the page and the server some. */
const BREATH = 40;

let isAsking = false;
let hasMore = false;

/** Asks for what changed in groups and queues: at once, and once more for all that changed while it was asked. */
async function askForWork(): Promise<void> {
  hasMore = true;
  if (isAsking) return;
  isAsking = true;
  while (hasMore) {
    hasMore = false;
    await Promise.all([renewWork(cache), renewReviews(cache)]);
    await new Promise((resolve) => setTimeout(resolve, BREATH));
  }
  isAsking = false;
}

/** Says whether an agent has a session open, as far as it was asked. */
function runs(id: string): boolean {
  return cache.getQueryData<LiveAnswer>(running.now.queryKey)?.sessions.some(({ live }) => live.id === id) ?? false;
}

/** Keeps what is on the screen true: events patch the cache, and the stream comes back whenever it can. */
export function follow(): void {
  live.subscribe((event) => {
    switch (event.kind) {
      case 'session': {
        patchSession(cache, event.session);
        void cache.invalidateQueries({ queryKey: transcript.detail(event.session.id).queryKey });
        if (runs(event.session.id)) void renewLive(cache);
        soon();
        return;
      }
      case 'progress': {
        const before = cache.getQueryData(status.queryKey);
        if (before) cache.setQueryData<Status>(status.queryKey, { ...before, indexing: event.indexing });
        if (before && before.indexing.phase !== 'idle') soon();
        return;
      }
      case 'work':
        void askForWork();
        return;
      case 'live':
        void renewLive(cache);
        return;
      case 'access':
        void cache.invalidateQueries({ queryKey: status.queryKey });
        void cache.invalidateQueries({ queryKey: devices.queryKey });
        return;
      case 'reset':
        void cache.invalidateQueries();
        return;
      default:
        event satisfies never;
    }
  });
  // Where it was before the stream: nothing between the two is missed.
  void cache
    .fetchQuery(status)
    .then((now) => live.from(now.epoch, now.revision))
    .catch(() => undefined)
    .finally(() => live.start());
  let wasLost = false;
  live.watch(() => {
    // What came about between the first answers and the stream is not told by it.
    if (live.connection() === 'open') void cache.invalidateQueries({ queryKey: status.queryKey });
    if (live.connection() === 'open' && wasLost) {
      // The stream tells which sessions changed meanwhile; what it does not tell of is asked for again.
      void cache.invalidateQueries({ predicate: (query) => query.queryKey[0] !== sessions.all[0] });
      void refreshSessions(cache);
    }
    wasLost = live.connection() === 'lost';
  });
}

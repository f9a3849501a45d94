import type { Status } from '../api/types';
import { patchSession, sessions } from '../features/sessions/queries';
import { status } from '../features/sources/queries';
import { transcript } from '../features/transcript/queries';
import { live } from '../lib/live';
import { cache } from './cache';

/** Lists are asked for again so often at most while sessions come and go. */
const EVERY = 2_000;

let _waiting: ReturnType<typeof setTimeout> | undefined;

function soon(): void {
  _waiting ??= setTimeout(() => {
    _waiting = undefined;
    void cache.invalidateQueries({ queryKey: sessions.all });
    void cache.invalidateQueries({ queryKey: status.queryKey });
  }, EVERY);
}

/** Keeps what is on the screen true: events patch the cache, and the stream comes back whenever it can. */
export function follow(): void {
  live.subscribe((event) => {
    switch (event.kind) {
      case 'session': {
        patchSession(cache, event.session);
        void cache.invalidateQueries({ queryKey: transcript.detail(event.session.id).queryKey });
        soon();
        return;
      }
      case 'progress': {
        const before = cache.getQueryData(status.queryKey);
        if (before) cache.setQueryData<Status>(status.queryKey, { ...before, indexing: event.indexing });
        if (before && before.indexing.phase !== 'idle') soon();
        return;
      }
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
    if (live.connection() === 'open' && wasLost) void cache.invalidateQueries();
    wasLost = live.connection() === 'lost';
  });
  const wake = () => document.visibilityState === 'visible' && live.start();
  addEventListener('online', wake);
  document.addEventListener('visibilitychange', wake);
}

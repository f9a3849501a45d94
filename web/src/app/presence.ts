import type { LiveAnswer } from '../api/types';
import { needsYou, live as running } from '../features/live/queries';
import { live } from '../lib/live';
import { cache } from './cache';
import { router } from './router';

/** A page that was away for longer asks whether its connection still lives. */
const NAP = 15_000;
/** While a page is looked at, the server is asked so often whether it is there; so long it may take. */
const BEAT = 30_000;
const PATIENCE = 8_000;

/** What a page says that shows all that needs somebody. */
const EVERYTHING = '*';

/** The session that is on the screen: of a page that is hidden, none. */
function shown(): string | null {
  if (document.visibilityState !== 'visible') return null;
  const { pathname } = router.state.location;
  if (pathname === '/now' || pathname === '/approvals') return EVERYTHING;
  const id = /^\/s\/([^/]+)$/.exec(pathname)?.[1];
  return id === undefined ? null : decodeURIComponent(id);
}

/** Takes away the notifications about a session that is looked at now. */
async function takeAway(session: string): Promise<void> {
  if (!('serviceWorker' in navigator)) return;
  const registration = await navigator.serviceWorker.getRegistration();
  for (const notification of (await registration?.getNotifications?.()) ?? []) {
    const about: unknown = notification.data?.session;
    if (about === session || session === EVERYTHING) notification.close();
  }
}

/** Counts on the app's icon what waits for somebody, where there is one. */
function count(): void {
  const answer = cache.getQueryData<LiveAnswer>(running.now.queryKey);
  if (!answer || !('setAppBadge' in navigator)) return;
  const waiting = answer.sessions.filter((entry) => needsYou(entry.live)).length;
  void (waiting > 0 ? navigator.setAppBadge(waiting) : navigator.clearAppBadge()).catch(() => undefined);
}

/** Says what is on the screen, and notices a connection that died in its sleep. */
export function bePresent(): void {
  const say = () => {
    const session = shown();
    live.show(session);
    if (session) void takeAway(session).catch(() => undefined);
  };
  router.subscribe('onResolved', say);
  let hiddenAt: number | null = null;
  document.addEventListener('visibilitychange', () => {
    say();
    if (document.visibilityState === 'hidden') {
      hiddenAt = Date.now();
    } else {
      if (hiddenAt !== null && Date.now() - hiddenAt > NAP) live.renew();
      else live.start();
      hiddenAt = null;
    }
  });
  // A page that is kept for going back has a connection that is closed.
  addEventListener('pageshow', (event) => event.persisted && live.renew());
  addEventListener('online', () => live.renew());
  addEventListener('offline', () => live.renew());
  setInterval(() => {
    if (document.visibilityState !== 'visible' || live.connection() !== 'open') return;
    fetch('/healthz', { cache: 'no-store', signal: AbortSignal.timeout(PATIENCE) }).then(
      (answer) => (answer.ok ? live.note() : live.renew()),
      () => live.renew(),
    );
  }, BEAT);
  // A tap on a notification leads here where the app is open already.
  navigator.serviceWorker?.addEventListener('message', (event: MessageEvent<unknown>) => {
    const said = event.data;
    if (typeof said !== 'object' || said === null || !('opens' in said) || typeof said.opens !== 'string') return;
    if (said.opens.startsWith('/') && !said.opens.startsWith('//')) void router.navigate({ to: said.opens });
  });
  cache.getQueryCache().subscribe((event) => {
    if (event.query.queryKey[0] === running.now.queryKey[0]) count();
  });
}

import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../api/client';
import { status } from '../features/sources/queries';
import { sayScopes, useScopes } from '../lib/access';
import { live } from '../lib/live';
import { useTick } from '../lib/now';
import { ago, clock } from '../lib/time';

/** A blink of the connection is nobody's business. */
const BLINK = 1_500;

/** Says that what is shown is old, that this device may not do everything, or that bundled sessions are shown. */
export function Banner() {
  const connection = useSyncExternalStore(live.watch, live.connection);
  const { data, error } = useQuery(status);
  const scopes = useScopes();
  const isLost = connection === 'lost' && !(error instanceof ApiError && error.isNoAccess);
  const [isTold, setTold] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTold(isLost), isLost ? BLINK : 0);
    return () => clearTimeout(timer);
  }, [isLost]);
  if (isTold) return <Stale />;
  if (data?.demo) {
    return (
      <p className="bg-accent-soft px-6 py-1.5 text-center text-xs max-sm:px-4">
        These are bundled sessions, not yours.
      </p>
    );
  }
  if (data && !scopes.includes('approve')) {
    return (
      <p className="bg-sunken px-6 py-1.5 text-center text-ink-2 text-xs max-sm:px-4">
        This device {sayScopes(scopes)}. A device that may do everything changes that under Settings.
      </p>
    );
  }
  return null;
}

/** Since when nothing new can have come. */
function Stale() {
  const now = useTick();
  const since = live.lastContact();
  const time = since === null ? null : new Date(since).toISOString();
  const age = ago(time, now);
  return (
    <p role="status" className="sticky top-0 z-40 bg-bad-soft px-6 py-2 text-center max-sm:px-4">
      {time === null
        ? 'Marline is not running, or can’t be reached. Trying again.'
        : `Stale since ${clock(time)}${age === 'now' ? '' : ` (${age})`}: Marline can’t be reached. Trying again.`}
    </p>
  );
}

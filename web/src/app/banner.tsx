import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../api/client';
import { status } from '../features/sources/queries';
import { live } from '../lib/live';

/** A blink of the connection is nobody's business. */
const BLINK = 1_500;

/** Says that Marline is gone, or that bundled sessions are shown. */
export function Banner() {
  const connection = useSyncExternalStore(live.watch, live.connection);
  const { data, error } = useQuery(status);
  const isLost = connection === 'lost' && !(error instanceof ApiError && error.isNoAccess);
  const [isTold, setTold] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTold(isLost), isLost ? BLINK : 0);
    return () => clearTimeout(timer);
  }, [isLost]);
  if (isTold) {
    return (
      <p role="status" className="bg-bad-soft px-6 py-2 text-center max-sm:px-4">
        Marline is not running, or can’t be reached. Trying again.
      </p>
    );
  }
  if (data?.demo) {
    return (
      <p className="bg-accent-soft px-6 py-1.5 text-center text-xs max-sm:px-4">
        These are bundled sessions, not yours.
      </p>
    );
  }
  return null;
}

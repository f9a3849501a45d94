import { useEffect, useState } from 'react';
import { serverNow } from './clock';

/** The time by the server's clock, anew every half minute, or so often: relative times grow by themselves. */
export function useNow(every = 30_000): number {
  return useClock(serverNow, every);
}

/** The same by this device's own clock, for what happened on it. */
export function useTick(every = 10_000): number {
  return useClock(Date.now, every);
}

function useClock(read: () => number, every: number): number {
  const [now, setNow] = useState(read);
  useEffect(() => {
    const timer = setInterval(() => setNow(read()), every);
    return () => clearInterval(timer);
  }, [read, every]);
  return now;
}

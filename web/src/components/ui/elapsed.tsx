import { useNow } from '../../lib/now';
import { lap, whole } from '../../lib/time';

const SECOND = 1_000;

/** How long something has been going on, counting. */
export function Elapsed({ since }: { since: string }) {
  const now = useNow(SECOND);
  return <span title={`since ${whole(since)}`}>{lap(now - Date.parse(since))}</span>;
}

/** How long there is until a time, counting. */
export function Until({ time }: { time: string }) {
  const now = useNow(SECOND);
  return <span title={whole(time)}>{lap(Date.parse(time) - now)}</span>;
}

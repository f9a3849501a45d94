const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, in as few letters as a list has room for. */
export function ago(time: string | null, now: number): string {
  if (time === null) return '';
  const past = now - Date.parse(time);
  if (past < MINUTE) return 'now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h`;
  if (past < 30 * DAY) return `${Math.floor(past / DAY)} d`;
  return new Date(time).toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' });
}

/** The heading that a time stands under in a list by day. */
export function dayOf(time: string | null, now: number): string {
  if (time === null) return 'At an unknown time';
  const date = new Date(time);
  const midnight = new Date(now);
  midnight.setHours(0, 0, 0, 0);
  const days = Math.ceil((midnight.getTime() - date.getTime()) / DAY);
  if (days <= 0) return 'Today';
  if (days === 1) return 'Yesterday';
  const year = date.getFullYear() === new Date(now).getFullYear() ? {} : ({ year: 'numeric' } as const);
  return date.toLocaleDateString('en', { weekday: 'long', day: 'numeric', month: 'long', ...year });
}

/** The whole time, for a tooltip. */
export function whole(time: string | null): string {
  return time === null ? '' : new Date(time).toLocaleString();
}

/** The time of day. */
export function clock(time: string | null): string {
  return time === null
    ? ''
    : new Date(time).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', hour12: false });
}

/** How long something took. */
export function took(ms: number | null): string {
  if (ms === null) return '';
  if (ms < 1_000) return `${ms} ms`;
  if (ms < MINUTE) return `${(ms / 1_000).toFixed(1)} s`;
  // Rounded before it is divided: there are no sixty seconds beside a minute.
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** How long something will take, as one says it. */
export function lasts(seconds: number): string {
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5_400 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3_600)} h`;
}

/** What was written within the last minute is being written. */
export function isWriting(time: string | null, now: number): boolean {
  return time !== null && now - Date.parse(time) < MINUTE;
}

/** How long something has been going on, in figures that stand still while they count: 0:07, 12:40, 1:02:03. */
export function lap(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const two = (count: number) => `${count}`.padStart(2, '0');
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

// By hand: every row of a list says times, and `Intl` takes long to wake.
const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const MONTHS = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December',
];
const two = (count: number) => `${count}`.padStart(2, '0');

/** How long ago, in as few letters as a list has room for. */
export function ago(time: string | null, now: number): string {
  if (time === null) return '';
  const past = now - Date.parse(time);
  if (past < MINUTE) return 'now';
  if (past < HOUR) return `${Math.floor(past / MINUTE)} min`;
  if (past < DAY) return `${Math.floor(past / HOUR)} h`;
  if (past < 30 * DAY) return `${Math.floor(past / DAY)} d`;
  return dated(time);
}

/** How long ago, in a sentence: just now, 5 min ago, 24 Nov 2026. */
export function agoSaid(time: string | null, now: number): string {
  const past = ago(time, now);
  if (past === 'now') return 'just now';
  return time !== null && now - Date.parse(time) < 30 * DAY ? `${past} ago` : past;
}

/** A day as one says it: 24 Nov 2026. */
export function dated(time: string): string {
  const date = new Date(time);
  return `${date.getDate()} ${MONTHS[date.getMonth()]?.slice(0, 3)} ${date.getFullYear()}`;
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
  const year = date.getFullYear() === midnight.getFullYear() ? '' : `, ${date.getFullYear()}`;
  return `${DAYS[date.getDay()]}, ${MONTHS[date.getMonth()]} ${date.getDate()}${year}`;
}

/** The day here: 2026-11-26. */
export function dateOf(time: string): string {
  const date = new Date(time);
  return [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
}

/** The whole time here, for a tooltip: 2026-11-26 04:21:57. */
export function whole(time: string | null): string {
  if (time === null) return '';
  const date = new Date(time);
  return `${dateOf(time)} ${clock(time)}:${two(date.getSeconds())}`;
}

/** From when to when, as a head has room for it: 24 Nov 2026, 10:02 to 18:40. */
export function span(from: string | null, to: string | null): string {
  const first = from ?? to;
  if (first === null || to === null) return '';
  if (dateOf(first) !== dateOf(to)) return `${dated(first)} to ${dated(to)}`;
  return clock(first) === clock(to) ? `${dated(to)}, ${clock(to)}` : `${dated(to)}, ${clock(first)} to ${clock(to)}`;
}

/** The time of day. */
export function clock(time: string | null): string {
  if (time === null) return '';
  const date = new Date(time);
  return `${two(date.getHours())}:${two(date.getMinutes())}`;
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

/**
 * What was written within the last minute is being written; where its agent is known to do something else than to work, what
 * was written was the last.
 */
export function isWriting(time: string | null, now: number, live?: { state: string }): boolean {
  if (live && live.state !== 'working') return false;
  return time !== null && now - Date.parse(time) < MINUTE;
}

/** How long something has been going on, in figures that stand still while they count: 0:07, 12:40, 1:02:03. */
export function lap(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1_000));
  const [hours, minutes] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

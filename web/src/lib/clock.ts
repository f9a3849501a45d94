/** Clocks that differ by less are the same: answers take time, and their date has no fractions. */
const SAME = 30_000;

/** How far the server's clock is before this device's. Times are the server's, so ages are told by its clock. */
let ahead = 0;

/** Learns the server's clock from an answer's date. */
export function noteServerTime(date: string | null): void {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const difference = server - Date.now();
  ahead = Math.abs(difference) < SAME ? 0 : difference;
}

/** The time by the server's clock. */
export function serverNow(): number {
  return Date.now() + ahead;
}

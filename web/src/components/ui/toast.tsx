import { useSyncExternalStore } from 'react';

let text = '';
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function show(next: string): void {
  text = next;
  for (const listener of listeners) listener();
}

/** Says in passing that something was done. */
export function say(what: string): void {
  clearTimeout(timer);
  show(what);
  timer = setTimeout(() => show(''), 2_500);
}

/** Where it is said. */
export function Toast() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => text,
  );
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-20 z-50 flex justify-center sm:bottom-6"
    >
      {shown && <div className="rounded-lg bg-ink px-3 py-2 text-canvas text-sm shadow-float">{shown}</div>}
    </div>
  );
}

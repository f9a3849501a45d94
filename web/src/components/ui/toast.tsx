import { useSyncExternalStore } from 'react';

/** What can be done about what was said. */
export interface Answer {
  label: string;
  run: () => unknown;
}

let told: { text: string; answer?: Answer | undefined } = { text: '' };
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

function show(next: typeof told): void {
  told = next;
  for (const listener of listeners) listener();
}

/** Says in passing that something was done. */
export function say(text: string, answer?: Answer): void {
  clearTimeout(timer);
  show({ text, answer });
  timer = setTimeout(() => show({ text: '' }), answer ? 8_000 : 2_500);
}

/** Where it is said. */
export function Toast() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => told,
  );
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-3 top-16 z-50 flex justify-center sm:top-auto sm:bottom-20"
    >
      {shown.text && (
        <div className="flex items-center gap-3 rounded-lg bg-ink px-3 py-2 text-canvas text-sm shadow-float">
          {shown.text}
          {shown.answer && (
            <button
              type="button"
              className="pointer-events-auto -my-2 py-2 font-medium underline underline-offset-2 coarse:min-h-11"
              onClick={() => {
                shown.answer?.run();
                show({ text: '' });
              }}
            >
              {shown.answer.label}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

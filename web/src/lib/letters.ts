import { useEffect, useRef } from 'react';
import { settings } from './settings';

/** Says whether a key belongs to what is typed into. */
export function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof Element &&
    target.closest('input, textarea, select, [contenteditable], dialog, [popover]') !== null
  );
}

/** Acts on single keys while nothing is typed into. Letters can be switched off; Enter on a link stays the link's. */
export function useLetters(acts: Record<string, () => unknown>): void {
  const current = useRef(acts);
  current.current = acts;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (event.key.length === 1 && !settings().letters) return;
      if (event.key === 'Enter' && event.target instanceof Element && event.target.closest('a, button')) return;
      const act = current.current[event.key];
      if (act && act() !== false) event.preventDefault();
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);
}

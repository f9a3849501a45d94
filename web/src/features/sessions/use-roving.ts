import { type FocusEvent, type KeyboardEvent, type RefObject, useLayoutEffect, useRef } from 'react';
import type { Selection } from './use-selection';

const STEPS: Record<string, number> = {
  ArrowDown: 1,
  ArrowUp: -1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

/**
 * The keyboard's place in a list is where the focus is, so that a screen reader says it. `step` goes on by so many; the
 * row it leads to gets the focus as soon as it is drawn.
 */
export function useRoving(box: RefObject<HTMLElement | null>, selection: Selection, step: (by: number) => void) {
  const isWanted = useRef(false);
  useLayoutEffect(() => {
    if (!isWanted.current) return;
    const link = box.current?.querySelector<HTMLElement>('[data-current] a');
    if (!link) return;
    isWanted.current = false;
    link.focus({ preventScroll: true });
    link.closest('[data-current]')?.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  });
  const go = (by: number) => {
    isWanted.current = true;
    step(by);
  };
  return {
    go,
    onKeyDown: (event: KeyboardEvent) => {
      const by = STEPS[event.key];
      if (by === undefined || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
      event.preventDefault();
      go(by);
    },
    onFocus: (event: FocusEvent) => {
      const id = event.target.closest<HTMLElement>('[data-session]')?.dataset.session;
      if (id !== undefined && id !== selection.current) selection.at(id);
    },
  };
}

import { useRef } from 'react';
import { useActs } from '../../lib/acts';

/** A row of a list with a link that fills it. */
export const ROW =
  'relative -mx-3 flex flex-wrap items-center gap-x-4 gap-y-1 rounded-lg px-3 py-3 compact:py-1.5 hover:bg-hover has-[[data-row]:focus-visible]:bg-hover';
export const ROW_LINK =
  'block truncate font-medium after:absolute after:inset-0 after:rounded-lg focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent';

/** Keys go from row to row; a row is what bears `data-row`. */
export function useRows() {
  const list = useRef<HTMLUListElement>(null);
  const step = (by: number) => {
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-row]') ?? [])];
    const { activeElement } = document;
    const at = activeElement instanceof HTMLElement ? rows.indexOf(activeElement) : -1;
    const next = rows[at < 0 ? 0 : Math.max(0, Math.min(rows.length - 1, at + by))];
    next?.focus();
    return next !== undefined;
  };
  const open = () => {
    const at = document.activeElement;
    if (!(at instanceof HTMLElement) || !list.current?.contains(at)) return false;
    at.click();
    return true;
  };
  useActs({ next: () => step(1), previous: () => step(-1), openToo: open });
  return list;
}

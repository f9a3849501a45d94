import { useSyncExternalStore } from 'react';

/** Says whether the screen is so, as in a style sheet: what is not shown need not be drawn. */
export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (changed) => {
      const media = matchMedia(query);
      media.addEventListener('change', changed);
      return () => media.removeEventListener('change', changed);
    },
    () => matchMedia(query).matches,
  );
}

/** A phone, which has its pages at the bottom. */
export const useIsSmall = () => useMedia('(max-width: 639.98px)');

/** Narrower than what rows in columns need. */
export const useIsNarrow = () => useMedia('(max-width: 1023.98px)');

import { useSyncExternalStore } from 'react';

function subscribe(listener: () => void): () => void {
  addEventListener('scroll', listener, { passive: true });
  return () => removeEventListener('scroll', listener);
}

/** Says whether the page was scrolled further than some pixels. */
export function useScrolled(pixels: number): boolean {
  return useSyncExternalStore(subscribe, () => scrollY > pixels);
}

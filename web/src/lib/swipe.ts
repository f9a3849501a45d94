import { useEffect, useRef } from 'react';

/** A finger that begins so near to the left edge means to go back. */
const EDGE = 28;
/** It has to go so far, and not as far up or down. */
const FAR = 72;

/** Goes back when one swipes in from the left edge: an app on the home screen has no other way. */
export function useSwipeBack(onBack: () => void): void {
  const back = useRef(onBack);
  back.current = onBack;
  useEffect(() => {
    let from: Touch | undefined;
    const begin = (event: TouchEvent) => {
      const [touch] = event.touches;
      from = event.touches.length === 1 && touch && touch.clientX < EDGE ? touch : undefined;
    };
    const end = (event: TouchEvent) => {
      const [touch] = event.changedTouches;
      if (!from || !touch) return;
      const [right, down] = [touch.clientX - from.clientX, Math.abs(touch.clientY - from.clientY)];
      from = undefined;
      if (right > FAR && down < right / 2) back.current();
    };
    addEventListener('touchstart', begin, { passive: true });
    addEventListener('touchend', end, { passive: true });
    return () => {
      removeEventListener('touchstart', begin);
      removeEventListener('touchend', end);
    };
  }, []);
}

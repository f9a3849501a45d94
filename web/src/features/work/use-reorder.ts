import { type KeyboardEvent, type PointerEvent, useLayoutEffect, useRef, useState } from 'react';
import { landing } from './order';

/** What is held now: from where, where it would land, and how far it was moved. */
interface Held {
  id: string;
  from: number;
  to: number;
  by: number;
  height: number;
}

/** So near to the edge of the screen the page goes along. */
const EDGE = 72;
const STEP = 14;

/**
 * Lets rows be moved by their handles: with a mouse, a finger, or the arrow keys. `onMove` says which one is to stand
 * where. Rows bear `data-prompt`, handles `data-handle`, with their ids.
 */
export function useReorder(ids: readonly string[], onMove: (from: number, to: number) => void) {
  const list = useRef<HTMLOListElement>(null);
  const [held, setHeld] = useState<Held | null>(null);
  const grip = useRef<{ y: number; middles: number[] } | null>(null);
  const focused = useRef<string | null>(null);
  // A row that is moved within the page loses the focus; whoever moves it by keys goes on moving it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: It is lost when the order changes.
  useLayoutEffect(() => {
    if (focused.current === null) return;
    list.current?.querySelector<HTMLElement>(`[data-handle="${CSS.escape(focused.current)}"]`)?.focus();
    focused.current = null;
  }, [ids.join()]);

  const take = (id: string) => (event: PointerEvent<HTMLElement>) => {
    if (event.button !== 0) return;
    const rows = [...(list.current?.querySelectorAll<HTMLElement>('[data-prompt]') ?? [])];
    const boxes = rows.map((row) => row.getBoundingClientRect());
    const from = ids.indexOf(id);
    const box = boxes[from];
    if (!box) return;
    event.currentTarget.setPointerCapture(event.pointerId);
    grip.current = {
      y: event.clientY + scrollY,
      middles: boxes.map((one) => one.top + one.height / 2 + scrollY),
    };
    setHeld({ id, from, to: from, by: 0, height: box.height });
  };
  const drag = (event: PointerEvent<HTMLElement>) => {
    const { current } = grip;
    if (!held || !current) return;
    if (event.clientY < EDGE) scrollBy(0, -STEP);
    if (event.clientY > innerHeight - EDGE) scrollBy(0, STEP);
    const by = event.clientY + scrollY - current.y;
    const middle = current.middles[held.from] ?? 0;
    setHeld({ ...held, by, to: landing(current.middles, held.from, middle + by) });
  };
  const drop = () => {
    if (held && held.to !== held.from) onMove(held.from, held.to);
    letGo();
  };
  const letGo = () => {
    grip.current = null;
    setHeld(null);
  };
  const press = (id: string) => (event: KeyboardEvent) => {
    if (event.key === 'Escape' && held) {
      letGo();
      return;
    }
    const by = event.key === 'ArrowUp' ? -1 : event.key === 'ArrowDown' ? 1 : 0;
    if (by === 0) return;
    event.preventDefault();
    const from = ids.indexOf(id);
    const to = from + by;
    if (to < 0 || to >= ids.length) return;
    focused.current = id;
    onMove(from, to);
  };
  /** How far a row stands from its place while one is held. */
  const shift = (at: number): number => {
    if (!held) return 0;
    if (at === held.from) return held.by;
    if (at > held.from && at <= held.to) return -held.height;
    if (at < held.from && at >= held.to) return held.height;
    return 0;
  };
  return {
    list,
    held: held?.id ?? null,
    shift,
    handle: (id: string) => ({
      'data-handle': id,
      onPointerDown: take(id),
      onPointerMove: drag,
      onPointerUp: drop,
      onPointerCancel: letGo,
      onKeyDown: press(id),
    }),
  };
}

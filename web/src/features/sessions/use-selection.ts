import { useCallback, useEffect, useState } from 'react';
import type { Session } from '../../api/types';

/** Which sessions are selected, and which one the keyboard is at. */
export interface Selection {
  ids: string[];
  current: string | null;
  has: (id: string) => boolean;
  toggle: (id: string, range: boolean) => void;
  move: (by: number) => Session | undefined;
  /** The keyboard comes to one by another way, such as Tab. */
  at: (id: string) => void;
  clear: () => void;
  /** Whoever taps a session now, selects it. */
  isSelecting: boolean;
  begin: () => void;
}

/** Where the keyboard was in the list, for those who come back to it. */
let kept: string | null = null;

export function useSelection(shown: Session[]): Selection {
  const [ids, setIds] = useState<string[]>([]);
  const [isSelecting, setSelecting] = useState(false);
  const [last, setLast] = useState<string | null>(null);
  const [current, setCurrent] = useState(kept);
  useEffect(() => {
    kept = current;
  }, [current]);
  const toggle = useCallback(
    (id: string, range: boolean) => {
      const at = (wanted: string | null) => shown.findIndex((session) => session.id === wanted);
      const [from, to] = [at(last), at(id)].sort((a, b) => a - b);
      setLast(id);
      setIds((before) => {
        if (range && from !== undefined && to !== undefined && from >= 0) {
          const between = shown.slice(from, to + 1).map((session) => session.id);
          return [...new Set([...before, ...between])];
        }
        return before.includes(id) ? before.filter((other) => other !== id) : [...before, id];
      });
    },
    [shown, last],
  );
  const move = (by: number) => {
    const at = shown.findIndex((session) => session.id === current);
    const next = shown[Math.max(0, Math.min(shown.length - 1, at + by))];
    if (next) setCurrent(next.id);
    return next;
  };
  const clear = () => {
    setIds([]);
    setSelecting(false);
  };
  const begin = () => setSelecting(true);
  return { ids, current, at: setCurrent, has: (id) => ids.includes(id), toggle, move, clear, isSelecting, begin };
}

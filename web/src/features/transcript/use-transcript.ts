import { useCallback, useEffect, useRef, useState } from 'react';
import type { ItemPage } from '../../api/types';
import { live } from '../../lib/live';
import { after, before, growsAfter, type Part, partOf } from './merge';
import { type PageOf, readItem, readPage } from './queries';

const PAGE = 60;
const GROWTH = 200;

/** A transcript in pages, growing while it is written. */
export interface Transcript {
  part: Part | null;
  error: Error | null;
  /** Begins anew at another place. */
  open: (page: PageOf) => void;
  loadBefore: () => void;
  loadAfter: () => void;
  /** Reads an item's whole texts. */
  loadWhole: (key: string) => void;
}

/** Reads a session's items around a place and keeps them true. */
export function useTranscript(id: string, start: PageOf): Transcript {
  const [part, setPart] = useState<Part | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const shown = useRef<Part | null>(null);
  const asked = useRef(start);
  const busy = useRef({ before: false, after: false, growing: false, again: false });
  const turn = useRef(0);

  const put = useCallback((next: Part) => {
    shown.current = next;
    setPart(next);
  }, []);

  const open = useCallback(
    (page: PageOf) => {
      const mine = ++turn.current;
      asked.current = page;
      setError(null);
      readPage(id, page, PAGE).then(
        (read) => mine === turn.current && put(partOf(read)),
        (failed: Error) => mine === turn.current && setError(failed),
      );
    },
    [id, put],
  );

  const load = useCallback(
    async (which: 'before' | 'after', page: PageOf, join: (part: Part, page: ItemPage) => Part, limit: number) => {
      if (busy.current[which]) return;
      const mine = turn.current;
      busy.current[which] = true;
      try {
        const read = await readPage(id, page, limit);
        if (mine === turn.current && shown.current) put(join(shown.current, read));
      } catch (failed) {
        if (mine === turn.current && failed instanceof Error && !shown.current) setError(failed);
      } finally {
        busy.current[which] = false;
      }
    },
    [id, put],
  );

  const loadBefore = useCallback(() => {
    const cursor = shown.current?.previous;
    if (cursor) void load('before', { before: cursor }, before, PAGE);
  }, [load]);
  const loadAfter = useCallback(() => {
    const cursor = shown.current?.next;
    if (cursor) void load('after', { after: cursor }, after, PAGE);
  }, [load]);

  const grow = useCallback(async () => {
    // Who reads in the middle meets what is new when they come to it.
    if (!shown.current || shown.current.next !== null) return;
    if (busy.current.growing) {
      busy.current.again = true;
      return;
    }
    busy.current.growing = true;
    do {
      busy.current.again = false;
      const key: string | null = growsAfter(shown.current);
      await load('after', key === null ? { at: 'start' } : { after: key }, after, GROWTH);
    } while (busy.current.again || (shown.current.next !== null && shown.current.next !== undefined));
    busy.current.growing = false;
  }, [load]);

  const loadWhole = useCallback(
    async (key: string) => {
      const whole = await readItem(id, key);
      const now = shown.current;
      if (now) put({ ...now, items: now.items.map((item) => (item.key === key ? whole : item)) });
    },
    [id, put],
  );

  useEffect(() => {
    shown.current = null;
    setPart(null);
    open(asked.current);
    return live.subscribe((event) => {
      if (event.kind === 'reset') open(asked.current);
      else if (event.kind === 'session' && event.session.id === id) {
        if (event.rewritten) open(asked.current);
        else void grow();
      }
    });
  }, [id, open, grow]);

  return { part, error, open, loadBefore, loadAfter, loadWhole: (key) => void loadWhole(key) };
}

import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { live } from '../../lib/live';
import { after, before, growsAfter, type Part, partOf } from './merge';
import { type PageOf, readItem, readPage } from './queries';

const PAGE = 60;
const GROWTH = 200;
/** Whoever was away for longer is at the end no more, and goes on as any reader does. */
const MOST_GROWTH = 5;

/** A transcript in pages, growing while it is written. */
export interface Transcript {
  part: Part | null;
  /** The last page that was asked for did not come. */
  error: Error | null;
  /** Begins anew at another place. */
  open: (page: PageOf) => void;
  loadBefore: () => void;
  loadAfter: () => void;
  /** Reads what was written since. */
  grow: () => void;
  /** Reads an item's whole texts. */
  loadWhole: (key: string) => void;
}

async function grown(id: string, part: Part): Promise<Part> {
  // Who reads in the middle meets what is new when they come to it.
  if (part.next !== null) return part;
  const key = growsAfter(part);
  let now = after(part, await readPage(id, key === null ? { at: 'start' } : { after: key }, GROWTH));
  for (let page = 1; now.next !== null && page < MOST_GROWTH; page++) {
    now = after(now, await readPage(id, { after: now.next }, GROWTH));
  }
  return now;
}

/** Reads a session's items around a place and keeps them true. */
export function useTranscript(id: string, start: PageOf): Transcript {
  const [part, setPart] = useState<Part | null>(null);
  const [error, setError] = useState<Error | null>(null);
  const shown = useRef<Part | null>(null);
  const asked = useRef(start);
  const turn = useRef(0);
  const line = useRef(Promise.resolve());
  const waiting = useRef(new Set<string>());

  /** One step after the other: pages that are read side by side do not join. A step that waits already is not added. */
  const step = useCallback((name: string, take: (part: Part) => Promise<Part>) => {
    if (waiting.current.has(name)) return;
    waiting.current.add(name);
    const mine = turn.current;
    line.current = line.current.then(async () => {
      if (mine !== turn.current || !shown.current) return;
      waiting.current.delete(name);
      try {
        const next = await take(shown.current);
        if (mine !== turn.current) return;
        shown.current = next;
        setPart(next);
        setError(null);
      } catch (failed) {
        if (mine === turn.current && failed instanceof Error) setError(failed);
      }
    });
  }, []);

  const open = useCallback(
    (page: PageOf) => {
      const mine = ++turn.current;
      asked.current = page;
      waiting.current.clear();
      line.current = readPage(id, page, PAGE).then(
        (read) => {
          if (mine !== turn.current) return;
          shown.current = partOf(read);
          setPart(shown.current);
          setError(null);
        },
        (failed: Error) => {
          if (mine === turn.current) setError(failed);
        },
      );
    },
    [id],
  );

  const reads = useMemo(
    () => ({
      loadBefore: () => {
        if (shown.current?.previous == null) return;
        step('before', async (part) =>
          part.previous === null ? part : before(part, await readPage(id, { before: part.previous }, PAGE)),
        );
      },
      loadAfter: () => {
        if (shown.current?.next == null) return;
        step('after', async (part) =>
          part.next === null ? part : after(part, await readPage(id, { after: part.next }, PAGE)),
        );
      },
      grow: () => step('grow', (part) => grown(id, part)),
      loadWhole: (key: string) =>
        step(`whole ${key}`, async (part) => {
          const whole = await readItem(id, key);
          return { ...part, items: part.items.map((item) => (item.key === key ? whole : item)) };
        }),
    }),
    [id, step],
  );

  // What failed while Marline was away is asked for again.
  useEffect(
    () =>
      live.watch(() => {
        if (live.connection() === 'open' && !shown.current) open(asked.current);
      }),
    [open],
  );

  useEffect(() => {
    shown.current = null;
    setPart(null);
    open(asked.current);
    return live.subscribe((event) => {
      if (event.kind === 'reset') open(asked.current);
      else if (event.kind === 'session' && event.session.id === id) {
        if (event.rewritten) open(asked.current);
        else reads.grow();
      }
    });
  }, [id, open, reads]);

  return { part, error, open, ...reads };
}

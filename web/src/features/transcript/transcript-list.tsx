import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, GitFork } from 'lucide-react';
import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Button } from '../../components/ui/button';
import { useActs } from '../../lib/acts';
import { useNow } from '../../lib/now';
import { dayOf } from '../../lib/time';
import { type ItemActs, ItemView, Rule } from './item-view';
import type { Part } from './merge';
import { type Row, rowAt, rowsOf, shows } from './rows';
import { RunView } from './run-view';

/** Pixels from an edge at which the next page is asked for. */
const NEAR = 900;
/** Closer than this to the end counts as being there. */
const AT_END = 120;

/** Under what stands at the top of the page. */
const HEAD = 56;
/** Heights are known only once a row was drawn: a place is gone to again after so many milliseconds. */
const AGAIN = [30, 120, 300];

/** Where to go, once it is loaded. Each is gone to once. */
export interface Goal {
  at: string;
}

/** What a page can ask of its list. */
export interface TranscriptHandle {
  /** The item that is read: the one that was gone to, else the first that can be seen. */
  reading: () => string | null;
}

interface Props {
  ref: Ref<TranscriptHandle>;
  session: string;
  origin: string | null;
  part: Part;
  /** An item's key, `start` or `end`. */
  goal: Goal;
  query: string | undefined;
  developer: boolean;
  acts: ItemActs;
  onBefore: () => void;
  onAfter: () => void;
  onEnd: () => void;
  onReading: (key: string) => void;
}

const keyOf = (row: Row | undefined): string | null =>
  row?.kind === 'run' ? (row.items[0]?.key ?? null) : row?.kind === 'item' ? row.key : null;

/** How many items came behind what was the end of all. */
function grown(before: Part, part: Part): number {
  const last = before.items.at(-1)?.key;
  if (before.next !== null || part.next !== null || last === undefined) return 0;
  const at = part.items.findLastIndex((item) => item.key === last);
  return at < 0 ? 0 : part.items.length - 1 - at;
}

/** The items: as many as can be seen, growing at both ends without a jump. */
export function TranscriptList({
  ref,
  session,
  origin,
  part,
  goal,
  query,
  developer,
  acts,
  onBefore,
  onAfter,
  onEnd,
  onReading,
}: Props) {
  const rows = useMemo(() => rowsOf(part.items, origin, developer), [part.items, origin, developer]);
  const now = useNow();
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(box.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: (n) => (rows[n]?.kind === 'item' ? 96 : 36),
    getItemKey: (n) => rows[n]?.key ?? n,
    overscan: 6,
    scrollMargin: top,
    scrollPaddingStart: HEAD,
  });

  // What comes in above pushes everything down: the page is moved along with it.
  const firstKey = rows[0]?.key;
  const held = useRef<{ key: string | undefined; size: number }>({ key: undefined, size: 0 });
  useLayoutEffect(() => {
    const size = virtual.getTotalSize();
    const before = held.current;
    if (before.key !== undefined && before.key !== firstKey && rows.some((row) => row.key === before.key)) {
      scrollBy({ top: size - before.size, behavior: 'instant' });
    }
    held.current = { key: firstKey, size };
  });

  const wasAtEnd = useRef(goal.at === 'end');
  const latest = useRef({ rows, virtual });
  latest.current = { rows, virtual };
  const gone = useRef<Goal | null>(null);
  const jumped = useRef<string | null>(null);
  const isThere =
    goal.at === 'end' ? part.next === null : goal.at === 'start' ? part.previous === null : rowAt(rows, goal.at) >= 0;
  useLayoutEffect(() => {
    if (gone.current === goal || !isThere) return;
    gone.current = goal;
    wasAtEnd.current = goal.at === 'end';
    jumped.current = goal.at === 'end' || goal.at === 'start' ? null : goal.at;
    const go = () => {
      const { rows, virtual } = latest.current;
      if (goal.at === 'end') scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
      else if (goal.at === 'start') scrollTo({ top: 0, behavior: 'instant' });
      else virtual.scrollToIndex(rowAt(rows, goal.at), { align: 'start' });
    };
    go();
    const timers = AGAIN.map((ms) => setTimeout(go, ms));
    // Whoever scrolls decides.
    const stop = () => {
      timers.forEach(clearTimeout);
      jumped.current = null;
    };
    addEventListener('wheel', stop, { passive: true, once: true });
    addEventListener('touchmove', stop, { passive: true, once: true });
    return () => {
      timers.forEach(clearTimeout);
      removeEventListener('wheel', stop);
      removeEventListener('touchmove', stop);
    };
  }, [goal, isThere]);

  // Who is at the end stays there while the session grows; who reads further up is told.
  const [unseen, setUnseen] = useState(0);
  const lastKey = rows.at(-1)?.key;
  const known = useRef(part);
  useLayoutEffect(() => {
    const more = grown(known.current, part);
    known.current = part;
    if (more === 0) return;
    if (wasAtEnd.current) scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
    else setUnseen((before) => before + more);
  }, [part]);
  useEffect(() => {
    const size = new ResizeObserver(() => {
      if (wasAtEnd.current && part.next === null)
        scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
    });
    if (box.current) size.observe(box.current);
    return () => size.disconnect();
  }, [part.next]);

  useEffect(() => {
    const scroll = () => {
      const below = document.documentElement.scrollHeight - scrollY - innerHeight;
      wasAtEnd.current = part.next === null && below < AT_END;
      if (wasAtEnd.current) setUnseen(0);
      if (scrollY < NEAR) onBefore();
      if (below < NEAR) onAfter();
    };
    scroll();
    addEventListener('scroll', scroll, { passive: true });
    return () => removeEventListener('scroll', scroll);
  }, [part.next, onBefore, onAfter]);

  const items = virtual.getVirtualItems();
  // The keys lead from row to row with the focus itself, so that a screen reader says where one is.
  const wanted = useRef<number | null>(null);
  const lastStop = useRef<HTMLElement | null>(null);
  useLayoutEffect(() => {
    if (wanted.current === null) return;
    const row = box.current?.querySelector<HTMLElement>(`[data-index="${wanted.current}"]`);
    if (!row) return;
    wanted.current = null;
    const stop = row.querySelector<HTMLElement>('[data-stop]') ?? row;
    if (stop.tabIndex < 0) {
      if (lastStop.current) lastStop.current.tabIndex = -1;
      stop.tabIndex = 0;
      lastStop.current = stop;
    }
    stop.focus({ preventScroll: true });
  });
  const [, draw] = useState(0);
  const step = (by: number) => {
    const focused = document.activeElement?.closest<HTMLElement>('[data-index]');
    const isIn = focused && box.current?.contains(focused);
    const from = isIn ? Number(focused.dataset.index) : (firstSeen?.index ?? 0) - (by > 0 ? 1 : 0);
    const to = Math.max(0, Math.min(rows.length - 1, from + by));
    jumped.current = null;
    wasAtEnd.current = false;
    virtual.scrollToIndex(to, { align: 'auto' });
    wanted.current = to;
    draw((count) => count + 1);
  };
  useActs({ next: () => step(1), previous: () => step(-1) });
  const firstSeen = items.find((item) => item.end > (virtual.scrollOffset ?? 0) + 80);
  const seenFrom = firstSeen?.index ?? 0;
  const reading = keyOf(rows[seenFrom]) ?? keyOf(rows[seenFrom + 1]);
  useEffect(() => {
    if (reading) onReading(reading);
  }, [reading, onReading]);
  // At the end everything is before.
  const last = part.items.at(-1)?.key ?? null;
  useImperativeHandle(ref, () => ({ reading: () => jumped.current ?? (wasAtEnd.current ? last : reading) }));
  const target = goal.at;
  return (
    <>
      {part.previous !== null && <p className="py-2 text-center text-ink-3 text-xs">Loading what came before</p>}
      <div ref={box} className="relative" style={{ height: virtual.getTotalSize() }}>
        {items.map((at) => {
          const row = rows[at.index];
          if (!row) return null;
          return (
            <div
              key={at.key}
              ref={virtual.measureElement}
              data-index={at.index}
              tabIndex={-1}
              className="absolute inset-x-0 top-0 focus-visible:outline-none"
              style={{ transform: `translateY(${at.start - top}px)` }}
            >
              {row.kind === 'day' ? (
                <Rule icon={null} words={<time dateTime={row.at}>{dayOf(row.at, now)}</time>} />
              ) : row.kind === 'fork' ? (
                <Rule
                  icon={<GitFork className="size-3.5" aria-hidden />}
                  words={
                    row.origin ? (
                      <>
                        Forked here from{' '}
                        <Link
                          to="/s/$id"
                          params={{ id: row.origin }}
                          className="text-accent underline underline-offset-2"
                        >
                          its origin
                        </Link>
                      </>
                    ) : (
                      'From here on its own'
                    )
                  }
                />
              ) : row.kind === 'run' ? (
                <RunView
                  session={session}
                  items={row.items}
                  query={query}
                  target={target}
                  developer={developer}
                  {...acts}
                />
              ) : (
                <ItemView
                  session={session}
                  item={row.item}
                  query={query}
                  isTarget={shows(row, target)}
                  developer={developer}
                  {...acts}
                />
              )}
            </div>
          );
        })}
      </div>
      {part.next !== null && <p className="py-2 text-center text-ink-3 text-xs">Loading what follows</p>}
      {(unseen > 0 || part.next !== null) && lastKey && (
        <div className="pointer-events-none fixed inset-x-0 bottom-5 z-20 flex justify-center max-sm:bottom-20">
          <Button
            kind="solid"
            icon={ArrowDown}
            className="pointer-events-auto rounded-full shadow-float"
            onClick={() =>
              part.next !== null
                ? onEnd()
                : scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' })
            }
          >
            {unseen > 0 ? `${unseen} new below` : 'To the end'}
          </Button>
        </div>
      )}
    </>
  );
}

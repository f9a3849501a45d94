import { Link } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, GitFork } from 'lucide-react';
import { type Ref, useEffect, useImperativeHandle, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { Button } from '../../components/ui/button';
import { type ItemActs, ItemView, Rule } from './item-view';
import type { Part } from './merge';
import { type Row, rowAt, rowsOf } from './rows';
import { RunView } from './run-view';

/** Pixels from an edge at which the next page is asked for. */
const NEAR = 900;
/** Closer than this to the end counts as being there. */
const AT_END = 120;

/** What a page can ask of its list. */
export interface TranscriptHandle {
  /** Goes to an item; false: it is not loaded. */
  scrollTo: (key: string) => boolean;
  /** The first item that can be seen. */
  first: () => string | null;
}

interface Props {
  ref: Ref<TranscriptHandle>;
  session: string;
  origin: string | null;
  part: Part;
  target: string | undefined;
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

/** The items: as many as can be seen, growing at both ends without a jump. */
export function TranscriptList({
  ref,
  session,
  origin,
  part,
  target,
  query,
  developer,
  acts,
  onBefore,
  onAfter,
  onEnd,
  onReading,
}: Props) {
  const rows = useMemo(() => rowsOf(part.items, origin), [part.items, origin]);
  const box = useRef<HTMLDivElement>(null);
  const [top, setTop] = useState(0);
  useLayoutEffect(() => setTop(box.current?.offsetTop ?? 0), []);
  const virtual = useWindowVirtualizer({
    count: rows.length,
    estimateSize: (n) => (rows[n]?.kind === 'item' ? 96 : 32),
    getItemKey: (n) => rows[n]?.key ?? n,
    overscan: 6,
    scrollMargin: top,
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

  // The place that was asked for, or the end; once its neighbours have their heights it is gone to again.
  const opened = useRef<string | null>(null);
  const opening = target !== undefined && rowAt(rows, target) >= 0 ? target : part.next === null ? 'end' : null;
  useLayoutEffect(() => {
    if (opened.current === opening || opening === null) return;
    const isFirst = opened.current === null;
    opened.current = opening;
    if (!isFirst && opening === 'end') return;
    const go = () => {
      if (opening === 'end') scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
      else virtual.scrollToIndex(rowAt(rows, opening), { align: 'center' });
    };
    go();
    const timers = [30, 120, 300].map((ms) => setTimeout(go, ms));
    return () => timers.forEach(clearTimeout);
  }, [opening, rows, virtual]);

  // Who is at the end stays there while the session grows; who reads further up is told.
  const [unseen, setUnseen] = useState(0);
  const wasAtEnd = useRef(true);
  const lastKey = rows.at(-1)?.key;
  const count = useRef(part.items.length);
  useLayoutEffect(() => {
    const grown = part.items.length - count.current;
    count.current = part.items.length;
    if (part.next !== null || grown <= 0) return;
    if (wasAtEnd.current) scrollTo({ top: document.documentElement.scrollHeight, behavior: 'instant' });
    else setUnseen((before) => before + grown);
  }, [part.items.length, part.next]);
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
  const firstSeen = items.find((item) => item.end > (virtual.scrollOffset ?? 0) + 80);
  const reading = keyOf(rows[firstSeen?.index ?? 0]);
  useEffect(() => {
    if (reading) onReading(reading);
  }, [reading, onReading]);
  useImperativeHandle(ref, () => ({
    scrollTo: (key) => {
      const at = rowAt(rows, key);
      if (at >= 0) {
        wasAtEnd.current = false;
        virtual.scrollToIndex(at, { align: 'start' });
        setTimeout(() => virtual.scrollToIndex(rowAt(rows, key), { align: 'start' }), 60);
      }
      return at >= 0;
    },
    first: () => reading,
  }));
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
              className="absolute inset-x-0 top-0"
              style={{ transform: `translateY(${at.start - top}px)` }}
            >
              {row.kind === 'fork' ? (
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
                  isTarget={row.key === target}
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

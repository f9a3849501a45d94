import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { Session } from '../../api/types';
import { useActs } from '../../lib/acts';
import { useNow } from '../../lib/now';
import { useSettings } from '../../lib/settings';
import { dayOf } from '../../lib/time';
import { entryOf, live } from '../live/queries';
import { SessionCard, SessionRow } from './session-row';
import { useRoving } from './use-roving';
import type { Selection } from './use-selection';

const CARD_WIDTH = 300;
/** So many lines beyond the screen are drawn, for those who scroll. */
const OVERSCAN = 12;
/** Until then, for those who wait, only what is on the screen is drawn, as large as it is thought to be. */
const UNTIL_SETTLED_MS = 100;
const NEAR_THE_END = 40;

type Line = { kind: 'day'; name: string } | { kind: 'sessions'; sessions: Session[] };

/** Headings and sessions in lines: one a line, or as many cards as fit. */
export function linesOf(sessions: Session[], byDay: boolean, columns: number, now: number): Line[] {
  const lines: Line[] = [];
  let day = '';
  let open: Session[] | null = null;
  for (const session of sessions) {
    const name = byDay ? dayOf(session.updatedAt, now) : '';
    if (byDay && name !== day) {
      lines.push({ kind: 'day', name });
      day = name;
      open = null;
    }
    if (open && open.length < columns) {
      open.push(session);
    } else {
      open = [session];
      lines.push({ kind: 'sessions', sessions: open });
    }
  }
  return lines;
}

interface Props {
  sessions: Session[];
  byDay: boolean;
  selection: Selection;
  hasMore: boolean;
  onMore: () => void;
}

/** A list of any length: only what is on the screen is in the page. */
export function DayList({ sessions, byDay, selection, hasMore, onMore }: Props) {
  const now = useNow();
  const { list, density } = useSettings();
  const running = useQuery(live.now).data;
  const box = useRef<HTMLDivElement>(null);
  const [isSettled, setSettled] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(true), UNTIL_SETTLED_MS);
    return () => clearTimeout(timer);
  }, []);
  const [shape, setShape] = useState({ top: 0, width: 900 });
  useLayoutEffect(() => {
    const measure = () => {
      const element = box.current;
      if (element) setShape({ top: element.offsetTop, width: element.offsetWidth });
    };
    // How many cards stand in a line depends on the width; rows do without at first.
    if (isSettled || list === 'cards') measure();
    addEventListener('resize', measure);
    return () => removeEventListener('resize', measure);
  }, [isSettled, list]);
  const columns = list === 'cards' ? Math.max(1, Math.floor(shape.width / CARD_WIDTH)) : 1;
  const lines = useMemo(() => linesOf(sessions, byDay, columns, now), [sessions, byDay, columns, now]);
  const virtual = useWindowVirtualizer({
    count: lines.length,
    estimateSize: (n) => (lines[n]?.kind === 'day' ? 44 : list === 'cards' ? 172 : density === 'compact' ? 50 : 58),
    getItemKey: (n) => {
      const line = lines[n];
      return line?.kind === 'sessions' ? `${list} ${line.sessions[0]?.id}` : `day ${line?.name}`;
    },
    overscan: isSettled ? OVERSCAN : 0,
    scrollMargin: shape.top,
  });
  const items = virtual.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (hasMore && last > lines.length - NEAR_THE_END) onMore();
  }, [hasMore, last, lines.length, onMore]);

  const navigate = useNavigate();
  const step = (by: number) => {
    const session = selection.move(by);
    const at = lines.findIndex(
      (line) => line.kind === 'sessions' && line.sessions.some((one) => one.id === session?.id),
    );
    if (at >= 0) virtual.scrollToIndex(at, { align: 'auto' });
  };
  const { go, ...roving } = useRoving(box, selection, step);
  // Tab comes to where the keys were last, else to the first one that is drawn.
  const drawn = items.flatMap((item) => {
    const line = lines[item.index];
    return line?.kind === 'sessions' ? line.sessions : [];
  });
  const stop = drawn.find((session) => session.id === selection.current) ?? drawn[0];
  const open = () => selection.current && void navigate({ to: '/s/$id', params: { id: selection.current } });
  useActs({
    next: () => go(1),
    previous: () => go(-1),
    select: () => selection.current && selection.toggle(selection.current, false),
    open,
    openToo: open,
    clear: selection.clear,
  });
  const View = list === 'cards' ? SessionCard : SessionRow;
  return (
    <div ref={box} className="relative" style={{ height: virtual.getTotalSize() }} {...roving}>
      {items.map((item) => {
        const line = lines[item.index];
        if (!line) return null;
        return (
          <div
            key={item.key}
            ref={isSettled ? virtual.measureElement : undefined}
            data-index={item.index}
            className="absolute inset-x-0 top-0"
            style={{ transform: `translateY(${item.start - shape.top}px)` }}
          >
            {line.kind === 'day' ? (
              <h2 className="px-3 pt-5 pb-1.5 font-medium text-ink-3 text-xs max-sm:px-1">{line.name}</h2>
            ) : (
              <div
                className={list === 'cards' ? 'grid gap-3 pb-3' : ''}
                style={list === 'cards' ? { gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` } : {}}
              >
                {line.sessions.map((session) => (
                  <View
                    key={session.id}
                    session={session}
                    now={now}
                    live={running && entryOf(running, session.id)}
                    isCurrent={selection.current === session.id}
                    isStop={stop?.id === session.id}
                    isSelected={selection.has(session.id)}
                    isSelecting={selection.isSelecting}
                    onSelect={selection.toggle}
                  />
                ))}
              </div>
            )}
          </div>
        );
      })}
    </div>
  );
}

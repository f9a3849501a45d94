import { useVirtualizer } from '@tanstack/react-virtual';
import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { Session, Task } from '../../api/types';
import { Segmented } from '../../components/ui/segmented';
import { StateMark } from '../../components/ui/state-mark';
import { EMPTY_LANE, type Heard, openQuestion } from './heard';
import { Lane } from './lane';
import { hasBegun, isHeld, stateOf } from './states';
import { nameOf } from './titles';

/** A lane narrower than this is not read. */
const NARROWEST = 330;
const GAP = 12;
/** So much of the next lane shows that there is one. */
const PEEK = 20;

/** How wide each lane is in a row of some width: all of it, where they fit. */
export function laneWidth(row: number, lanes: number): number {
  const fit = Math.max(1, Math.floor((row + GAP) / (NARROWEST + GAP)));
  if (lanes <= fit) return Math.max(0, (row - GAP * (lanes - 1)) / Math.max(1, lanes));
  return Math.max(0, (row - GAP * fit - PEEK) / fit);
}

interface Props {
  tasks: readonly Task[];
  heard: Heard;
  isQueue: boolean;
  sessions: readonly Session[];
  /** When open questions are answered with no, by their numbers. */
  deadlines: ReadonlyMap<number, string>;
}

/** Sessions at work side by side. Only the lanes on the screen are in the page. */
export function Lanes({ tasks, heard, isQueue, sessions, deadlines }: Props) {
  const row = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [which, setWhich] = useState<'all' | 'live'>('all');
  useLayoutEffect(() => {
    const element = row.current;
    if (!element) return;
    const watch = new ResizeObserver(() => setWidth(element.clientWidth));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  const begun = useMemo(() => tasks.filter((task) => hasBegun(task) || heard.lanes.has(task.id)), [tasks, heard.lanes]);
  const live = begun.filter(isHeld);
  const shown = which === 'live' ? live : begun;
  const size = laneWidth(width, shown.length);
  const isMore = shown.length > 1 && size * shown.length > width;
  const virtual = useVirtualizer({
    horizontal: true,
    count: width === 0 ? 0 : shown.length,
    getScrollElement: () => row.current,
    estimateSize: () => size,
    getItemKey: (n) => shown[n]?.id ?? n,
    gap: GAP,
    overscan: 1,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: What was measured for another width is forgotten.
  useLayoutEffect(() => virtual.measure(), [size]);
  return (
    <div>
      {(isMore || which === 'live') && (
        <div className="mb-2.5 flex items-center gap-3">
          {(live.length > 0 || which === 'live') && (
            <Segmented
              label="Which lanes"
              value={which}
              onChange={setWhich}
              options={[
                { value: 'all', label: `All ${begun.length}` },
                { value: 'live', label: `Working ${live.length}` },
              ]}
            />
          )}
          <nav
            aria-label="Lanes"
            className="relative flex min-w-0 flex-1 flex-wrap gap-0.5 max-sm:flex-nowrap max-sm:overflow-x-auto"
          >
            {shown.map((task, n) => {
              const lane = heard.lanes.get(task.id);
              const state = stateOf(task, lane !== undefined && openQuestion(lane) !== undefined);
              return (
                <button
                  key={task.id}
                  type="button"
                  onClick={() => virtual.scrollToIndex(n, { align: 'start' })}
                  aria-label={`To lane ${task.number}: ${nameOf(task, isQueue, sessions)}`}
                  title={nameOf(task, isQueue, sessions)}
                  className="grid size-7 shrink-0 place-items-center rounded-md hover:bg-hover coarse:size-11"
                >
                  <StateMark state={state} bare />
                </button>
              );
            })}
          </nav>
        </div>
      )}
      <div
        ref={row}
        className={`relative h-[clamp(20rem,56dvh,40rem)] overflow-x-auto overflow-y-hidden max-sm:h-[62dvh] ${isMore ? 'snap-x max-sm:snap-mandatory' : ''}`}
      >
        <div className="relative h-full" style={{ width: virtual.getTotalSize() }}>
          {/* Where scrolling comes to rest; lanes come and go, and would pull it back to where it was. */}
          {isMore &&
            shown.map((task, n) => (
              <span
                key={task.id}
                aria-hidden
                className="absolute top-0 h-px w-px snap-start snap-always"
                style={{ left: n * (size + GAP) }}
              />
            ))}
          {virtual.getVirtualItems().map((item) => {
            const task = shown[item.index];
            if (!task) return null;
            const lane = heard.lanes.get(task.id) ?? EMPTY_LANE;
            const question = openQuestion(lane);
            return (
              <div
                key={item.key}
                className="absolute inset-y-0 left-0 p-px"
                style={{ width: item.size, transform: `translateX(${item.start}px)` }}
              >
                <Lane
                  task={task}
                  name={nameOf(task, isQueue, sessions)}
                  heard={lane}
                  until={question && deadlines.get(question.number)}
                />
              </div>
            );
          })}
        </div>
        {shown.length === 0 && (
          <p className="py-3 text-ink-3">
            {which === 'live' ? 'Nobody works just now.' : 'Nobody has begun yet; a moment.'}
          </p>
        )}
      </div>
    </div>
  );
}

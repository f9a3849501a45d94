import { memo } from 'react';
import type { LiveEntry, Session } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { StateMark } from '../../components/ui/state-mark';
import { useIsNarrow } from '../../lib/media';
import { titleOf } from '../../lib/titles';
import { sayLive, stateOfLive } from '../live/queries';
import { BriefCounts, Cost, Counts, Place, When } from './facts';
import { SessionLink } from './session-link';

interface Props {
  session: Session;
  now: number;
  /** The agent that has it open. Asked for by the list: a row that comes and goes with scrolling follows nothing. */
  live: LiveEntry | undefined;
  isCurrent: boolean;
  /** The one of its list that Tab comes to; keys lead on from there. */
  isStop: boolean;
  isSelected: boolean;
  /** A tap anywhere on it selects it. */
  isSelecting: boolean;
  onSelect: (id: string, range: boolean) => void;
}

/** What is tapped anywhere on its row or card. */
const ALL_OVER = 'after:absolute after:inset-0 after:z-10';

/** How it stands with the agent that has it open, if one has. */
function Live({ entry }: { entry: LiveEntry | undefined }) {
  return entry ? <StateMark state={stateOfLive(entry.live)} word={sayLive(entry.live)} bare /> : null;
}

/** One session in a list. */
export const SessionRow = memo(function SessionRow({
  session,
  now,
  live,
  isCurrent,
  isStop,
  isSelected,
  isSelecting,
  onSelect,
}: Props) {
  const isNarrow = useIsNarrow();
  return (
    <div
      data-current={isCurrent || undefined}
      data-session={session.id}
      className={`group relative flex items-center gap-3 rounded-lg px-3 py-2.5 compact:py-1.5 hover:bg-hover max-sm:-mx-1 max-sm:px-2 ${isCurrent ? 'bg-hover' : ''} ${isSelected ? 'bg-accent-soft' : ''}`}
    >
      <label
        className={`z-10 grid size-5 shrink-0 place-items-center coarse:size-6 ${isSelecting ? ALL_OVER : 'relative'}`}
      >
        <span
          className={`col-start-1 row-start-1 group-hover:opacity-0 group-has-[:focus-visible]:opacity-0 coarse:group-hover:opacity-100 ${isSelected || isSelecting ? '!opacity-0' : ''}`}
        >
          <AgentMark source={session.source} />
        </span>
        <input
          type="checkbox"
          tabIndex={isStop ? 0 : -1}
          checked={isSelected}
          aria-label={`Select ${titleOf(session)}`}
          onClick={(event) => onSelect(session.id, event.shiftKey)}
          onChange={() => undefined}
          className={`col-start-1 row-start-1 size-4 accent-accent group-hover:opacity-100 group-has-[:focus-visible]:opacity-100 coarse:pointer-events-none coarse:group-hover:opacity-0 ${isSelected || isSelecting ? '!opacity-100' : 'opacity-0'}`}
        />
      </label>
      <div className="min-w-0 flex-1">
        <SessionLink
          id={session.id}
          tabIndex={isStop ? 0 : -1}
          className="block truncate font-medium after:absolute after:inset-0 after:rounded-lg focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent"
        >
          {titleOf(session)}
        </SessionLink>
        <Place session={session} />
        {isNarrow && <BriefCounts session={session} />}
      </div>
      {!isNarrow && <Counts session={session} inColumns />}
      <div className="flex w-20 shrink-0 flex-col items-end gap-1.5 max-sm:w-auto">
        <span className="flex items-center gap-2">
          <Live entry={live} />
          <When session={session} now={now} live={live} />
        </span>
        {isNarrow && <Cost session={session} />}
      </div>
    </div>
  );
});

/** One session as a card. */
export const SessionCard = memo(function SessionCard({
  session,
  now,
  live,
  isCurrent,
  isStop,
  isSelected,
  isSelecting,
  onSelect,
}: Props) {
  return (
    <div
      data-current={isCurrent || undefined}
      data-session={session.id}
      className={`relative flex h-40 flex-col gap-2 rounded-xl border p-4 hover:bg-hover ${isSelected ? 'border-accent bg-accent-soft' : isCurrent ? 'border-line-strong' : 'border-line'}`}
    >
      <div className="flex items-center justify-between gap-2">
        <span className="text-xs">
          <AgentMark source={session.source} named />
        </span>
        <span className="flex items-center gap-2">
          <Live entry={live} />
          <When session={session} now={now} live={live} />
        </span>
      </div>
      <SessionLink
        id={session.id}
        tabIndex={isStop ? 0 : -1}
        className="line-clamp-2 break-words font-medium after:absolute after:inset-0 after:rounded-xl"
      >
        {titleOf(session)}
      </SessionLink>
      <div className="mt-auto space-y-2">
        <Place session={session} />
        <div className="flex items-center justify-between">
          <label className={`z-10 grid place-items-center ${isSelecting ? ALL_OVER : 'relative'}`}>
            <input
              type="checkbox"
              tabIndex={isStop ? 0 : -1}
              checked={isSelected}
              aria-label={`Select ${titleOf(session)}`}
              onClick={(event) => onSelect(session.id, event.shiftKey)}
              onChange={() => undefined}
              className="size-4 accent-accent"
            />
          </label>
          <Counts session={session} />
        </div>
      </div>
    </div>
  );
});

import { Link } from '@tanstack/react-router';
import type { LiveEntry } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Elapsed } from '../../components/ui/elapsed';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { dollars, many, short, totalTokens } from '../../lib/numbers';
import { titleOf } from '../../lib/titles';
import { ContextFill } from './context-fill';
import { LiveAsks } from './live-asks';
import { sayLive, stateOfLive } from './queries';

/** What a live session is called. */
export function nameOf({ live, session }: LiveEntry): string {
  return session ? titleOf(session) : harmless(live.name ?? 'Nothing said yet');
}

/** The project that a live session is of. */
export function projectOf({ live, session }: LiveEntry): string {
  return session?.project ?? live.cwd?.split('/').pop() ?? '';
}

interface Props {
  entry: LiveEntry;
  /** In a narrow column: a card of its own. */
  isCard: boolean;
  /** It is chosen to be shown beside others. */
  isChosen: boolean;
  onChoose: (isChosen: boolean) => void;
}

/** One running agent: how it stands, what it said last, what it asks. */
export function NowEntry({ entry, isCard, isChosen, onChoose }: Props) {
  const { live, session, lastWords } = entry;
  const title = nameOf(entry);
  const tokens = session ? totalTokens(session.usage) : 0;
  return (
    <article aria-label={title} className={isCard ? 'rounded-lg bg-sunken px-3 py-2.5' : 'py-3 compact:py-2'}>
      <div className="relative flex items-start gap-3 rounded-lg">
        <span className="mt-0.5">
          <AgentMark source={live.source} />
        </span>
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-3">
            <Link
              to="/s/$id"
              params={{ id: live.id }}
              className="min-w-0 truncate font-medium after:absolute after:inset-0 after:rounded-lg focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent"
            >
              {title}
            </Link>
            <span
              className={`flex items-center gap-2 whitespace-nowrap text-ink-3 text-xs tabular-nums ${isCard ? 'w-full' : 'ml-auto'}`}
            >
              <StateMark state={stateOfLive(live)} word={sayLive(live)} />
              {live.since && <Elapsed since={live.since} />}
            </span>
          </div>
          <p className="flex min-w-0 flex-wrap items-center gap-x-2 text-ink-3 text-xs">
            {projectOf(entry) && <span className="truncate text-ink-2">{harmless(projectOf(entry))}</span>}
            {session?.gitBranch && <span className="truncate max-sm:hidden">{harmless(session.gitBranch)}</span>}
            {session?.model && <span className="truncate max-sm:hidden">{harmless(session.model)}</span>}
            {tokens > 0 && <span className="whitespace-nowrap tabular-nums">{short(tokens)} tok</span>}
            {session && session.costMicroUsd > 0 && (
              <span className="whitespace-nowrap tabular-nums">{dollars(session.costMicroUsd)}</span>
            )}
            {live.context && <ContextFill context={live.context} />}
            {(live.helpers?.length ?? 0) > 0 && (
              <span className="whitespace-nowrap">{many(live.helpers?.length ?? 0, 'sub-agent')} at work</span>
            )}
            {live.control.by === 'none' && <span className="whitespace-nowrap">read only</span>}
          </p>
          {lastWords && <p className="mt-0.5 line-clamp-2 text-ink-2 sm:line-clamp-1">{harmless(lastWords)}</p>}
        </div>
        <label
          className="relative z-10 grid size-6 shrink-0 place-items-center max-lg:hidden"
          title="Show beside others"
        >
          <input
            type="checkbox"
            checked={isChosen}
            onChange={(event) => onChoose(event.target.checked)}
            aria-label={`Show ${title} beside others`}
            className="size-4 accent-accent"
          />
        </label>
      </div>
      {live.asks && (
        <div className={`mt-2.5 max-w-3xl ${isCard ? '' : 'ml-8 max-sm:ml-0'}`}>
          <LiveAsks id={live.id} asks={live.asks} cwd={live.cwd} />
        </div>
      )}
    </article>
  );
}

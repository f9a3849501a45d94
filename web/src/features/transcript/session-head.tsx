import { Link } from '@tanstack/react-router';
import { ArrowLeft, GitBranch } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Session, SessionDetail } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Writing } from '../../components/ui/state';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { bytes, dollars, many, short, totalTokens } from '../../lib/numbers';
import { useScrolled } from '../../lib/scrolled';
import { isWriting, span, whole } from '../../lib/time';
import { useLive } from '../live/queries';

/** What a session is, above its transcript. */
export function SessionHead({
  detail,
  acts,
  more,
  onBack,
}: {
  detail: SessionDetail;
  acts: ReactNode;
  /** What else belongs to it. */
  more?: ReactNode;
  onBack: () => void;
}) {
  const { session, parent, origin, children, forks, reviews } = detail;
  const now = useNow();
  const live = useLive(session.id);
  // Above the title itself it would stand twice.
  const isPast = useScrolled(90);
  const title = harmless(session.title ?? session.firstPrompt ?? 'Untitled');
  const below = children.reduce((sum, child) => sum + child.costMicroUsd, 0);
  const size = session.files.reduce((sum, file) => sum + file.bytes, 0);
  return (
    <>
      <div className="sticky top-0 z-20 -mx-3 flex h-12 items-center gap-2.5 bg-canvas px-3">
        <button
          type="button"
          onClick={onBack}
          aria-label="Back"
          className="-ml-1.5 grid size-8 shrink-0 place-items-center rounded-md text-ink-3 hover:bg-hover hover:text-ink sm:hidden coarse:size-11"
        >
          <ArrowLeft className="size-4" aria-hidden />
        </button>
        {isPast && <AgentMark source={session.source} />}
        <p aria-hidden className="min-w-0 flex-1 truncate font-medium">
          {isPast && title}
        </p>
        {isPast && (
          <span className="shrink-0 text-ink-3 text-xs tabular-nums max-sm:hidden">
            {totalTokens(session.usage) > 0 && `${short(totalTokens(session.usage))} tokens`}
            {session.costMicroUsd > 0 && ` · ${dollars(session.costMicroUsd)}`}
          </span>
        )}
        {isWriting(session.updatedAt, now, live?.live) && <Writing />}
        <span className="flex shrink-0 items-center">{acts}</span>
      </div>
      <header className="pt-2 pb-3">
        <h1 className="line-clamp-4 font-semibold text-lg [overflow-wrap:anywhere]">{title}</h1>
        <p className="mt-1.5 flex items-center gap-2 text-xs">
          <AgentMark source={session.source} named />
          {session.agentVersion && <span className="text-ink-3">{harmless(session.agentVersion)}</span>}
        </p>
        <p className="mt-1.5 flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-3 text-xs">
          {session.cwd && <span className="font-mono [overflow-wrap:anywhere]">{harmless(session.cwd)}</span>}
          {session.gitBranch && (
            <span className="flex items-center gap-1">
              <GitBranch className="size-3" aria-label="branch" />
              {harmless(session.gitBranch)}
            </span>
          )}
          {session.model && <span>{harmless(session.model)}</span>}
          {session.provider && <span>by {harmless(session.provider)}</span>}
          <span title={`${whole(session.startedAt)} to ${whole(session.updatedAt)}`}>
            {span(session.startedAt, session.updatedAt)}
          </span>
        </p>
        <p className="mt-1 flex flex-wrap gap-x-3 gap-y-1 text-ink-3 text-xs tabular-nums">
          <span>{many(session.counts.prompts, 'prompt')}</span>
          <span>{many(session.counts.toolCalls, 'tool call')}</span>
          {session.counts.errors > 0 && <span className="text-bad">{many(session.counts.errors, 'error')}</span>}
          {totalTokens(session.usage) > 0 && (
            <span
              title={`${session.usage.inputTokens} in, ${session.usage.cachedInputTokens} cached, ${session.usage.cacheWriteTokens} written to the cache, ${session.usage.outputTokens} out`}
            >
              {short(totalTokens(session.usage))} tokens
            </span>
          )}
          {session.costMicroUsd > 0 && <span className="text-ink-2">{dollars(session.costMicroUsd)}</span>}
          {below > 0 && <span>{dollars(below)} more in sub-agents</span>}
          {size > 0 && <span>{bytes(size)}</span>}
          {session.skippedRecords > 0 && (
            <span className="text-warn">{many(session.skippedRecords, 'record')} skipped</span>
          )}
        </p>
        <Relations name="Started by" sessions={parent ? [parent] : []} />
        <Relations name="Forked from" sessions={origin ? [origin] : []} />
        <Relations name="Sub-agents" sessions={children} />
        <Relations name="Forks" sessions={forks} />
        {reviews && (
          <p className="mt-1 flex flex-wrap items-baseline gap-x-3 text-xs">
            <span className="text-ink-3">Reviews the work of</span>
            <Link
              to="/s/$id"
              params={{ id: reviews.id }}
              search={{ review: reviews.review }}
              className="max-w-80 truncate text-accent hover:underline coarse:min-w-11 coarse:py-3.5"
            >
              {harmless(reviews.session?.title ?? reviews.id)}
            </Link>
          </p>
        )}
        {more}
      </header>
    </>
  );
}

const SHOWN = 4;

function Relations({ name, sessions }: { name: string; sessions: Session[] }) {
  if (sessions.length === 0) return null;
  return (
    <p className="mt-1 flex flex-wrap items-baseline gap-x-3 gap-y-1 text-xs">
      <span className="text-ink-3">{name}</span>
      {sessions.slice(0, SHOWN).map((session) => (
        <Link
          key={session.id}
          to="/s/$id"
          params={{ id: session.id }}
          className="max-w-80 truncate text-accent hover:underline coarse:min-w-11 coarse:py-3.5"
        >
          {harmless(session.title ?? session.id)}
        </Link>
      ))}
      {sessions.length > SHOWN && <span className="text-ink-3">and {sessions.length - SHOWN} more</span>}
    </p>
  );
}

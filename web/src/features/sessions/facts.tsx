import { GitBranch, GitFork } from 'lucide-react';
import type { LiveEntry, Session } from '../../api/types';
import { Writing } from '../../components/ui/state';
import { harmless } from '../../lib/harmless';
import { dollars, full, many, short, totalTokens } from '../../lib/numbers';
import { ago, isWriting, whole } from '../../lib/time';

/** Where a session was, under its title. */
export function Place({ session }: { session: Session }) {
  return (
    <span className="flex min-w-0 items-center gap-2 text-ink-3 text-xs">
      {session.project && <span className="truncate text-ink-2">{harmless(session.project)}</span>}
      {session.gitBranch && (
        <span className="flex min-w-0 items-center gap-1">
          <GitBranch className="size-3 shrink-0" aria-label="branch" />
          <span className="truncate">{harmless(session.gitBranch)}</span>
        </span>
      )}
      {session.forkedFromId && <GitFork className="size-3 shrink-0" aria-label="a fork" />}
      {session.model && <span className="truncate max-sm:hidden">{harmless(session.model)}</span>}
      {session.archived && <span>archived</span>}
      {session.missing && <span className="text-warn">file gone</span>}
    </span>
  );
}

/** When it was last written, or that it is being written; `live`: how it stands with the agent that has it open. */
export function When({ session, now, live }: { session: Session; now: number; live: LiveEntry | undefined }) {
  if (isWriting(session.updatedAt, now, live?.live)) return <Writing />;
  return (
    <time
      dateTime={session.updatedAt ?? undefined}
      title={whole(session.updatedAt)}
      className="whitespace-nowrap text-ink-3 text-xs tabular-nums"
    >
      {ago(session.updatedAt, now)}
    </time>
  );
}

const tools = (count: number) => `${short(count)} ${count === 1 ? 'tool' : 'tools'}`;

/** What it cost, where that is known. */
export function Cost({ session }: { session: Session }) {
  if (session.costMicroUsd === 0) return null;
  return <span className="text-ink-2 text-xs tabular-nums">{dollars(session.costMicroUsd)}</span>;
}

/** How much was said and done, in as little room as a phone has. */
export function BriefCounts({ session }: { session: Session }) {
  const { prompts, toolCalls, errors } = session.counts;
  return (
    <span className="flex items-center gap-2.5 whitespace-nowrap text-ink-3 text-xs tabular-nums">
      <span>{many(prompts, 'prompt')}</span>
      {toolCalls > 0 && <span>{tools(toolCalls)}</span>}
      {errors > 0 && <span className="text-bad">{many(errors, 'error')}</span>}
    </span>
  );
}

const COLUMNS = 'grid grid-cols-[1.75rem_4.75rem_3.75rem_4rem_3.5rem] justify-items-end gap-x-2';

/** How much was said, done and spent; `inColumns`: they line up from row to row. */
export function Counts({ session, inColumns = false }: { session: Session; inColumns?: boolean }) {
  const { prompts, toolCalls, errors } = session.counts;
  const tokens = totalTokens(session.usage);
  return (
    <span className={`whitespace-nowrap text-ink-3 text-xs tabular-nums ${inColumns ? COLUMNS : 'flex gap-x-3'}`}>
      {errors > 0 ? (
        <span className="text-bad" title={many(errors, 'error')}>
          {short(errors)}
          <span aria-hidden> ✕</span>
          <span className="sr-only"> errors</span>
        </span>
      ) : (
        <span />
      )}
      <span>
        {short(prompts)} {prompts === 1 ? 'prompt' : 'prompts'}
      </span>
      <span title={many(toolCalls, 'tool call')}>{toolCalls > 0 && tools(toolCalls)}</span>
      <span title={`${full(tokens)} tokens`}>{tokens > 0 && `${short(tokens)} tok`}</span>
      <Cost session={session} />
    </span>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import type { Run, Session } from '../../api/types';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Fold } from '../../components/ui/fold';
import { StateMark } from '../../components/ui/state-mark';
import { useNow } from '../../lib/now';
import { ago, took, whole } from '../../lib/time';
import { work } from './queries';
import { Results } from './results';
import { counted, stateOfRun } from './states';
import { firstLine } from './titles';

/** Runs that are over, the last first; each opens to its table. */
export function RunsList({ runs, sessions }: { runs: readonly Run[]; sessions: readonly Session[] }) {
  return (
    <ul>
      {runs.map((run) => (
        <li key={run.id} className="border-line border-b py-1.5">
          <RunLine run={run} sessions={sessions} />
        </li>
      ))}
    </ul>
  );
}

function RunLine({ run, sessions }: { run: Run; sessions: readonly Session[] }) {
  const [isOpen, setOpen] = useState(false);
  const now = useNow();
  return (
    <Fold
      icon={<StateMark state={stateOfRun(run)} bare />}
      head={
        <>
          <span className="text-ink tabular-nums">Run {run.number}</span>
          {run.prompt !== undefined && <span className="ml-2.5 text-ink-3">{firstLine(run.prompt)}</span>}
        </>
      }
      aside={
        <span className="flex shrink-0 items-center gap-3 text-ink-3 text-xs tabular-nums">
          <span className="max-sm:hidden">{counted(run.counts)}</span>
          {run.endedAt !== undefined && (
            <span className="max-sm:hidden">{took(Date.parse(run.endedAt) - Date.parse(run.createdAt))}</span>
          )}
          <time dateTime={run.createdAt} title={whole(run.createdAt)}>
            {ago(run.createdAt, now)}
          </time>
        </span>
      }
      open={isOpen}
      onToggle={() => setOpen(!isOpen)}
    >
      <Table run={run} sessions={sessions} />
    </Fold>
  );
}

function Table({ run, sessions }: { run: Run; sessions: readonly Session[] }) {
  const answer = useQuery(work.run(run.id));
  if (answer.isPending) return <Skeleton lines={2} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  return (
    <>
      <p className="mb-1 text-ink-3 text-xs sm:hidden">{counted(run.counts)}</p>
      <Results tasks={answer.data.tasks} isQueue={run.isQueue} sessions={sessions} />
      <Link
        to="/runs/$id"
        params={{ id: run.id }}
        className="mt-2 inline-block text-accent text-sm hover:underline coarse:py-2.5"
      >
        Everything that happened in it
      </Link>
    </>
  );
}

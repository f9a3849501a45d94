import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ListOrdered, Plus } from 'lucide-react';
import { useState } from 'react';
import type { QueueLine } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Page } from '../../components/ui/page';
import { type State, StateMark } from '../../components/ui/state-mark';
import { ACTS, useActs } from '../../lib/acts';
import { harmless } from '../../lib/harmless';
import { ImportButton } from './import-button';
import { NewQueueDialog } from './new-queue-dialog';
import { work } from './queries';
import { counted, stateOfRun } from './states';
import { ROW, ROW_LINK, useRows } from './use-rows';

/** All queues. */
export function QueuesPage() {
  const queues = useQuery(work.queues);
  const [isNew, setNew] = useState(false);
  useActs({ newQueue: () => setNew(true) });
  const list = useRows();
  if (queues.isPending) return <Skeleton lines={6} />;
  if (queues.error && !queues.data) return <Failed error={queues.error} retry={() => void queues.refetch()} />;
  const lines = queues.data.queues;
  return (
    <Page
      title="Queues"
      aside={
        <span className="flex gap-2">
          <ImportButton />
          <Button needs="approve" kind="solid" icon={Plus} onClick={() => setNew(true)}>
            {ACTS.newQueue.name}
          </Button>
        </span>
      }
    >
      {lines.length === 0 ? (
        <Notice icon={ListOrdered} title="No queues yet">
          <p>
            A queue is a list of prompts for one project. An agent works through them one after the other; you go on
            adding, and come back to the answers.
          </p>
          <p>It survives restarts, waits where a usage limit says so, and runs no prompt twice.</p>
        </Notice>
      ) : (
        <ul ref={list}>
          {lines.map((line) => (
            <Row key={line.queue.id} line={line} />
          ))}
        </ul>
      )}
      {isNew && <NewQueueDialog onClose={() => setNew(false)} />}
    </Page>
  );
}

/** How a queue stands where it does not run. */
function restOf({ counts }: QueueLine): State | null {
  if (counts.failed > 0) return 'failed';
  if (counts.interrupted > 0) return 'interrupted';
  if (counts.pending > 0) return 'pending';
  return counts.completed > 0 ? 'completed' : null;
}

function Row({ line }: { line: QueueLine }) {
  const { queue, counts, run } = line;
  const state = run ? stateOfRun(run) : restOf(line);
  return (
    <li className={ROW}>
      <AgentMark source={queue.source} />
      <div className="min-w-0 flex-1 basis-48">
        <Link to="/queues/$id" params={{ id: queue.id }} data-row className={ROW_LINK}>
          {harmless(queue.name)}
        </Link>
        <span className="block truncate font-mono text-ink-3 text-xs">{harmless(queue.project)}</span>
      </div>
      <div className="flex flex-wrap items-center justify-end gap-x-3 text-ink-3 text-xs tabular-nums max-sm:pl-8">
        {state && <StateMark state={state} bare={run === null} beats />}
        <span>{state ? counted(counts) : 'no prompts'}</span>
      </div>
    </li>
  );
}

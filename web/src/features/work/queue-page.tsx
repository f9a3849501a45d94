import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Ellipsis, Play } from 'lucide-react';
import { useState } from 'react';
import { post, remove } from '../../api/client';
import type { Queue, QueueAnswer, Run } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Confirm } from '../../components/ui/confirm';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Menu, MenuItem } from '../../components/ui/menu';
import { Needs } from '../../components/ui/needs';
import { Page, Section } from '../../components/ui/page';
import { say } from '../../components/ui/toast';
import { useActs } from '../../lib/acts';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { exportAs, useWorkAct } from './acts';
import { PERMISSIONS } from './options-fields';
import { PromptForm } from './prompt-form';
import { PromptList } from './prompt-list';
import { PromptResults } from './prompt-results';
import { ofQueue, work } from './queries';
import { QueueRun } from './queue-run';
import { QueueSettingsDialog } from './queue-settings-dialog';
import { Controls } from './run-view';
import { RunsList } from './runs-list';
import { isOver } from './states';

type Open = 'settings' | 'delete';

/** One queue: its prompts in order, the one that runs, and what came of those before. */
export function QueuePage({ id }: { id: string }) {
  const answer = useQuery(work.queue(id));
  const navigate = useNavigate();
  useActs({ back: () => void navigate({ to: '/queues' }) });
  if (answer.isPending) return <Skeleton lines={6} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  return <Shown answer={answer.data} />;
}

function Shown({ answer: { queue, prompts, run, runs } }: { answer: QueueAnswer }) {
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const waiting = prompts.filter((task) => task.status === 'pending');
  const over = prompts.filter(isOver);
  const past = runs.filter((one) => one.endedAt !== undefined);
  const begin = useWorkAct(() => post<Run>(ofQueue(queue.id, '/runs')));
  const isReady = waiting.some((task) => !task.isManual);
  return (
    <Page
      title={harmless(queue.name)}
      above={
        <Link to="/queues" className="hover:underline">
          Queues
        </Link>
      }
      aside={
        <span className="flex gap-2">
          {run ? (
            <Controls run={run} />
          ) : (
            <Button
              needs="approve"
              kind="solid"
              icon={Play}
              disabled={!isReady || begin.isPending}
              title={isReady ? undefined : 'Nothing waits that may begin'}
              onClick={() => begin.mutate(undefined)}
            >
              Run
            </Button>
          )}
          <QueueMenu queue={queue} isRunning={run !== null} onOpen={setOpen} />
        </span>
      }
    >
      <Facts queue={queue} />
      {run && (
        <Section title={`Run ${run.number}`}>
          <QueueRun run={run} prompts={prompts} />
        </Section>
      )}
      <Section title={waiting.length === 0 ? 'Nothing waits' : many(waiting.length, 'prompt')}>
        {prompts.length === 0 && (
          <p className="mb-3 text-ink-2">
            Write the first prompt. They are said one after the other, in the order in which they stand here.
          </p>
        )}
        {waiting.length > 0 && (
          <div className="mb-4">
            <PromptList queue={queue.id} waiting={waiting} all={prompts} />
          </div>
        )}
        <Needs scope="reply">
          <PromptForm queue={queue.id} prompts={prompts} />
        </Needs>
      </Section>
      {over.length > 0 && (
        <Section title="At their end">
          <PromptResults queue={queue.id} tasks={over} />
        </Section>
      )}
      {past.length > 0 && (
        <Section title="Runs">
          <RunsList runs={past} sessions={[]} />
        </Section>
      )}
      {open === 'settings' && <QueueSettingsDialog queue={queue} onClose={close} />}
      {open === 'delete' && <DeleteQueue queue={queue} prompts={prompts.length} onClose={close} />}
    </Page>
  );
}

function Facts({ queue }: { queue: Queue }) {
  const { options } = queue;
  return (
    <p className="-mt-3 mb-5 flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-3 text-xs">
      <AgentMark source={queue.source} named />
      <code className="font-mono [overflow-wrap:anywhere]">{harmless(queue.project)}</code>
      <span>{queue.mode === 'fresh' ? 'each in a new session' : 'all in one session'}</span>
      {queue.mode === 'continue' && queue.session && (
        <Link to="/s/$id" params={{ id: queue.session }} className="text-accent hover:underline">
          its session
        </Link>
      )}
      {queue.stopsOnFailure && <span>stops at a failure</span>}
      <span>{options.permission ? PERMISSIONS[options.permission].name : 'permission as its settings say'}</span>
      {options.model && <span>{harmless(options.model)}</span>}
    </p>
  );
}

function QueueMenu({ queue, isRunning, onOpen }: { queue: Queue; isRunning: boolean; onOpen: (open: Open) => void }) {
  return (
    <Menu label="More" button={(props) => <Button icon={Ellipsis} label="More" {...props} />}>
      {(close) => {
        const choose = (act: () => void) => () => {
          close();
          act();
        };
        return (
          <>
            <MenuItem needs="approve" onClick={choose(() => onOpen('settings'))}>
              Settings
            </MenuItem>
            <MenuItem onClick={choose(() => void exportAs(queue.name, ofQueue(queue.id, '/export')))}>
              Export as JSON
            </MenuItem>
            <div className="my-1 border-line border-t" />
            <MenuItem
              needs="approve"
              onClick={choose(() => (isRunning ? say('It runs; stop it first') : onOpen('delete')))}
            >
              Delete the queue
            </MenuItem>
          </>
        );
      }}
    </Menu>
  );
}

function DeleteQueue({ queue, prompts, onClose }: { queue: Queue; prompts: number; onClose: () => void }) {
  const navigate = useNavigate();
  const forget = useWorkAct(
    () => remove(ofQueue(queue.id)),
    () => say('Deleted'),
  );
  return (
    <Confirm
      title={`Delete ${harmless(queue.name)}`}
      word="Delete it"
      isBusy={forget.isPending}
      // Away first: this page would ask for what is gone.
      onYes={() => void navigate({ to: '/queues' }).then(() => forget.mutate(undefined))}
      onClose={onClose}
    >
      <p>
        {prompts > 0
          ? `The queue and its ${many(prompts, 'prompt')} with what came of them will be gone, for good.`
          : 'The queue will be gone, for good.'}
      </p>
      <p className="text-ink-2">The sessions in which they were said stay as they are.</p>
    </Confirm>
  );
}

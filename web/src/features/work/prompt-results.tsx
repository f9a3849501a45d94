import { useState } from 'react';
import type { Task } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Fold } from '../../components/ui/fold';
import { Plain } from '../../components/ui/plain';
import { StateMark } from '../../components/ui/state-mark';
import { full, short, totalTokens } from '../../lib/numbers';
import { usePromptActs } from './prompt-row';
import { Answer } from './results';
import { durationOf, stateOf } from './states';
import { firstLine } from './titles';

/** Prompts that are at their end; each opens to what came of it. */
export function PromptResults({ queue, tasks }: { queue: string; tasks: readonly Task[] }) {
  return (
    <ol aria-label="Prompts at their end">
      {tasks.map((task) => (
        <li key={task.id} className="border-line border-b py-1.5">
          <Result queue={queue} task={task} />
        </li>
      ))}
    </ol>
  );
}

function Result({ queue, task }: { queue: string; task: Task }) {
  const [isOpen, setOpen] = useState(false);
  const { change, drop } = usePromptActs(queue, task);
  const tokens = totalTokens(task.usage);
  const state = stateOf(task);
  return (
    <Fold
      icon={<StateMark state={state} bare={state === 'completed'} />}
      head={
        <>
          <span className="mr-2 text-ink-3 text-xs tabular-nums">{task.number}</span>
          <span className="text-ink">{firstLine(task.prompt)}</span>
        </>
      }
      aside={
        <span className="flex shrink-0 gap-3 text-ink-3 text-xs tabular-nums">
          <span className="max-sm:hidden">{durationOf(task)}</span>
          {tokens > 0 && <span title={`${full(tokens)} tokens`}>{short(tokens)} tok</span>}
        </span>
      }
      open={isOpen}
      onToggle={() => setOpen(!isOpen)}
    >
      <div className="max-w-3xl space-y-3">
        <article aria-label="Prompt" className="max-h-60 overflow-auto rounded-xl bg-sunken px-4 py-3">
          <Plain text={task.prompt} />
        </article>
        <Answer task={task} />
        <div className="-ml-2.5 flex gap-1">
          <Button onClick={() => change({ status: 'pending' })}>Run it again</Button>
          <Button onClick={drop}>Remove</Button>
        </div>
      </div>
    </Fold>
  );
}

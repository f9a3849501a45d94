import { useQuery } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Run, Task } from '../../api/types';
import { Elapsed, Until } from '../../components/ui/elapsed';
import { Progress } from '../../components/ui/progress';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { EMPTY_LANE, NOTHING_HEARD, openQuestion } from './heard';
import { Lane } from './lane';
import { work } from './queries';
import { counted, countsOf, isHeld, sayRun, shareOf, stateOfRun } from './states';
import { firstLine } from './titles';

/** A queue at work: the prompt that runs now, or what it waits for. */
export function QueueRun({ run, prompts }: { run: Run; prompts: readonly Task[] }) {
  const events = useQuery(work.events(run.id));
  const approvals = useQuery(work.open);
  const heard = events.data ?? NOTHING_HEARD;
  // What this run has to do: what others left at its end is none of its business.
  const own = useMemo(() => prompts.filter((task) => task.status === 'pending' || task.run === run.id), [prompts, run]);
  const counts = countsOf(own);
  const current = prompts.find(isHeld);
  const waits = current ? undefined : own.find((task) => task.status === 'pending' && task.notBefore !== undefined);
  const lane = current && (heard.lanes.get(current.id) ?? EMPTY_LANE);
  const number = lane && openQuestion(lane)?.number;
  return (
    <div className="space-y-3">
      <div className="flex flex-wrap items-center gap-x-4 gap-y-1">
        <StateMark state={waits ? 'limited' : stateOfRun(run)} beats />
        <span className="tabular-nums" role="status">
          {counted(counts)}
        </span>
        <span className="text-ink-3 text-xs tabular-nums">
          <Elapsed since={run.createdAt} />
        </span>
      </div>
      <Progress label="How much of the queue is done" share={shareOf(counts)} />
      {sayRun(run) !== '' && <p className="text-ink-2">{sayRun(run)}</p>}
      {waits?.notBefore !== undefined && (
        <p className="text-warn tabular-nums">
          It goes on in <Until time={waits.notBefore} />:{' '}
          {harmless(heard.lanes.get(waits.id)?.waits?.why ?? waits.why ?? 'the agent has no more to spend for now')}
        </p>
      )}
      {events.error && (
        <p role="alert" className="text-bad">
          What happens can’t be followed now: {events.error.message}.
        </p>
      )}
      {current && lane && (
        <div className="h-[clamp(14rem,38dvh,26rem)] max-w-5xl">
          <Lane
            key={current.id}
            task={current}
            name={firstLine(current.prompt)}
            heard={lane}
            until={approvals.data?.open.find((asked) => asked.number === number)?.until}
          />
        </div>
      )}
    </div>
  );
}

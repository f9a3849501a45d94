import { useQuery } from '@tanstack/react-query';
import { Pause, Play, Square } from 'lucide-react';
import { useMemo, useState } from 'react';
import type { Run, Session } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Confirm } from '../../components/ui/confirm';
import { Elapsed } from '../../components/ui/elapsed';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Fold } from '../../components/ui/fold';
import { Progress } from '../../components/ui/progress';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { took } from '../../lib/time';
import { useWish } from './acts';
import { NOTHING_HEARD } from './heard';
import { Lanes } from './lanes';
import { work } from './queries';
import { Results } from './results';
import { counted, countsOf, sayRun, shareOf, stateOfRun } from './states';

const NO_SESSIONS: readonly Session[] = [];

/** A run: live while it goes on, a table at its end. */
export function RunView({ id, sessions = NO_SESSIONS }: { id: string; sessions?: readonly Session[] }) {
  const answer = useQuery(work.run(id));
  const isOpen = answer.data !== undefined && answer.data.run.endedAt === undefined;
  const [isLaid, setLaid] = useState(false);
  const events = useQuery({ ...work.events(id), enabled: isOpen || isLaid });
  const approvals = useQuery(work.open);
  const deadlines = useMemo(
    () => new Map(approvals.data?.open.map((asked) => [asked.number, asked.until] as const)),
    [approvals.data],
  );
  const asking = useMemo(
    () => new Set(approvals.data?.open.filter((asked) => asked.run === id).map((asked) => asked.task)),
    [approvals.data, id],
  );
  if (answer.isPending) return <Skeleton lines={5} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  const { run, tasks } = answer.data;
  const heard = events.data ?? NOTHING_HEARD;
  const lanes = <Lanes tasks={tasks} heard={heard} isQueue={run.isQueue} sessions={sessions} deadlines={deadlines} />;
  const partly = events.error && (
    <p role="alert" className="text-bad">
      What happens can’t be followed now: {events.error.message}.
    </p>
  );
  // A queue's run has the prompts that it has begun, and counts all that wait.
  const counts = isOpen && !run.isQueue ? countsOf(tasks) : run.counts;
  const results = <Results tasks={tasks} isQueue={run.isQueue} sessions={sessions} asking={asking} />;
  return (
    <div className="space-y-5">
      <div className="space-y-2.5">
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
          <StateMark state={stateOfRun(run)} beats />
          <span className="tabular-nums" role="status">
            {counted(counts)}
          </span>
          <span className="text-ink-3 text-xs tabular-nums">
            {run.endedAt === undefined ? (
              <Elapsed since={run.createdAt} />
            ) : (
              took(Date.parse(run.endedAt) - Date.parse(run.createdAt))
            )}
          </span>
          {isOpen && <Controls run={run} />}
        </div>
        {isOpen && <Progress label="How much of the run is done" share={shareOf(counts)} />}
        {isOpen && sayRun(run) !== '' && <p className="text-ink-2">{sayRun(run)}</p>}
        {heard.notes.map((note) => (
          <p key={note.key} className="text-ink-3 text-xs [overflow-wrap:anywhere]">
            {harmless(note.text)}
          </p>
        ))}
      </div>
      {isOpen ? (
        <>
          {partly}
          {lanes}
          {results}
        </>
      ) : (
        <>
          {results}
          <Fold icon={null} head="What happened, in lanes" open={isLaid} onToggle={() => setLaid(!isLaid)}>
            {partly || (events.isPending ? <Skeleton lines={3} /> : lanes)}
          </Fold>
        </>
      )}
    </div>
  );
}

/** Pauses, goes on with, or stops a run. */
export function Controls({ run }: { run: Run }) {
  const wish = useWish(run.id);
  const [isAsking, setAsking] = useState(false);
  if (run.wish === 'stop') return null;
  const working = run.counts.running;
  return (
    <span className="ml-auto flex gap-2">
      {run.wish === 'pause' ? (
        <Button needs="approve" kind="solid" icon={Play} disabled={wish.isPending} onClick={() => wish.mutate('run')}>
          Resume
        </Button>
      ) : (
        <Button needs="approve" kind="edge" icon={Pause} disabled={wish.isPending} onClick={() => wish.mutate('pause')}>
          Pause
        </Button>
      )}
      <Button needs="approve" kind="edge" icon={Square} disabled={wish.isPending} onClick={() => setAsking(true)}>
        Stop
      </Button>
      {isAsking && (
        <Confirm
          title="Stop the run"
          word="Stop it"
          onYes={() => {
            wish.mutate('stop');
            setAsking(false);
          }}
          onClose={() => setAsking(false)}
        >
          <p>
            {working > 0
              ? `${many(working, 'agent')} at work will be interrupted where ${working === 1 ? 'it is' : 'they are'}, and no more begin.`
              : 'No more begin.'}
          </p>
          <p className="text-ink-2">To let those at work finish, pause instead.</p>
        </Confirm>
      )}
    </span>
  );
}

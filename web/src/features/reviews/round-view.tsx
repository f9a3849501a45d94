import { CircleX } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { ReviewRound } from '../../api/types';
import { Elapsed } from '../../components/ui/elapsed';
import { Fold } from '../../components/ui/fold';
import { Plain } from '../../components/ui/plain';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { FindingList } from './finding-list';

interface Props {
  round: ReviewRound;
  /** Its number, from 0. */
  number: number;
  isCurrent: boolean;
  chosen: ReadonlySet<number>;
  onChoose: (at: number) => void;
  /** Shows an agent's words as they are meant. */
  text: (words: string) => ReactNode;
}

/** One prompt for a reviewer, and what it said. */
export function RoundView({ round, number, isCurrent, chosen, onChoose, text }: Props) {
  const [isOpen, setOpen] = useState(false);
  return (
    <section aria-label={`Round ${number + 1}`} className="space-y-2.5">
      {number > 0 && (
        <div className="rounded-xl bg-sunken px-3.5 py-2.5">
          <p className="text-ink-3 text-xs">You</p>
          <Plain text={round.prompt} />
        </div>
      )}
      {round.state === 'running' && (
        <p className="flex items-center gap-3 text-xs">
          <StateMark state={round.why ? 'limited' : 'running'} word={round.why ? 'waits' : 'reviewing'} beats />
          <span className="text-ink-3 tabular-nums">
            <Elapsed since={round.startedAt} />
          </span>
          {round.why && <span className="text-ink-2 [overflow-wrap:anywhere]">{harmless(round.why)}</span>}
        </p>
      )}
      {(round.state === 'failed' || round.state === 'stopped') && (
        <div role="note" aria-label="Failed" className="flex gap-2.5 rounded-lg bg-bad-soft px-3.5 py-2.5">
          <CircleX className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
          <div className="min-w-0">
            <p className="font-medium">{round.state === 'failed' ? 'It failed' : 'It was stopped'}</p>
            {round.why && <Plain text={round.why} />}
          </div>
        </div>
      )}
      {round.text && <div className="text-base">{text(round.text)}</div>}
      {round.findings.length > 0 &&
        (isCurrent ? (
          <FindingList findings={round.findings} chosen={chosen} onChoose={onChoose} />
        ) : (
          <Fold
            icon={null}
            head={`${many(round.findings.length, 'finding')}, given anew since`}
            open={isOpen}
            onToggle={() => setOpen(!isOpen)}
          >
            <FindingList findings={round.findings} />
          </Fold>
        ))}
      {round.isStructured && round.findings.length === 0 && (
        <StateMark state="completed" word="It found nothing to say against it" />
      )}
    </section>
  );
}

import type { ReviewAnswer, SendOutcome } from '../../api/types';
import type { State } from '../../components/ui/state-mark';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { clock } from '../../lib/time';

const STATES: Record<SendOutcome['outcome'], State> = {
  delivered: 'completed',
  refused: 'failed',
  unknown: 'unknown',
  running: 'running',
};

function sayOutcome(outcome: SendOutcome): string {
  switch (outcome.outcome) {
    case 'delivered':
      return harmless(outcome.proof);
    case 'refused':
      return harmless(outcome.why);
    case 'unknown':
      return harmless(outcome.seen);
    case 'running':
      return 'its agent works at it';
  }
}

/** What was said to the session, and what came of it. */
export function SentBackView({ review }: { review: ReviewAnswer }) {
  if (review.sentBack.length === 0) return null;
  return (
    <ul aria-label="Sent back" className="space-y-1 text-xs">
      {review.sentBack.map((sent) => (
        <li key={sent.key} className="flex flex-wrap items-center gap-x-2 text-ink-3">
          <StateMark state={STATES[sent.outcome.outcome]} word={`sent back at ${clock(sent.at)}`} />
          <span className="[overflow-wrap:anywhere]">{sayOutcome(sent.outcome)}</span>
        </li>
      ))}
    </ul>
  );
}

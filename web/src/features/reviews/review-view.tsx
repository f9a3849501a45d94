import { Link } from '@tanstack/react-router';
import { type FormEvent, type ReactNode, useState } from 'react';
import type { ReviewAnswer } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Confirm } from '../../components/ui/confirm';
import { Problem, TEXT } from '../../components/ui/field';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { dollars, many, short, totalTokens } from '../../lib/numbers';
import { currentFindings, newKey, useAsk, useEnd, wordsOf } from './acts';
import { RoundView } from './round-view';
import { type Parent, SendBackDialog } from './send-back-dialog';
import { SentBackView } from './sent-back';

interface Props {
  review: ReviewAnswer;
  parent: Parent;
  text: (words: string) => ReactNode;
}

/** One review: what the reviewer said and found, a field to ask on, and the way back into the session. */
export function ReviewView({ review, parent, text }: Props) {
  const findings = currentFindings(review);
  // What was left out; so that findings that come anew are chosen.
  const [left, setLeft] = useState<ReadonlySet<number>>(new Set());
  const [isSending, setSending] = useState(false);
  const chosen = new Set(findings.map((_, at) => at).filter((at) => !left.has(at)));
  const choose = (at: number) => {
    const next = new Set(left);
    if (!next.delete(at)) next.add(at);
    setLeft(next);
  };
  const hasSpoken = review.rounds.some((round) => round.state === 'answered');
  return (
    <div className="flex min-h-0 flex-1 flex-col">
      <div
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        role="region"
        aria-label="What the reviewer says"
        className="min-h-0 flex-1 space-y-4 overflow-auto overscroll-contain px-4 pt-2 pb-4"
      >
        <Facts review={review} />
        {review.rounds.map((round, number) => (
          <RoundView
            key={round.task}
            round={round}
            number={number}
            isCurrent={number === review.currentRound}
            chosen={chosen}
            onChoose={choose}
            text={text}
          />
        ))}
        <SentBackView review={review} />
      </div>
      <div className="shrink-0 space-y-2 border-line border-t p-3">
        {hasSpoken && (
          <Button
            kind="solid"
            className="w-full justify-center"
            disabled={findings.length > 0 && chosen.size === 0}
            onClick={() => setSending(true)}
          >
            {findings.length === 0 ? 'Send back what it says' : `Send back ${many(chosen.size, 'finding')}`}
          </Button>
        )}
        <Asking review={review} />
      </div>
      {isSending && (
        <SendBackDialog
          review={review}
          parent={parent}
          chosen={[...chosen]}
          onSent={() => {
            setSending(false);
            say('Sent back');
          }}
          onClose={() => setSending(false)}
        />
      )}
    </div>
  );
}

function Facts({ review }: { review: ReviewAnswer }) {
  const [isEnding, setEnding] = useState(false);
  const end = useEnd(review.id, () => setEnding(false));
  const tokens = review.rounds.reduce((sum, round) => sum + totalTokens(round.usage), 0);
  const hasCost = review.rounds.some((round) => round.costMicroUsd !== undefined);
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-ink-3 text-xs tabular-nums">
      <AgentMark source={review.source} named />
      {review.model && <span className="[overflow-wrap:anywhere]">{harmless(review.model)}</span>}
      <span>{many(review.roundsLeft, 'round')} left</span>
      {tokens > 0 && <span>{short(tokens)} tokens</span>}
      {tokens > 0 && <span>{hasCost ? dollars(review.costMicroUsd) : 'no price known'}</span>}
      {review.child && (
        <Link to="/s/$id" params={{ id: review.child }} className="text-accent hover:underline">
          Its session
        </Link>
      )}
      {review.state !== 'ended' && (
        <Button className="!h-6 ml-auto px-1.5 text-xs coarse:!h-11" onClick={() => setEnding(true)}>
          End
        </Button>
      )}
      {isEnding && (
        <Confirm
          title="End the review?"
          word="End it"
          isBusy={end.isPending}
          onYes={() => end.mutate({ key: newKey() })}
          onClose={() => setEnding(false)}
        >
          <p>What the reviewer is at is stopped, and nothing more is asked. Its findings and its session stay.</p>
          {end.error && <Problem>{wordsOf(end.error)}</Problem>}
        </Confirm>
      )}
    </div>
  );
}

function Asking({ review }: { review: ReviewAnswer }) {
  const [draft, setDraft] = useState({ text: '', key: newKey() });
  const ask = useAsk(review.id, () => setDraft({ text: '', key: newKey() }));
  if (review.state === 'ended') return <p className="text-ink-3 text-xs">The review is ended.</p>;
  if (review.roundsLeft === 0 && review.state !== 'running')
    return <p className="text-ink-3 text-xs">All {review.maxRounds} rounds are used up.</p>;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (draft.text.trim() !== '') ask.mutate(draft);
  };
  return (
    <form onSubmit={submit} className="space-y-2">
      <div className="flex items-end gap-2">
        <textarea
          aria-label="Ask the reviewer"
          placeholder={review.state === 'running' ? 'It is at its work' : 'Ask the reviewer'}
          disabled={review.state === 'running'}
          rows={Math.min(6, Math.max(1, draft.text.split('\n').length))}
          value={draft.text}
          onChange={(event) => setDraft({ text: event.target.value, key: newKey() })}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
            if (matchMedia('(pointer: coarse)').matches) return;
            submit(event);
          }}
          className={`${TEXT} min-h-9 flex-1 !resize-none !py-1.5 coarse:min-h-11`}
        />
        <Button
          kind="edge"
          type="submit"
          disabled={draft.text.trim() === '' || ask.isPending || review.state === 'running'}
        >
          Ask
        </Button>
      </div>
      {ask.error && <Problem>{wordsOf(ask.error)}</Problem>}
    </form>
  );
}

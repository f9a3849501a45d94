import { Minus } from 'lucide-react';
import type { ReactNode } from 'react';
import type { ReviewAnswer } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { StateMark } from '../../components/ui/state-mark';
import { AGENTS } from '../../lib/agents';
import { ReviewView } from './review-view';
import type { Parent } from './send-back-dialog';
import { sayState, stateOf } from './states';

interface Props {
  reviews: ReviewAnswer[];
  /** The one that is shown. */
  shown: ReviewAnswer;
  parent: Parent;
  text: (words: string) => ReactNode;
  onShow: (id: string) => void;
  onMinimise: () => void;
}

/** The reviews of a session, a tab each: beside the transcript, and over it where there is no room. */
export function ReviewPanel({ reviews, shown, parent, text, onShow, onMinimise }: Props) {
  return (
    <section
      aria-label="Reviews"
      className="flex flex-col bg-canvas max-lg:fixed max-lg:inset-0 max-lg:z-40 lg:sticky lg:top-0 lg:h-dvh lg:w-[400px] lg:shrink-0 lg:border-line lg:border-l"
    >
      <div className="flex items-center gap-1 border-line border-b py-2 pr-2 pl-3">
        <div role="tablist" aria-label="Reviewers" className="flex min-w-0 flex-1 gap-1 overflow-x-auto">
          {reviews.map((review) => (
            <button
              key={review.id}
              type="button"
              role="tab"
              aria-selected={review.id === shown.id}
              onClick={() => onShow(review.id)}
              className="inline-flex h-8 shrink-0 items-center gap-2 rounded-md px-2.5 text-ink-2 text-sm hover:bg-hover aria-selected:bg-sunken aria-selected:font-medium aria-selected:text-ink coarse:h-11"
            >
              <AgentMark source={review.source} />
              <StateMark state={stateOf(review)} word={sayState(review)} />
            </button>
          ))}
        </div>
        <Button icon={Minus} label="Minimise the reviews" onClick={onMinimise} />
      </div>
      <ReviewView key={shown.id} review={shown} parent={parent} text={text} />
    </section>
  );
}

/** Reviews that are minimised: a bar that brings them back. `floats`: over what stands below, where there is no bar else. */
export function ReviewBar({
  reviews,
  floats,
  onShow,
}: {
  reviews: ReviewAnswer[];
  floats: boolean;
  onShow: (id: string) => void;
}) {
  // What is ended stands in the head of the session.
  const open = reviews.filter((review) => review.state !== 'ended');
  if (open.length === 0) return null;
  const place = floats
    ? 'fixed right-4 bottom-4 z-30 max-w-[calc(100vw-32px)] rounded-lg bg-raised p-1 shadow-float max-sm:right-2 max-sm:bottom-[calc(4rem+env(safe-area-inset-bottom))]'
    : '-mx-2.5 -mt-1';
  return (
    <section aria-label="Minimised reviews" className={`flex gap-1 overflow-x-auto ${place}`}>
      {open.slice(-SHOWN).map((review) => (
        <button
          key={review.id}
          type="button"
          aria-label={`Review by ${AGENTS[review.source]}: ${sayState(review)}`}
          onClick={() => onShow(review.id)}
          className="inline-flex h-8 shrink-0 items-center gap-2 rounded-md px-2.5 text-sm hover:bg-hover coarse:h-11"
        >
          <AgentMark source={review.source} />
          <StateMark state={stateOf(review)} word={sayState(review)} />
        </button>
      ))}
    </section>
  );
}

/** So many stand in the bar; all of them stand in the head of the session. */
const SHOWN = 4;

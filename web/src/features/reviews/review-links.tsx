import type { ReviewAnswer } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { StateMark } from '../../components/ui/state-mark';
import { useNow } from '../../lib/now';
import { dollars } from '../../lib/numbers';
import { ago } from '../../lib/time';
import { sayState, stateOf } from './states';

/** In a session's head: the reviews of its work. */
export function ReviewLinks({ reviews, onShow }: { reviews: ReviewAnswer[]; onShow: (id: string) => void }) {
  const now = useNow();
  if (reviews.length === 0) return null;
  return (
    <div className="mt-1 flex flex-wrap items-center gap-x-1 gap-y-1 text-xs">
      <span className="text-ink-3">Reviews</span>
      {reviews.map((review) => (
        <button
          key={review.id}
          type="button"
          onClick={() => onShow(review.id)}
          className="inline-flex items-center gap-1.5 rounded-md px-1.5 py-0.5 hover:bg-hover coarse:min-h-11"
        >
          <AgentMark source={review.source} />
          <StateMark state={stateOf(review)} word={sayState(review)} />
          <span className="text-ink-3 tabular-nums">
            {ago(review.createdAt, now)}
            {review.costMicroUsd > 0 && `, ${dollars(review.costMicroUsd)}`}
          </span>
        </button>
      ))}
    </div>
  );
}

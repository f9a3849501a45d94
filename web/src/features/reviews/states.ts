import type { ReviewAnswer } from '../../api/types';
import type { State } from '../../components/ui/state-mark';
import { many } from '../../lib/numbers';
import { currentFindings } from './acts';

const STATES: Record<ReviewAnswer['state'], State> = {
  running: 'running',
  answered: 'completed',
  failed: 'failed',
  ended: 'cancelled',
};

/** How a review stands, as marks show it. */
export function stateOf(review: ReviewAnswer): State {
  return review.state === 'failed' && review.rounds.at(-1)?.state === 'stopped' ? 'interrupted' : STATES[review.state];
}

/** The same in words. */
export function sayState(review: ReviewAnswer): string {
  switch (review.state) {
    case 'running':
      return 'reviewing';
    case 'ended':
      return review.currentRound === undefined ? 'ended' : `ended, ${sayFindings(review)}`;
    case 'failed':
      return review.rounds.at(-1)?.state === 'stopped' ? 'stopped' : 'failed';
    case 'answered':
      return sayFindings(review);
  }
}

/** How much was found, in words. */
export function sayFindings(review: ReviewAnswer): string {
  if (review.currentRound === undefined) return 'answered in words';
  const count = currentFindings(review).length;
  return count === 0 ? 'no findings' : many(count, 'finding');
}

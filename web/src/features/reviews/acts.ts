import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError, post } from '../../api/client';
import type {
  ReviewAnswer,
  ReviewAskRequest,
  ReviewFinding,
  ReviewRequest,
  ReviewsAnswer,
  SendBackAnswer,
  SendBackRequest,
} from '../../api/types';
import { ofReview, renewReviews } from './queries';

/** Why something could not be done, in the server's words. */
export function wordsOf(error: Error): string {
  return error instanceof ApiError ? (error.detail ?? error.message) : error.message;
}

/**
 * An act after which what is shown of reviews is asked for again. It bears a key of its own, under which it is done once,
 * however often a bad network sends it.
 */
function useReviewAct<V extends object, T>(
  act: (wanted: V & { key: string }) => Promise<T>,
  onDone?: (done: T) => void,
) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: act,
    retry: (failures, error) => failures < 2 && error instanceof ApiError && error.isOffline,
    onSuccess: (done) => onDone?.(done),
    onSettled: () => renewReviews(cache),
  });
}

/** Begins a review with each of the reviewers. */
export function useBegin(onDone: (begun: ReviewAnswer[]) => void) {
  return useReviewAct(
    (request: ReviewRequest) => post<ReviewsAnswer>('/api/v1/reviews', request),
    ({ reviews }) => onDone(reviews),
  );
}

/** Asks a reviewer on. */
export function useAsk(id: string, onDone: () => void) {
  return useReviewAct((request: ReviewAskRequest) => post<ReviewAnswer>(ofReview(id, '/ask'), request), onDone);
}

/** Sends findings back into the session. */
export function useSendBack(id: string, onDone: (answer: SendBackAnswer) => void) {
  return useReviewAct((request: SendBackRequest) => post<SendBackAnswer>(ofReview(id, '/send-back'), request), onDone);
}

/** Ends a review. */
export function useEnd(id: string, onDone: () => void) {
  return useReviewAct((_: { key: string }) => post<ReviewAnswer>(ofReview(id, '/end')), onDone);
}

/** A key that nothing else has. */
export function newKey(): string {
  return crypto.randomUUID();
}

/** The findings that count: those of the last round that gave a list of them. */
export function currentFindings(review: ReviewAnswer): ReviewFinding[] {
  return review.currentRound === undefined ? [] : (review.rounds[review.currentRound]?.findings ?? []);
}

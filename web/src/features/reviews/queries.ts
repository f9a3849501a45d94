import { type QueryClient, queryOptions } from '@tanstack/react-query';
import { address, get, post } from '../../api/client';
import type { ReviewAnswer, ReviewPreview, ReviewPreviewRequest, ReviewsAnswer } from '../../api/types';

export const reviews = {
  all: ['reviews'] as const,
  of: (session: string) =>
    queryOptions({
      queryKey: [...reviews.all, 'of', session],
      queryFn: ({ signal }) => get<ReviewsAnswer>(address('/api/v1/reviews', { session }), signal),
    }),
  one: (id: string) =>
    queryOptions({
      queryKey: [...reviews.all, 'one', id],
      queryFn: ({ signal }) => get<ReviewAnswer>(ofReview(id), signal),
    }),
  preview: (request: ReviewPreviewRequest) =>
    queryOptions({
      queryKey: ['review-preview', request],
      queryFn: () => post<ReviewPreview>('/api/v1/reviews/preview', request),
      // What it is of may have grown since.
      gcTime: 0,
      staleTime: 0,
      retry: false,
    }),
};

export function ofReview(id: string, rest = ''): string {
  return `/api/v1/reviews/${encodeURIComponent(id)}${rest}`;
}

/** Asks again for all that is shown of reviews. */
export function renewReviews(cache: QueryClient): Promise<void> {
  return cache.invalidateQueries({ queryKey: reviews.all });
}

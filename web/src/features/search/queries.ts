import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { address, get } from '../../api/client';
import type { SearchAnswer } from '../../api/types';

export const search = {
  all: ['search'] as const,
  quick: (q: string, limit: number) =>
    queryOptions({
      queryKey: [...search.all, q, limit],
      queryFn: ({ signal }) => get<SearchAnswer>(address('/api/v1/search', { q, limit }), signal),
      placeholderData: keepPreviousData,
    }),
};

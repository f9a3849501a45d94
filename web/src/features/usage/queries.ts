import { keepPreviousData, queryOptions } from '@tanstack/react-query';
import { address, get } from '../../api/client';
import type { UsageReport } from '../../api/types';

export type Grouping = 'day' | 'model' | 'project' | 'source' | 'session';

/** Which days: from and up to, both included. */
export interface Days {
  since?: string | undefined;
  until?: string | undefined;
}

export const usage = {
  all: ['usage'] as const,
  by: (by: Grouping, and: Grouping | undefined, days: Days) =>
    queryOptions({
      queryKey: [...usage.all, by, and, days],
      queryFn: ({ signal }) => get<UsageReport>(address('/api/v1/usage', { by, and, ...days }), signal),
      placeholderData: keepPreviousData,
    }),
};

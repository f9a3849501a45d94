import { queryOptions } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { DoctorAnswer, SourcesAnswer, Status } from '../../api/types';

/** What the server is and does; events keep it true. */
export const status = queryOptions({
  queryKey: ['status'] as const,
  queryFn: ({ signal }) => get<Status>('/api/v1/status', signal),
});

export const found = queryOptions({
  queryKey: ['sources'] as const,
  queryFn: ({ signal }) => get<SourcesAnswer>('/api/v1/sources', signal),
});

export const doctor = queryOptions({
  queryKey: ['doctor'] as const,
  queryFn: ({ signal }) => get<DoctorAnswer>('/api/v1/doctor', signal),
});

import { queryOptions } from '@tanstack/react-query';
import { get, post } from '../../api/client';
import type { ProvidersAnswer, RehomeAnswer, UseAnswer } from '../../api/types';

export const providers = queryOptions({
  queryKey: ['providers'] as const,
  queryFn: ({ signal }) => get<ProvidersAnswer>('/api/v1/providers', signal),
});

export const ofProvider = (name: string, rest = '') => `/api/v1/providers/${encodeURIComponent(name)}${rest}`;

/** What a switch would do. */
export const preview = (name: string) =>
  queryOptions({
    queryKey: ['providers', name, 'use'] as const,
    queryFn: () => post<UseAnswer>(ofProvider(name, '/use'), { dryRun: true }),
    retry: false,
  });

/** What would become of Codex' sessions; without a provider, each gets its first one. */
export const rehoming = (to: string | null) =>
  queryOptions({
    queryKey: ['providers', 'rehome', to] as const,
    queryFn: () => post<RehomeAnswer>('/api/v1/rehome', { ...(to === null ? {} : { to }), dryRun: true }),
    retry: false,
  });

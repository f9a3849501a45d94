import { queryOptions } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { DevicesAnswer, PushAnswer } from '../../api/types';

export const devices = queryOptions({
  queryKey: ['devices'] as const,
  queryFn: ({ signal }) => get<DevicesAnswer>('/api/v1/devices', signal),
});

/** Whether and of what this device is notified. */
export const pushes = queryOptions({
  queryKey: ['push'] as const,
  queryFn: ({ signal }) => get<PushAnswer>('/api/v1/push', signal),
});

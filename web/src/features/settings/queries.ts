import { queryOptions } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { Device } from '../../api/types';

export const devices = queryOptions({
  queryKey: ['devices'] as const,
  queryFn: ({ signal }) => get<{ devices: Device[] }>('/api/v1/devices', signal),
});

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { patch, remove } from '../../api/client';
import type { Device, Scope } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Failed, Skeleton } from '../../components/ui/faces';
import { SELECT } from '../../components/ui/field';
import { Needs } from '../../components/ui/needs';
import { say } from '../../components/ui/toast';
import { sayScopes, useScopes } from '../../lib/access';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { agoSaid } from '../../lib/time';
import { PairDialog } from './pair-dialog';
import { devices } from './queries';

/** A scope with those that are smaller. */
const UP_TO: Record<Scope, Scope[]> = {
  view: ['view'],
  reply: ['view', 'reply'],
  approve: ['view', 'reply', 'approve'],
};

/** Devices that have access: what each may do, and when it was last here; another one is let in. */
export function Devices() {
  const all = useQuery(devices);
  const [isPairing, setPairing] = useState(false);
  if (all.isPending) return <Skeleton lines={2} />;
  if (all.error) return <Failed error={all.error} retry={() => void all.refetch()} />;
  return (
    <>
      <ul>
        {all.data.devices.map((device) => (
          <DeviceLine key={device.id} device={device} />
        ))}
      </ul>
      <div className="mt-4">
        <Needs scope="approve">
          <Button kind="edge" onClick={() => setPairing(true)}>
            Let another device in
          </Button>
        </Needs>
      </div>
      {isPairing && (
        <PairDialog ways={all.data.ways} authority={all.data.authority} onClose={() => setPairing(false)} />
      )}
    </>
  );
}

function DeviceLine({ device }: { device: Device }) {
  const now = useNow();
  const cache = useQueryClient();
  const mayDoAll = useScopes().length === 3;
  const renew = () => cache.invalidateQueries({ queryKey: devices.queryKey });
  const path = `/api/v1/devices/${encodeURIComponent(device.id)}`;
  const drop = useMutation({
    mutationFn: () => remove(path),
    onSuccess: renew,
    onError: (error) => say(error.message),
  });
  const change = useMutation({
    mutationFn: (scopes: Scope[]) => patch<Device>(path, { scopes }),
    onSuccess: renew,
    onError: (error) => say(error.message),
  });
  const level = device.scopes.at(-1);
  const name = harmless(device.name);
  return (
    <li className="flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-line border-b py-2.5">
      <span className="min-w-0 flex-1 basis-48">
        <span className="[overflow-wrap:anywhere]">{name}</span>
        {device.current && <span className="text-ink-3"> · this one</span>}
        <span className="block text-ink-3 text-xs">
          {sayScopes(device.scopes)}
          {device.notified && ', is notified'}, last here {agoSaid(device.lastSeenAt, now) || 'unknown'}
        </span>
      </span>
      {mayDoAll && (
        <span className="flex items-center gap-2">
          {!device.current && (
            <select
              aria-label={`What ${name} may do`}
              value={level ?? ''}
              disabled={change.isPending}
              onChange={(event) => {
                const scope = (['view', 'reply', 'approve'] as const).find((one) => one === event.target.value);
                change.mutate(scope ? UP_TO[scope] : []);
              }}
              className={`${SELECT} !w-auto`}
            >
              <option value="">Nothing</option>
              <option value="view">Look</option>
              <option value="reply">Say something</option>
              <option value="approve">Everything</option>
            </select>
          )}
          <Button disabled={drop.isPending} onClick={() => drop.mutate()} aria-label={`Take access away from ${name}`}>
            {device.current ? 'Leave' : 'Remove'}
          </Button>
        </span>
      )}
    </li>
  );
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { post, remove } from '../../api/client';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Skeleton } from '../../components/ui/faces';
import { say } from '../../components/ui/toast';
import { copy } from '../../lib/clipboard';
import { useNow } from '../../lib/now';
import { ago, clock } from '../../lib/time';
import { devices } from './queries';

interface LinkAnswer {
  url: string;
  expiresAt: string;
  qrSvg: string;
}

/** Browsers that have access: lists them, takes access away, lets another one in. */
export function Devices() {
  const now = useNow();
  const cache = useQueryClient();
  const all = useQuery(devices);
  const drop = useMutation({
    mutationFn: (id: string) => remove(`/api/v1/devices/${encodeURIComponent(id)}`),
    onSuccess: () => cache.invalidateQueries({ queryKey: devices.queryKey }),
    onError: (error) => say(error.message),
  });
  const link = useMutation({
    mutationFn: () => post<LinkAnswer>('/api/v1/devices/links'),
    onError: (error) => say(error.message),
  });
  if (all.isPending) return <Skeleton lines={2} />;
  if (all.error) return <Failed error={all.error} retry={() => void all.refetch()} />;
  return (
    <>
      <ul>
        {all.data.devices.map((device) => (
          <li key={device.id} className="flex items-center justify-between gap-4 border-line border-b py-2.5">
            <span>
              {device.name}
              {device.current && <span className="text-ink-3"> · this one</span>}
              <span className="block text-ink-3 text-xs">last here {ago(device.lastSeenAt, now) || 'unknown'}</span>
            </span>
            <Button onClick={() => drop.mutate(device.id)} aria-label={`Take access away from ${device.name}`}>
              {device.current ? 'Leave' : 'Remove'}
            </Button>
          </li>
        ))}
      </ul>
      <Button kind="edge" className="mt-4" onClick={() => link.mutate()}>
        Let another browser in
      </Button>
      {link.data && (
        <Dialog title="Let another browser in" onClose={link.reset}>
          <div className="flex flex-col items-center gap-4 p-6">
            <img
              src={`data:image/svg+xml,${encodeURIComponent(link.data.qrSvg)}`}
              alt="The link as a QR code"
              className="size-60 rounded-lg bg-white"
            />
            <p className="text-center text-ink-2">
              It works once, until {clock(link.data.expiresAt)}. Other machines reach this one only if it listens beyond
              itself: <code className="font-mono text-xs">marline up --listen</code>.
            </p>
            <Button
              kind="solid"
              onClick={async () => say((await copy(link.data.url)) ? 'Copied the link' : 'Not copied')}
            >
              Copy the link
            </Button>
          </div>
        </Dialog>
      )}
    </>
  );
}

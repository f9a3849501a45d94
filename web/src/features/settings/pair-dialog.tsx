import { useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { post } from '../../api/client';
import type { LinkAnswer, Scope } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD, Field, Problem, SELECT } from '../../components/ui/field';
import { Segmented } from '../../components/ui/segmented';
import { say } from '../../components/ui/toast';
import { copy } from '../../lib/clipboard';
import { clock } from '../../lib/time';

interface Props {
  /** Where other devices reach this board. */
  ways: readonly string[];
  /** The proof of Marline's own authority, which they must trust first. */
  authority: string | undefined;
  onClose: () => void;
}

const WORDS: Record<Scope, string> = {
  view: 'It sees all sessions, and changes nothing.',
  reply: 'It also sends messages and prompts to agents that run.',
  approve: 'It also allows what agents ask, starts and ends them, and lets other devices in.',
};

/** Lets another device in: what it may do, then a code to be photographed. */
export function PairDialog({ ways, authority, onClose }: Props) {
  const [scope, setScope] = useState<Scope>('approve');
  const [name, setName] = useState('');
  const [way, setWay] = useState(ways[0] ?? '');
  const link = useMutation({
    mutationFn: () =>
      post<LinkAnswer>('/api/v1/devices/links', { scope, name: name.trim() || null, url: way === '' ? null : way }),
  });
  return (
    <Dialog title="Let another device in" onClose={onClose}>
      {link.data ? (
        <Code link={link.data} authority={authority} onAgain={link.reset} />
      ) : (
        <form
          className="grid gap-4 p-4"
          onSubmit={(event) => {
            event.preventDefault();
            link.mutate();
          }}
        >
          {ways.length === 0 && (
            <p className="text-ink-2">
              This board listens on this machine alone, so only browsers on it can come in. For a phone start it with{' '}
              <code className="font-mono text-xs">marline up --listen 0.0.0.0:7443</code>, or put it behind{' '}
              <code className="font-mono text-xs">tailscale serve</code> and name that with{' '}
              <code className="font-mono text-xs">--public-url</code>.
            </p>
          )}
          <div className="grid justify-items-start gap-1.5">
            <Segmented
              label="What it may do"
              value={scope}
              onChange={setScope}
              options={[
                { value: 'view', label: 'Look' },
                { value: 'reply', label: 'Say something' },
                { value: 'approve', label: 'Everything' },
              ]}
            />
            <p className="text-ink-3 text-xs">{WORDS[scope]}</p>
          </div>
          <Field label="Its name">
            <input
              value={name}
              maxLength={60}
              onChange={(event) => setName(event.target.value)}
              placeholder="As its browser calls itself"
              className={`${FIELD} placeholder:text-ink-3`}
            />
          </Field>
          {ways.length > 1 && (
            <Field label="It reaches this board by">
              <select value={way} onChange={(event) => setWay(event.target.value)} className={SELECT}>
                {ways.map((one) => (
                  <option key={one}>{one}</option>
                ))}
              </select>
            </Field>
          )}
          {link.error && <Problem>{link.error.message}</Problem>}
          <div className="flex justify-end">
            <Button kind="solid" type="submit" disabled={link.isPending}>
              Make a code
            </Button>
          </div>
        </form>
      )}
    </Dialog>
  );
}

function Code({ link, authority, onAgain }: { link: LinkAnswer; authority: string | undefined; onAgain: () => void }) {
  const origin = new URL(link.url).origin;
  return (
    <div className="flex flex-col items-center gap-4 p-6">
      <img
        src={`data:image/svg+xml,${encodeURIComponent(link.qrSvg)}`}
        alt="The link as a QR code"
        className="size-60 rounded-lg bg-white"
      />
      <p className="text-center text-ink-2">
        It works once, until {clock(link.expiresAt)}.{!link.reachable && ' It leads to this machine alone.'}
      </p>
      {authority && link.reachable && (
        <p className="max-w-sm text-center text-ink-2 text-xs">
          The device must trust this board first, once:{' '}
          <Link to="/trust" className="text-accent underline underline-offset-2">
            how
          </Link>{' '}
          is also told at <span className="font-mono [overflow-wrap:anywhere]">{origin}/trust</span>.
        </p>
      )}
      <div className="flex gap-2">
        <Button onClick={onAgain}>Another one</Button>
        <Button kind="solid" onClick={async () => say((await copy(link.url)) ? 'Copied the link' : 'Not copied')}>
          Copy the link
        </Button>
      </div>
    </div>
  );
}

import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { ApiError, post, put, remove } from '../../api/client';
import type { PushAnswer, PushRequest, Wishes } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Failed, Skeleton } from '../../components/ui/faces';
import { FIELD, Field, Problem, Tick } from '../../components/ui/field';
import { Page, Section } from '../../components/ui/page';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { type Ability, ability, subscribe, unsubscribe } from '../../lib/push';
import { pushes } from './queries';

type Kind = Wishes['kinds'][number];

const KINDS: { kind: Kind; name: string; hint: string }[] = [
  { kind: 'needsYou', name: 'Needs you', hint: 'An agent asks for leave, or asks something else' },
  { kind: 'finished', name: 'Finished', hint: 'An agent, a group or a queue came to its end' },
  { kind: 'failed', name: 'Failed', hint: 'It ended with an error' },
  { kind: 'limitReached', name: 'Limit reached', hint: 'A usage limit holds it up' },
];

const WHY: Record<Exclude<Ability, 'yes'>, string> = {
  no: 'This browser can’t be notified.',
  insecure: 'Notifications need HTTPS, or a browser on the machine itself.',
  install: 'Add Marline to the Home Screen first (Share → Add to Home Screen), and open it from there.',
  denied: 'Notifications are blocked for this page; the browser’s settings of this site allow them again.',
};

/** Whether, of what and when this device is notified. */
export function NotificationsPage() {
  const answer = useQuery(pushes);
  return (
    <Page
      title="Notifications"
      above={
        <Link to="/settings" className="inline-flex items-center hover:underline coarse:min-h-11">
          Settings
        </Link>
      }
    >
      {answer.isPending ? (
        <Skeleton lines={4} />
      ) : answer.error ? (
        <Failed error={answer.error} retry={() => void answer.refetch()} />
      ) : (
        <Notifications answer={answer.data} />
      )}
    </Page>
  );
}

function wordsOf(error: Error): string {
  return error instanceof ApiError ? (error.detail ?? error.message) : error.message;
}

function Notifications({ answer }: { answer: PushAnswer }) {
  const cache = useQueryClient();
  const keep = (now: PushAnswer) => cache.setQueryData(pushes.queryKey, now);
  const can = ability();
  const [wishes, setWishes] = useState(answer.wishes);
  const begin = useMutation({
    mutationFn: async () => put<PushAnswer>('/api/v1/push', await subscribe(answer.key)),
    onSuccess: keep,
  });
  const end = useMutation({
    mutationFn: async () => {
      await remove('/api/v1/push');
      await unsubscribe();
    },
    onSuccess: () => cache.invalidateQueries({ queryKey: pushes.queryKey }),
  });
  const test = useMutation({
    // It is accepted, and comes through the push service.
    mutationFn: () =>
      post('/api/v1/push/test').catch((error: Error) => (error instanceof ApiError ? raise(error) : null)),
    onSuccess: () => say('Sent; it comes in a moment'),
  });
  const wish = useMutation({
    mutationFn: (wishes: Wishes) => put<PushAnswer>('/api/v1/push', { wishes } satisfies PushRequest),
    onSuccess: keep,
    onError: (error) => {
      setWishes(answer.wishes);
      say(wordsOf(error));
    },
  });
  // What is chosen is shown at once, and kept a moment later.
  const choose = (next: Wishes) => {
    setWishes(next);
    wish.mutate(next);
  };
  const error = begin.error ?? end.error ?? test.error;
  if (answer.endpoint === null) {
    return (
      <div className="max-w-2xl space-y-4">
        <p className="text-ink-2">
          This device is told when an agent needs you, finishes, fails or reaches a limit, also while Marline is closed
          here; never of a session that somebody looks at, or of what was answered elsewhere. What is told is encrypted
          for this device alone.
        </p>
        {can === 'yes' ? (
          <Button kind="solid" disabled={begin.isPending} onClick={() => begin.mutate()}>
            {begin.isPending ? 'Asking…' : 'Notify this device'}
          </Button>
        ) : (
          <p className="text-warn">{WHY[can]}</p>
        )}
        {error && <Problem>{wordsOf(error)}</Problem>}
      </div>
    );
  }
  return (
    <div className="max-w-2xl">
      <div className="flex flex-wrap items-center gap-2">
        <Button kind="edge" disabled={test.isPending} onClick={() => test.mutate()}>
          Send a test
        </Button>
        <Button disabled={end.isPending} onClick={() => end.mutate()}>
          Notify this device no more
        </Button>
      </div>
      {can !== 'yes' && <p className="mt-3 text-warn">{WHY[can]}</p>}
      {answer.problem && <p className="mt-3 text-warn">The last one did not go out: {harmless(answer.problem)}.</p>}
      {error && <Problem>{wordsOf(error)}</Problem>}
      <Kinds wishes={wishes} onChange={choose} />
      <QuietHours wishes={wishes} onChange={choose} />
    </div>
  );
}

function raise(error: Error): never {
  throw error;
}

interface WishProps {
  wishes: Wishes;
  onChange: (wishes: Wishes) => void;
}

function Kinds({ wishes, onChange }: WishProps) {
  return (
    <Section title="Of what">
      <div className="grid gap-2.5">
        {KINDS.map(({ kind, name, hint }) => (
          <Tick
            key={kind}
            checked={wishes.kinds.includes(kind)}
            onChange={(checked) => {
              const others = wishes.kinds.filter((one) => one !== kind);
              onChange({ ...wishes, kinds: checked ? [...others, kind] : others });
            }}
          >
            {name}
            <span className="block text-ink-3 text-xs">{hint}</span>
          </Tick>
        ))}
      </div>
    </Section>
  );
}

function QuietHours({ wishes, onChange }: WishProps) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const quiet = wishes.quiet;
  const [from, setFrom] = useState(quiet?.from ?? '22:00');
  const [to, setTo] = useState(quiet?.to ?? '07:00');
  const keep = (next: { from: string; to: string }) => {
    if (next.from !== '' && next.to !== '') onChange({ ...wishes, quiet: { ...next, zone } });
  };
  return (
    <Section title="Quiet hours">
      <Tick
        checked={quiet !== undefined}
        onChange={(checked) => (checked ? keep({ from, to }) : onChange({ kinds: wishes.kinds }))}
      >
        Tell nothing in these hours
        <span className="block text-ink-3 text-xs">What still needs you is told when they end</span>
      </Tick>
      {quiet && (
        <div className="mt-3 flex flex-wrap items-end gap-3">
          <Field label="From">
            <input
              type="time"
              value={from}
              onChange={(event) => setFrom(event.target.value)}
              onBlur={() => keep({ from, to })}
              className={`${FIELD} !w-32`}
            />
          </Field>
          <Field label="To">
            <input
              type="time"
              value={to}
              onChange={(event) => setTo(event.target.value)}
              onBlur={() => keep({ from, to })}
              className={`${FIELD} !w-32`}
            />
          </Field>
          <p className="pb-1.5 text-ink-3 text-xs">{quiet.zone}</p>
        </div>
      )}
    </Section>
  );
}

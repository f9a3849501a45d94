import { useMutation, useQuery } from '@tanstack/react-query';
import { post } from '../../api/client';
import type { RehomeAnswer } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Skeleton } from '../../components/ui/faces';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { rehoming } from './queries';

interface Props {
  /** The provider; null: each its own first one. */
  to: string | null;
  onDone: (done: RehomeAnswer) => void;
  onClose: () => void;
}

/** What becomes of sessions under another provider, before it does. */
export function RehomeDialog({ to, onDone, onClose }: Props) {
  const plan = useQuery(rehoming(to));
  const rehome = useMutation({
    mutationFn: () => post<RehomeAnswer>('/api/v1/rehome', to === null ? {} : { to }),
    onSuccess: onDone,
    onError: (error: Error & { detail?: string | undefined }) => say(error.detail ?? error.message),
  });
  const title = to === null ? 'Give each session its first provider back' : `Give Codex’ sessions to ${harmless(to)}`;
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="grid gap-3 p-4">
        {plan.isPending ? (
          <Skeleton lines={4} />
        ) : plan.error ? (
          <Failed error={plan.error} retry={() => void plan.refetch()} />
        ) : (
          <Plan plan={plan.data} to={to} />
        )}
        <div className="flex justify-end">
          <Button
            kind="solid"
            disabled={!plan.data || plan.data.updated === 0 || rehome.isPending}
            onClick={() => rehome.mutate()}
          >
            {plan.data ? `Re-home ${many(plan.data.updated, 'session')}` : 'Re-home'}
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function Plan({ plan, to }: { plan: RehomeAnswer; to: string | null }) {
  const from = Object.entries(plan.from).map(([provider, count]) => `${count} of ${harmless(provider)}`);
  const left = [
    { word: 'In use now; they can be done later', list: plan.deferred },
    { word: 'Can’t be done', list: plan.refused },
    { word: 'Went wrong', list: plan.failed },
  ].filter(({ list }) => list.length > 0);
  return (
    <>
      <p>
        {plan.updated === 0
          ? 'There is none to be changed.'
          : `${many(plan.updated, 'session')} will be re-homed: ${from.join(', ')}.`}
        {plan.alreadyRight > 0 && ` ${plan.alreadyRight} already right.`}
      </p>
      {to !== null && plan.updated > 0 && (
        <p className="text-ink-2">
          The provider’s name changes in each session’s header and in Codex’ database, and no other byte moves.
          Reasoning that the old provider sealed may not be read by another account; a fork is the careful way.
        </p>
      )}
      {left.map(({ word, list }) => (
        <div key={word}>
          <p className="text-warn">
            {word}: {list.length}
          </p>
          <ul className="max-h-40 overflow-auto text-ink-2 text-xs">
            {list.map((one) => (
              <li key={one.session} className="[overflow-wrap:anywhere]">
                <span className="font-mono">{harmless(one.session)}</span>: {harmless(one.why)}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </>
  );
}

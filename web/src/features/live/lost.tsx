import { useMutation, useQueryClient } from '@tanstack/react-query';
import { post } from '../../api/client';
import type { LostAnswer, LostSession } from '../../api/types';
import { Button } from '../../components/ui/button';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { many } from '../../lib/numbers';
import { ago } from '../../lib/time';
import { wordsOf } from './acts';
import { renewLive } from './queries';

/** Sessions that were open before Marline, or the machine, was started anew. */
export function Lost({ sessions }: { sessions: readonly LostSession[] }) {
  const cache = useQueryClient();
  const now = useNow();
  const act = useMutation({
    mutationFn: (resume: boolean) => post<LostAnswer>('/api/v1/live/lost', { resume }),
    onSuccess: ({ opened, failed }, resume) => {
      const bad = failed[0];
      if (bad) say(`${many(failed.length, 'session')} could not be opened: ${harmless(bad.why)}`);
      else if (resume) say(`${many(opened.length, 'session')} open again`);
    },
    onError: (error) => say(wordsOf(error)),
    onSettled: () => renewLive(cache),
  });
  if (sessions.length === 0) return null;
  return (
    <section aria-label="What was open" className="mb-6 border-line border-y py-3">
      <div className="flex flex-wrap items-center gap-2">
        <p className="mr-auto">
          {many(sessions.length, 'session')} {sessions.length === 1 ? 'was' : 'were'} open before the restart.
        </p>
        <Button kind="solid" disabled={act.isPending} onClick={() => act.mutate(true)}>
          {act.isPending ? 'Opening…' : 'Open them again'}
        </Button>
        <Button disabled={act.isPending} onClick={() => act.mutate(false)}>
          Leave them closed
        </Button>
      </div>
      <ul className="mt-1.5 text-ink-2 text-xs">
        {sessions.map((one) => (
          <li key={one.id} className="flex min-w-0 gap-2">
            <span className="truncate">{harmless(one.title ?? one.id)}</span>
            <span className="truncate text-ink-3">{harmless(one.cwd ?? '')}</span>
            {one.seenAt && <span className="whitespace-nowrap text-ink-3">{ago(one.seenAt, now)}</span>}
          </li>
        ))}
      </ul>
    </section>
  );
}

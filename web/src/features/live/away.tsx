import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { get, put } from '../../api/client';
import type { AwayAnswer } from '../../api/types';
import { Button } from '../../components/ui/button';
import { say } from '../../components/ui/toast';
import { useNow } from '../../lib/now';
import { clock } from '../../lib/time';
import { wordsOf } from './acts';

/** Whoever is away is so for this long, unless they say that they are back. */
const MINUTES = 60;

const away = { queryKey: ['away'] as const, queryFn: () => get<AwayAnswer>('/api/v1/away') };

/** "I am away": agents that have hooks ask here first, and in their terminals only when nobody answers. */
export function Away() {
  const cache = useQueryClient();
  const answer = useQuery(away);
  const now = useNow();
  const claim = useMutation({
    mutationFn: (minutes: number) => put<AwayAnswer>('/api/v1/away', { minutes }),
    onSuccess: (next) => cache.setQueryData(away.queryKey, next),
    onError: (error) => say(wordsOf(error)),
  });
  if (!answer.data) return null;
  const all = answer.data.claims.find((one) => one.session === undefined && Date.parse(one.until) > now);
  return (
    <Button
      kind="edge"
      aria-pressed={all !== undefined}
      disabled={claim.isPending}
      title="Agents with Marline's hooks wait for an answer here before they ask in their terminals"
      onClick={() => claim.mutate(all ? 0 : MINUTES)}
      className={all ? '!border-accent !text-accent' : ''}
    >
      {all ? `Away until ${clock(all.until)}` : 'I am away'}
    </Button>
  );
}

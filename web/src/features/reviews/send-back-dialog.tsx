import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { post } from '../../api/client';
import type { ReviewAnswer, SendBackAnswer, SendBackRequest } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Problem, TEXT, Tick } from '../../components/ui/field';
import { newKey, useSendBack, wordsOf } from './acts';
import { ofReview } from './queries';

/** How the session stands that the review is of. */
export type Parent = 'closed' | 'busy' | 'open';

interface Props {
  review: ReviewAnswer;
  parent: Parent;
  chosen: number[];
  onSent: (answer: SendBackAnswer) => void;
  onClose: () => void;
}

/** Shows the prompt that goes back into the session, to be changed and sent. */
export function SendBackDialog({ review, parent, chosen, onSent, onClose }: Props) {
  const [key, setKey] = useState(newKey);
  const [own, setOwn] = useState<string | null>(null);
  const [agrees, setAgrees] = useState(false);
  const request = { findings: chosen, key, dryRun: true } satisfies SendBackRequest;
  const made = useQuery({
    queryKey: ['send-back-preview', review.id, review.currentRound, chosen],
    queryFn: () => post<SendBackAnswer>(ofReview(review.id, '/send-back'), request),
    gcTime: 0,
    retry: false,
  });
  const send = useSendBack(review.id, onSent);
  const prompt = own ?? made.data?.prompt ?? '';
  return (
    <Dialog title="Send back into the session" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          send.mutate(
            { key, prompt, queue: parent === 'busy' && agrees, headless: parent === 'closed' && agrees },
            // What was refused can be sent again, as something new.
            { onError: () => setKey(newKey()) },
          );
        }}
      >
        {made.isPending ? (
          <Skeleton lines={4} />
        ) : made.error ? (
          <Failed error={made.error} retry={() => void made.refetch()} />
        ) : (
          <textarea
            aria-label="The prompt"
            rows={12}
            value={prompt}
            onChange={(event) => setOwn(event.target.value)}
            className={TEXT}
          />
        )}
        {parent === 'busy' && (
          <Tick checked={agrees} onChange={setAgrees}>
            The session is busy: let it wait there until its agent is ready
          </Tick>
        )}
        {parent === 'closed' && (
          <Tick checked={agrees} onChange={setAgrees}>
            No agent has the session open: take it up without a terminal for this one prompt
          </Tick>
        )}
        {send.error && <Problem>{wordsOf(send.error)}</Problem>}
        <div className="flex justify-end">
          <Button
            kind="solid"
            type="submit"
            disabled={prompt.trim() === '' || send.isPending || (parent !== 'open' && !agrees)}
          >
            {send.isPending ? 'Sending…' : 'Send it'}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

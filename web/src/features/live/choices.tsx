import { type FormEvent, useState } from 'react';
import type { Asks } from '../../api/types';
import { Button } from '../../components/ui/button';
import { DenyForm } from '../../components/ui/deny-form';
import { FIELD, Tick } from '../../components/ui/field';
import { harmless } from '../../lib/harmless';
import { newKey, useSteer } from './acts';
import { Answered } from './answered';

interface Props {
  id: string;
  asks: Asks;
}

/** The answers to a question that asks for no leave: one, several of them, or words of one's own. */
export function Choices({ id, asks }: Props) {
  const steer = useSteer(id);
  const [words, setWords] = useState('');
  const [isLeft, setLeft] = useState(false);
  const [chosen, setChosen] = useState(() => asks.replies.map((reply) => reply.isChosen === true));
  if (steer.isSuccess && steer.data.outcome === 'delivered') return <Answered />;
  const isBusy = steer.isPending;
  const choose = (places: number[], own?: string) =>
    steer.mutate({
      command: 'choose',
      key: newKey(),
      question: asks.key,
      places,
      ...(own === undefined ? {} : { words: own }),
    });
  if (isLeft) {
    const leave = (reason: string | null) =>
      steer.mutate({ command: 'deny', key: newKey(), question: asks.key, reason });
    return <DenyForm act="Leave it open" isBusy={isBusy} onDeny={leave} onBack={() => setLeft(false)} />;
  }
  const takesSeveral = asks.replies.some((reply) => reply.isChosen !== undefined);
  const takesWords = asks.takesWords || (!takesSeveral && asks.replies.some((reply) => reply.takesWords));
  if (asks.replies.length === 0 && !takesWords)
    return <p className="text-ink-3 text-xs">It can be answered in its terminal alone.</p>;
  const say = (event: FormEvent) => {
    event.preventDefault();
    if (words.trim() !== '') choose([], words.trim());
  };
  // The answer that takes words is the field below.
  const shown = asks.replies.map((reply, place) => ({ reply, place })).filter(({ reply }) => !reply.takesWords);
  const places = chosen.flatMap((isChosen, place) => (isChosen ? [place] : []));
  return (
    <div className="grid gap-2">
      <ul className="grid gap-1.5" aria-label="Answers">
        {shown.map(({ reply, place }) => (
          <li key={place}>
            {reply.isChosen === undefined ? (
              <button
                type="button"
                disabled={isBusy}
                onClick={() => choose([place])}
                className="flex w-full flex-wrap items-baseline gap-x-2.5 rounded-md border border-line px-3 py-1.5 text-left text-sm hover:bg-hover disabled:opacity-50 coarse:min-h-11 coarse:py-2.5"
              >
                <span className="font-medium [overflow-wrap:anywhere]">{harmless(reply.label)}</span>
                {reply.more && <span className="text-ink-3 [overflow-wrap:anywhere]">{harmless(reply.more)}</span>}
              </button>
            ) : (
              <Tick checked={chosen[place] === true} onChange={(isChosen) => setChosen(chosen.with(place, isChosen))}>
                {harmless(reply.label)}
                {reply.more && <span className="ml-2.5 text-ink-3">{harmless(reply.more)}</span>}
              </Tick>
            )}
          </li>
        ))}
      </ul>
      {takesWords && (
        <form onSubmit={say} className="flex gap-2">
          <input
            value={words}
            maxLength={2_000}
            onChange={(event) => setWords(event.target.value)}
            placeholder={asks.replies.length > 0 ? 'Or in your own words' : 'Your answer'}
            aria-label="An answer in your own words"
            className={`${FIELD} min-w-0 flex-1 placeholder:text-ink-3`}
          />
          <Button kind="edge" type="submit" disabled={isBusy || words.trim() === ''}>
            Answer
          </Button>
        </form>
      )}
      <div className="flex flex-wrap gap-2">
        {takesSeveral && (
          <Button kind="solid" disabled={isBusy || places.length === 0} onClick={() => choose(places)}>
            Choose these
          </Button>
        )}
        <Button kind="plain" disabled={isBusy} onClick={() => setLeft(true)}>
          Leave it open…
        </Button>
      </div>
    </div>
  );
}

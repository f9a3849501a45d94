import { type FormEvent, useState } from 'react';
import type { Asks } from '../../api/types';
import { Button } from '../../components/ui/button';
import { FIELD } from '../../components/ui/field';
import { Needs } from '../../components/ui/needs';
import { harmless } from '../../lib/harmless';
import { newKey, useSteer } from './acts';

const focus = (element: HTMLInputElement | null) => element?.focus();

/** What an agent asks in its terminal, and the answers that can be given from here. All of it is an agent's text. */
export function LiveAsks({ id, asks }: { id: string; asks: Asks }) {
  return (
    <div className="space-y-2.5">
      {asks.about.length > 0 && (
        <pre
          // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
          tabIndex={0}
          role="region"
          aria-label="What it is about"
          className="max-h-60 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken px-3 py-2 font-mono text-[12.5px] leading-5 [overflow-wrap:anywhere]"
        >
          {harmless(asks.about.join('\n'))}
        </pre>
      )}
      <p className="[overflow-wrap:anywhere]">{harmless(asks.question)}</p>
      {asks.isApproval ? (
        <Needs scope="approve">
          <Answers key={asks.key} id={id} question={asks.key} />
        </Needs>
      ) : (
        <p className="text-ink-3 text-xs">
          It can be answered in its terminal: {asks.replies.map((reply) => harmless(reply.label)).join(' · ')}
        </p>
      )}
    </div>
  );
}

/** Allows once, or denies with a word. A question that has changed meanwhile is refused by the server: nothing else is allowed. */
function Answers({ id, question }: { id: string; question: string }) {
  const [isDenying, setDenying] = useState(false);
  const [reason, setReason] = useState('');
  const steer = useSteer(id);
  const isBusy = steer.isPending || (steer.isSuccess && steer.data.outcome === 'delivered');
  if (isDenying) {
    const deny = (event: FormEvent) => {
      event.preventDefault();
      steer.mutate({ command: 'deny', key: newKey(), question, reason: reason.trim() || null });
    };
    return (
      <form onSubmit={deny} className="flex flex-wrap gap-2">
        <input
          ref={focus}
          value={reason}
          maxLength={2_000}
          onChange={(event) => setReason(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === 'Escape') setDenying(false);
          }}
          placeholder="A word to the agent, if it should go on otherwise"
          aria-label="Why it is denied"
          className={`${FIELD} min-w-40 flex-1 placeholder:text-ink-3`}
        />
        <Button kind="solid" type="submit" disabled={isBusy}>
          Deny
        </Button>
        <Button onClick={() => setDenying(false)}>Back</Button>
      </form>
    );
  }
  return (
    <div className="flex flex-wrap gap-2" role="group" aria-label="Answer">
      <Button
        kind="solid"
        disabled={isBusy}
        onClick={() => steer.mutate({ command: 'approve', key: newKey(), question })}
      >
        Allow once
      </Button>
      <Button kind="edge" disabled={isBusy} onClick={() => setDenying(true)}>
        Deny…
      </Button>
    </div>
  );
}

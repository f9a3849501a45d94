import { useState } from 'react';
import { post } from '../../api/client';
import type { Asked, Decision } from '../../api/types';
import { Button } from '../../components/ui/button';
import { DenyForm } from '../../components/ui/deny-form';
import { Needs } from '../../components/ui/needs';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { useWorkAct } from './acts';

const SAID: Record<Decision['say'], string> = {
  allow: 'Allowed once',
  allowForSession: 'Allowed for the session',
  deny: 'Denied',
};

/** How a question was answered, in words. */
export function sayDecision(decision: Decision): string {
  if (decision.say !== 'deny' || !decision.reason) return SAID[decision.say];
  return `Denied: ${harmless(decision.reason)}`;
}

/** Answers a question: allow it once, for the session where the agent can remember that, or deny it with a reason. */
export function AnswerButtons(props: AnswerProps) {
  return (
    <Needs scope="approve">
      <Answers {...props} />
    </Needs>
  );
}

interface AnswerProps {
  number: number;
  forSession: boolean;
  what: string;
}

function Answers({ number, forSession, what }: AnswerProps) {
  const [isDenying, setDenying] = useState(false);
  const answer = useWorkAct(
    (decision: Decision) => post<Asked>(`/api/v1/approvals/${number}`, { decision }),
    (_, decision) => say(SAID[decision.say]),
  );
  // Until the agent has heard it, the question stays: nobody answers twice.
  const isBusy = answer.isPending || answer.isSuccess;
  if (isDenying) {
    const deny = (reason: string | null) => answer.mutate({ say: 'deny', reason });
    return <DenyForm act="Deny" isBusy={isBusy} onDeny={deny} onBack={() => setDenying(false)} />;
  }
  return (
    <div className="flex flex-wrap gap-2" role="group" aria-label={`Answer ${what.slice(0, 80)}`}>
      <Button kind="solid" disabled={isBusy} onClick={() => answer.mutate({ say: 'allow' })}>
        Allow once
      </Button>
      {forSession && (
        <Button kind="edge" disabled={isBusy} onClick={() => answer.mutate({ say: 'allowForSession' })}>
          Allow for the session
        </Button>
      )}
      <Button kind="edge" disabled={isBusy} onClick={() => setDenying(true)}>
        Deny…
      </Button>
    </div>
  );
}

import { type FormEvent, useState } from 'react';
import { post } from '../../api/client';
import type { Asked, Decision, Question } from '../../api/types';
import { Button } from '../../components/ui/button';
import { FIELD } from '../../components/ui/field';
import { Needs } from '../../components/ui/needs';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { useWorkAct } from './acts';
import { SignedLines } from './signed-lines';

const focus = (element: HTMLInputElement | null) => element?.focus();

/** Longer commands are cut where room is small. */
const SHORT = 600;

/** What an agent asks leave for: what would be run, where, what it touches and why. All of it is an agent's text. */
export function QuestionView({ question, isSmall = false }: { question: Question; isSmall?: boolean }) {
  const isCut = isSmall && question.what.length > SHORT;
  const what = isCut ? `${question.what.slice(0, SHORT)}…` : question.what;
  return (
    <div className="space-y-2">
      <p className="text-ink-2 text-xs">
        Asks to use <span className="font-medium text-ink">{harmless(question.tool)}</span>
        {question.cwd && (
          <>
            {' in '}
            <code className="[overflow-wrap:anywhere] font-mono">{harmless(question.cwd)}</code>
          </>
        )}
      </p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        role="region"
        aria-label="What would be done"
        className={`overflow-auto whitespace-pre-wrap rounded-lg bg-sunken px-3 py-2 font-mono text-[12.5px] leading-5 [overflow-wrap:anywhere] ${isSmall ? 'max-h-40' : 'max-h-80'}`}
      >
        {harmless(what)}
      </pre>
      {isCut && <p className="text-warn text-xs">It goes on: Approvals shows all of it.</p>}
      {question.files.length > 0 && (
        <div className="text-xs">
          <p className="text-ink-3">Touches {many(question.files.length, 'file')}</p>
          <ul className="max-h-32 overflow-auto font-mono text-ink-2">
            {question.files.map((file) => (
              <li key={file} className="[overflow-wrap:anywhere]">
                {harmless(file)}
              </li>
            ))}
          </ul>
        </div>
      )}
      {question.why && (
        <p className="text-ink-2 text-xs [overflow-wrap:anywhere]">
          <span className="text-ink-3">Why, in its words: </span>
          {harmless(question.why)}
        </p>
      )}
      {question.diff && <SignedLines text={question.diff} isSmall={isSmall} />}
    </div>
  );
}

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
  const [reason, setReason] = useState('');
  const answer = useWorkAct(
    (decision: Decision) => post<Asked>(`/api/v1/approvals/${number}`, { decision }),
    (_, decision) => say(SAID[decision.say]),
  );
  // Until the agent has heard it, the question stays: nobody answers twice.
  const isBusy = answer.isPending || answer.isSuccess;
  if (isDenying) {
    const deny = (event: FormEvent) => {
      event.preventDefault();
      answer.mutate({ say: 'deny', reason: reason.trim() || null });
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
          placeholder="Why, if the agent should know"
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

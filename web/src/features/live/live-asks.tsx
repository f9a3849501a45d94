import { useState } from 'react';
import { post } from '../../api/client';
import type { Asks, Rule } from '../../api/types';
import { Button } from '../../components/ui/button';
import { DenyForm } from '../../components/ui/deny-form';
import { Needs } from '../../components/ui/needs';
import { QuestionView } from '../../components/ui/question-view';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { newKey, useSteer, wordsOf } from './acts';
import { Answered } from './answered';
import { Choices } from './choices';
import { RuleForm } from './rule-form';

/** A rule from here lasts so long. */
const MINUTES = 60;

interface Props {
  id: string;
  asks: Asks;
  /** Where the agent works: where a rule would hold. */
  cwd: string | undefined;
}

/** What an agent asks, and the answers that can be given from here. All of it is an agent's text. */
export function LiveAsks({ id, asks, cwd }: Props) {
  return (
    <div className="space-y-2.5">
      {asks.what ? (
        <QuestionView question={asks.what} risks={asks.risks ?? []} isSmall />
      ) : (
        <>
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
        </>
      )}
      {asks.isApproval && asks.isBlind && (
        <p className="text-warn text-xs">
          What it is about is not to be seen in its terminal. Make that larger, or answer it there.
        </p>
      )}
      {asks.isApproval ? (
        <Needs scope="approve">
          <Answers key={asks.key} id={id} asks={asks} cwd={cwd} />
        </Needs>
      ) : (
        <Needs scope="approve">
          <Choices key={asks.key} id={id} asks={asks} />
        </Needs>
      )}
    </div>
  );
}

/** Allows once or for longer, or denies with a word. A question that has changed meanwhile is refused by the server. */
function Answers({ id, asks, cwd }: Props) {
  const [form, setForm] = useState<'deny' | 'rule' | null>(null);
  const steer = useSteer(id);
  const question = asks.key;
  const isAnswered = steer.isSuccess && steer.data.outcome === 'delivered';
  const isBusy = steer.isPending || isAnswered;
  const approve = (forSession = false) =>
    steer.mutate({ command: 'approve', key: newKey(), question, ...(forSession ? { forSession } : {}) });
  // An agent has heard it before its tool has run; only that it ran is told as allowed.
  if (isAnswered) return <Answered />;
  if (form === 'deny') {
    const deny = (reason: string | null) => steer.mutate({ command: 'deny', key: newKey(), question, reason });
    return <DenyForm act="Deny" isBusy={isBusy} onDeny={deny} onBack={() => setForm(null)} />;
  }
  // What is no call of a tool may mean more than once: then it is said in the agent's own words.
  const own = asks.what ? undefined : asks.replies.find((reply) => reply.means === 'allow')?.label;
  const allow = own && own !== 'Yes' ? harmless(own) : 'Allow once';
  const isCommand = asks.what !== undefined && asks.what.files.length === 0 && !asks.what.diff;
  if (form === 'rule' && asks.what && cwd) {
    const make = async (command: string) => {
      try {
        await post<Rule>('/api/v1/rules', { command, project: cwd, minutes: MINUTES });
      } catch (error) {
        if (error instanceof Error) say(wordsOf(error));
        return;
      }
      approve();
    };
    return <RuleForm command={asks.what.what} directory={cwd} onMake={make} onBack={() => setForm(null)} />;
  }
  return (
    <div className="flex flex-wrap gap-2" role="group" aria-label="Answer">
      {!asks.isBlind && (
        <Button kind="solid" disabled={isBusy} onClick={() => approve()}>
          {allow}
        </Button>
      )}
      {asks.forSession && !asks.isBlind && (
        <Button kind="edge" disabled={isBusy} onClick={() => approve(true)}>
          For the session
        </Button>
      )}
      {isCommand && cwd && (
        <Button kind="edge" disabled={isBusy} onClick={() => setForm('rule')}>
          For an hour…
        </Button>
      )}
      <Button kind="edge" disabled={isBusy} onClick={() => setForm('deny')}>
        Deny…
      </Button>
    </div>
  );
}

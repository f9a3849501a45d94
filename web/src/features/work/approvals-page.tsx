import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Inbox } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { Asked, OpenQuestion } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Until } from '../../components/ui/elapsed';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Fold } from '../../components/ui/fold';
import { Page, Section } from '../../components/ui/page';
import { QuestionView } from '../../components/ui/question-view';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { many } from '../../lib/numbers';
import { ago, whole } from '../../lib/time';
import { titleOf } from '../../lib/titles';
import { transcript } from '../transcript/queries';
import { work } from './queries';
import { AnswerButtons, sayDecision } from './question-view';
import { firstLine } from './titles';

interface Props {
  /** What agents in terminals ask. */
  asked?: ReactNode;
  isAsked?: boolean;
  /** What is allowed without asking, and the log. */
  below?: ReactNode;
}

/** What agents ask leave for, and what they were answered. */
export function ApprovalsPage({ asked, isAsked, below }: Props) {
  const answer = useQuery(work.approvals);
  if (answer.isPending) return <Skeleton lines={5} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  const { open, answered } = answer.data;
  return (
    <Page title="Approvals">
      <p className="sr-only" role="status">
        {open.length === 0
          ? isAsked
            ? 'An agent waits for you'
            : 'Nothing waits for you'
          : `${many(open.length, 'question')} waiting for you`}
      </p>
      {answer.error && (
        <p role="alert" className="mb-4 text-bad">
          {answer.error.message}. What stands here may be answered already.
        </p>
      )}
      {asked}
      {open.length === 0 && isAsked ? null : open.length === 0 ? (
        <Notice icon={Inbox} title="Nothing waits for you">
          <p>
            An agent that may not do something by itself asks here, and waits: allow it once, for its session where that
            can be, or deny it with a word why.
          </p>
        </Notice>
      ) : (
        <ul className="max-w-3xl">
          {open.map((asked) => (
            <li key={asked.number} className="border-line border-b py-5 first:pt-0">
              <Open asked={asked} />
            </li>
          ))}
        </ul>
      )}
      {answered.length > 0 && (
        <Section title="Questions of runs">
          <ul>
            {answered.map((asked) => (
              <li key={asked.number} className="border-line border-b py-1.5">
                <Answered asked={asked} />
              </li>
            ))}
          </ul>
        </Section>
      )}
      {below}
    </Page>
  );
}

function Open({ asked }: { asked: OpenQuestion }) {
  return (
    <article aria-label={`Question ${asked.number}`} className="max-w-3xl space-y-3">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs">
        <AgentMark source={asked.source} named />
        <Whence asked={asked} />
        <span className="text-ink-3 tabular-nums sm:ml-auto">
          answered with no in <Until time={asked.until} />
        </span>
      </div>
      <QuestionView question={asked.question} risks={asked.risks} />
      <AnswerButtons number={asked.number} forSession={asked.question.forSession} what={asked.question.what} />
    </article>
  );
}

/** Where a question comes from. */
function Whence({ asked }: { asked: Asked }) {
  return (
    <>
      {asked.session && <SessionLink id={asked.session} />}
      <span className="text-ink-3">
        in{' '}
        <Link to="/runs/$id" params={{ id: asked.run }} className="text-accent hover:underline coarse:py-2">
          {harmless(asked.name)}
        </Link>
      </span>
    </>
  );
}

/** The session that asks, by its title once that is known. */
function SessionLink({ id }: { id: string }) {
  const detail = useQuery({ ...transcript.detail(id), retry: false });
  return (
    <Link to="/s/$id" params={{ id }} className="min-w-0 max-w-80 truncate text-accent hover:underline coarse:py-2">
      {detail.data ? titleOf(detail.data.session) : 'its session'}
    </Link>
  );
}

function Answered({ asked }: { asked: Asked }) {
  const [isOpen, setOpen] = useState(false);
  const now = useNow();
  const { decision } = asked;
  const words = decision ? sayDecision(decision) : 'It was never answered';
  const state = !decision ? 'interrupted' : decision.say === 'deny' ? 'cancelled' : 'completed';
  return (
    <Fold
      icon={
        <span className="flex shrink-0 items-center gap-2.5">
          <StateMark state={state} word={words} bare />
          <AgentMark source={asked.source} />
        </span>
      }
      head={<code className="font-mono text-ink text-xs">{firstLine(asked.question.what)}</code>}
      aside={
        <span className="flex shrink-0 items-center gap-3 text-ink-3 text-xs tabular-nums">
          <span className="max-w-64 truncate max-sm:hidden">{words}</span>
          <time dateTime={asked.at} title={whole(asked.at)}>
            {ago(asked.at, now)}
          </time>
        </span>
      }
      open={isOpen}
      onToggle={() => setOpen(!isOpen)}
    >
      <div className="max-w-3xl space-y-3">
        <p className="flex flex-wrap items-center gap-x-3 text-xs">
          <span className="[overflow-wrap:anywhere]">
            {words}
            {asked.by && <span className="text-ink-3"> by {harmless(asked.by)}</span>}
          </span>
          <Whence asked={asked} />
        </p>
        <QuestionView question={asked.question} />
      </div>
    </Fold>
  );
}

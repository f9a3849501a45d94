import { Link } from '@tanstack/react-router';
import { ChevronsDown } from 'lucide-react';
import { memo, useLayoutEffect, useRef, useState } from 'react';
import type { CallStatus, Task, ToolStatus } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Elapsed, Until } from '../../components/ui/elapsed';
import { Plain } from '../../components/ui/plain';
import { QuestionView } from '../../components/ui/question-view';
import { ToolState } from '../../components/ui/state';
import { StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { full, short, totalTokens } from '../../lib/numbers';
import { clock } from '../../lib/time';
import { type Entry, type Lane as Heard, openQuestion } from './heard';
import { AnswerButtons, sayDecision } from './question-view';
import { durationOf, stateOf } from './states';

interface Props {
  task: Task;
  name: string;
  heard: Heard;
  /** When an open question is answered with no. */
  until: string | undefined;
}

/** So near to the end one follows what comes. */
const NEAR = 48;

/** One session at work: what it says and does as it comes. */
export const Lane = memo(function Lane({ task, name, heard, until }: Props) {
  const question = task.status === 'running' ? openQuestion(heard) : undefined;
  const state = heard.waits && task.status === 'pending' ? 'limited' : stateOf(task, question !== undefined);
  return (
    <section
      aria-label={`${task.number}: ${name}`}
      data-lane={task.id}
      className={`flex h-full min-h-0 flex-col overflow-hidden rounded-xl contain-strict border ${state === 'asks' ? 'border-accent' : 'border-line'}`}
    >
      <header className="border-line border-b px-3.5 py-2.5">
        <h3 className="flex items-center gap-2 font-medium">
          <AgentMark source={task.source} />
          <span className="min-w-0 flex-1 truncate" title={name}>
            {task.session ? (
              <Link to="/s/$id" params={{ id: task.session }} className="hover:underline">
                {name}
              </Link>
            ) : (
              name
            )}
          </span>
        </h3>
        <p className="mt-1 flex items-center gap-3 text-ink-3 text-xs tabular-nums">
          <StateMark state={state} beats />
          {state === 'limited' && (heard.waits?.until ?? task.notBefore) && (
            <span>
              for <Until time={heard.waits?.until ?? task.notBefore ?? ''} />
            </span>
          )}
          <Time task={task} startedAt={heard.startedAt} />
          <Tokens task={task} heard={heard} />
          {task.attempt > 1 && <span>attempt {task.attempt}</span>}
        </p>
      </header>
      <Words entries={heard.entries} dropped={heard.dropped} until={until} isOver={task.completedAt !== undefined} />
    </section>
  );
});

function Time({ task, startedAt }: { task: Task; startedAt: string | null }) {
  const since = startedAt ?? task.startedAt;
  if (since === undefined || since === null) return null;
  if (task.completedAt !== undefined) return <span>{durationOf(task)}</span>;
  return task.status === 'running' ? <Elapsed since={since} /> : null;
}

function Tokens({ task, heard }: { task: Task; heard: Heard }) {
  const tokens = Math.max(heard.tokens, totalTokens(task.usage));
  return tokens > 0 ? (
    <span className="ml-auto" title={`${full(tokens)} tokens`}>
      {short(tokens)} tok
    </span>
  ) : null;
}

function Words({
  entries,
  dropped,
  until,
  isOver,
}: {
  entries: readonly Entry[];
  dropped: number;
  until: string | undefined;
  isOver: boolean;
}) {
  const box = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);
  // biome-ignore lint/correctness/useExhaustiveDependencies: What came moves the end.
  useLayoutEffect(() => {
    const element = box.current;
    if (element && isFollowing) element.scrollTop = element.scrollHeight;
  }, [entries, isFollowing]);
  return (
    <div className="relative min-h-0 flex-1">
      <div
        ref={box}
        role="region"
        aria-label="What it says and does"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        onScroll={({ currentTarget: { scrollHeight, scrollTop, clientHeight } }) =>
          setFollowing(scrollHeight - scrollTop - clientHeight < NEAR)
        }
        className="relative h-full space-y-1.5 overflow-y-auto overscroll-y-contain px-3.5 py-3 outline-offset-[-2px]"
      >
        {dropped > 0 && <p className="text-ink-3 text-xs">{full(dropped)} earlier are in the session.</p>}
        {entries.map((entry) => (
          <EntryView key={entry.key} entry={entry} until={until} />
        ))}
        {entries.length === 0 && <p className="text-ink-3">{isOver ? 'Nothing was said.' : 'Nothing said yet.'}</p>}
      </div>
      {!isFollowing && (
        <button
          type="button"
          aria-label="To the end"
          title="To the end"
          onClick={() => setFollowing(true)}
          className="absolute right-3 bottom-3 grid size-8 place-items-center rounded-full bg-raised text-ink-2 shadow-float hover:text-ink coarse:size-11"
        >
          <ChevronsDown className="size-4" aria-hidden />
        </button>
      )}
    </div>
  );
}

const CALLS: Record<CallStatus, ToolStatus> = {
  running: 'pending',
  completed: 'completed',
  failed: 'failed',
  declined: 'declined',
};
const TONES = { plain: 'text-ink-3', warn: 'text-warn', bad: 'text-bad' } as const;

const EntryView = memo(function EntryView({ entry, until }: { entry: Entry; until: string | undefined }) {
  switch (entry.kind) {
    case 'said':
      return <Plain text={entry.text} />;
    case 'tool':
      return (
        <p className="flex items-start gap-2 text-ink-2">
          <span className="grid h-5 shrink-0 place-items-center">
            <ToolState status={CALLS[entry.status]} />
          </span>
          <code
            className="line-clamp-2 min-w-0 font-mono text-xs leading-5 [overflow-wrap:anywhere]"
            title={entry.title}
          >
            {harmless(entry.title) || 'a tool'}
          </code>
        </p>
      );
    case 'note':
      return <p className={`text-xs [overflow-wrap:anywhere] ${TONES[entry.tone]}`}>{harmless(entry.text)}</p>;
    case 'asked':
      return <Asked entry={entry} until={until} />;
    default:
      return entry satisfies never;
  }
});

function Asked({ entry, until }: { entry: Extract<Entry, { kind: 'asked' }>; until: string | undefined }) {
  const { answer, question, number } = entry;
  if (answer) {
    return (
      <p className="text-ink-3 text-xs [overflow-wrap:anywhere]">
        {clock(entry.at)} Asked for <code className="font-mono">{harmless(question.what.slice(0, 200))}</code>
        {'. '}
        {answer.decision ? sayDecision(answer.decision) : 'It needs no answer any more'}
        {answer.decision && answer.by && `, by ${harmless(answer.by)}`}.
      </p>
    );
  }
  return (
    <div className="my-2 space-y-3 border-accent border-l-2 pl-3">
      <QuestionView question={question} isSmall />
      <AnswerButtons number={number} forSession={question.forSession} what={question.what} />
      {until !== undefined && (
        <p className="text-ink-3 text-xs tabular-nums">
          Answered with no in <Until time={until} />.
        </p>
      )}
    </div>
  );
}

import { Link } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { memo, useState } from 'react';
import type { Session, Task } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Plain } from '../../components/ui/plain';
import { type State, StateMark } from '../../components/ui/state-mark';
import { harmless } from '../../lib/harmless';
import { full, short, totalTokens } from '../../lib/numbers';
import { durationOf, isOver, stateOf } from './states';
import { firstLine, nameOf } from './titles';

/** What came of each prompt of a run, a line each; a line opens to the whole answer. */
export function Results({
  tasks,
  isQueue,
  sessions,
  asking,
}: {
  tasks: readonly Task[];
  isQueue: boolean;
  sessions: readonly Session[];
  /** The prompts whose agents wait for an answer. */
  asking?: ReadonlySet<string>;
}) {
  return (
    <table className="w-full table-fixed border-collapse text-left max-md:block">
      <thead className="text-ink-3 text-xs max-md:sr-only">
        <tr className="border-line border-b">
          <th className="w-36 py-1.5 font-normal">State</th>
          <th className="w-[32%] py-1.5 font-normal">{isQueue ? 'Prompt' : 'Session'}</th>
          <th className="py-1.5 font-normal">Answer</th>
          <th className="w-24 py-1.5 text-right font-normal">Time</th>
          <th className="w-20 py-1.5 text-right font-normal">Tokens</th>
        </tr>
      </thead>
      <tbody className="max-md:block">
        {tasks.map((task) => (
          <Result
            key={task.id}
            task={task}
            name={nameOf(task, isQueue, sessions)}
            state={stateOf(task, asking?.has(task.id))}
          />
        ))}
      </tbody>
    </table>
  );
}

const Result = memo(function Result({ task, name, state }: { task: Task; name: string; state: State }) {
  const [isOpen, setOpen] = useState(false);
  const tokens = totalTokens(task.usage);
  const words = task.why ?? task.answer;
  return (
    <>
      <tr className="border-line align-top max-md:flex max-md:flex-wrap max-md:items-center max-md:gap-x-3 border-b max-md:py-2.5 has-[[aria-expanded=true]]:border-transparent">
        <td className="py-2 max-md:py-0">
          <StateMark state={state} />
        </td>
        <td className="py-2 pr-4 max-md:order-first max-md:w-full max-md:py-0">
          <span className="flex min-w-0 items-center gap-2">
            <AgentMark source={task.source} />
            {task.session ? (
              <Link to="/s/$id" params={{ id: task.session }} className="min-w-0 truncate font-medium hover:underline">
                {name}
              </Link>
            ) : (
              <span className="min-w-0 truncate font-medium">{name}</span>
            )}
          </span>
        </td>
        <td className="py-2 pr-4 max-md:order-last max-md:w-full max-md:py-0">
          {words !== undefined && isOver(task) && (
            <button
              type="button"
              aria-expanded={isOpen}
              onClick={() => setOpen(!isOpen)}
              className={`flex w-full min-w-0 items-center gap-1.5 text-left hover:text-ink coarse:min-h-11 ${task.why === undefined ? 'text-ink-2' : 'text-bad'}`}
            >
              <ChevronRight
                className={`size-3.5 shrink-0 text-ink-3 transition-transform duration-100 ${isOpen ? 'rotate-90' : ''}`}
                aria-hidden
              />
              <span className="min-w-0 truncate">{firstLine(words) || 'An answer without words'}</span>
            </button>
          )}
        </td>
        <td className="py-2 text-right text-ink-3 text-xs tabular-nums max-md:py-0">{durationOf(task)}</td>
        <td className="py-2 text-right text-ink-3 text-xs tabular-nums max-md:py-0">
          {tokens > 0 && (
            <span title={`${full(tokens)} tokens`}>
              {short(tokens)}
              <span className="md:sr-only"> tok</span>
            </span>
          )}
        </td>
      </tr>
      {isOpen && (
        <tr className="border-line border-b max-md:block">
          <td colSpan={5} className="pb-4 max-md:block">
            <Answer task={task} />
          </td>
        </tr>
      )}
    </>
  );
});

/** The whole of what a prompt ended with. */
export function Answer({ task }: { task: Task }) {
  return (
    <div className="max-w-3xl space-y-2">
      {task.why !== undefined && <p className="text-bad [overflow-wrap:anywhere]">{harmless(task.why)}</p>}
      {task.answer !== undefined && <Plain text={task.answer} className="text-base" />}
      {task.session && (
        <Link
          to="/s/$id"
          params={{ id: task.session }}
          className="inline-block text-accent text-sm hover:underline coarse:py-2.5"
        >
          Open the session
        </Link>
      )}
    </div>
  );
}

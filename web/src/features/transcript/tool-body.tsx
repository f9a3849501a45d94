import { Circle, CircleCheck, CircleDot, type LucideIcon } from 'lucide-react';
import type { Action, Item, Tool } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Plain } from '../../components/ui/plain';
import { harmless } from '../../lib/harmless';
import { bytes } from '../../lib/numbers';
import { took, whole } from '../../lib/time';
import { ChildPreview } from './child-preview';
import { Code } from './code';
import { Diffs } from './diff-view';
import { languageOf } from './highlight';
import { Markdown } from './markdown';
import { Pictures } from './pictures';
import { Terminal } from './terminal';

type Asked = Extract<Action, { type: 'ask' }>['questions'][number];
type Todo = Extract<Action, { type: 'todo' }>['items'][number];

const TODO: Record<Todo['status'], { icon: LucideIcon; word: string; look: string }> = {
  pending: { icon: Circle, word: 'to do', look: 'text-ink-2' },
  in_progress: { icon: CircleDot, word: 'being done', look: 'font-medium' },
  completed: { icon: CircleCheck, word: 'done', look: 'text-ink-3' },
};

/** What went into a call and came out of it. */
export function ToolBody({
  session,
  item,
  tool,
  onWhole,
  onReview,
}: {
  session: string;
  item: Item;
  tool: Tool;
  onWhole: () => void;
  onReview: () => void;
}) {
  return (
    <div className="space-y-2.5">
      <Input tool={tool} />
      {tool.action.type === 'edit' && (
        <Button kind="edge" onClick={onReview}>
          Review this edit
        </Button>
      )}
      {item.childId && <ChildPreview id={item.childId} />}
      <Pictures session={session} item={item} />
      {/* What a sub-agent answered stands among what it did; what its agent is told of it beside is for the agent. */}
      {!item.childId && <Output tool={tool} />}
      <Facts item={item} tool={tool} />
      {item.truncatedBytes !== undefined && (
        <Button kind="edge" onClick={onWhole}>
          Load all, {bytes(item.truncatedBytes)} more
        </Button>
      )}
    </div>
  );
}

/** Says whether a command ended with a code that tells of a failure. */
export function isBadExit(tool: Tool): boolean {
  return tool.exitCode !== null && tool.exitCode !== 0;
}

/** When it began, how long it took and how it ended: below, where all of it has room. */
function Facts({ item, tool }: { item: Item; tool: Tool }) {
  return (
    <p className="flex flex-wrap gap-x-3 text-ink-3 text-xs tabular-nums">
      <time dateTime={item.at ?? undefined}>{whole(item.at)}</time>
      {tool.durationMs !== null && tool.durationMs > 0 && <span>took {took(tool.durationMs)}</span>}
      {tool.exitCode !== null && <span className={isBadExit(tool) ? 'text-bad' : ''}>exit code {tool.exitCode}</span>}
      <span>{tool.name}</span>
    </p>
  );
}

function Input({ tool }: { tool: Tool }) {
  const { action } = tool;
  switch (action.type) {
    case 'command':
      return (
        <>
          <Code code={action.command} language="bash" />
          {action.cwd && <p className="font-mono text-ink-3 text-xs">in {harmless(action.cwd)}</p>}
        </>
      );
    case 'edit':
      return <Diffs files={action.files} />;
    case 'todo':
      return <TodoList items={action.items} />;
    case 'agent':
      return <Markdown text={action.prompt} />;
    case 'ask':
      return <Questions questions={action.questions} />;
    case 'read':
    case 'find':
    case 'web':
      return null;
    case 'other':
      return tool.input ? <Code code={pretty(tool.input)} language="json" /> : null;
    default:
      return action satisfies never;
  }
}

/** JSON with its lines; anything else as it is. */
function pretty(input: string): string {
  try {
    return JSON.stringify(JSON.parse(input), null, 2);
  } catch {
    return input;
  }
}

function Output({ tool }: { tool: Tool }) {
  const { action, output } = tool;
  if (output === null || output.trim() === '') {
    return tool.status === 'pending' ? <p className="text-ink-3">No output yet.</p> : null;
  }
  if (action.type === 'read') return <Code code={output} language={languageOf(action.path)} />;
  if (action.type === 'todo' || (action.type === 'edit' && tool.status === 'completed')) return null;
  if (action.type === 'agent' || action.type === 'ask') return <Plain text={output} />;
  return <Terminal text={output} label={`What ${tool.name} printed`} />;
}

/** What is to be done, and how far it is. */
export function TodoList({ items }: { items: Todo[] }) {
  return (
    <ul className="space-y-1">
      {items.map((todo, n) => {
        const { icon: Icon, word, look } = TODO[todo.status];
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: The order of a plan is its identity.
          <li key={n} className={`flex items-start gap-2 ${look}`}>
            <Icon className="mt-0.5 size-4 shrink-0" aria-label={word} />
            <span className="min-w-0 [overflow-wrap:anywhere]">{harmless(todo.text)}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** What the person was asked, and what they could choose. */
function Questions({ questions }: { questions: Asked[] }) {
  return (
    <ul className="space-y-2">
      {questions.map((asked, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: A question is its place.
        <li key={n} className="[overflow-wrap:anywhere]">
          <p>{harmless(asked.question)}</p>
          <ul className="list-disc pl-5 text-ink-2">
            {asked.answers.map((answer) => (
              <li key={answer}>{harmless(answer)}</li>
            ))}
          </ul>
        </li>
      ))}
    </ul>
  );
}

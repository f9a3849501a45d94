import type { ContextPartKind, ReviewPreview } from '../../api/types';
import { Problem } from '../../components/ui/field';
import { harmless } from '../../lib/harmless';
import { bytes } from '../../lib/numbers';
import { wordsOf } from './acts';

const NAMES: Record<ContextPartKind, string> = {
  task: 'Task',
  text: 'Words',
  diff: 'Edits',
  project: 'Project',
};

/** Word by word what a reviewer will be told, and what was left out of it. */
export function Preview({
  answer,
  error,
  isEmpty,
}: {
  answer: ReviewPreview | undefined;
  error: Error | null;
  isEmpty: boolean;
}) {
  if (isEmpty) return <p className="text-ink-3">Choose something to show.</p>;
  if (error) return <Problem>{wordsOf(error)}</Problem>;
  return (
    <div className="grid gap-1.5">
      <p className="flex flex-wrap gap-x-3 text-ink-3 text-xs tabular-nums">
        <span className="text-ink-2">What it will be told</span>
        {answer?.parts.map((part) => (
          <span key={part.kind} className={part.cutBytes > 0 ? 'text-warn' : ''}>
            {NAMES[part.kind]} {bytes(new Blob([part.text]).size)}
            {part.cutBytes > 0 && `, ${bytes(part.cutBytes)} left out of its middle`}
          </span>
        ))}
      </p>
      <pre
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        role="region"
        aria-label="What the reviewer will be told"
        aria-busy={answer === undefined}
        className="h-56 overflow-auto whitespace-pre-wrap rounded-lg bg-sunken p-3 font-mono text-xs leading-5 [overflow-wrap:anywhere]"
      >
        {answer ? harmless(answer.prompt) : ''}
      </pre>
    </div>
  );
}

import type { Context } from '../../api/types';
import { short } from '../../lib/numbers';

/** How full a model's context is: in percent where the agent writes down how much fits, else in tokens alone. */
export function ContextFill({ context }: { context: Context }) {
  const { tokens, window } = context;
  if (!window) {
    return (
      <span className="whitespace-nowrap tabular-nums" title="Tokens of the last request">
        context {short(tokens)}
      </span>
    );
  }
  const share = Math.min(1, tokens / window);
  const percent = Math.round(share * 100);
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap tabular-nums ${share > 0.8 ? 'text-warn' : ''}`}
      title={`${short(tokens)} of ${short(window)} tokens`}
    >
      <svg viewBox="0 0 32 4" className="h-1 w-8" aria-hidden="true">
        <rect width="32" height="4" rx="2" className="fill-line" />
        <rect width={32 * share} height="4" rx="2" fill="currentColor" />
      </svg>
      context {percent} %
    </span>
  );
}

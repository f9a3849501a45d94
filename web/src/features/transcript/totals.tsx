import type { Session } from '../../api/types';
import { dollars, many, short, totalTokens } from '../../lib/numbers';
import { took } from '../../lib/time';

const DAY = 86_400_000;

/** From the first record to the last, where both are known. */
function lasted(session: Session): number {
  const [from, to] = [session.startedAt, session.updatedAt];
  return from !== null && to !== null ? Date.parse(to) - Date.parse(from) : 0;
}

/** What a session came to, at its end: what was said and done, tokens, cost, time. */
export function Totals({ session }: { session: Session }) {
  const tokens = totalTokens(session.usage);
  const parts = [
    many(session.counts.prompts, 'prompt'),
    session.counts.toolCalls > 0 ? many(session.counts.toolCalls, 'tool call') : '',
    session.counts.errors > 0 ? many(session.counts.errors, 'error') : '',
    tokens > 0 ? `${short(tokens)} tokens` : '',
    session.costMicroUsd > 0 ? dollars(session.costMicroUsd) : '',
    lasted(session) > DAY
      ? `over ${many(Math.ceil(lasted(session) / DAY), 'day')}`
      : lasted(session) > 0
        ? took(lasted(session))
        : '',
  ];
  return (
    <section
      aria-label="In all"
      className="mt-2 mb-4 flex flex-wrap gap-x-3 gap-y-1 border-line border-t pt-2.5 text-ink-3 text-xs tabular-nums"
    >
      {parts
        .filter((part) => part !== '')
        .map((part) => (
          <span key={part}>{part}</span>
        ))}
    </section>
  );
}

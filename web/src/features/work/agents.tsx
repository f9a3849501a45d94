import type { Member, Source } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { AGENTS } from '../../lib/agents';
import { many } from '../../lib/numbers';

/** How many sessions there are of each agent. */
export function Agents({ members }: { members: readonly Member[] }) {
  if (members.length === 0) return <span>no sessions</span>;
  const counts = new Map<Source, number>();
  for (const { source } of members) counts.set(source, (counts.get(source) ?? 0) + 1);
  return (
    <span className="inline-flex items-center gap-2">
      <span className="sr-only">{many(members.length, 'session')}: </span>
      {[...counts].map(([source, count]) => (
        <span
          key={source}
          className="inline-flex items-center gap-1 tabular-nums"
          title={many(count, `${AGENTS[source]} session`)}
        >
          <AgentMark source={source} />
          {count}
        </span>
      ))}
    </span>
  );
}

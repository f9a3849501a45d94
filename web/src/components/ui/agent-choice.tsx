import type { Source } from '../../api/types';
import { AGENTS, isSource } from '../../lib/agents';
import { AgentMark } from './agent-mark';

/** Asks for an agent. */
export function AgentChoice({ value, onChange }: { value: Source; onChange: (source: Source) => void }) {
  return (
    <fieldset className="flex flex-wrap gap-1.5">
      <legend className="mb-1 text-ink-2 text-sm">Agent</legend>
      {Object.keys(AGENTS)
        .filter(isSource)
        .map((source) => (
          <label
            key={source}
            className="inline-flex h-8 cursor-pointer items-center rounded-md border border-line px-2.5 hover:bg-hover has-[:checked]:border-accent has-[:checked]:font-medium has-[:checked]:ring-1 has-[:checked]:ring-accent has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent coarse:h-11"
          >
            <input
              type="radio"
              name="agent"
              className="sr-only"
              checked={source === value}
              onChange={() => onChange(source)}
            />
            <AgentMark source={source} named />
          </label>
        ))}
    </fieldset>
  );
}

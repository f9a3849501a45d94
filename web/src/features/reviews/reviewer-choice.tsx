import type { Source } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { FIELD } from '../../components/ui/field';
import { AGENTS, isSource } from '../../lib/agents';

interface Props {
  /** The chosen agents, each with its models, with commas between; none: the agent's own. */
  value: ReadonlyMap<Source, string>;
  onChange: (value: ReadonlyMap<Source, string>) => void;
}

/** The reviewers that were chosen: of an agent one for each of its models. */
export function reviewersOf(value: Props['value']): { agent: Source; model: string | null }[] {
  return [...value].flatMap<{ agent: Source; model: string | null }>(([agent, models]) => {
    const named = models.split(',').map((model) => model.trim());
    const own = [...new Set(named.filter((model) => model !== ''))];
    return own.length === 0 ? [{ agent, model: null }] : own.map((model) => ({ agent, model }));
  });
}

/** Asks for agents, one or several, and the models of each. */
export function ReviewerChoice({ value, onChange }: Props) {
  const put = (source: Source, isIn: boolean) => {
    const next = new Map(value);
    if (isIn) next.set(source, '');
    else next.delete(source);
    onChange(next);
  };
  return (
    <fieldset className="grid gap-2">
      <legend className="mb-1 text-ink-2 text-sm">Who reviews</legend>
      <div className="flex flex-wrap gap-1.5">
        {Object.keys(AGENTS)
          .filter(isSource)
          .map((source) => (
            <label
              key={source}
              className="inline-flex h-8 cursor-pointer items-center rounded-md border border-line px-2.5 hover:bg-hover has-[:checked]:border-accent has-[:checked]:font-medium has-[:checked]:ring-1 has-[:checked]:ring-accent has-[:focus-visible]:outline-2 has-[:focus-visible]:outline-accent coarse:h-11"
            >
              <input
                type="checkbox"
                className="sr-only"
                checked={value.has(source)}
                onChange={(event) => put(source, event.target.checked)}
              />
              <AgentMark source={source} named />
            </label>
          ))}
      </div>
      <div className="grid gap-2 sm:grid-cols-2">
        {[...value].map(([source, model]) => (
          <input
            key={source}
            value={model}
            aria-label={`Model of ${AGENTS[source]}`}
            placeholder={`Model of ${AGENTS[source]}: as it is set; several with commas`}
            onChange={(event) => onChange(new Map(value).set(source, event.target.value))}
            className={`${FIELD} placeholder:text-ink-3`}
          />
        ))}
      </div>
    </fieldset>
  );
}

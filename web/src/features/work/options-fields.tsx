import type { ReactNode } from 'react';
import type { Options, Permission } from '../../api/types';
import { FIELD, Field, SELECT, Tick } from '../../components/ui/field';

/** How prompts are run, as far as a person chose. */
export type Chosen = Partial<
  Pick<Options, 'model' | 'permission' | 'timeoutSeconds' | 'approvalSeconds' | 'retries' | 'waitsForLimit'>
>;

/** What each permission means, in a word and in a sentence. */
export const PERMISSIONS: Record<Permission, { name: string; means: string }> = {
  read: { name: 'Read only', means: 'It looks at files. What would change anything is refused, or asked for.' },
  ask: { name: 'Ask first', means: 'Whatever would run or change something waits in Approvals for your answer.' },
  edits: { name: 'Change files', means: 'It changes files without asking. Commands still wait for your answer.' },
  all: {
    name: 'Everything',
    means: 'It runs any command and changes any file as you could, and asks nobody. Only where you would let it alone.',
  },
};

const MINUTE = 60;
const DEFAULTS = { timeoutSeconds: 120 * MINUTE, approvalSeconds: 30 * MINUTE, retries: 0, waitsForLimit: true };

export function isPermission(word: string): word is Permission {
  return word in PERMISSIONS;
}

/** Asks how prompts are run. */
export function OptionsFields({ value, onChange }: { value: Chosen; onChange: (value: Chosen) => void }) {
  const { permission, model, ...others } = value;
  const { timeoutSeconds, approvalSeconds, retries, waitsForLimit } = { ...DEFAULTS, ...others };
  const means = permission ? PERMISSIONS[permission].means : 'As the agent’s own settings on this machine say.';
  return (
    <>
      <div className="grid grid-cols-2 gap-3.5 max-sm:grid-cols-1">
        <Field label="What an agent may do without asking">
          <select
            value={permission ?? ''}
            onChange={(event) => {
              const { permission: _, ...rest } = value;
              onChange(isPermission(event.target.value) ? { ...rest, permission: event.target.value } : rest);
            }}
            aria-describedby="permission-means"
            className={SELECT}
          >
            <option value="">As its settings say</option>
            {Object.entries(PERMISSIONS).map(([word, { name }]) => (
              <option key={word} value={word}>
                {name}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Model">
          <input
            value={model ?? ''}
            placeholder="the session’s own"
            onChange={(event) => {
              const { model: _, ...rest } = value;
              onChange(event.target.value ? { ...rest, model: event.target.value } : rest);
            }}
            className={`${FIELD} placeholder:text-ink-3`}
          />
        </Field>
      </div>
      <p id="permission-means" className={`-mt-2 text-xs ${permission === 'all' ? 'text-warn' : 'text-ink-3'}`}>
        {means}
      </p>
      <div className="grid grid-cols-3 items-end gap-3.5 max-sm:grid-cols-2">
        <Minutes
          label="Interrupted after (min)"
          value={timeoutSeconds}
          onChange={(seconds) => onChange({ ...value, timeoutSeconds: seconds })}
        />
        <Minutes
          label="Unanswered is no after (min)"
          value={approvalSeconds}
          onChange={(seconds) => onChange({ ...value, approvalSeconds: seconds })}
        />
        <Count
          label="Tried again (times)"
          min={0}
          max={20}
          value={retries}
          onChange={(count) => onChange({ ...value, retries: count })}
        />
      </div>
      <Tick checked={waitsForLimit} onChange={(waits) => onChange({ ...value, waitsForLimit: waits })}>
        At a usage limit, wait until there is more
      </Tick>
    </>
  );
}

function Minutes({ label, value, onChange }: { label: string; value: number; onChange: (seconds: number) => void }) {
  return (
    <Count
      label={label}
      min={1}
      max={7 * 24 * 60}
      value={Math.max(1, Math.round(value / MINUTE))}
      onChange={(minutes) => onChange(minutes * MINUTE)}
    />
  );
}

interface CountProps {
  label: ReactNode;
  min: number;
  max: number;
  value: number;
  onChange: (count: number) => void;
}

/** Asks for a whole number. */
export function Count({ label, min, max, value, onChange }: CountProps) {
  return (
    <Field label={label}>
      <input
        type="number"
        required
        min={min}
        max={max}
        value={Number.isNaN(value) ? '' : value}
        onChange={(event) => onChange(event.target.valueAsNumber)}
        className={`${FIELD} tabular-nums`}
      />
    </Field>
  );
}

/** What headless means, before anything is started so. */
export function Headless() {
  return (
    <p className="rounded-lg bg-sunken px-3.5 py-2.5 text-ink-2 text-xs">
      Agents run headless: without a terminal, on this machine, with your logins. Nobody watches over them but this
      board. Where a login is a subscription, see whether its terms allow that.
    </p>
  );
}

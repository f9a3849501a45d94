import { useQuery } from '@tanstack/react-query';
import { Field, SELECT } from '../../components/ui/field';
import { harmless } from '../../lib/harmless';
import { work } from './queries';

/** Asks for a directory that a session has worked in; an agent is not let loose in others from here. */
export function DirectoryField({ value, onChange }: { value: string; onChange: (directory: string) => void }) {
  const known = useQuery(work.directories);
  const all = known.data?.directories ?? [];
  return (
    <>
      <Field label="Directory">
        <select
          required
          value={value}
          disabled={known.isPending}
          onChange={(event) => onChange(event.target.value)}
          className={`${SELECT} font-mono text-xs`}
        >
          <option value="">{known.isPending ? 'Looking…' : 'Choose one'}</option>
          {all.map((directory) => (
            <option key={directory} value={directory}>
              {harmless(directory)}
            </option>
          ))}
        </select>
      </Field>
      {known.error && (
        <p role="alert" className="-mt-2 text-bad text-xs">
          The directories could not be read: {known.error.message}.
        </p>
      )}
      <p className="-mt-2 text-ink-3 text-xs">
        Those that a session has worked in. In any other, begin on the command line.
      </p>
    </>
  );
}

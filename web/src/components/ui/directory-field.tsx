import { queryOptions, useQuery } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { DirectoriesAnswer } from '../../api/types';
import { harmless } from '../../lib/harmless';
import { Field, SELECT } from './field';

/** Directories that sessions worked in: they change with sessions, and nobody waits for them. */
const directories = queryOptions({
  queryKey: ['directories'] as const,
  queryFn: ({ signal }) => get<DirectoriesAnswer>('/api/v1/directories', signal),
});

/** Asks for a directory that a session has worked in; an agent is not let loose in others from here. */
export function DirectoryField({ value, onChange }: { value: string; onChange: (directory: string) => void }) {
  const known = useQuery(directories);
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

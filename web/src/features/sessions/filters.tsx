import { useQueryClient } from '@tanstack/react-query';
import { ListFilter as FilterIcon } from 'lucide-react';
import { type FormEvent, useId, useState } from 'react';
import type { Session } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Chip } from '../../components/ui/chip';
import { Menu, MenuItem } from '../../components/ui/menu';
import { AGENTS, isSource } from '../../lib/agents';
import { type ListFilter, listed } from './queries';

const LISTS = ['source', 'project', 'branch', 'model', 'file'] as const;
const FLAGS = { all: 'everything', archived: 'archived only', reviews: 'reviewers only' } as const;
const SINCE = [
  ['1d', 'the last day'],
  ['7d', 'the last week'],
  ['30d', 'the last month'],
] as const;

interface Props {
  filter: ListFilter;
  onChange: (filter: ListFilter) => void;
}

/** The filters that hold. */
export function Chips({ filter, onChange }: Props) {
  const lists = LISTS.flatMap((name) => (filter[name] ?? []).map((value) => ({ name, value })));
  const times = (['since', 'until'] as const).flatMap((name) => (filter[name] ? [{ name, value: filter[name] }] : []));
  const flags = (['archived', 'all', 'reviews'] as const).filter((name) => filter[name]);
  if (lists.length + times.length + flags.length === 0) return null;
  return (
    <div className="flex flex-wrap gap-1.5">
      {lists.map(({ name, value }) => (
        <Chip
          key={`${name} ${value}`}
          name={name}
          value={name === 'source' && isSource(value) ? AGENTS[value] : value}
          onRemove={() => onChange({ ...filter, [name]: filter[name]?.filter((other) => other !== value) })}
        />
      ))}
      {times.map(({ name, value }) => (
        <Chip key={name} name={name} value={value} onRemove={() => onChange({ ...filter, [name]: undefined })} />
      ))}
      {flags.map((name) => (
        <Chip key={name} name="show" value={FLAGS[name]} onRemove={() => onChange({ ...filter, [name]: undefined })} />
      ))}
      <Button onClick={() => onChange({ q: filter.q, sort: filter.sort })} className="!h-7 text-xs coarse:!h-11">
        Clear
      </Button>
    </div>
  );
}

/** Adds filters. */
export function AddFilter({ filter, onChange }: Props) {
  const add = (name: (typeof LISTS)[number], value: string) => {
    const before = filter[name] ?? [];
    if (!before.includes(value)) onChange({ ...filter, [name]: [...before, value] });
  };
  return (
    <Menu
      label="Add a filter"
      button={(props) => (
        <Button icon={FilterIcon} className="justify-center coarse:min-w-11" {...props}>
          <span className="max-sm:sr-only">Filter</span>
        </Button>
      )}
    >
      {(close) => (
        <div className="w-64">
          {Object.entries(AGENTS).map(([source, name]) => (
            <MenuItem
              key={source}
              onClick={() => {
                add('source', source);
                close();
              }}
            >
              {name}
            </MenuItem>
          ))}
          <div className="my-1 border-line border-t" />
          {SINCE.map(([since, words]) => (
            <MenuItem
              key={since}
              onClick={() => {
                onChange({ ...filter, since });
                close();
              }}
            >
              Active in {words}
            </MenuItem>
          ))}
          <div className="my-1 border-line border-t" />
          <WordFilter
            onAdd={(name, value) => {
              add(name, value);
              close();
            }}
          />
          <div className="my-1 border-line border-t" />
          <MenuItem
            onClick={() => {
              onChange({ ...filter, archived: true });
              close();
            }}
          >
            Archived only
          </MenuItem>
          <MenuItem
            onClick={() => {
              onChange({ ...filter, reviews: true });
              close();
            }}
          >
            Reviewers only
          </MenuItem>
          <MenuItem
            onClick={() => {
              onChange({ ...filter, all: true });
              close();
            }}
          >
            Everything, sub-agents too
          </MenuItem>
        </div>
      )}
    </Menu>
  );
}

/** What a session has of each. */
const WORD = {
  project: (session: Session) => session.project,
  branch: (session: Session) => session.gitBranch,
  model: (session: Session) => session.model,
  file: () => null,
} as const;

function WordFilter({ onAdd }: { onAdd: (name: 'project' | 'branch' | 'model' | 'file', value: string) => void }) {
  const [name, setName] = useState<'project' | 'branch' | 'model' | 'file'>('project');
  const [value, setValue] = useState('');
  const cache = useQueryClient();
  const [known, setKnown] = useState<string[]>([]);
  const id = useId();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (value.trim() !== '') onAdd(name, value.trim());
    setValue('');
  };
  return (
    <form onSubmit={submit} className="flex gap-1 p-1">
      <select
        aria-label="What to filter by"
        value={name}
        onChange={(event) => setName(event.target.value as typeof name)}
        className="h-8 rounded-md bg-sunken px-1.5 text-sm coarse:h-11"
      >
        <option>project</option>
        <option>branch</option>
        <option>model</option>
        <option>file</option>
      </select>
      <input
        aria-label={`Words of the ${name}`}
        list={id}
        onFocus={() => setKnown(listed(cache).flatMap((session) => WORD[name](session) ?? []))}
        value={value}
        onChange={(event) => setValue(event.target.value)}
        placeholder="contains…"
        className="h-8 min-w-0 flex-1 rounded-md border border-line-strong bg-transparent px-2 coarse:h-11"
      />
      <datalist id={id}>
        {[...new Set(known)].map((word) => (
          <option key={word} value={word} />
        ))}
      </datalist>
      <Button type="submit" kind="edge">
        Add
      </Button>
    </form>
  );
}

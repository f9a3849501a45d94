import { useState } from 'react';
import { post } from '../../api/client';
import type { Group, Run, Workplace } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Field, Problem, SELECT, TEXT } from '../../components/ui/field';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { useWorkAct, wordsOf } from './acts';
import { type Chosen, Count, Headless, OptionsFields } from './options-fields';
import { ofGroup } from './queries';

const PLACES: Record<Workplace, { name: string; means: string }> = {
  own: {
    name: 'Each where it is at home',
    means: 'In its own directory. Sessions that share one take turns, so that they do not get into each other’s way.',
  },
  shared: {
    name: 'At home, side by side',
    means: 'In its own directory. Sessions that share one work at the same time, and may overwrite each other.',
  },
  directory: {
    name: 'New sessions in directories of their own',
    means: 'Each new session gets a new directory below the one that it was given.',
  },
  worktree: {
    name: 'Each in a git worktree',
    means: 'Each gets a worktree and a branch of its own, which stay. The directory must be a git repository.',
  },
};

function isPlace(word: string): word is Workplace {
  return word in PLACES;
}

/** Asks what a group is told, and how. */
export function RunDialog({ group, onClose }: { group: Group; onClose: () => void }) {
  const [prompt, setPrompt] = useState('');
  const [most, setMost] = useState(3);
  const [place, setPlace] = useState<Workplace>('own');
  const [options, setOptions] = useState<Chosen>({});
  const run = useWorkAct(
    () => post<Run>(ofGroup(group.id, '/runs'), { prompt, maxConcurrency: most, place, options }),
    onClose,
    'shown',
  );
  return (
    <Dialog title={`Run ${harmless(group.name)}`} place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          run.mutate(undefined);
        }}
      >
        <Field label={`What ${group.members.length === 1 ? 'the session is' : 'every session is'} told`}>
          <textarea
            data-focus
            required
            rows={4}
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
            className={TEXT}
          />
        </Field>
        <div className="grid grid-cols-[1fr_2fr] gap-3.5">
          <Count label="At a time, at most" min={1} max={200} value={most} onChange={setMost} />
          <Field label="Where they work">
            <select
              value={place}
              onChange={(event) => isPlace(event.target.value) && setPlace(event.target.value)}
              aria-describedby="place-means"
              className={SELECT}
            >
              {Object.entries(PLACES).map(([word, { name }]) => (
                <option key={word} value={word}>
                  {name}
                </option>
              ))}
            </select>
          </Field>
        </div>
        <p id="place-means" className="-mt-2 text-ink-3 text-xs">
          {PLACES[place].means}
        </p>
        <OptionsFields value={options} onChange={setOptions} />
        <Headless />
        {run.error && <Problem>{wordsOf(run.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={prompt.trim() === '' || run.isPending}>
            Run {many(group.members.length, 'session')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

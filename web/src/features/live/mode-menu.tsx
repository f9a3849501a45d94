import { type FormEvent, useState } from 'react';
import type { CommandRequest, LiveSession } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD } from '../../components/ui/field';
import { Menu, MenuItem } from '../../components/ui/menu';
import { Needs } from '../../components/ui/needs';
import { newKey, useSteer } from './acts';

type Mode = Extract<CommandRequest, { command: 'mode' }>['mode'];

const MODES: { mode: Mode; word: string; isOf: (session: LiveSession) => boolean }[] = [
  { mode: 'ask', word: 'Ask before everything', isOf: () => true },
  { mode: 'edits', word: 'Change files of the project', isOf: () => true },
  { mode: 'plan', word: 'Look and plan only', isOf: () => true },
  { mode: 'auto', word: 'Decide by itself', isOf: ({ source }) => source === 'claude' },
];

/** Whether an agent lets its model and its leave be set from outside. */
function canBeSet({ control, source }: LiveSession): boolean {
  return control.by === 'service' || (control.by === 'tmux' && (source === 'claude' || source === 'gemini'));
}

/** What an agent may do without asking, and its model, where it lets them be set. */
export function ModeMenu({ session }: { session: LiveSession }) {
  const [isNaming, setNaming] = useState(false);
  const [model, setModel] = useState('');
  const steer = useSteer(session.id, () => setNaming(false));
  if (!canBeSet(session)) return null;
  const name = (event: FormEvent) => {
    event.preventDefault();
    steer.mutate({ command: 'model', key: newKey(), model: model.trim() });
  };
  return (
    <Needs scope="approve" isSilent>
      <Menu label="What it may do, and its model" button={(props) => <Button {...props}>Mode</Button>}>
        {(close) => (
          <>
            {MODES.filter(({ isOf }) => isOf(session)).map(({ mode, word }) => (
              <MenuItem
                key={mode}
                onClick={() => {
                  close();
                  steer.mutate({ command: 'mode', key: newKey(), mode });
                }}
              >
                {word}
              </MenuItem>
            ))}
            <MenuItem
              onClick={() => {
                close();
                setNaming(true);
              }}
            >
              Another model…
            </MenuItem>
          </>
        )}
      </Menu>
      {isNaming && (
        <Dialog title="Another model" place="top" onClose={() => setNaming(false)}>
          <form onSubmit={name} className="grid gap-3.5 p-4 text-base">
            <input
              value={model}
              onChange={(event) => setModel(event.target.value)}
              aria-label="Model"
              placeholder="As the agent calls it"
              className={`${FIELD} placeholder:text-ink-3`}
            />
            <div className="flex justify-end">
              <Button kind="solid" type="submit" disabled={model.trim() === '' || steer.isPending}>
                Go on with it
              </Button>
            </div>
          </form>
        </Dialog>
      )}
    </Needs>
  );
}

import { useState } from 'react';
import { patch } from '../../api/client';
import type { Options, Queue } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD, Field, Problem } from '../../components/ui/field';
import { useWorkAct, wordsOf } from './acts';
import { ModeFields } from './new-queue-dialog';
import { type Chosen, OptionsFields } from './options-fields';
import { ofQueue } from './queries';

/** How a queue goes through its prompts. */
export function QueueSettingsDialog({ queue, onClose }: { queue: Queue; onClose: () => void }) {
  const [name, setName] = useState(queue.name);
  const [mode, setMode] = useState(queue.mode);
  const [stops, setStops] = useState(queue.stopsOnFailure);
  // What the command line gave beside stays there and is not sent.
  const { arguments: _, ...own } = queue.options;
  const [options, setOptions] = useState<Chosen & Partial<Options>>(own);
  const keep = useWorkAct(
    () => patch<Queue>(ofQueue(queue.id), { name: name.trim(), mode, stopsOnFailure: stops, options }),
    onClose,
    'shown',
  );
  return (
    <Dialog title="Settings of the queue" place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          keep.mutate(undefined);
        }}
      >
        <Field label="Name">
          <input
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            className={FIELD}
          />
        </Field>
        <ModeFields mode={mode} onMode={setMode} stops={stops} onStops={setStops} />
        <OptionsFields value={options} onChange={setOptions} />
        <p className="text-ink-3 text-xs">Prompts that begin from now on are run so.</p>
        {keep.error && <Problem>{wordsOf(keep.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={name.trim() === '' || keep.isPending}>
            Keep
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

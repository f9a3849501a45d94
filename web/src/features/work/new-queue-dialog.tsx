import { useNavigate } from '@tanstack/react-router';
import { ChevronRight } from 'lucide-react';
import { useState } from 'react';
import { post } from '../../api/client';
import type { Mode, Queue, Source } from '../../api/types';
import { AgentChoice } from '../../components/ui/agent-choice';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { DirectoryField } from '../../components/ui/directory-field';
import { FIELD, Field, Problem, Tick } from '../../components/ui/field';
import { Segmented } from '../../components/ui/segmented';
import { useWorkAct, wordsOf } from './acts';
import { type Chosen, Headless, OptionsFields } from './options-fields';

const MODES: Record<Mode, { label: string; means: string }> = {
  fresh: { label: 'Each in a new session', means: 'Every prompt begins with nothing said before.' },
  continue: { label: 'All in one session', means: 'Every prompt goes on where the one before ended.' },
};

/** Asks for a new queue, and goes to it. */
export function NewQueueDialog({ onClose }: { onClose: () => void }) {
  const [name, setName] = useState('');
  const [source, setSource] = useState<Source>('claude');
  const [project, setProject] = useState('');
  const [mode, setMode] = useState<Mode>('fresh');
  const [stops, setStops] = useState(false);
  const [options, setOptions] = useState<Chosen>({});
  const navigate = useNavigate();
  const make = useWorkAct(
    () => post<Queue>('/api/v1/queues', { name: name.trim(), source, project, mode, stopsOnFailure: stops, options }),
    (queue) => {
      onClose();
      void navigate({ to: '/queues/$id', params: { id: queue.id } });
    },
    'shown',
  );
  return (
    <Dialog title="New queue" place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(undefined);
        }}
      >
        <Field label="Name">
          <input
            data-focus
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            className={FIELD}
          />
        </Field>
        <AgentChoice value={source} onChange={setSource} />
        <DirectoryField value={project} onChange={setProject} />
        <ModeFields mode={mode} onMode={setMode} stops={stops} onStops={setStops} />
        <details className="group">
          <summary className="flex items-center gap-1.5 text-ink-2 hover:text-ink coarse:py-3">
            <ChevronRight
              className="size-3.5 text-ink-3 transition-transform duration-100 group-open:rotate-90"
              aria-hidden
            />
            How its prompts are run
          </summary>
          <div className="grid gap-3.5 pt-3">
            <OptionsFields value={options} onChange={setOptions} />
          </div>
        </details>
        <Headless />
        {make.error && <Problem>{wordsOf(make.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={name.trim() === '' || project === '' || make.isPending}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

/** Says how a queue goes through its prompts. */
export function ModeFields({
  mode,
  onMode,
  stops,
  onStops,
}: {
  mode: Mode;
  onMode: (mode: Mode) => void;
  stops: boolean;
  onStops: (stops: boolean) => void;
}) {
  return (
    <>
      <div className="grid justify-items-start gap-1.5">
        <Segmented
          label="Where prompts are said"
          value={mode}
          onChange={onMode}
          options={[
            { value: 'fresh', label: MODES.fresh.label },
            { value: 'continue', label: MODES.continue.label },
          ]}
        />
        <p className="text-ink-3 text-xs">{MODES[mode].means}</p>
      </div>
      <Tick checked={stops} onChange={onStops}>
        Stop when a prompt fails
      </Tick>
    </>
  );
}

import { useState } from 'react';
import { patch } from '../../api/client';
import type { Task } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Field, Problem, TEXT, Tick } from '../../components/ui/field';
import { useWorkAct, wordsOf } from './acts';
import { ofPrompt } from './queries';

/** Changes a prompt that nobody is at. */
export function PromptDialog({ queue, task, onClose }: { queue: string; task: Task; onClose: () => void }) {
  const [prompt, setPrompt] = useState(task.prompt);
  const [isManual, setManual] = useState(task.isManual);
  const keep = useWorkAct(() => patch<Task>(ofPrompt(queue, task.id), { prompt, manual: isManual }), onClose, 'shown');
  return (
    <Dialog title={`Prompt ${task.number}`} place="top" wide onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          keep.mutate(undefined);
        }}
      >
        <Field label="Its words">
          <textarea
            data-focus
            required
            rows={10}
            value={prompt}
            onChange={(event) => setPrompt(event.target.value)}
            className={TEXT}
          />
        </Field>
        <Tick checked={isManual} onChange={setManual}>
          Wait for a release
        </Tick>
        {keep.error && <Problem>{wordsOf(keep.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={prompt.trim() === '' || keep.isPending}>
            Keep
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

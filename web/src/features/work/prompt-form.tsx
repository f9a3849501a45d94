import { ImagePlus, X } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import { post } from '../../api/client';
import type { Task } from '../../api/types';
import { Button } from '../../components/ui/button';
import { SELECT, TEXT, Tick } from '../../components/ui/field';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { bytes } from '../../lib/numbers';
import { PICTURES, type Picture, takePictures } from '../../lib/pictures';
import { useWorkAct } from './acts';
import { ofQueue } from './queries';
import { firstLine } from './titles';

/** Adds a prompt at the end of a queue, which may run meanwhile. */
export function PromptForm({ queue, prompts }: { queue: string; prompts: readonly Task[] }) {
  const [prompt, setPrompt] = useState('');
  const [pictures, setPictures] = useState<readonly Picture[]>([]);
  const [isManual, setManual] = useState(false);
  const [after, setAfter] = useState('');
  const files = useRef<HTMLInputElement>(null);
  const form = useRef<HTMLFormElement>(null);
  const add = useWorkAct(
    () =>
      post<Task>(ofQueue(queue, '/prompts'), {
        prompt,
        images: pictures.map((picture) => picture.base64),
        manual: isManual,
        after: after === '' ? null : Number(after),
      }),
    () => {
      setPrompt('');
      setPictures([]);
      setManual(false);
      setAfter('');
    },
  );
  const take = async (list: Iterable<File>) => {
    const { pictures: next, problem } = await takePictures(list, pictures);
    setPictures(next);
    if (problem) say(problem);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (prompt.trim() !== '') add.mutate(undefined);
  };
  return (
    <form ref={form} onSubmit={submit} className="max-w-3xl space-y-2.5">
      <textarea
        aria-label="Another prompt"
        placeholder="Another prompt"
        rows={3}
        value={prompt}
        onChange={(event) => setPrompt(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) form.current?.requestSubmit();
        }}
        onPaste={(event) => {
          const pasted = [...event.clipboardData.files].filter((file) => PICTURES.includes(file.type));
          if (pasted.length === 0) return;
          event.preventDefault();
          void take(pasted);
        }}
        className={TEXT}
      />
      {pictures.length > 0 && (
        <ul className="flex flex-wrap gap-2" aria-label="Pictures">
          {pictures.map((picture, n) => (
            <li
              // biome-ignore lint/suspicious/noArrayIndexKey: Two pictures may be the same.
              key={n}
              className="inline-flex items-center gap-1.5 rounded-md bg-sunken pl-2.5 text-xs"
            >
              <span className="max-w-40 truncate">{harmless(picture.name)}</span>
              <span className="text-ink-3 tabular-nums">{bytes(picture.bytes)}</span>
              <Button
                icon={X}
                label={`Leave out ${picture.name}`}
                onClick={() => setPictures(pictures.filter((_, other) => other !== n))}
              />
            </li>
          ))}
        </ul>
      )}
      <div className="flex flex-wrap items-center gap-x-4 gap-y-2">
        <input
          ref={files}
          type="file"
          hidden
          multiple
          accept={PICTURES.join(',')}
          aria-label="Pictures"
          onChange={(event) => {
            void take(event.target.files ?? []);
            event.target.value = '';
          }}
        />
        <Button icon={ImagePlus} className="-ml-2.5" onClick={() => files.current?.click()}>
          Pictures
        </Button>
        <Tick checked={isManual} onChange={setManual}>
          Wait for a release
        </Tick>
        {prompts.length > 0 && (
          <label className="flex items-center gap-2">
            <span className="text-ink-2">After</span>
            <select value={after} onChange={(event) => setAfter(event.target.value)} className={`${SELECT} !w-44`}>
              <option value="">those before it</option>
              {prompts.map((task) => (
                <option key={task.id} value={task.number}>
                  {task.number}: {firstLine(task.prompt).slice(0, 60)}
                </option>
              ))}
            </select>
          </label>
        )}
        <Button kind="solid" type="submit" className="ml-auto" disabled={prompt.trim() === '' || add.isPending}>
          Add
        </Button>
      </div>
    </form>
  );
}

import { Camera, ImagePlus, Mic, X } from 'lucide-react';
import { type FormEvent, useRef, useState } from 'react';
import type { LiveSession } from '../../api/types';
import { Button } from '../../components/ui/button';
import { TEXT } from '../../components/ui/field';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { OF_A_MESSAGE, PICTURES, type Picture, takePictures } from '../../lib/pictures';
import { useSpeech } from '../../lib/speech';
import { newKey, useSteer } from './acts';
import { drafts, useDraft } from './drafts';

/** Says something to an agent that runs, with pictures. What could not be delivered stays in the field. */
export function Composer({ session }: { session: LiveSession }) {
  const { text, key, other } = useDraft(session.id);
  const [pictures, setPictures] = useState<readonly Picture[]>([]);
  const form = useRef<HTMLFormElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const before = useRef('');
  const put = (next: string) => drafts.put(session.id, next);
  const send = useSteer(session.id, (steered) => {
    if (steered.outcome !== 'delivered') return drafts.renewKey(session.id);
    put('');
    setPictures([]);
  });
  const interrupt = useSteer(session.id);
  const speech = useSpeech((words) => put([before.current, words].filter(Boolean).join(' ')), say);
  const isWorking = session.state === 'working';
  const isEmpty = text.trim() === '' && pictures.length === 0;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (speech.isListening) speech.toggle?.();
    const images = pictures.map((picture) => picture.base64);
    if (!isEmpty && !send.isPending) send.mutate({ command: 'send', key, text, images });
  };
  const take = async (list: Iterable<File>) => {
    const { pictures: next, problem } = await takePictures(list, pictures, OF_A_MESSAGE);
    setPictures(next);
    if (problem) say(problem);
  };
  const takeAll = async (input: HTMLInputElement) => {
    await take([...(input.files ?? [])]);
    // The same file can be chosen again.
    input.value = '';
  };
  const takeFrom = (data: DataTransfer): boolean => {
    const found = [...data.files].filter((file) => PICTURES.includes(file.type));
    if (found.length > 0) void take(found);
    return found.length > 0;
  };
  return (
    <form
      ref={form}
      onSubmit={submit}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        takeFrom(event.dataTransfer);
      }}
      className="space-y-2"
    >
      {other !== null && <Other id={session.id} text={other} />}
      <PictureList pictures={pictures} onChange={setPictures} />
      <div className="flex flex-wrap items-end gap-2 sm:flex-nowrap">
        <textarea
          aria-label="Say something to the agent"
          placeholder={isWorking ? 'Say something; it comes when the agent is ready' : 'Say something'}
          rows={Math.min(8, Math.max(1, text.split('\n').length))}
          value={text}
          onChange={(event) => put(event.target.value)}
          onPaste={(event) => {
            if (takeFrom(event.clipboardData)) event.preventDefault();
          }}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
            if (matchMedia('(pointer: coarse)').matches) return;
            event.preventDefault();
            form.current?.requestSubmit();
          }}
          className={`${TEXT} field-sizing-content max-h-52 min-h-9 flex-1 !resize-none !py-1.5 coarse:min-h-11 max-sm:basis-full`}
        />
        <input
          ref={files}
          type="file"
          hidden
          multiple
          aria-label="Pictures"
          accept={PICTURES.join(',')}
          onChange={(event) => void takeAll(event.target)}
        />
        <input
          ref={camera}
          type="file"
          hidden
          aria-label="A photograph"
          accept="image/*"
          capture="environment"
          onChange={(event) => void takeAll(event.target)}
        />
        <Button icon={ImagePlus} label="Add pictures" onClick={() => files.current?.click()} />
        <Button
          icon={Camera}
          label="Take a photograph"
          className="!hidden coarse:!inline-flex"
          onClick={() => camera.current?.click()}
        />
        {speech.toggle && (
          <Button
            icon={Mic}
            label={speech.isListening ? 'Stop listening' : 'Speak'}
            aria-pressed={speech.isListening}
            className="aria-pressed:bg-accent-soft aria-pressed:text-accent"
            onClick={() => {
              before.current = text.trim();
              speech.toggle?.();
            }}
          />
        )}
        <span className="ml-auto flex gap-2">
          {isWorking && (
            <Button
              kind="edge"
              disabled={interrupt.isPending}
              onClick={() => interrupt.mutate({ command: 'interrupt', key: newKey() })}
            >
              Interrupt
            </Button>
          )}
          <Button kind="solid" type="submit" disabled={isEmpty || send.isPending}>
            {send.isPending ? 'Sending…' : 'Send'}
          </Button>
        </span>
      </div>
    </form>
  );
}

/** What another device wrote meanwhile. */
function Other({ id, text }: { id: string; text: string }) {
  return (
    <div className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg bg-sunken px-3 py-1.5 text-xs">
      <p className="min-w-0 flex-1 basis-48">
        <span className="text-ink-3">Written on another device: </span>
        <span className="line-clamp-2 [overflow-wrap:anywhere]">{harmless(text)}</span>
      </p>
      <span className="flex gap-1">
        <Button kind="edge" onClick={() => drafts.take(id)}>
          Take it
        </Button>
        <Button onClick={() => drafts.dismiss(id)}>Keep mine</Button>
      </span>
    </div>
  );
}

function PictureList({
  pictures,
  onChange,
}: {
  pictures: readonly Picture[];
  onChange: (pictures: readonly Picture[]) => void;
}) {
  if (pictures.length === 0) return null;
  return (
    <ul className="flex flex-wrap gap-2" aria-label="Pictures that go along">
      {pictures.map((picture, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Two pictures may be the same.
        <li key={n} className="relative">
          <img
            src={`data:${picture.type};base64,${picture.base64}`}
            alt={harmless(picture.name)}
            className="size-16 rounded-lg border border-line bg-sunken object-cover"
          />
          <Button
            icon={X}
            label={`Leave out ${harmless(picture.name)}`}
            className="absolute -top-2 -right-2 !h-6 !w-6 !rounded-full bg-raised shadow-float coarse:!h-8 coarse:!w-8"
            onClick={() => onChange(pictures.filter((_, other) => other !== n))}
          />
        </li>
      ))}
    </ul>
  );
}

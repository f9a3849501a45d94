import { type FormEvent, useRef, useState } from 'react';
import type { LiveSession } from '../../api/types';
import { Button } from '../../components/ui/button';
import { TEXT } from '../../components/ui/field';
import { newKey, useSteer } from './acts';
import { draftOf, keepDraft } from './drafts';

/** Says something to an agent that runs. What could not be delivered stays in the field. */
export function Composer({ session }: { session: LiveSession }) {
  const [text, setText] = useState(() => draftOf(session.id));
  const form = useRef<HTMLFormElement>(null);
  // The same words under the same key until they are delivered or changed.
  const key = useRef(newKey());
  const put = (next: string) => {
    key.current = newKey();
    keepDraft(session.id, next);
    setText(next);
  };
  const send = useSteer(session.id, (steered) => {
    if (steered.outcome === 'delivered') put('');
    else key.current = newKey();
  });
  const interrupt = useSteer(session.id);
  const isWorking = session.state === 'working';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== '') send.mutate({ command: 'send', key: key.current, text });
  };
  return (
    <form ref={form} onSubmit={submit} className="flex items-end gap-2">
      <textarea
        aria-label="Say something to the agent"
        placeholder={isWorking ? 'Say something; it comes when the agent is ready' : 'Say something'}
        rows={Math.min(8, Math.max(1, text.split('\n').length))}
        value={text}
        onChange={(event) => put(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          if (matchMedia('(pointer: coarse)').matches) return;
          event.preventDefault();
          form.current?.requestSubmit();
        }}
        className={`${TEXT} min-h-9 flex-1 !resize-none !py-1.5 coarse:min-h-11`}
      />
      {isWorking && (
        <Button
          kind="edge"
          disabled={interrupt.isPending}
          onClick={() => interrupt.mutate({ command: 'interrupt', key: newKey() })}
        >
          Interrupt
        </Button>
      )}
      <Button kind="solid" type="submit" disabled={text.trim() === '' || send.isPending}>
        Send
      </Button>
    </form>
  );
}

import { type FormEvent, useRef } from 'react';
import type { LiveSession } from '../../api/types';
import { Button } from '../../components/ui/button';
import { TEXT } from '../../components/ui/field';
import { newKey, useSteer } from './acts';
import { drafts, useDraft } from './drafts';

/** Says something to an agent that runs. What could not be delivered stays in the field. */
export function Composer({ session }: { session: LiveSession }) {
  const { text, key } = useDraft(session.id);
  const form = useRef<HTMLFormElement>(null);
  const put = (next: string) => drafts.put(session.id, next);
  const send = useSteer(session.id, (steered) => {
    // What was refused can be sent again, as something new.
    put(steered.outcome === 'delivered' ? '' : drafts.of(session.id).text);
  });
  const interrupt = useSteer(session.id);
  const isWorking = session.state === 'working';
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (text.trim() !== '') send.mutate({ command: 'send', key, text });
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

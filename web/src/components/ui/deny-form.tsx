import { type FormEvent, useState } from 'react';
import { Button } from './button';
import { FIELD } from './field';

const focus = (element: HTMLInputElement | null) => element?.focus();

interface Props {
  /** What its button says. */
  act: string;
  isBusy: boolean;
  onDeny: (reason: string | null) => void;
  onBack: () => void;
}

/** Says no, with a word to the agent. */
export function DenyForm({ act, isBusy, onDeny, onBack }: Props) {
  const [reason, setReason] = useState('');
  const deny = (event: FormEvent) => {
    event.preventDefault();
    onDeny(reason.trim() || null);
  };
  return (
    <form onSubmit={deny} className="flex flex-wrap gap-2">
      <input
        ref={focus}
        value={reason}
        maxLength={2_000}
        onChange={(event) => setReason(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Escape') onBack();
        }}
        placeholder="A word to the agent, if it should go on otherwise"
        aria-label="A word to the agent"
        className={`${FIELD} min-w-40 flex-1 placeholder:text-ink-3`}
      />
      <Button kind="solid" type="submit" disabled={isBusy}>
        {act}
      </Button>
      <Button onClick={onBack}>Back</Button>
    </form>
  );
}

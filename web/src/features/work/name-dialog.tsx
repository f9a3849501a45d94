import { useState } from 'react';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD, Field, Problem } from '../../components/ui/field';
import { wordsOf } from './acts';

interface Props {
  title: string;
  name: string;
  description: string;
  isBusy: boolean;
  error: Error | null;
  onKeep: (wanted: { name: string; description: string }) => void;
  onClose: () => void;
}

/** Asks for a name and what it is for. */
export function NameDialog({ title, name: before, description: wordsBefore, isBusy, error, onKeep, onClose }: Props) {
  const [name, setName] = useState(before);
  const [description, setDescription] = useState(wordsBefore);
  return (
    <Dialog title={title} place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          onKeep({ name: name.trim(), description: description.trim() });
        }}
      >
        <Field label="Name">
          <input
            data-focus
            required
            maxLength={200}
            value={name}
            onChange={(event) => setName(event.target.value)}
            onFocus={(event) => event.target.select()}
            className={FIELD}
          />
        </Field>
        <Field label="What it is for">
          <input value={description} onChange={(event) => setDescription(event.target.value)} className={FIELD} />
        </Field>
        {error && <Problem>{wordsOf(error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={name.trim() === '' || isBusy}>
            Keep
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { post } from '../../api/client';
import type { Group } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { FIELD, Field, Problem } from '../../components/ui/field';
import { many } from '../../lib/numbers';
import { useWorkAct, wordsOf } from './acts';
import { membersOf } from './members';

interface Props {
  /** Sessions that are in it from the beginning. */
  sessions?: readonly string[];
  onMade?: () => void;
  onClose: () => void;
}

/** Asks what a new group is called, and goes to it. */
export function NewGroupDialog({ sessions = [], onMade, onClose }: Props) {
  const [name, setName] = useState('');
  const [description, setDescription] = useState('');
  const navigate = useNavigate();
  const make = useWorkAct(
    () =>
      post<Group>('/api/v1/groups', {
        name: name.trim(),
        ...(description.trim() ? { description: description.trim() } : {}),
        members: membersOf(sessions),
      }),
    (group) => {
      onClose();
      onMade?.();
      void navigate({ to: '/groups/$id', params: { id: group.id } });
    },
    'shown',
  );
  return (
    <Dialog title="New group" place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          make.mutate(undefined);
        }}
      >
        <p className="text-ink-2">
          {sessions.length > 0
            ? `${many(sessions.length, 'session')} will be in it. One prompt then goes to all of them.`
            : 'A group is a named set of sessions, of any agents. One prompt then goes to all of them.'}
        </p>
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
        <Field label="What it is for, if that is worth a word">
          <input value={description} onChange={(event) => setDescription(event.target.value)} className={FIELD} />
        </Field>
        {make.error && <Problem>{wordsOf(make.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={name.trim() === '' || make.isPending}>
            Make it
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

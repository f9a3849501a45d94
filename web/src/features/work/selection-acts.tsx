import { useState } from 'react';
import { Button } from '../../components/ui/button';
import { ACTS, useActs } from '../../lib/acts';
import { AddToGroupDialog } from './add-to-group-dialog';
import { NewGroupDialog } from './new-group-dialog';

/** What groups can do with sessions that are selected. */
export function SelectionActs({ sessions, onDone }: { sessions: string[]; onDone: () => void }) {
  const [open, setOpen] = useState<'new' | 'add' | null>(null);
  useActs({ newGroup: () => setOpen('new') });
  const close = () => setOpen(null);
  return (
    <>
      <Button needs="approve" onClick={() => setOpen('new')}>
        {ACTS.newGroup.name}
      </Button>
      <Button needs="approve" onClick={() => setOpen('add')}>
        Add to group…
      </Button>
      {open === 'new' && <NewGroupDialog sessions={sessions} onMade={onDone} onClose={close} />}
      {open === 'add' && (
        <AddToGroupDialog
          sessions={sessions}
          onAdded={() => {
            close();
            onDone();
          }}
          onNew={() => setOpen('new')}
          onClose={close}
        />
      )}
    </>
  );
}

import { useState } from 'react';
import { patch } from '../../api/client';
import type { Group, Source } from '../../api/types';
import { AgentChoice } from '../../components/ui/agent-choice';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { DirectoryField } from '../../components/ui/directory-field';
import { Problem } from '../../components/ui/field';
import { many } from '../../lib/numbers';
import { useWorkAct, wordsOf } from './acts';
import { Count } from './options-fields';
import { ofGroup } from './queries';

/** Adds sessions that the next run begins. */
export function NewSessionsDialog({ group, onClose }: { group: string; onClose: () => void }) {
  const [source, setSource] = useState<Source>('claude');
  const [cwd, setDirectory] = useState('');
  const [count, setCount] = useState(1);
  const add = useWorkAct(
    () => patch<Group>(ofGroup(group), { add: Array.from({ length: count }, () => ({ source, cwd })) }),
    onClose,
    'shown',
  );
  return (
    <Dialog title="New sessions" place="top" onClose={onClose}>
      <form
        className="grid gap-3.5 p-4"
        onSubmit={(event) => {
          event.preventDefault();
          add.mutate(undefined);
        }}
      >
        <p className="text-ink-2">The next run begins them; from then on they are sessions of the group.</p>
        <AgentChoice value={source} onChange={setSource} />
        <DirectoryField value={cwd} onChange={setDirectory} />
        <div className="w-32">
          <Count label="How many" min={1} max={50} value={count} onChange={setCount} />
        </div>
        {add.error && <Problem>{wordsOf(add.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="solid" type="submit" disabled={cwd === '' || add.isPending}>
            Add {Number.isNaN(count) ? '' : many(count, 'session')}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

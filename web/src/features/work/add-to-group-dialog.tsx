import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { patch } from '../../api/client';
import type { Group } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Problem } from '../../components/ui/field';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { useWorkAct, wordsOf } from './acts';
import { Agents } from './agents';
import { membersOf } from './members';
import { ofGroup, work } from './queries';

interface Props {
  sessions: readonly string[];
  onAdded: () => void;
  /** A new one, instead. */
  onNew: () => void;
  onClose: () => void;
}

/** Asks which group some sessions come into. */
export function AddToGroupDialog({ sessions, onAdded, onNew, onClose }: Props) {
  const groups = useQuery(work.groups);
  const navigate = useNavigate();
  const add = useWorkAct(
    (group: Group) => patch<Group>(ofGroup(group.id), { add: membersOf(sessions) }),
    (group, before) => {
      onAdded();
      const added = group.members.length - before.members.length;
      say(added === 0 ? 'They were in it already' : `${many(added, 'session')} added to ${harmless(group.name)}`, {
        label: 'Open it',
        run: () => void navigate({ to: '/groups/$id', params: { id: group.id } }),
      });
    },
    'shown',
  );
  return (
    <Dialog title={`Add ${many(sessions.length, 'session')} to a group`} place="top" onClose={onClose}>
      <div className="grid gap-3 p-4">
        {groups.isPending ? (
          <Skeleton lines={3} />
        ) : groups.error ? (
          <Failed error={groups.error} retry={() => void groups.refetch()} />
        ) : groups.data.groups.length === 0 ? (
          <p className="text-ink-2">There are no groups yet.</p>
        ) : (
          <ul>
            {groups.data.groups.map(({ group }) => (
              <li key={group.id}>
                <button
                  type="button"
                  disabled={add.isPending}
                  onClick={() => add.mutate(group)}
                  className="-mx-2 flex w-[calc(100%+16px)] items-center justify-between gap-4 rounded-md px-2 py-2 text-left hover:bg-hover coarse:min-h-11"
                >
                  <span className="min-w-0 truncate font-medium">{harmless(group.name)}</span>
                  <span className="shrink-0 text-ink-3 text-xs">
                    <Agents members={group.members} />
                  </span>
                </button>
              </li>
            ))}
          </ul>
        )}
        {add.error && <Problem>{wordsOf(add.error)}</Problem>}
        <div className="flex justify-end">
          <Button kind="edge" onClick={onNew}>
            New group
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

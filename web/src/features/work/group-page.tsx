import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Ellipsis, Play, Plus } from 'lucide-react';
import { useState } from 'react';
import { patch, remove } from '../../api/client';
import type { Group, GroupAnswer } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Confirm } from '../../components/ui/confirm';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Menu, MenuItem } from '../../components/ui/menu';
import { Page, Section } from '../../components/ui/page';
import { say } from '../../components/ui/toast';
import { useActs } from '../../lib/acts';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { many } from '../../lib/numbers';
import { ago, whole } from '../../lib/time';
import { exportAs, useWorkAct } from './acts';
import { GroupMembers } from './group-members';
import { NameDialog } from './name-dialog';
import { NewSessionsDialog } from './new-sessions-dialog';
import { ofGroup, work } from './queries';
import { RunDialog } from './run-dialog';
import { RunView } from './run-view';
import { RunsList } from './runs-list';

type Open = 'run' | 'add' | 'name' | 'delete';

/** One group: its sessions, what they do now, and its runs. */
export function GroupPage({ id }: { id: string }) {
  const answer = useQuery(work.group(id));
  const navigate = useNavigate();
  useActs({ back: () => void navigate({ to: '/groups' }) });
  if (answer.isPending) return <Skeleton lines={6} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  return <Shown answer={answer.data} />;
}

function Shown({ answer: { group, sessions, runs } }: { answer: GroupAnswer }) {
  const [open, setOpen] = useState<Open | null>(null);
  const close = () => setOpen(null);
  const [last, ...earlier] = runs;
  const isRunning = last !== undefined && last.endedAt === undefined;
  const now = useNow();
  return (
    <Page
      wide={isRunning}
      title={harmless(group.name)}
      above={
        <Link to="/groups" className="hover:underline">
          Groups
        </Link>
      }
      aside={
        <span className="flex gap-2">
          {!isRunning && (
            <Button
              needs="approve"
              kind="solid"
              icon={Play}
              disabled={group.members.length === 0}
              onClick={() => setOpen('run')}
            >
              Run now
            </Button>
          )}
          <GroupMenu group={group} isRunning={isRunning} onOpen={setOpen} />
        </span>
      }
    >
      {group.description && (
        <p className="-mt-3 mb-5 max-w-3xl text-ink-2 [overflow-wrap:anywhere]">{harmless(group.description)}</p>
      )}
      {last && (
        <Section
          title={`Run ${last.number}`}
          aside={
            <Link
              to="/runs/$id"
              params={{ id: last.id }}
              title={whole(last.createdAt)}
              className="text-ink-3 text-xs hover:underline"
            >
              {isRunning ? 'On its own page' : ago(last.createdAt, now)}
            </Link>
          }
        >
          {last.prompt !== undefined && (
            <p className="-mt-1.5 mb-3 line-clamp-3 max-w-3xl text-ink-2 [overflow-wrap:anywhere]">
              {harmless(last.prompt)}
            </p>
          )}
          <RunView key={last.id} id={last.id} sessions={sessions} />
        </Section>
      )}
      <Section
        title={many(group.members.length, 'session')}
        aside={
          <Button needs="approve" icon={Plus} onClick={() => setOpen('add')}>
            New sessions
          </Button>
        }
      >
        <GroupMembers group={group} sessions={sessions} />
      </Section>
      {earlier.length > 0 && (
        <Section title="Earlier runs">
          <RunsList runs={earlier} sessions={sessions} />
        </Section>
      )}
      {open === 'run' && <RunDialog group={group} onClose={close} />}
      {open === 'add' && <NewSessionsDialog group={group.id} onClose={close} />}
      {open === 'name' && <RenameGroup group={group} onClose={close} />}
      {open === 'delete' && <DeleteGroup group={group} runs={runs.length} onClose={close} />}
    </Page>
  );
}

function GroupMenu({ group, isRunning, onOpen }: { group: Group; isRunning: boolean; onOpen: (open: Open) => void }) {
  return (
    <Menu label="More" button={(props) => <Button icon={Ellipsis} label="More" {...props} />}>
      {(close) => {
        const choose = (act: () => void) => () => {
          close();
          act();
        };
        return (
          <>
            <MenuItem needs="approve" onClick={choose(() => onOpen('name'))}>
              Name and description
            </MenuItem>
            <MenuItem onClick={choose(() => void exportAs(group.name, ofGroup(group.id, '/export')))}>
              Export as JSON
            </MenuItem>
            <div className="my-1 border-line border-t" />
            <MenuItem
              needs="approve"
              onClick={choose(() => (isRunning ? say('It runs; stop it first') : onOpen('delete')))}
            >
              Delete the group
            </MenuItem>
          </>
        );
      }}
    </Menu>
  );
}

function RenameGroup({ group, onClose }: { group: Group; onClose: () => void }) {
  const keep = useWorkAct(
    (wanted: { name: string; description: string }) => patch<Group>(ofGroup(group.id), wanted),
    onClose,
    'shown',
  );
  return (
    <NameDialog
      title="Name and description"
      name={group.name}
      description={group.description ?? ''}
      isBusy={keep.isPending}
      error={keep.error}
      onKeep={keep.mutate}
      onClose={onClose}
    />
  );
}

function DeleteGroup({ group, runs, onClose }: { group: Group; runs: number; onClose: () => void }) {
  const navigate = useNavigate();
  const forget = useWorkAct(
    () => remove(ofGroup(group.id)),
    () => say('Deleted'),
  );
  return (
    <Confirm
      title={`Delete ${harmless(group.name)}`}
      word="Delete it"
      isBusy={forget.isPending}
      // Away first: this page would ask for what is gone.
      onYes={() => void navigate({ to: '/groups' }).then(() => forget.mutate(undefined))}
      onClose={onClose}
    >
      <p>
        {runs > 0
          ? `The group and what is kept of its ${many(runs, 'run')} will be gone, for good.`
          : 'The group will be gone, for good.'}
      </p>
      <p className="text-ink-2">Its sessions stay as they are.</p>
    </Confirm>
  );
}

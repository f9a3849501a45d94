import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Columns3, Plus } from 'lucide-react';
import { useState } from 'react';
import type { GroupLine } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Page } from '../../components/ui/page';
import { StateMark } from '../../components/ui/state-mark';
import { ACTS, useActs } from '../../lib/acts';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { ago, whole } from '../../lib/time';
import { Agents } from './agents';
import { ImportButton } from './import-button';
import { NewGroupDialog } from './new-group-dialog';
import { work } from './queries';
import { counted, stateOfRun } from './states';
import { ROW, ROW_LINK, useRows } from './use-rows';

/** All groups. */
export function GroupsPage() {
  const groups = useQuery(work.groups);
  const [isNew, setNew] = useState(false);
  useActs({ newGroup: () => setNew(true) });
  const list = useRows();
  if (groups.isPending) return <Skeleton lines={6} />;
  if (groups.error && !groups.data) return <Failed error={groups.error} retry={() => void groups.refetch()} />;
  const lines = groups.data.groups;
  return (
    <Page
      title="Groups"
      aside={
        <span className="flex gap-2">
          <ImportButton />
          <Button needs="approve" kind="solid" icon={Plus} onClick={() => setNew(true)}>
            {ACTS.newGroup.name}
          </Button>
        </span>
      }
    >
      {lines.length === 0 ? (
        <Notice icon={Columns3} title="No groups yet">
          <p>
            A group is a set of sessions that are told one prompt together, some at a time, while you watch all of them
            side by side.
          </p>
          <p>
            Select sessions in{' '}
            <Link to="/" className="text-accent underline underline-offset-2">
              the list
            </Link>{' '}
            and choose “New group”, or make an empty one here.
          </p>
        </Notice>
      ) : (
        <ul ref={list}>
          {lines.map((line) => (
            <Row key={line.group.id} line={line} />
          ))}
        </ul>
      )}
      {isNew && <NewGroupDialog onClose={() => setNew(false)} />}
    </Page>
  );
}

function Row({ line: { group, lastRun } }: { line: GroupLine }) {
  const now = useNow();
  return (
    <li className={ROW}>
      <div className="min-w-0 flex-1 basis-56">
        <Link to="/groups/$id" params={{ id: group.id }} data-row className={ROW_LINK}>
          {harmless(group.name)}
        </Link>
        <span className="flex flex-wrap items-center gap-x-3 text-ink-3 text-xs">
          <Agents members={group.members} />
          {group.description && (
            <span className="min-w-0 max-w-full truncate text-ink-2">{harmless(group.description)}</span>
          )}
        </span>
      </div>
      <div className="flex flex-wrap items-center justify-end gap-x-3 text-ink-3 text-xs tabular-nums">
        {lastRun ? (
          <>
            <StateMark state={stateOfRun(lastRun)} bare={lastRun.endedAt !== undefined} beats />
            <span>{counted(lastRun.counts)}</span>
            <time dateTime={lastRun.createdAt} title={whole(lastRun.createdAt)} className="w-12 text-right">
              {ago(lastRun.createdAt, now)}
            </time>
          </>
        ) : (
          <span>never run</span>
        )}
      </div>
    </li>
  );
}

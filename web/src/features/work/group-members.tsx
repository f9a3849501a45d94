import { Link } from '@tanstack/react-router';
import { X } from 'lucide-react';
import { patch } from '../../api/client';
import type { Group, Member, Session } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { say } from '../../components/ui/toast';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { ago, whole } from '../../lib/time';
import { titleOf } from '../../lib/titles';
import { useWorkAct } from './acts';
import { ofGroup } from './queries';

/** The sessions of a group, in the order in which they begin. */
export function GroupMembers({ group, sessions }: { group: Group; sessions: readonly Session[] }) {
  const change = useWorkAct((wanted: { remove: string[] } | { add: Member[] } | { removeNew: true }) =>
    patch<Group>(ofGroup(group.id), wanted),
  );
  const drop = (session: Member['session']) => {
    if (session === undefined) return;
    change.mutate(
      { remove: [session] },
      {
        onSuccess: () =>
          say('Taken out of the group; the session stays', {
            label: 'Undo',
            run: () => change.mutate({ add: group.members.filter((one) => one.session === session) }),
          }),
      },
    );
  };
  const fresh = group.members.filter((member) => member.session === undefined);
  if (group.members.length === 0) {
    return (
      <p className="text-ink-2">
        None yet. Select some in{' '}
        <Link to="/" className="text-accent underline underline-offset-2">
          the list of sessions
        </Link>{' '}
        and add them to this group, or add new ones here.
      </p>
    );
  }
  return (
    <>
      <ul>
        {group.members
          .filter((member) => member.session !== undefined)
          .map((member) => (
            <Known
              key={member.session}
              member={member}
              session={sessions.find(({ id }) => id === member.session)}
              onRemove={() => drop(member.session)}
            />
          ))}
        {fresh.map((member, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Sessions that are yet to begin have no names.
          <li key={n} className="flex min-h-11 items-center gap-3 border-line border-b py-2">
            <AgentMark source={member.source} />
            <span className="min-w-0 flex-1">
              New session of {AGENTS[member.source]}
              <span className="block truncate text-ink-3 text-xs">
                begun by the next run, in <code className="font-mono">{harmless(member.cwd ?? '')}</code>
              </span>
            </span>
          </li>
        ))}
      </ul>
      {fresh.length > 0 && (
        <Button className="mt-2 -ml-2.5" disabled={change.isPending} onClick={() => change.mutate({ removeNew: true })}>
          Take out those yet to begin
        </Button>
      )}
    </>
  );
}

function Known({ member, session, onRemove }: { member: Member; session: Session | undefined; onRemove: () => void }) {
  const now = useNow();
  const title = session ? titleOf(session) : harmless(member.session ?? '');
  return (
    <li className="flex min-h-11 items-center gap-3 border-line border-b py-2">
      <AgentMark source={member.source} />
      <span className="min-w-0 flex-1">
        <Link
          to="/s/$id"
          params={{ id: member.session ?? '' }}
          className="block truncate font-medium hover:underline coarse:py-1"
        >
          {title}
        </Link>
        <span className="flex gap-2 text-ink-3 text-xs">
          {session ? (
            <>
              <span className="truncate text-ink-2">{harmless(session.project ?? '')}</span>
              {session.model && <span className="truncate max-sm:hidden">{harmless(session.model)}</span>}
              {session.missing && <span className="text-warn">file gone</span>}
            </>
          ) : (
            <span className="text-warn">not known on this machine</span>
          )}
        </span>
      </span>
      {session && (
        <time
          dateTime={session.updatedAt ?? undefined}
          title={whole(session.updatedAt)}
          className="text-ink-3 text-xs tabular-nums"
        >
          {ago(session.updatedAt, now)}
        </time>
      )}
      <Button icon={X} label={`Take ${title} out of the group`} onClick={onRemove} />
    </li>
  );
}

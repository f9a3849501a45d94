import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { AgentMark } from '../../components/ui/agent-mark';
import { Elapsed } from '../../components/ui/elapsed';
import { harmless } from '../../lib/harmless';
import { titleOf } from '../../lib/titles';
import { LiveAsks } from './live-asks';
import { live } from './queries';

/** What agents in terminals ask: the same inbox as for those that Marline runs. */
export function LiveInbox() {
  const { data } = useQuery({
    ...live.now,
    select: (answer) => answer.sessions.filter(({ live }) => live.asks !== undefined && live.control.by !== 'marline'),
  });
  if (!data || data.length === 0) return null;
  return (
    <ul className="mb-6 max-w-3xl" aria-label="Asked in terminals">
      {data.map(({ live, session }) => (
        <li key={live.id} className="space-y-3 border-line border-b py-5 first:pt-0">
          <div className="flex flex-wrap items-center gap-x-3 gap-y-1 text-xs">
            <AgentMark source={live.source} named />
            <Link
              to="/s/$id"
              params={{ id: live.id }}
              className="min-w-0 max-w-80 truncate text-accent hover:underline coarse:py-2"
            >
              {session ? titleOf(session) : harmless(live.name ?? 'its session')}
            </Link>
            <span className="text-ink-3">in its terminal</span>
            {live.since && (
              <span className="text-ink-3 tabular-nums sm:ml-auto">
                for <Elapsed since={live.since} />
              </span>
            )}
          </div>
          {live.asks && <LiveAsks id={live.id} asks={live.asks} cwd={live.cwd} />}
        </li>
      ))}
    </ul>
  );
}

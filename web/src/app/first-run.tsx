import { useQuery } from '@tanstack/react-query';
import { AgentMark } from '../components/ui/agent-mark';
import { Skeleton } from '../components/ui/faces';
import { found, status } from '../features/sources/queries';

/** What is shown where there is no session: what would appear, and where it is looked for. */
export function FirstRun() {
  const sources = useQuery(found);
  const now = useQuery(status);
  if (now.data && now.data.indexing.phase !== 'idle') return <Skeleton lines={8} />;
  return (
    <div className="mx-auto max-w-xl px-3 py-12">
      <h2 className="font-semibold text-2xl">No sessions yet</h2>
      <p className="mt-3 text-base text-ink-2">
        Every conversation with a coding agent on this machine appears here by itself: what you asked, what it answered,
        what it ran and changed, what it cost. Start an agent in any terminal; its session is here a moment later.
      </p>
      <h3 className="mt-8 mb-2 font-semibold">Where sessions are looked for</h3>
      <ul>
        {sources.data?.places.map((place) => (
          <li key={place.source} className="flex items-center justify-between gap-4 border-line border-b py-2.5">
            <AgentMark source={place.source} named />
            <span className="min-w-0 text-right">
              <code className="[overflow-wrap:anywhere] font-mono text-ink-2 text-xs">{place.path}</code>
              <span className="block text-ink-3 text-xs">{place.exists ? 'here, without sessions' : 'not here'}</span>
            </span>
          </li>
        ))}
      </ul>
      <p className="mt-6 text-ink-2">
        To see what it looks like, run{' '}
        <code className="rounded bg-sunken px-1.5 py-0.5 font-mono text-xs">marline up --demo</code>: a few days’ work
        of five agents, beside yours and never mixed with it.
      </p>
    </div>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Columns3 } from 'lucide-react';
import { Notice, Skeleton } from '../components/ui/faces';
import { LiveFoot } from '../features/live/live-bar';
import { entryOf, live } from '../features/live/queries';
import { Column, TranscriptColumn } from '../features/transcript/transcript-column';
import { harmless } from '../lib/harmless';
import { usePageTitle } from '../lib/page-title';
import { routes } from './router';

/** Several sessions side by side; below each other where there is no room. */
export function SideRoute() {
  usePageTitle('Side by side');
  const { id: ids } = routes.side.useSearch();
  const navigate = routes.side.useNavigate();
  const now = useQuery(live.now);
  if (ids.length === 0) {
    return (
      <Notice icon={Columns3} title="Nothing to show side by side">
        <p>Choose some of the sessions under “Now”: up to four stand beside each other.</p>
      </Notice>
    );
  }
  if (now.isPending) return <Skeleton lines={8} />;
  const close = (id: string) => void navigate({ search: { id: ids.filter((one) => one !== id) }, replace: true });
  const column = (id: string) => {
    const entry = now.data && entryOf(now.data, id);
    const footer = <LiveFoot id={id} />;
    // An agent that runs, and nothing was said: there is no transcript to ask for.
    if (entry && !entry.session) {
      return (
        <Column
          id={id}
          source={entry.live.source}
          title={harmless(entry.live.name ?? 'A new session')}
          onClose={() => close(id)}
          footer={footer}
        >
          <p role="log" className="flex-1 px-4 py-3 text-ink-2">
            Nothing was said yet.
          </p>
        </Column>
      );
    }
    return (
      <TranscriptColumn
        id={id}
        onOpen={(at) => void navigate({ to: '/s/$id', params: { id }, search: { at } })}
        onClose={() => close(id)}
        footer={footer}
      />
    );
  };
  return (
    <div className="grid h-dvh max-lg:h-auto lg:auto-cols-fr lg:grid-flow-col">
      <h1 className="sr-only">Sessions side by side</h1>
      {ids.map((id) => (
        <div key={id} className="contents max-lg:block max-lg:h-[80dvh] max-lg:[&>section]:h-full">
          {column(id)}
        </div>
      ))}
    </div>
  );
}

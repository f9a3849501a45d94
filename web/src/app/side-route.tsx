import { Columns3 } from 'lucide-react';
import { Notice } from '../components/ui/faces';
import { LiveFoot } from '../features/live/live-bar';
import { TranscriptColumn } from '../features/transcript/transcript-column';
import { routes } from './router';

/** Several sessions side by side; below each other where there is no room. */
export function SideRoute() {
  const { id: ids } = routes.side.useSearch();
  const navigate = routes.side.useNavigate();
  if (ids.length === 0) {
    return (
      <Notice icon={Columns3} title="Nothing to show side by side">
        <p>Choose some of the sessions under “Now”: up to four stand beside each other.</p>
      </Notice>
    );
  }
  return (
    <div className="grid h-dvh max-lg:h-auto lg:auto-cols-fr lg:grid-flow-col">
      <h1 className="sr-only">Sessions side by side</h1>
      {ids.map((id) => (
        <div key={id} className="contents max-lg:block max-lg:h-[80dvh] max-lg:[&>section]:h-full">
          <TranscriptColumn
            id={id}
            onOpen={(at) => void navigate({ to: '/s/$id', params: { id }, search: { at } })}
            onClose={() => void navigate({ search: { id: ids.filter((one) => one !== id) }, replace: true })}
            footer={<LiveFoot id={id} />}
          />
        </div>
      ))}
    </div>
  );
}

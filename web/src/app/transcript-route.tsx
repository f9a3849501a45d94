import { useCanGoBack, useRouter } from '@tanstack/react-router';
import { LiveBar, Unsaid } from '../features/live/live-bar';
import { useLive } from '../features/live/queries';
import { TranscriptPage } from '../features/transcript/transcript-page';
import { routes } from './router';

/** A session's page at its address. */
export function TranscriptRoute() {
  const { id } = routes.session.useParams();
  const { at, q } = routes.session.useSearch();
  const entry = useLive(id);
  const router = useRouter();
  const canGoBack = useCanGoBack();
  // An agent that runs, and nothing was said: there is no transcript to ask for.
  if (entry && !entry.session) return <Unsaid id={id} />;
  return (
    <TranscriptPage
      key={`${id} ${at ?? ''}`}
      id={id}
      at={at}
      query={q}
      footer={<LiveBar id={id} />}
      onBack={() => (canGoBack ? router.history.back() : void router.navigate({ to: '/' }))}
    />
  );
}

import { useQuery } from '@tanstack/react-query';
import { useCanGoBack, useRouter } from '@tanstack/react-router';
import { LiveBar, Unsaid } from '../features/live/live-bar';
import { entryOf, live } from '../features/live/queries';
import { TranscriptPage } from '../features/transcript/transcript-page';
import { routes } from './router';

/** A session's page at its address. */
export function TranscriptRoute() {
  const { id } = routes.session.useParams();
  const { at, q } = routes.session.useSearch();
  const isLive = useQuery({ ...live.now, select: (answer) => entryOf(answer, id) !== undefined });
  const router = useRouter();
  const canGoBack = useCanGoBack();
  return (
    <TranscriptPage
      key={`${id} ${at ?? ''}`}
      id={id}
      at={at}
      query={q}
      footer={<LiveBar id={id} />}
      unknown={isLive.data ? <Unsaid id={id} /> : undefined}
      onBack={() => (canGoBack ? router.history.back() : void router.navigate({ to: '/' }))}
    />
  );
}

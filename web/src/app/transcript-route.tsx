import { useCanGoBack, useRouter } from '@tanstack/react-router';
import { TranscriptPage } from '../features/transcript/transcript-page';
import { routes } from './router';

/** A session's page at its address. */
export function TranscriptRoute() {
  const { id } = routes.session.useParams();
  const { at, q } = routes.session.useSearch();
  const router = useRouter();
  const canGoBack = useCanGoBack();
  return (
    <TranscriptPage
      key={`${id} ${at ?? ''}`}
      id={id}
      at={at}
      query={q}
      onBack={() => (canGoBack ? router.history.back() : void router.navigate({ to: '/' }))}
    />
  );
}

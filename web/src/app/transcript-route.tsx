import { useCanGoBack, useRouter } from '@tanstack/react-router';
import { LiveBar, Unsaid } from '../features/live/live-bar';
import { useLive } from '../features/live/queries';
import { ReviewDialog } from '../features/reviews/review-dialog';
import { ReviewLinks } from '../features/reviews/review-links';
import { ReviewBar, ReviewPanel } from '../features/reviews/review-panel';
import { StretchBar } from '../features/reviews/stretch-bar';
import { useReviewing } from '../features/reviews/use-reviewing';
import { Markdown } from '../features/transcript/markdown';
import { TranscriptPage } from '../features/transcript/transcript-page';
import { routes } from './router';

/** A session's page at its address. */
export function TranscriptRoute() {
  const { id } = routes.session.useParams();
  const { at, q, review } = routes.session.useSearch();
  const entry = useLive(id);
  const router = useRouter();
  const canGoBack = useCanGoBack();
  const navigate = routes.session.useNavigate();
  const show = (next: string | undefined) =>
    void navigate({
      search: ({ review: _, ...rest }) => (next ? { ...rest, review: next } : rest),
      resetScroll: false,
      // From tab to tab is no step that one goes back.
      replace: review !== undefined && next !== undefined,
    });
  const reviewing = useReviewing(id, (begun) => show(begun));
  const back = () => (canGoBack ? router.history.back() : void router.navigate({ to: '/' }));
  // An agent that runs, and nothing was said: there is no transcript to ask for.
  if (entry && !entry.session) return <Unsaid id={id} onBack={back} />;
  const shown = reviewing.reviews.find((one) => one.id === review);
  const parent = !entry
    ? 'closed'
    : entry.live.state === 'working' || entry.live.state === 'starting'
      ? 'busy'
      : 'open';
  const open = reviewing.reviews.filter((one) => one.state !== 'ended').length;
  const bar = !shown && reviewing.stretchFrom === null && (
    <ReviewBar reviews={reviewing.reviews} floats={!entry} onShow={show} />
  );
  return (
    <>
      <TranscriptPage
        key={`${id} ${at ?? ''}`}
        id={id}
        at={at}
        query={q}
        footer={reviewing.stretchFrom === null && <LiveBar id={id} openReviews={open} above={bar} />}
        more={<ReviewLinks reviews={reviewing.reviews} onShow={show} />}
        aside={
          shown && (
            <ReviewPanel
              reviews={reviewing.reviews}
              shown={shown}
              parent={parent}
              text={(words) => <Markdown text={words} />}
              onShow={show}
              onMinimise={() => show(undefined)}
            />
          )
        }
        onReview={reviewing.choose}
        stretchFrom={reviewing.stretchFrom}
        onBack={back}
      />
      {!entry && bar}
      {reviewing.stretchFrom !== null && <StretchBar onCancel={reviewing.close} />}
      {reviewing.asked && (
        <ReviewDialog
          session={id}
          source={reviewing.source}
          anchor={reviewing.asked}
          onStretch={reviewing.asked.what === 'item' ? reviewing.stretch : undefined}
          onBegun={reviewing.begun}
          onClose={reviewing.close}
        />
      )}
    </>
  );
}

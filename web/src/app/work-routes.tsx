import { useQuery } from '@tanstack/react-query';
import { LiveInbox } from '../features/live/live-inbox';
import { Permits } from '../features/live/permits';
import { live } from '../features/live/queries';
import { ApprovalsPage } from '../features/work/approvals-page';
import { GroupPage } from '../features/work/group-page';
import { QueuePage } from '../features/work/queue-page';
import { RunPage } from '../features/work/run-page';
import { routes } from './router';

/** A group's page at its address. */
export function GroupRoute() {
  const { id } = routes.group.useParams();
  return <GroupPage key={id} id={id} />;
}

/** A queue's page at its address. */
export function QueueRoute() {
  const { id } = routes.queue.useParams();
  return <QueuePage key={id} id={id} />;
}

/** A run's page at its address. */
export function RunRoute() {
  const { id } = routes.run.useParams();
  return <RunPage key={id} id={id} />;
}

/** One inbox for what agents ask, wherever they run. */
export function ApprovalsRoute() {
  const isAsked = useQuery({
    ...live.now,
    select: (answer) => answer.sessions.some((entry) => entry.live.asks !== undefined),
  });
  return <ApprovalsPage asked={<LiveInbox />} isAsked={isAsked.data ?? false} below={<Permits />} />;
}

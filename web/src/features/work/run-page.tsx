import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Page } from '../../components/ui/page';
import { Plain } from '../../components/ui/plain';
import { useActs } from '../../lib/acts';
import { harmless } from '../../lib/harmless';
import { whole } from '../../lib/time';
import { PERMISSIONS } from './options-fields';
import { work } from './queries';
import { RunView } from './run-view';

/** One run of a group or queue. */
export function RunPage({ id }: { id: string }) {
  const answer = useQuery(work.run(id));
  const run = answer.data?.run;
  const group = useQuery({ ...work.group(run?.list ?? ''), enabled: run !== undefined && !run.isQueue });
  const navigate = useNavigate();
  useActs({
    back: () =>
      run &&
      void navigate(
        run.isQueue ? { to: '/queues/$id', params: { id: run.list } } : { to: '/groups/$id', params: { id: run.list } },
      ),
  });
  if (answer.isPending) return <Skeleton lines={6} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  const { run: known } = answer.data;
  const { options } = known;
  return (
    <Page
      wide={known.endedAt === undefined}
      title={`${harmless(known.name)}, run ${known.number}`}
      above={
        known.isQueue ? (
          <Link to="/queues/$id" params={{ id: known.list }} className="hover:underline">
            The queue
          </Link>
        ) : (
          <Link to="/groups/$id" params={{ id: known.list }} className="hover:underline">
            The group
          </Link>
        )
      }
    >
      <p className="-mt-3 mb-4 flex flex-wrap gap-x-3 text-ink-3 text-xs">
        <span>{whole(known.createdAt)}</span>
        {!known.isQueue && <span>at most {known.maxConcurrency} at a time</span>}
        <span>
          {options.permission ? PERMISSIONS[options.permission].name : 'permission as the agents’ settings say'}
        </span>
        {options.model && <span>{harmless(options.model)}</span>}
      </p>
      {known.prompt !== undefined && (
        <article aria-label="Prompt" className="mb-5 max-h-40 max-w-3xl overflow-auto rounded-xl bg-sunken px-4 py-3">
          <Plain text={known.prompt} className="text-base" />
        </article>
      )}
      <RunView id={id} {...(group.data ? { sessions: group.data.sessions } : {})} />
    </Page>
  );
}

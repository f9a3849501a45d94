import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Plus, Radio } from 'lucide-react';
import { useState } from 'react';
import type { LiveAnswer, LiveEntry, Stray } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Elapsed } from '../../components/ui/elapsed';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Needs } from '../../components/ui/needs';
import { Page, Section } from '../../components/ui/page';
import { StateMark } from '../../components/ui/state-mark';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { dollars, many, short, totalTokens } from '../../lib/numbers';
import { titleOf } from '../../lib/titles';
import { LiveAsks } from './live-asks';
import { live, needsYou, sayLive, stateOfLive } from './queries';
import { StartDialog } from './start-dialog';

const PARTS: { title: string; isIn: (entry: LiveEntry) => boolean }[] = [
  { title: 'Needs you', isIn: ({ live }) => needsYou(live) },
  { title: 'Working', isIn: ({ live }) => live.state === 'working' || live.state === 'starting' },
  { title: 'Waits for a prompt', isIn: ({ live }) => live.state === 'idle' },
  { title: 'Not known', isIn: ({ live }) => live.state === 'unknown' || live.state === 'ended' },
];

/** Every agent that runs on the machine: those that need a person first. */
export function NowPage() {
  const answer = useQuery(live.now);
  const [isStarting, setStarting] = useState(false);
  if (answer.isPending) return <Skeleton lines={6} />;
  if (answer.error && !answer.data) return <Failed error={answer.error} retry={() => void answer.refetch()} />;
  return (
    <Page
      title="Now"
      aside={
        <Needs scope="approve" isSilent>
          <Button kind="edge" icon={Plus} onClick={() => setStarting(true)}>
            Start an agent
          </Button>
        </Needs>
      }
    >
      {answer.error && (
        <p role="alert" className="mb-4 text-bad">
          {answer.error.message}. What stands here may be old.
        </p>
      )}
      <All answer={answer.data} />
      {isStarting && <StartDialog onClose={() => setStarting(false)} />}
    </Page>
  );
}

function All({ answer }: { answer: LiveAnswer }) {
  const { sessions, strays } = answer;
  const waiting = sessions.filter(({ live }) => needsYou(live)).length;
  if (sessions.length === 0 && strays.length === 0) {
    return (
      <Notice icon={Radio} title="No agent runs">
        <p>
          Start one in any terminal, or from here: it shows up by itself, with what it does and what it asks. One that
          runs in tmux can be talked to and answered from here, too.
        </p>
      </Notice>
    );
  }
  return (
    <>
      <p className="sr-only" role="status">
        {many(sessions.length, 'session')} open, {waiting === 0 ? 'none needs you' : `${waiting} waiting for you`}
      </p>
      {PARTS.map(({ title, isIn }) => {
        const entries = sessions.filter(isIn);
        if (entries.length === 0) return null;
        return (
          <Section key={title} title={title}>
            <ul>
              {entries.map((entry) => (
                <li key={entry.live.id} className="border-line border-b first:border-t">
                  <Entry entry={entry} />
                </li>
              ))}
            </ul>
          </Section>
        );
      })}
      {strays.length > 0 && (
        <Section title="Without a session yet">
          <ul>
            {strays.map((stray) => (
              <li key={stray.pid} className="border-line border-b py-2 text-ink-2 text-xs first:border-t">
                <StrayLine stray={stray} />
              </li>
            ))}
          </ul>
        </Section>
      )}
    </>
  );
}

function Entry({ entry }: { entry: LiveEntry }) {
  const { live, session, lastWords } = entry;
  const title = session ? titleOf(session) : harmless(live.name ?? 'Nothing said yet');
  const project = session?.project ?? live.cwd?.split('/').pop();
  const tokens = session ? totalTokens(session.usage) : 0;
  return (
    <article aria-label={title} className="py-3 compact:py-2">
      <div className="relative flex items-start gap-3 rounded-lg">
        <span className="mt-0.5">
          <AgentMark source={live.source} />
        </span>
        <div className="min-w-0 flex-1">
          <div className="flex flex-wrap items-center gap-x-3">
            <Link
              to="/s/$id"
              params={{ id: live.id }}
              className="min-w-0 truncate font-medium after:absolute after:inset-0 after:rounded-lg focus-visible:outline-none focus-visible:after:outline-2 focus-visible:after:outline-accent"
            >
              {title}
            </Link>
            <span className="ml-auto flex items-center gap-2 whitespace-nowrap text-ink-3 text-xs tabular-nums">
              <StateMark state={stateOfLive(live)} word={sayLive(live)} />
              {live.since && <Elapsed since={live.since} />}
            </span>
          </div>
          <p className="flex min-w-0 items-center gap-2 text-ink-3 text-xs">
            {project && <span className="truncate text-ink-2">{harmless(project)}</span>}
            {session?.gitBranch && <span className="truncate max-sm:hidden">{harmless(session.gitBranch)}</span>}
            {session?.model && <span className="truncate max-sm:hidden">{harmless(session.model)}</span>}
            {tokens > 0 && <span className="whitespace-nowrap tabular-nums">{short(tokens)} tok</span>}
            {session && session.costMicroUsd > 0 && (
              <span className="whitespace-nowrap tabular-nums">{dollars(session.costMicroUsd)}</span>
            )}
            {live.control.by === 'none' && <span className="whitespace-nowrap">read only</span>}
          </p>
          {lastWords && <p className="mt-0.5 line-clamp-1 text-ink-2">{harmless(lastWords)}</p>}
        </div>
      </div>
      {live.asks && (
        <div className="mt-2.5 ml-8 max-w-3xl max-sm:ml-0">
          <LiveAsks id={live.id} asks={live.asks} />
        </div>
      )}
      {!live.asks && live.state === 'needs_approval' && live.control.by === 'marline' && (
        <p className="mt-1 ml-8 text-xs">
          <Link to="/approvals" className="text-accent hover:underline">
            Answer it under approvals
          </Link>
        </p>
      )}
    </article>
  );
}

function StrayLine({ stray }: { stray: Stray }) {
  return (
    <span className="flex flex-wrap items-center gap-x-2">
      <AgentMark source={stray.source} />
      <span>
        {AGENTS[stray.source]}, process {stray.pid}
        {stray.cwd && (
          <>
            {' in '}
            <code className="font-mono [overflow-wrap:anywhere]">{harmless(stray.cwd)}</code>
          </>
        )}
        : {harmless(stray.why)}
      </span>
    </span>
  );
}

import { Link } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import type { Evidence, LiveSession } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Confirm } from '../../components/ui/confirm';
import { Elapsed } from '../../components/ui/elapsed';
import { Tick } from '../../components/ui/field';
import { Needs } from '../../components/ui/needs';
import { StateMark } from '../../components/ui/state-mark';
import { copy } from '../../lib/clipboard';
import { harmless } from '../../lib/harmless';
import { usePageTitle } from '../../lib/page-title';
import { useSwipeBack } from '../../lib/swipe';
import { newKey, useSteer } from './acts';
import { Composer } from './composer';
import { LiveAsks } from './live-asks';
import { ModeMenu } from './mode-menu';
import { needsYou, sayLive, stateOfLive, useLive } from './queries';

/** Under a transcript whose agent runs: how it stands, what it asks, and a field to say something. */
export function LiveBar({ id, openReviews = 0, above }: { id: string; openReviews?: number; above?: ReactNode }) {
  const data = useLive(id);
  if (!data) return null;
  return (
    <section
      aria-label="The running agent"
      className="sticky bottom-0 z-20 -mx-2 mt-auto -mb-10 space-y-2.5 border-line border-t bg-canvas px-2 pt-2.5 pb-3 max-sm:bottom-[calc(3.5rem+env(safe-area-inset-bottom))]"
    >
      {above}
      <Head session={data.live} openReviews={openReviews} />
      {data.live.asks && <LiveAsks id={id} asks={data.live.asks} cwd={data.live.cwd} />}
      <Steering session={data.live} />
    </section>
  );
}

/** The same at the foot of a column. */
export function LiveFoot({ id }: { id: string }) {
  const data = useLive(id);
  if (!data) return <p className="py-3 text-ink-3 text-xs">No agent has it open.</p>;
  return (
    <section aria-label="The running agent" className="space-y-2 border-line border-t pt-2 pb-3">
      <Head session={data.live} openReviews={0} />
      {data.live.asks && <LiveAsks id={id} asks={data.live.asks} cwd={data.live.cwd} />}
      <Steering session={data.live} />
    </section>
  );
}

/** A session in which nothing was said: there is no transcript, but an agent that waits. */
export function Unsaid({ id, onBack }: { id: string; onBack: () => void }) {
  const data = useLive(id);
  usePageTitle(harmless(data?.live.name ?? 'A new session'));
  const cwd = data?.live.cwd;
  useSwipeBack(onBack);
  return (
    <div className="mx-auto flex min-h-dvh max-w-[760px] flex-col px-6 pt-5 pb-10 max-sm:min-h-[calc(100dvh-3.5rem)] max-sm:px-4">
      <div className="flex items-center gap-2.5">
        <Button icon={ArrowLeft} label="Back" onClick={onBack} className="-ml-1.5 sm:hidden" />
        {data && <AgentMark source={data.live.source} />}
        <h1 className="min-w-0 truncate font-semibold text-lg">{harmless(data?.live.name ?? 'A new session')}</h1>
      </div>
      {cwd && <p className="font-mono text-ink-3 text-xs [overflow-wrap:anywhere]">{harmless(cwd)}</p>}
      <p className="mt-6 mb-auto text-ink-2">Nothing was said yet.</p>
      <LiveBar id={id} />
    </div>
  );
}

function Head({ session, openReviews }: { session: LiveSession; openReviews: number }) {
  const [isOpen, setOpen] = useState(false);
  const [isEnding, setEnding] = useState(false);
  const [endsReviews, setEndsReviews] = useState(false);
  const stop = useSteer(session.id, () => setEnding(false));
  return (
    <div className="text-xs">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <StateMark state={stateOfLive(session)} word={sayLive(session)} beats />
        {session.since && (
          <span className="text-ink-3 tabular-nums">
            <Elapsed since={session.since} />
          </span>
        )}
        <span className="text-ink-3 max-sm:hidden">{sayPlace(session)}</span>
        <span className="ml-auto flex items-center gap-1">
          <Button aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            Why
          </Button>
          <ModeMenu session={session} />
          {session.pid !== undefined && (
            <Needs scope="approve" isSilent>
              <Button onClick={() => setEnding(true)}>End</Button>
            </Needs>
          )}
        </span>
      </div>
      {isOpen && (
        <ul className="mt-1 space-y-0.5 text-ink-2" aria-label="What says so">
          {session.evidence.map((evidence, n) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: They have no names, and are shown as they come.
            <EvidenceLine key={n} evidence={evidence} />
          ))}
        </ul>
      )}
      {isEnding && (
        <Confirm
          title="End the agent?"
          word="End it"
          isBusy={stop.isPending}
          onYes={() => stop.mutate({ command: 'stop', key: newKey(), reviews: endsReviews ? 'end' : 'keep' })}
          onClose={() => setEnding(false)}
        >
          <p>Its process is told to end. The session stays, and can be taken up again.</p>
          {openReviews > 0 && (
            <Tick checked={endsReviews} onChange={setEndsReviews}>
              End {openReviews === 1 ? 'its review' : `its ${openReviews} reviews`}, too
            </Tick>
          )}
        </Confirm>
      )}
    </div>
  );
}

function EvidenceLine({ evidence }: { evidence: Evidence }) {
  return (
    <li className="[overflow-wrap:anywhere]">
      <span className="text-ink-3">{evidence.channel}: </span>
      {harmless(evidence.says)}
      {evidence.at && (
        <span className="text-ink-3 tabular-nums">
          {', '}
          <Elapsed since={evidence.at} /> ago
        </span>
      )}
    </li>
  );
}

function sayPlace(session: LiveSession): string {
  switch (session.control.by) {
    case 'tmux':
      return `in tmux, ${harmless(session.control.pane.sessionName)}: ${harmless(session.control.pane.windowName)}`;
    case 'service':
      return session.control.pane
        ? `on its daemon, in tmux, ${harmless(session.control.pane.sessionName)}: ${harmless(session.control.pane.windowName)}`
        : 'on its daemon';
    case 'marline':
      return 'run by Marline';
    case 'none':
      return 'in a terminal';
  }
}

/** It asks something that Marline does not know how to read. */
function Unread({ id }: { id: string }) {
  const command = `marline live attach ${id}`;
  return (
    <p className="flex flex-wrap items-center gap-x-2 text-ink-2 text-xs">
      <span>What it asks can’t be read from here. Answer it in its terminal:</span>
      <code className="font-mono [overflow-wrap:anywhere]">{command}</code>
      <Button onClick={() => copy(command)}>Copy</Button>
    </p>
  );
}

function Steering({ session }: { session: LiveSession }) {
  const { control } = session;
  switch (control.by) {
    case 'tmux':
    case 'service':
      if (!session.asks && needsYou(session)) return <Unread id={session.id} />;
      return session.asks ? null : (
        <Needs scope="reply">
          <Composer session={session} />
        </Needs>
      );
    case 'marline':
      return (
        <>
          {!session.asks && (
            <Needs scope="reply">
              <Composer session={session} />
            </Needs>
          )}
          <p className="text-ink-3 text-xs">
            It works at a prompt of{' '}
            <Link to="/runs/$id" params={{ id: control.run }} className="text-accent hover:underline coarse:py-2">
              this run
            </Link>
            ; what you say waits in{' '}
            <Link to="/queues" className="text-accent hover:underline coarse:py-2">
              a queue
            </Link>{' '}
            until it is free.
          </p>
        </>
      );
    case 'none':
      return (
        <div className="space-y-1 text-ink-2 text-xs">
          <p>It can only be read: {harmless(control.why)}.</p>
          {control.command && (
            <p className="flex flex-wrap items-center gap-x-2">
              <span>End it there and open it so, to steer it from here:</span>
              <code className="font-mono [overflow-wrap:anywhere]">{harmless(control.command)}</code>
              <Button onClick={() => copy(control.command ?? '')}>Copy</Button>
            </p>
          )}
        </div>
      );
  }
}

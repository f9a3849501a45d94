import { useQuery } from '@tanstack/react-query';
import { CircleCheck, TriangleAlert } from 'lucide-react';
import type { SourcesAnswer } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Failed, Skeleton } from '../../components/ui/faces';
import { Page, Section } from '../../components/ui/page';
import { Progress } from '../../components/ui/progress';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { bytes, many } from '../../lib/numbers';
import { agoSaid } from '../../lib/time';
import { doctor, found, status } from './queries';

/** What was found, what was not, and what is wrong. */
export function SourcesPage() {
  const sources = useQuery(found);
  const health = useQuery(doctor);
  return (
    <Page title="Sources and health">
      <Indexing />
      <Section title="Agents">
        {sources.isPending ? (
          <Skeleton lines={5} />
        ) : sources.error ? (
          <Failed error={sources.error} retry={() => void sources.refetch()} />
        ) : (
          <Agents answer={sources.data} />
        )}
      </Section>
      {/* What can't be reached is said once. */}
      {!sources.error && (
        <Section title="What needs a look">
          {health.isPending ? (
            <Skeleton lines={2} />
          ) : health.error ? (
            <Failed error={health.error} retry={() => void health.refetch()} />
          ) : health.data.findings.length === 0 ? (
            <p className="flex items-center gap-2 text-ink-2">
              <CircleCheck className="size-4 text-good" aria-hidden /> Nothing is wrong.
            </p>
          ) : (
            <ul className="space-y-3">
              {health.data.findings.map((finding) => (
                <li key={finding.problem} className="flex gap-2.5">
                  <TriangleAlert className="mt-0.5 size-4 shrink-0 text-warn" aria-hidden />
                  <div className="min-w-0 [overflow-wrap:anywhere]">
                    <p>{harmless(finding.problem)}</p>
                    <p className="text-ink-2">{harmless(finding.cure)}</p>
                  </div>
                </li>
              ))}
            </ul>
          )}
        </Section>
      )}
      {health.data && health.data.retention.length > 0 && (
        <Section title="What agents delete">
          <ul className="space-y-2">
            {health.data.retention.map((risk) => (
              <li key={risk.source} className="flex flex-wrap items-center gap-x-3">
                <AgentMark source={risk.source} named />
                <span className="text-ink-2">deletes what was not touched for {risk.days} days.</span>
                <span className={risk.sessionsAtRisk > 0 ? 'font-medium text-warn' : 'text-ink-3'}>
                  {risk.sessionsAtRisk > 0
                    ? `${many(risk.sessionsAtRisk, 'session')} will be gone within 7 days`
                    : 'None within 7 days'}
                </span>
              </li>
            ))}
          </ul>
        </Section>
      )}
    </Page>
  );
}

function Indexing() {
  const { data } = useQuery(status);
  if (!data) return null;
  const { phase, bytes: done, ofBytes, secondsLeft, bytesPerSecond, problem } = data.indexing;
  if (problem) {
    return (
      <p role="alert" className="mb-6 rounded-lg bg-bad-soft px-4 py-3 [overflow-wrap:anywhere]">
        The index could not be brought up to date: {problem} It is tried again every few seconds.
      </p>
    );
  }
  if (phase === 'idle') return null;
  const share = ofBytes > 0 ? Math.min(1, done / ofBytes) : 0;
  return (
    <div className="mb-6">
      <p className="mb-2">
        {phase === 'messages'
          ? 'Reading prompts and answers'
          : 'Prompts and answers can be found; tool output is being indexed'}
        <span className="text-ink-3 tabular-nums">
          {' '}
          {bytes(done)} of {bytes(ofBytes)}
          {bytesPerSecond !== null && `, ${bytes(bytesPerSecond)} a second`}
          {secondsLeft !== null && `, ${secondsLeft} s left`}
        </span>
      </p>
      <Progress label="Indexing" share={share} />
    </div>
  );
}

function Agents({ answer }: { answer: SourcesAnswer }) {
  const now = useNow();
  return (
    <ul>
      {answer.places.map((place) => {
        const source = answer.sources.find((source) => source.source === place.source);
        const skipped = Object.entries(source?.skipped ?? {});
        const unknown = Object.entries(source?.unknown ?? {});
        const isEmpty = !source || source.files === 0;
        return (
          <li key={place.source} className="border-line border-b py-4 first:pt-0 last:border-0">
            <div className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1 max-sm:flex-col">
              <span className="font-medium">
                <AgentMark source={place.source} named />
              </span>
              <span className="text-ink-2 tabular-nums">
                {isEmpty
                  ? 'nothing found'
                  : `${many(source.sessions, 'session')}${source.subagents > 0 ? `, ${many(source.subagents, 'sub-agent')}` : ''} · ${bytes(source.bytes)} in ${many(source.files, 'file')}`}
              </span>
            </div>
            <p className="mt-1 flex flex-wrap justify-between gap-x-6 text-ink-3 text-xs">
              <code className="font-mono [overflow-wrap:anywhere]">
                {(source?.roots.length ?? 0) > 0 ? source?.roots.join('  ') : place.path}
              </code>
              {source?.lastAt && (
                <span>
                  {[source.versions.slice(-4).join(', '), `last active ${agoSaid(source.lastAt, now)}`]
                    .filter((words) => words !== '')
                    .join(' · ')}
                </span>
              )}
            </p>
            {Object.entries(source?.withoutSession ?? {}).map(([why, count]) => (
              <p key={why} className="mt-1 text-ink-3 text-xs">
                {many(count, 'file')} without a session: {why}
              </p>
            ))}
            {[
              ...skipped.map(
                ([why, count]) => `${many(count, 'record')} could not be read: ${why}, as in ${source?.skippedIn[why]}`,
              ),
              ...unknown.map(
                ([kind, count]) => `${many(count, 'record')} of the unknown kind ${kind}, kept and shown raw`,
              ),
              ...(source?.problems ?? []),
            ].map((words) => (
              <p key={words} className="mt-1 text-warn text-xs [overflow-wrap:anywhere]">
                {harmless(words)}
              </p>
            ))}
          </li>
        );
      })}
      {answer.places.length === 0 && <li>{Object.values(AGENTS).join(', ')}</li>}
    </ul>
  );
}

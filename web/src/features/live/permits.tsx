import { queryOptions, useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Fragment, useState } from 'react';
import { get, remove } from '../../api/client';
import type { AuditAnswer, Audited, Rule, RulesAnswer } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Fold } from '../../components/ui/fold';
import { Section } from '../../components/ui/page';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { ago, clock } from '../../lib/time';
import { wordsOf } from './acts';

const rules = queryOptions({
  queryKey: ['live', 'rules'] as const,
  queryFn: ({ signal }) => get<RulesAnswer>('/api/v1/rules', signal),
});
const audit = queryOptions({
  queryKey: ['live', 'audit'] as const,
  queryFn: ({ signal }) => get<AuditAnswer>('/api/v1/audit', signal),
});

/** What is allowed without asking, and what was allowed and refused. */
export function Permits() {
  return (
    <>
      <Rules />
      <Log />
    </>
  );
}

function Rules() {
  const cache = useQueryClient();
  const { data } = useQuery(rules);
  const end = useMutation({
    mutationFn: (rule: Rule) => remove(`/api/v1/rules/${rule.id}`),
    onError: (error) => say(wordsOf(error)),
    onSettled: () => cache.invalidateQueries({ queryKey: rules.queryKey }),
  });
  if (!data || data.rules.length === 0) return null;
  return (
    <Section title="Allowed without asking">
      <ul>
        {data.rules.map((rule) => (
          <li key={rule.id} className="flex flex-wrap items-center gap-x-3 border-line border-b py-1.5 first:border-t">
            <code className="font-mono text-[12.5px]">{harmless(rule.words.join(' '))}</code>
            <span className="min-w-0 flex-1 truncate text-ink-3 text-xs">
              in {harmless(rule.project)}
              {rule.until ? `, until ${clock(rule.until)}` : ''}, by {harmless(rule.by)}
            </span>
            <Button disabled={end.isPending} onClick={() => end.mutate(rule)}>
              Ask again
            </Button>
          </li>
        ))}
      </ul>
    </Section>
  );
}

/** How an entry of the log ended, in a word: allowed is what has run; where no call was asked about, nothing could. */
export function sayEntry({
  decision,
  outcome,
  ranAt,
  call,
}: Pick<Audited, 'decision' | 'outcome' | 'ranAt' | 'call'>): string {
  if (ranAt) return 'Allowed';
  if (outcome !== 'delivered') return outcome === 'refused' ? 'Not done' : 'Not known';
  if (decision.say === 'deny') return 'Denied';
  return call ? 'Answered, not run yet' : 'Answered';
}

function Log() {
  const now = useNow();
  const { data } = useQuery(audit);
  if (!data || data.entries.length === 0) return null;
  return (
    <Section title="Log of answers">
      <ul>
        {data.entries.map((entry) => (
          <li key={entry.number} className="border-line border-b py-1.5 first:border-t">
            <Entry entry={entry} now={now} />
          </li>
        ))}
      </ul>
    </Section>
  );
}

function Entry({ entry, now }: { entry: Audited; now: number }) {
  const [open, setOpen] = useState(false);
  const facts: [string, string | null | undefined][] = [
    ['By', entry.by],
    ['Session', entry.session],
    ['In', entry.cwd],
    ['Proof', entry.ranAt ? `${entry.proof}; it ran` : entry.proof],
  ];
  return (
    <Fold
      icon={null}
      open={open}
      onToggle={() => setOpen(!open)}
      head={
        <>
          {sayEntry(entry)}: <span className="text-ink">{harmless(entry.what)}</span>
        </>
      }
      aside={<span className="whitespace-nowrap text-ink-3 text-xs">{ago(entry.at, now)}</span>}
    >
      <dl className="grid grid-cols-[auto_1fr] gap-x-3 py-1 text-ink-2 text-xs [overflow-wrap:anywhere]">
        {facts.map(
          ([name, value]) =>
            value && (
              <Fragment key={name}>
                <dt className="text-ink-3">{name}</dt>
                <dd>{harmless(value)}</dd>
              </Fragment>
            ),
        )}
      </dl>
    </Fold>
  );
}

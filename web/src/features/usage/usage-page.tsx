import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ChartColumn, Download } from 'lucide-react';
import { address } from '../../api/client';
import type { UsageReport } from '../../api/types';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Page, Section } from '../../components/ui/page';
import { Segmented } from '../../components/ui/segmented';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { dollars, full, short, totalTokens } from '../../lib/numbers';
import { transcript } from '../transcript/queries';
import { amount, type Count, dayName, daysBetween, stacked } from './days';
import { HeatMap } from './heat-map';
import { NO_PRICE } from './no-price';
import { type Days, type Grouping, usage } from './queries';
import { StackedDays } from './stacked-days';

const DAY = 86_400_000;
const RANGES = { '7d': 7, '30d': 30, '90d': 90 } as const;
const PARTS = 6;
const TOP = 8;
const CALENDAR_DAYS = 26 * 7;
const HUES = [
  'var(--accent)',
  'var(--codex)',
  'var(--claude)',
  'var(--qwen)',
  'var(--opencode)',
  'var(--gemini)',
  'var(--ink-3)',
];

export interface UsageChoice {
  range: '7d' | '30d' | '90d' | 'all' | 'custom';
  by: 'model' | 'source' | 'project';
  count: Count;
  since?: string;
  until?: string;
}

/** The days of a choice; the server counts them in UTC. */
export function daysOf(choice: UsageChoice, now: number): Days {
  if (choice.range === 'custom') return { since: choice.since, until: choice.until };
  if (choice.range === 'all') return {};
  return { since: dayName(now - (RANGES[choice.range] - 1) * DAY) };
}

/** Tokens and cost. */
export function UsagePage({ choice, onChange }: { choice: UsageChoice; onChange: (choice: UsageChoice) => void }) {
  const now = useNow();
  const days = daysOf(choice, now);
  const byDay = useQuery(usage.by('day', choice.by, days));
  const say = choice.count === 'cost' ? dollars : short;
  const { data } = byDay;
  // Fewer days than these would be columns as broad as the page.
  const fortnight = dayName(now - 13 * DAY);
  const begun = days.since ?? data?.lines[0]?.key ?? fortnight;
  const first = choice.range === 'all' && begun > fortnight ? fortnight : begun;
  const last = days.until ?? dayName(now);
  const all = daysBetween(first, last);
  const name = (part: string) =>
    choice.by === 'source' ? (AGENTS[part as keyof typeof AGENTS] ?? part) : harmless(part) || 'not recorded';
  const colour = (part: string, n: number) =>
    choice.by === 'source' && part in AGENTS ? `var(--${part})` : (HUES[n % HUES.length] ?? 'var(--ink-3)');
  return (
    <Page
      title="Usage"
      aside={
        <div className="flex flex-wrap items-center gap-2">
          <Segmented
            label="Range"
            value={choice.range}
            onChange={(range) =>
              onChange({ ...choice, range, ...(range === 'custom' ? { since: first, until: last } : {}) })
            }
            options={[
              { value: '7d', label: '7 days' },
              { value: '30d', label: '30 days' },
              { value: '90d', label: '90 days' },
              { value: 'all', label: 'All' },
              { value: 'custom', label: 'Custom' },
            ]}
          />
          <Segmented
            label="Count"
            value={choice.count}
            onChange={(count) => onChange({ ...choice, count })}
            options={[
              { value: 'cost', label: 'Cost' },
              { value: 'tokens', label: 'Tokens' },
            ]}
          />
        </div>
      }
    >
      {choice.range === 'custom' && (
        <div className="-mt-2 mb-5 flex flex-wrap gap-3">
          {(['since', 'until'] as const).map((edge) => (
            <label key={edge} className="flex items-center gap-2 text-ink-2">
              {edge === 'since' ? 'From' : 'To'}
              <input
                type="date"
                value={choice[edge] ?? ''}
                onChange={(event) => onChange({ ...choice, [edge]: event.target.value })}
                className="h-8 rounded-md border border-line-strong bg-transparent px-2 text-ink coarse:h-11"
              />
            </label>
          ))}
        </div>
      )}
      {byDay.isPending ? (
        <Skeleton />
      ) : byDay.error && !data ? (
        <Failed error={byDay.error} retry={() => void byDay.refetch()} />
      ) : !data || data.lines.length === 0 ? (
        <Notice icon={ChartColumn} title="Nothing was spent in these days">
          <p>Tokens are counted where an agent records them, each request once.</p>
        </Notice>
      ) : (
        <>
          <Totals total={data.total} />
          <Section
            title="By day"
            aside={
              <Segmented
                label="Cut into"
                value={choice.by}
                onChange={(by) => onChange({ ...choice, by })}
                options={[
                  { value: 'source', label: 'Agents' },
                  { value: 'model', label: 'Models' },
                  { value: 'project', label: 'Projects' },
                ]}
              />
            }
          >
            <StackedDays
              days={all}
              data={stacked(data.lines, choice.count, PARTS)}
              colour={colour}
              name={name}
              say={say}
            />
          </Section>
          <Calendar now={now} count={choice.count} />
          <div className="mt-8 grid gap-x-12 gap-y-8 md:grid-cols-2">
            <Top title="Models" by="model" days={days} count={choice.count} />
            <Top title="Projects" by="project" days={days} count={choice.count} />
            <Top title="Agents" by="source" days={days} count={choice.count} />
            <Top title="Sessions" by="session" days={days} count={choice.count} />
          </div>
          <Section
            title="The same as a table"
            aside={
              <a
                href={address('/api/v1/usage.csv', { by: 'day', and: choice.by, ...days })}
                className="flex items-center gap-1.5 text-accent hover:underline coarse:min-h-11"
                download
              >
                <Download className="size-4" aria-hidden />
                CSV
              </a>
            }
          >
            <Table lines={data.lines} name={name} />
          </Section>
          <p className="mt-6 text-ink-3 text-xs">
            Prices of {data.pricesOf}; days in UTC.{' '}
            {data.unpricedModels.length > 0 &&
              `Without a price, so not in the cost: ${data.unpricedModels.join(', ')}.`}
          </p>
        </>
      )}
    </Page>
  );
}

/** The last half year, whatever the range. */
function Calendar({ now, count }: { now: number; count: Count }) {
  const first = dayName(now - CALENDAR_DAYS * DAY);
  const report = useQuery(usage.by('day', undefined, { since: first }));
  if (!report.data) return null;
  return (
    <Section title="The last half year">
      <HeatMap
        days={daysBetween(first, dayName(now))}
        amounts={
          new Map(
            report.data.lines.map((line) => [line.key, count === 'cost' ? line.costMicroUsd : amount(line, count)]),
          )
        }
        say={count === 'cost' ? dollars : short}
      />
    </Section>
  );
}

function Totals({ total }: { total: UsageReport['total'] }) {
  const { usage } = total;
  const input = usage.inputTokens + usage.cachedInputTokens + usage.cacheWriteTokens;
  const figures = [
    ['Cost', total.costMicroUsd === null ? NO_PRICE : dollars(total.costMicroUsd)],
    ['Tokens', short(totalTokens(usage))],
    ['Written by models', short(usage.outputTokens)],
    ['Read from a cache', input > 0 ? `${Math.round((usage.cachedInputTokens / input) * 100)} %` : '0 %'],
    ['Requests', full(total.requests)],
  ] as const;
  return (
    <dl className="flex flex-wrap gap-x-12 gap-y-4">
      {figures.map(([name, figure]) => (
        <div key={name}>
          <dt className="text-ink-3 text-xs">{name}</dt>
          <dd className="font-semibold text-2xl tabular-nums">{figure}</dd>
        </div>
      ))}
    </dl>
  );
}

function Top({ title, by, days, count }: { title: string; by: Grouping; days: Days; count: Count }) {
  const report = useQuery(usage.by(by, undefined, days));
  const lines = (report.data?.lines ?? [])
    .filter((line) => amount(line, count) > 0)
    .sort((a, b) => amount(b, count) - amount(a, count));
  const most = lines[0] ? amount(lines[0], count) : 1;
  const say = count === 'cost' ? dollars : short;
  return (
    <section className="min-w-0">
      <h2 className="mb-2 font-semibold">{title}</h2>
      <ol>
        {lines.slice(0, TOP).map((line) => (
          <li key={line.key} className="relative flex justify-between gap-4 py-1">
            <span
              className="absolute inset-y-0.5 left-0 rounded bg-sunken"
              style={{ width: `${(amount(line, count) / most) * 100}%` }}
              aria-hidden
            />
            <span className="relative min-w-0 truncate pl-2">
              {by === 'session' ? (
                <SessionLink id={line.key} />
              ) : by === 'source' ? (
                (AGENTS[line.key as keyof typeof AGENTS] ?? line.key)
              ) : (
                harmless(line.key) || 'not recorded'
              )}
            </span>
            <span className="relative pr-2 text-ink-2 tabular-nums">{say(amount(line, count))}</span>
          </li>
        ))}
        {lines.length === 0 && <li className="text-ink-3">Nothing.</li>}
      </ol>
    </section>
  );
}

function SessionLink({ id }: { id: string }) {
  const { data } = useQuery(transcript.detail(id));
  return (
    <Link to="/s/$id" params={{ id }} className="hover:underline coarse:inline-block coarse:py-3">
      {harmless(data?.session.title ?? id)}
    </Link>
  );
}

const COLUMNS = ['Requests', 'Input', 'Cached', 'Cache write', 'Output', 'Cost'] as const;

function Table({ lines, name }: { lines: UsageReport['lines']; name: (part: string) => string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
    <div className="max-h-96 overflow-auto" tabIndex={0} role="region" aria-label="Usage by day">
      <table className="w-full text-xs tabular-nums">
        <thead className="sticky top-0 bg-canvas text-ink-3">
          <tr>
            <th className="py-1.5 text-left font-medium">Day</th>
            <th className="py-1.5 text-left font-medium">Of</th>
            {COLUMNS.map((column) => (
              <th key={column} className="py-1.5 pl-4 text-right font-medium">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={`${line.key} ${line.and}`} className="border-line border-t">
              <td className="whitespace-nowrap py-1.5 pr-4">{line.key}</td>
              <td className="max-w-56 truncate py-1.5">{name(line.and ?? '')}</td>
              {[
                line.requests,
                line.usage.inputTokens,
                line.usage.cachedInputTokens,
                line.usage.cacheWriteTokens,
                line.usage.outputTokens,
              ].map((figure, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: Columns keep their order.
                <td key={n} className="py-1.5 pl-4 text-right">
                  {full(figure)}
                </td>
              ))}
              <td className="py-1.5 pl-4 text-right">
                {line.costMicroUsd === null ? NO_PRICE : dollars(line.costMicroUsd)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

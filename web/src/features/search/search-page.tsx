import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { ChevronRight, Search as SearchIcon } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { ApiError } from '../../api/client';
import type { Facet, SearchAnswer, SearchHit } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { offers, useActs } from '../../lib/acts';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { full, many } from '../../lib/numbers';
import { usePageTitle } from '../../lib/page-title';
import { useSettled } from '../../lib/settled';
import { ago } from '../../lib/time';
import { search } from './queries';
import { Snippet } from './snippet';

const HITS = 100;
const EXAMPLES = [
  '"connection refused"',
  'kind:prompt since:7d',
  'tool:bash cargo test',
  'file:main.rs',
  'error[E0308]',
];
const SPANS: Record<string, string> = { '1d': 'Last day', '7d': 'Last week', '30d': 'Last month', '365d': 'Last year' };

/** Everything that was said and done. */
export function SearchPage() {
  const { q = '' } = useSearch({ from: '/search' });
  usePageTitle(q ? `${harmless(q)}, searched for` : 'Search');
  const navigate = useNavigate();
  const [text, setText] = useState(q);
  const asked = useSettled(text.trim(), 80);
  useEffect(() => {
    if (asked !== q) void navigate({ to: '/search', search: asked ? { q: asked } : {}, replace: true });
    // The address follows the field, never the other way round but by navigation.
  }, [asked, navigate, q]);
  const answer = useQuery({ ...search.quick(asked, HITS), enabled: asked !== '' });
  const add = (filter: string) => setText((before) => `${before.trim()} ${filter}`.trim());
  return (
    <div className="mx-auto w-full max-w-6xl px-6 pb-16 max-sm:px-4">
      <div className="sticky top-0 z-20 bg-canvas pt-4 pb-2">
        <h1 className="sr-only">Search</h1>
        <label className="flex h-11 items-center gap-3 rounded-lg border border-line-strong px-3.5 focus-within:border-accent">
          <SearchIcon className="size-4 text-ink-3" aria-hidden />
          <input
            // biome-ignore lint/a11y/noAutofocus: The page is opened to type.
            autoFocus={q === ''}
            type="search"
            maxLength={1_000}
            data-page-search
            aria-label="Search everything that was said and done"
            value={text}
            onChange={(event) => setText(event.target.value)}
            onKeyDown={(event) => {
              if (event.key !== 'ArrowDown' && event.key !== 'Enter') return;
              event.preventDefault();
              offers.run('next');
            }}
            placeholder="Words, &quot;phrases&quot;, -not, OR, source:codex, tool:bash, since:7d"
            className="min-w-0 flex-1 bg-transparent text-base outline-none placeholder:text-ink-3"
          />
        </label>
        {answer.data && asked !== '' && <Meaning answer={answer.data} />}
      </div>
      {asked === '' ? (
        <Notice icon={SearchIcon} title="Everything that was said and done">
          <p>
            Prompts, answers, commands and their output, of all agents. A word is found whole and by part:{' '}
            <code className="font-mono text-xs">getUserToken</code> by <code className="font-mono text-xs">token</code>,
            too.
          </p>
          <ul className="flex flex-wrap gap-2 pt-1">
            {EXAMPLES.map((example) => (
              <li key={example}>
                <button
                  type="button"
                  onClick={() => setText(example)}
                  className="rounded-full bg-sunken px-3 py-1 font-mono text-xs hover:bg-hover coarse:min-h-11"
                >
                  {example}
                </button>
              </li>
            ))}
          </ul>
        </Notice>
      ) : answer.isPending ? (
        <Skeleton />
      ) : answer.error instanceof ApiError && answer.error.status === 400 ? (
        // While one types, most of what is half written makes no sense yet.
        <p role="status" className="px-2 py-6 text-ink-2">
          {answer.error.detail ?? answer.error.message}
        </p>
      ) : answer.error ? (
        <Failed error={answer.error} retry={() => void answer.refetch()} />
      ) : answer.data.hits.length === 0 ? (
        <Notice icon={SearchIcon} title="Nothing was found">
          {answer.data.notes.map((note) => (
            <p key={note}>{note}</p>
          ))}
          <p>Every word must stand in the text; OR takes one of two, and a star ends a word’s beginning.</p>
        </Notice>
      ) : (
        <div className="flex gap-8 max-md:flex-col-reverse max-md:gap-0">
          <Hits answer={answer.data} asked={asked} />
          <aside aria-label="Narrow down" className="w-48 shrink-0 pt-4 max-md:hidden">
            <Facets answer={answer.data} onAdd={add} />
          </aside>
          <details className="group/facets pt-3 md:hidden">
            <summary className="inline-flex min-h-11 cursor-pointer items-center gap-1.5 px-2 text-ink-2">
              <ChevronRight className="size-4 transition-transform group-open/facets:rotate-90" aria-hidden />
              Narrow down
            </summary>
            <Facets answer={answer.data} onAdd={add} />
          </details>
        </div>
      )}
    </div>
  );
}

function Meaning({ answer }: { answer: SearchAnswer }) {
  const words = { word: '', phrase: 'just so', prefix: 'begins', not: 'not', any: 'or', filter: '' };
  return (
    <div className="flex flex-wrap items-center gap-1.5 pt-2 text-xs">
      {answer.meaning.map((part, n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: The same word may stand twice; the order is the key.
        <span key={n} className={`rounded-full px-2 py-0.5 ${part.type === 'filter' ? 'bg-accent-soft' : 'bg-sunken'}`}>
          {words[part.type] && <span className="text-ink-3">{words[part.type]} </span>}
          {harmless(part.text)}
        </span>
      ))}
      <span className="ml-auto text-ink-3 tabular-nums">
        {answer.complete ? many(answer.total, 'hit') : `${full(answer.total)} or more hits`}
      </span>
      {answer.notes.map((note) => (
        <span key={note} className="w-full text-warn" role="status">
          {note}
        </span>
      ))}
    </div>
  );
}

function Hits({ answer, asked }: { answer: SearchAnswer; asked: string }) {
  const now = useNow();
  const list = useRef<HTMLOListElement>(null);
  const step = (by: number) => {
    const hits = [...(list.current?.querySelectorAll<HTMLElement>('[data-hit]') ?? [])];
    const at = hits.indexOf(document.activeElement as HTMLElement);
    hits[Math.max(0, Math.min(at + by, hits.length - 1))]?.focus();
  };
  useActs({ next: () => step(1), previous: () => step(-1) });
  const groups: { hit: SearchHit; hits: SearchHit[] }[] = [];
  for (const hit of answer.hits) {
    const group = groups.find((group) => group.hit.session.id === hit.session.id);
    if (group) group.hits.push(hit);
    else groups.push({ hit, hits: [hit] });
  }
  return (
    <ol
      ref={list}
      className="min-w-0 flex-1 space-y-5 pt-3"
      onKeyDown={(event) => {
        if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
        event.preventDefault();
        step(event.key === 'ArrowDown' ? 1 : -1);
      }}
    >
      {groups.map(({ hit: { session }, hits }) => (
        <li key={session.id}>
          <div className="flex items-center gap-2 px-2 pb-1">
            <AgentMark source={session.source} />
            <Link
              to="/s/$id"
              params={{ id: session.id }}
              className="min-w-0 truncate py-1 font-medium hover:underline coarse:min-w-11 coarse:py-3"
            >
              {harmless(session.title ?? session.id)}
            </Link>
            <span className="ml-auto shrink-0 text-ink-3 text-xs">
              {harmless(session.project ?? '')} {ago(session.updatedAt, now)}
            </span>
          </div>
          <ul>
            {hits.map((hit) => (
              <li key={hit.key}>
                <Link
                  to="/s/$id"
                  params={{ id: session.id }}
                  search={{ at: hit.key, q: asked }}
                  data-hit
                  className="flex scroll-mt-28 gap-3 rounded-md px-2 py-1.5 hover:bg-hover coarse:py-3"
                >
                  <span className="w-16 shrink-0 text-ink-3 text-xs leading-5">{hit.kind.replace('_', ' ')}</span>
                  <span
                    className={`line-clamp-3 min-w-0 [overflow-wrap:anywhere] ${hit.kind === 'tool' ? 'font-mono text-xs leading-5' : ''}`}
                  >
                    <Snippet hit={hit} />
                  </span>
                </Link>
              </li>
            ))}
          </ul>
        </li>
      ))}
    </ol>
  );
}

function Facets({ answer, onAdd }: { answer: SearchAnswer; onAdd: (filter: string) => void }) {
  const { source, project, kind, time } = answer.facets;
  const quoted = (value: string) => (/\s/.test(value) ? `"${value}"` : value);
  return (
    <div className="space-y-6">
      <FacetList
        title="Agent"
        facets={source}
        name={(value) => AGENTS[value as keyof typeof AGENTS] ?? value}
        onAdd={(value) => onAdd(`source:${value}`)}
      />
      <FacetList
        title="Project"
        facets={project}
        name={harmless}
        onAdd={(value) => onAdd(`project:${quoted(value)}`)}
      />
      <FacetList
        title="Kind"
        facets={kind}
        name={(value) => value.replace('_', ' ')}
        onAdd={(value) => onAdd(`kind:${value}`)}
      />
      <FacetList
        title="Time"
        facets={time.filter((facet) => facet.count > 0)}
        name={(value) => SPANS[value] ?? value}
        onAdd={(value) => onAdd(`since:${value}`)}
      />
    </div>
  );
}

function FacetList({
  title,
  facets,
  name,
  onAdd,
}: {
  title: string;
  facets: Facet[];
  name: (value: string) => string;
  onAdd: (value: string) => void;
}) {
  if (facets.length === 0) return null;
  return (
    <section>
      <h2 className="pb-1 font-medium text-ink-3 text-xs">{title}</h2>
      {facets.map((facet) => (
        <button
          key={facet.value}
          type="button"
          onClick={() => onAdd(facet.value)}
          className="-mx-2 flex w-[calc(100%+16px)] items-center justify-between gap-2 rounded-md px-2 py-1 text-left hover:bg-hover coarse:min-h-11"
        >
          <span className="truncate">{name(facet.value)}</span>
          <span className="text-ink-3 text-xs tabular-nums">{full(facet.count)}</span>
        </button>
      ))}
    </section>
  );
}

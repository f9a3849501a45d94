import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useState } from 'react';
import { AgentMark } from '../components/ui/agent-mark';
import { Dialog } from '../components/ui/dialog';
import { Keys } from '../components/ui/keys';
import { search } from '../features/search/queries';
import { Snippet } from '../features/search/snippet';
import { sessions } from '../features/sessions/queries';
import { ACTS, offers, useApplying } from '../lib/acts';
import { harmless } from '../lib/harmless';
import { useNow } from '../lib/now';
import { useSettled } from '../lib/settled';
import { ago } from '../lib/time';
import { titleOf } from '../lib/titles';

interface Option {
  id: string;
  section: string;
  body: ReactNode;
  run: () => unknown;
}

const SESSIONS = 6;
const HITS = 8;

/** Searches sessions and texts while one types, and acts. */
export function Palette({ onClose }: { onClose: () => void }) {
  const applying = useApplying();
  const [text, setText] = useState('');
  const [at, setAt] = useState(0);
  const asked = useSettled(text.trim(), 80);
  const navigate = useNavigate();
  const now = useNow();
  const named = useInfiniteQuery(sessions.list(asked === '' ? {} : { q: asked }));
  const hits = useQuery({ ...search.quick(asked, HITS), enabled: asked.length > 1 });
  const options: Option[] = [
    ...(named.data?.pages[0]?.sessions ?? []).slice(0, SESSIONS).map((session) => ({
      id: session.id,
      section: asked === '' ? 'Last active' : 'Sessions',
      body: (
        <>
          <AgentMark source={session.source} />
          <span className="min-w-0 flex-1 truncate">{titleOf(session)}</span>
          <span className="shrink-0 text-ink-3 text-xs">
            {harmless(session.project ?? '')} · {ago(session.updatedAt, now)}
          </span>
        </>
      ),
      run: () => void navigate({ to: '/s/$id', params: { id: session.id } }),
    })),
    ...(asked.length > 1 ? (hits.data?.hits ?? []) : []).map((hit) => ({
      id: `${hit.session.id} ${hit.key}`,
      section: 'In the text',
      body: (
        <>
          <AgentMark source={hit.session.source} />
          <span className="min-w-0 flex-1">
            <span className="block truncate">
              <Snippet hit={hit} />
            </span>
            <span className="block truncate text-ink-3 text-xs">{harmless(hit.session.title ?? hit.session.id)}</span>
          </span>
        </>
      ),
      run: () => void navigate({ to: '/s/$id', params: { id: hit.session.id }, search: { at: hit.key, q: asked } }),
    })),
    ...(asked !== ''
      ? [
          {
            id: 'search',
            section: 'Acts',
            body: (
              <>
                <Search className="size-4 text-ink-3" aria-hidden />
                <span>Search everything for “{asked}”</span>
              </>
            ),
            run: () => void navigate({ to: '/search', search: { q: asked } }),
          },
        ]
      : []),
    ...applying
      .map((name) => ({ name, act: ACTS[name] }))
      .filter(({ act }) => !act.byKeyOnly && act.name.toLowerCase().includes(asked.toLowerCase()))
      .map(({ name, act }) => ({
        id: name,
        section: 'Acts',
        body: (
          <>
            <act.icon className="size-4 text-ink-3" aria-hidden />
            <span className="flex-1">{act.name}</span>
            {act.keys && <Keys keys={act.keys} />}
          </>
        ),
        run: () => offers.run(name),
      })),
  ];
  const current = Math.min(at, options.length - 1);
  useEffect(() => {
    document.getElementById(`option-${current}`)?.scrollIntoView({ block: 'nearest' });
  }, [current]);
  const choose = (option: Option | undefined) => {
    onClose();
    option?.run();
  };
  const press = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt(Math.min(options.length - 1, current + 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(0, current - 1));
    else if (event.key === 'Enter') choose(options[current]);
    else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Search and act" place="top" bare onClose={onClose}>
      <div className="sticky top-0 flex items-center gap-3 border-line border-b bg-raised px-4">
        <Search className="size-4 text-ink-3" aria-hidden />
        <input
          data-focus
          role="combobox"
          aria-label="Search sessions and texts, or act"
          aria-expanded
          aria-controls="options"
          aria-activedescendant={`option-${current}`}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setAt(0);
          }}
          onKeyDown={press}
          placeholder="Search sessions and texts, or act"
          className="h-12 min-w-0 flex-1 bg-transparent text-base outline-none placeholder:text-ink-3"
        />
      </div>
      <div id="options" role="listbox" aria-label="What was found" className="p-2">
        {options.map((option, n) => (
          <div key={`${option.section} ${option.id}`}>
            {option.section !== options[n - 1]?.section && (
              <div className="px-2 pt-2 pb-1 font-medium text-ink-3 text-xs" role="presentation">
                {option.section}
              </div>
            )}
            <div
              id={`option-${n}`}
              role="option"
              tabIndex={-1}
              aria-selected={n === current}
              onMouseMove={() => setAt(n)}
              onClick={() => choose(option)}
              onKeyDown={undefined}
              className="flex cursor-pointer items-center gap-3 rounded-md px-2 py-2 aria-selected:bg-hover"
            >
              {option.body}
            </div>
          </div>
        ))}
        {options.length === 0 && <p className="px-2 py-6 text-center text-ink-3">Nothing is like that.</p>}
      </div>
    </Dialog>
  );
}

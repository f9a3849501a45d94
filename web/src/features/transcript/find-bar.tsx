import { useQuery } from '@tanstack/react-query';
import { ChevronDown, ChevronUp, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { Button } from '../../components/ui/button';
import { useSettled } from '../../lib/settled';
import { transcript } from './queries';

interface Props {
  id: string;
  query: string;
  onChange: (query: string) => void;
  onJump: (key: string) => void;
  onClose: () => void;
}

/** Finds words within the session and goes from one place to the next. */
export function FindBar({ id, query, onChange, onJump, onClose }: Props) {
  const asked = useSettled(query.trim(), 120);
  const found = useQuery({ ...transcript.find(id, asked), enabled: asked !== '' });
  const hits = (asked === '' ? undefined : found.data?.hits) ?? [];
  const [at, setAt] = useState(0);
  const go = (to: number) => {
    const next = (to + hits.length) % Math.max(1, hits.length);
    setAt(next);
    const hit = hits[next];
    if (hit) onJump(hit.key);
  };
  const first = hits[0]?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: Only a new answer begins at its first place.
  useEffect(() => {
    setAt(0);
    if (first) onJump(first);
  }, [first, asked]);
  return (
    <search className="fixed top-14 right-4 left-4 z-30 flex items-center gap-1 rounded-lg bg-raised p-1 pl-3 shadow-float sm:left-auto sm:w-96">
      <input
        // biome-ignore lint/a11y/noAutofocus: The bar is opened to type.
        autoFocus
        type="search"
        maxLength={1_000}
        aria-label="Find within this session"
        value={query}
        onChange={(event) => onChange(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') go(at + (event.shiftKey ? -1 : 1));
          if (event.key === 'Escape') onClose();
        }}
        placeholder="Find within this session"
        className="h-8 min-w-0 flex-1 bg-transparent outline-none placeholder:text-ink-3 [&::-webkit-search-cancel-button]:hidden"
      />
      <span role="status" className="whitespace-nowrap px-1 text-ink-3 text-xs tabular-nums">
        {asked === ''
          ? ''
          : hits.length === 0
            ? found.isFetching
              ? ''
              : 'not found'
            : `${at + 1} of ${hits.length}${(found.data?.total ?? 0) > hits.length ? '+' : ''}`}
      </span>
      <Button icon={ChevronUp} label="The place before" onClick={() => go(at - 1)} disabled={hits.length === 0} />
      <Button icon={ChevronDown} label="The next place" onClick={() => go(at + 1)} disabled={hits.length === 0} />
      <Button icon={X} label="Close" onClick={onClose} />
    </search>
  );
}

import { Bot, CircleAlert, GitFork, Shrink, X } from 'lucide-react';
import { useEffect, useMemo, useRef } from 'react';
import type { Outline } from '../../api/types';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { clock, dateOf, dayOf } from '../../lib/time';

type Mark = Outline['marks'][number];

const ICONS = { compaction: Shrink, error: CircleAlert, failed_tool: X, subagent: Bot, fork: GitFork } as const;
const WORDS = {
  compaction: 'Summed up',
  error: 'Error',
  failed_tool: 'Failed',
  subagent: 'Sub-agent',
  fork: 'Forked here',
  prompt: '',
} as const;

/** What one jumps to, in the order of the session. */
export function OutlineView({
  outline,
  at,
  onJump,
}: {
  outline: Outline;
  at: string | null;
  onJump: (key: string) => void;
}) {
  const list = useRef<HTMLOListElement>(null);
  // What is read is in sight here, too; only this list is moved for it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: Where one is decides.
  useEffect(() => {
    const mark = list.current?.querySelector<HTMLElement>('[aria-current]');
    const around = mark && scrollerOf(mark);
    if (!around) return;
    const [seen, room] = [mark.getBoundingClientRect(), around.getBoundingClientRect()];
    if (seen.top < room.top || seen.bottom > room.bottom) {
      around.scrollTop += seen.top - room.top - (room.height - seen.height) / 2;
    }
  }, [at, outline]);
  const now = useNow();
  const begins = useMemo(() => daysBegun(outline.marks), [outline.marks]);
  return (
    <ol ref={list} className="border-line border-l">
      {outline.marks.map((mark, n) => (
        // Thousands may stand here: what is not in sight is not laid out.
        <li key={`${mark.key} ${mark.kind}`} className="[contain-intrinsic-size:auto_28px] [content-visibility:auto]">
          {begins.size > 1 && begins.has(n) && (
            <p className="pt-2 pb-0.5 pl-3 font-medium text-2xs text-ink-3">{dayOf(mark.at, now)}</p>
          )}
          <button
            type="button"
            aria-current={mark.key === at ? 'location' : undefined}
            onClick={() => onJump(mark.key)}
            className="-ml-px flex min-h-7 w-full items-start gap-2 border-transparent border-l-2 py-1 pl-3 text-left text-xs hover:text-ink aria-[current]:border-accent aria-[current]:text-ink coarse:py-3"
          >
            <MarkBody mark={mark} />
          </button>
        </li>
      ))}
      {outline.truncated && <li className="py-1 pl-3 text-ink-3 text-xs">There is more; the search finds it.</li>}
    </ol>
  );
}

/** The numbers of marks with which a day begins. */
function daysBegun(marks: readonly Mark[]): Set<number> {
  const begun = new Set<number>();
  let day = '';
  for (const [n, { at }] of marks.entries()) {
    if (at === null || dateOf(at) === day) continue;
    day = dateOf(at);
    begun.add(n);
  }
  return begun;
}

/** What an element is scrolled within, short of the page. */
function scrollerOf(element: HTMLElement): HTMLElement | null {
  let around = element.parentElement;
  while (around && around !== document.body && around.scrollHeight <= around.clientHeight)
    around = around.parentElement;
  return around === document.body ? null : around;
}

function MarkBody({ mark }: { mark: Mark }) {
  const time = <span className="shrink-0 text-2xs text-ink-3 tabular-nums">{clock(mark.at)}</span>;
  if (mark.kind === 'prompt') {
    return (
      <>
        <span className="line-clamp-2 min-w-0 flex-1 text-ink-2 [overflow-wrap:anywhere]">
          {harmless(mark.text) || 'A prompt'}
        </span>
        {time}
      </>
    );
  }
  const Icon = ICONS[mark.kind];
  const isBad = mark.kind === 'error' || mark.kind === 'failed_tool';
  return (
    <>
      <span className={`flex min-w-0 flex-1 items-center gap-1.5 ${isBad ? 'text-bad' : 'text-ink-3'}`}>
        <Icon className="size-3 shrink-0" aria-hidden />
        <span className="truncate">
          {mark.text && WORDS[mark.kind] && <span className="sr-only">{WORDS[mark.kind]}: </span>}
          {mark.text ? harmless(mark.text) : WORDS[mark.kind]}
        </span>
      </span>
      {time}
    </>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef } from 'react';
import type { Source } from '../../api/types';
import { AgentMark } from '../../components/ui/agent-mark';
import { Button } from '../../components/ui/button';
import { Failed, Skeleton } from '../../components/ui/faces';
import { copy } from '../../lib/clipboard';
import { useSettings } from '../../lib/settings';
import { titleOf } from '../../lib/titles';
import { itemAsMarkdown } from './as-markdown';
import { ItemView } from './item-view';
import { transcript } from './queries';
import { rowsOf } from './rows';
import { RunView } from './run-view';
import { useTranscript } from './use-transcript';

/** Who is this near to the end stays there while the session grows. */
const AT_END = 80;

interface Props {
  id: string;
  /** Opens the whole session at an item. */
  onOpen: (key: string) => void;
  /** Takes the column away. */
  onClose: () => void;
  /** What stands below: how its agent stands, and a field to say something. */
  footer: ReactNode;
}

/** The end of one session among others: it grows while it is written, and scrolls by itself. */
export function TranscriptColumn({ id, onOpen, onClose, footer }: Props) {
  const detail = useQuery(transcript.detail(id));
  const read = useTranscript(id, { at: 'end' });
  const { developer } = useSettings();
  const box = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const rows = useMemo(() => (read.part ? rowsOf(read.part.items, null) : []), [read.part]);
  const last = read.part?.items.at(-1)?.key;
  // biome-ignore lint/correctness/useExhaustiveDependencies: What came in at the end moves whoever is there.
  useLayoutEffect(() => {
    if (isAtEnd.current && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [last, read.part === null]);
  useEffect(() => {
    const element = box.current;
    if (!element?.firstElementChild) return;
    const size = new ResizeObserver(() => {
      if (isAtEnd.current) element.scrollTop = element.scrollHeight;
    });
    size.observe(element.firstElementChild);
    return () => size.disconnect();
  }, []);
  const acts = useMemo(
    () => ({
      onWhole: read.loadWhole,
      onRecord: (item: { key: string }) => onOpen(item.key),
      onCopy: (item: Parameters<typeof itemAsMarkdown>[0], what: 'markdown' | 'link') => {
        const link = `${location.origin}/s/${encodeURIComponent(id)}?at=${encodeURIComponent(item.key)}`;
        void copy(what === 'markdown' ? itemAsMarkdown(item) : link);
      },
      onFork: (item: { key: string }) => onOpen(item.key),
      onReview: (item: { key: string }) => onOpen(item.key),
      stretchFrom: null,
    }),
    [id, onOpen, read.loadWhole],
  );
  const session = detail.data?.session;
  const title = session ? titleOf(session) : 'A session';
  return (
    <Column id={id} source={session?.source} title={title} onClose={onClose} footer={footer}>
      <div
        ref={box}
        role="log"
        aria-label={`What was said in ${title}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        className="min-h-0 flex-1 overflow-y-auto px-4"
        onScroll={({ currentTarget: element }) => {
          isAtEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < AT_END;
        }}
      >
        <div>
          {detail.error && <Failed error={detail.error} retry={() => void detail.refetch()} />}
          {!read.part && !detail.error && <Skeleton lines={6} />}
          {read.part?.previous != null && (
            <div className="py-2 text-center">
              <Button onClick={read.loadBefore}>Show what came before</Button>
            </div>
          )}
          {rows.map((row) =>
            row.kind === 'fork' || row.kind === 'day' ? null : row.kind === 'run' ? (
              <RunView
                key={row.key}
                session={id}
                items={row.items}
                target={undefined}
                developer={developer}
                {...acts}
              />
            ) : (
              <ItemView key={row.key} session={id} item={row.item} isTarget={false} developer={developer} {...acts} />
            ),
          )}
        </div>
      </div>
    </Column>
  );
}

interface ColumnProps {
  id: string;
  source: Source | undefined;
  title: string;
  onClose: () => void;
  footer: ReactNode;
  children: ReactNode;
}

/** One of several, with a head and a foot. */
export function Column({ id, source, title, onClose, footer, children }: ColumnProps) {
  return (
    <section
      aria-label={title}
      className="flex min-h-0 min-w-0 flex-col border-line border-r last:border-r-0 max-lg:border-r-0 max-lg:border-b"
    >
      <header className="flex items-center gap-2.5 border-line border-b px-4 py-2">
        {source && <AgentMark source={source} />}
        <h2 className="min-w-0 flex-1 truncate font-medium">
          <Link to="/s/$id" params={{ id }} className="hover:underline">
            {title}
          </Link>
        </h2>
        <Button onClick={onClose} aria-label={`Take ${title} away`}>
          Close
        </Button>
      </header>
      {children}
      <div className="px-4">{footer}</div>
    </section>
  );
}

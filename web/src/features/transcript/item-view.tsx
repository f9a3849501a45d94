import { Brain, CircleAlert, FilePen, Info, Layers, ScrollText, Shrink } from 'lucide-react';
import { memo, useRef, useState } from 'react';
import type { Item } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Fold } from '../../components/ui/fold';
import { Plain } from '../../components/ui/plain';
import { harmless } from '../../lib/harmless';
import { bytes, dollars, short, totalTokens } from '../../lib/numbers';
import { clock, whole } from '../../lib/time';
import { Markdown } from './markdown';
import { marker } from './marks';
import { Pictures } from './pictures';
import { ToolLine, useOpen } from './tool-line';
import { useHits } from './use-hits';

export interface ItemActs {
  /** Reads the whole texts. */
  onWhole: (key: string) => void;
  /** Shows the record. */
  onRecord: (item: Item) => void;
  /** Opens a menu's acts. */
  onCopy: (item: Item, what: 'markdown' | 'link') => void;
  /** Makes a session that goes on from before a prompt. */
  onFork: (item: Item) => void;
  /** Has an item reviewed, or ends the stretch that is. */
  onReview: (item: Item) => void;
  /** A stretch to be reviewed begins at this item: the next one that is chosen ends it. */
  stretchFrom: string | null;
}

interface Props extends ItemActs {
  session: string;
  item: Item;
  /** The words that were searched. */
  query?: string | undefined;
  /** It is the one that was linked to. */
  isTarget: boolean;
  developer: boolean;
}

/** Small to the eye, and as large as a finger needs: it reaches over its line. */
const SMALL = '!h-6 !text-2xs px-1.5 coarse:!h-11 coarse:-my-3 coarse:min-w-11 coarse:justify-center';

/** One item of a transcript. */
export const ItemView = memo(function ItemView(props: Props) {
  const { item, query, isTarget, developer } = props;
  const box = useRef<HTMLDivElement>(null);
  useHits(box, isTarget ? query : undefined);
  return (
    <div
      ref={box}
      className={`group/item relative ${isTarget ? 'rounded-xl outline-2 outline-accent/60 outline-offset-4' : ''} ${item.inherited ? 'border-line border-l-2 pl-3 sm:-ml-3.5' : ''}`}
    >
      <Body {...props} />
      {developer && <Developer {...props} />}
    </div>
  );
});

function Body({ session, item, query, isTarget, onWhole, onCopy, onFork, onReview, stretchFrom }: Props) {
  const load = () => onWhole(item.key);
  switch (item.kind) {
    case 'prompt':
      return (
        <article aria-label="Prompt" data-stop tabIndex={-1} className="my-4 rounded-xl bg-sunken px-4 py-3">
          <Head item={item} who="You" onCopy={onCopy} onFork={onFork} onReview={onReview} stretchFrom={stretchFrom} />
          <Said item={item} query={query} />
          <Pictures session={session} item={item} />
          <More item={item} load={load} />
        </article>
      );
    case 'answer':
      return (
        <article aria-label="Answer" data-stop tabIndex={-1} className="py-2.5">
          <Head item={item} onCopy={onCopy} onReview={onReview} stretchFrom={stretchFrom} />
          <Said item={item} query={query} />
          <Pictures session={session} item={item} />
          <More item={item} load={load} />
        </article>
      );
    case 'tool':
      return item.tool ? (
        <ToolLine
          session={session}
          item={item}
          tool={item.tool}
          isOpen={isTarget || item.tool.action.type === 'todo'}
          onWhole={load}
          onReview={() => onReview(item)}
        />
      ) : null;
    case 'compaction':
      return (
        <Rule icon={<Shrink className="size-3.5" aria-hidden />} words="The history was summed up here">
          {item.text && <Plain text={item.text} className="text-ink-2" />}
        </Rule>
      );
    case 'error':
      return (
        <div
          role="note"
          aria-label="Error"
          data-stop
          tabIndex={-1}
          className="my-2 flex gap-2.5 rounded-lg bg-bad-soft px-3.5 py-2.5"
        >
          <CircleAlert className="mt-0.5 size-4 shrink-0 text-bad" aria-hidden />
          <Plain text={item.text || 'The agent reported an error.'} className="min-w-0" />
        </div>
      );
    case 'notice':
      return (
        <p data-stop tabIndex={-1} className="flex gap-2.5 py-1.5 text-ink-3">
          <Info className="mt-0.5 size-4 shrink-0" aria-hidden />
          <span className="min-w-0 [overflow-wrap:anywhere]">{harmless(item.text.slice(0, 2_000))}</span>
        </p>
      );
    case 'reasoning':
      return (
        <Folded
          session={session}
          item={item}
          name="Thought"
          icon={<Brain className="size-4 shrink-0 text-ink-3" aria-hidden />}
          load={load}
          isOpen={isTarget}
        />
      );
    case 'context':
      return (
        <Folded
          session={session}
          item={item}
          name="Context"
          icon={<Layers className="size-4 shrink-0 text-ink-3" aria-hidden />}
          load={load}
          isOpen={isTarget}
        />
      );
    case 'file_change':
      return (
        <Folded
          session={session}
          item={item}
          name="Changed"
          icon={<FilePen className="size-4 shrink-0 text-ink-3" aria-hidden />}
          load={load}
          isOpen={isTarget}
        />
      );
    case 'unknown':
      return (
        <Folded
          session={session}
          item={item}
          name="A record of an unknown kind"
          icon={<ScrollText className="size-4 shrink-0 text-ink-3" aria-hidden />}
          load={load}
          isOpen={isTarget}
        />
      );
    default:
      return item.kind satisfies never;
  }
}

function Head({
  item,
  who,
  onCopy,
  onFork,
  onReview,
  stretchFrom,
}: {
  item: Item;
  who?: string;
  onCopy: ItemActs['onCopy'];
  onFork?: ItemActs['onFork'];
} & Pick<ItemActs, 'onReview' | 'stretchFrom'>) {
  if (stretchFrom !== null) {
    return (
      <div className="flex min-h-7 items-center gap-2 pb-1 text-ink-3 text-xs coarse:min-h-11">
        {who && <span className="font-medium text-ink-2">{who}</span>}
        <time dateTime={item.at ?? undefined} className="tabular-nums">
          {clock(item.at)}
        </time>
        {stretchFrom === item.key ? (
          <span className="ml-auto text-accent">From here</span>
        ) : (
          <Button kind="edge" className="!h-6 !text-2xs ml-auto px-1.5 coarse:!h-10" onClick={() => onReview(item)}>
            Up to here
          </Button>
        )}
      </div>
    );
  }
  return (
    <div className="flex h-5 items-center gap-2 text-ink-3 text-xs">
      {who && <span className="font-medium text-ink-2">{who}</span>}
      <time dateTime={item.at ?? undefined} title={whole(item.at)} className="tabular-nums">
        {clock(item.at)}
      </time>
      {item.model && <span className="truncate">{harmless(item.model)}</span>}
      <span className="relative z-10 ml-auto flex items-center opacity-0 focus-within:opacity-100 group-hover/item:opacity-100 coarse:opacity-100">
        {onFork && (
          <Button className={SMALL} title="A new session from before this prompt" onClick={() => onFork(item)}>
            Fork
          </Button>
        )}
        <Button className={SMALL} title="Have it reviewed by another agent" onClick={() => onReview(item)}>
          Review
        </Button>
        <Button className={SMALL} title={`Copy this ${item.kind} as Markdown`} onClick={() => onCopy(item, 'markdown')}>
          Copy
        </Button>
        <Button className={SMALL} title={`Copy a link to this ${item.kind}`} onClick={() => onCopy(item, 'link')}>
          Link
        </Button>
      </span>
    </div>
  );
}

function Said({ item, query }: { item: Item; query: string | undefined }) {
  if (item.unreadable && item.text === '')
    return <p className="text-ink-3 italic">The record can’t be read any more.</p>;
  return (
    <div className="pt-0.5">
      <Markdown text={item.text} mark={marker(query)} />
    </div>
  );
}

function More({ item, load }: { item: Item; load: () => void }) {
  if (item.truncatedBytes === undefined) return null;
  return (
    <Button kind="edge" className="mt-2" onClick={load}>
      Load all, {bytes(item.truncatedBytes)} more
    </Button>
  );
}

/** The beginning of a text, without the marks of Markdown around it. */
function firstLine(text: string): string {
  const line = text.trim().split('\n')[0]?.slice(0, 200) ?? '';
  return line.replace(/^#+\s+/, '').replace(/\*\*|`/g, '');
}

function Folded({
  session,
  item,
  name,
  icon,
  load,
  isOpen,
}: {
  session: string;
  item: Item;
  name: string;
  icon: React.ReactNode;
  load: () => void;
  isOpen: boolean;
}) {
  const [open, setOpen] = useOpen(isOpen);
  const first = firstLine(item.text);
  return (
    <Fold
      icon={icon}
      head={
        <>
          {name} <span className="text-ink-3">{harmless(first)}</span>
        </>
      }
      open={open}
      onToggle={() => setOpen(!open)}
    >
      <Plain text={item.text || 'It is kept encrypted, or empty.'} className="text-ink-2" />
      <Pictures session={session} item={item} />
      <More item={item} load={load} />
    </Fold>
  );
}

/** A line across with words in it. */
export function Rule({
  icon,
  words,
  children,
}: {
  icon: React.ReactNode;
  words: React.ReactNode;
  children?: React.ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <div className="my-5">
      <div className="flex items-center gap-3 text-ink-3 text-xs">
        <span className="h-px flex-1 bg-line" />
        {icon}
        {children ? (
          <button
            type="button"
            aria-expanded={open}
            onClick={() => setOpen(!open)}
            className="hover:text-ink coarse:min-h-11"
          >
            {words}
          </button>
        ) : (
          <span>{words}</span>
        )}
        <span className="h-px flex-1 bg-line" />
      </div>
      {open && <div className="pt-3">{children}</div>}
    </div>
  );
}

function Developer({ item, onRecord }: Props) {
  const { usage } = item;
  return (
    <div className="flex flex-wrap items-center gap-x-3 pb-1 pl-[26px] font-mono text-2xs text-ink-3 max-sm:pl-0">
      <span>#{item.key}</span>
      <span>{item.kind}</span>
      {usage && (
        <span>
          {short(totalTokens(usage))} tokens: {short(usage.inputTokens)} in, {short(usage.cachedInputTokens)} cached,{' '}
          {short(usage.outputTokens)} out
        </span>
      )}
      <span className="max-w-96 truncate" title={item.raw.path}>
        {item.raw.offset}+{item.raw.length}
      </span>
      <button
        type="button"
        className="text-accent hover:underline coarse:min-h-11 coarse:min-w-11"
        onClick={() => onRecord(item)}
      >
        record
      </button>
    </div>
  );
}

/** What a session came to, for its head. */
export function cost(micro: number): string {
  return micro > 0 ? dollars(micro) : '';
}

import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Code2, Ellipsis, ListTree, Search } from 'lucide-react';
import { type ReactNode, useCallback, useMemo, useRef, useState } from 'react';
import { flushSync } from 'react-dom';
import type { Item } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Dialog } from '../../components/ui/dialog';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Menu, MenuItem } from '../../components/ui/menu';
import { say } from '../../components/ui/toast';
import { useActs } from '../../lib/acts';
import { copy } from '../../lib/clipboard';
import { harmless } from '../../lib/harmless';
import { usePageTitle } from '../../lib/page-title';
import { set, useSettings } from '../../lib/settings';
import { useSwipeBack } from '../../lib/swipe';
import { titleOf } from '../../lib/titles';
import { Directory } from './action';
import { asMarkdown, itemAsMarkdown } from './as-markdown';
import { FindBar } from './find-bar';
import { HandoffDialog } from './handoff-dialog';
import { OutlineView } from './outline-view';
import { readAll, transcript } from './queries';
import { RecordDialog } from './record-dialog';
import { RenameDialog, useSessionActs } from './session-acts';
import { SessionHead } from './session-head';
import { Totals } from './totals';
import { type Goal, type TranscriptHandle, TranscriptList } from './transcript-list';
import { useTranscript } from './use-transcript';

interface Props {
  id: string;
  at?: string | undefined;
  query?: string | undefined;
  /** What stands below the transcript. */
  footer?: ReactNode;
  /** What stands in its head. */
  more?: ReactNode;
  /** What stands beside it, instead of the outline. */
  aside?: ReactNode;
  /** Has an item reviewed, or what was answered last. */
  onReview: (item: Item | null) => void;
  /** A stretch to be reviewed begins here. */
  stretchFrom: string | null;
  onBack: () => void;
}

const MISSING = 'A session that ended before anything was said leaves no transcript; others were deleted.';
const NOT_COPIED = 'The browser does not let anything be copied';

/** One session: what was said and done, from its end or from a place. */
export function TranscriptPage({ id, at, query, footer, more, aside, onReview, stretchFrom, onBack }: Props) {
  const detail = useQuery(transcript.detail(id));
  usePageTitle(detail.data ? titleOf(detail.data.session) : 'A session');
  const outline = useQuery(transcript.outline(id, detail.data?.items ?? 0));
  const read = useTranscript(id, at ? { around: at } : { at: 'end' });
  const list = useRef<TranscriptHandle>(null);
  const [goal, setGoal] = useState<Goal>({ at: at ?? 'end' });
  const [finding, setFinding] = useState<string | null>(null);
  const [sheet, setSheet] = useState<'outline' | 'files' | null>(null);
  const [record, setRecord] = useState<Item | null>(null);
  const [reading, setReading] = useState<string | null>(null);
  const { developer } = useSettings();
  const { open } = read;

  const part = useRef(read.part);
  part.current = read.part;
  const jump = useCallback(
    (key: string) => {
      setGoal({ at: key });
      setSheet(null);
      if (!part.current?.items.some((item) => item.key === key)) open({ around: key });
    },
    [open],
  );
  const toStart = () => {
    setGoal({ at: 'start' });
    if (read.part?.previous !== null) open({ at: 'start' });
  };
  const toEnd = () => {
    setGoal({ at: 'end' });
    if (read.part?.next !== null) open({ at: 'end' });
  };
  const step = (by: number, isWanted: (kind: string) => boolean) => {
    const marks = outline.data?.marks.filter((mark) => isWanted(mark.kind)) ?? [];
    const here = list.current?.reading() ?? null;
    const next =
      by > 0
        ? marks.find((mark) => here !== null && compareKeys(mark.key, here) > 0)
        : marks.findLast((mark) => here !== null && compareKeys(mark.key, here) < 0);
    if (next) jump(next.key);
  };
  const isBad = (kind: string) => kind === 'error' || kind === 'failed_tool';
  const copyAll = async () => {
    if (!detail.data) return;
    const { items, isAll } = await readAll(id).catch(() => ({ items: [], isAll: false }));
    const isDone = items.length > 0 && (await copy(asMarkdown(detail.data.session, items)));
    const what = isAll ? `${items.length} items` : `the first ${items.length} items`;
    say(isDone ? `Copied ${what} as Markdown` : NOT_COPIED);
  };
  useActs({
    previousPrompt: () => step(-1, (kind) => kind === 'prompt'),
    nextPrompt: () => step(1, (kind) => kind === 'prompt'),
    previousError: () => step(-1, isBad),
    nextError: () => step(1, isBad),
    // What is typed next belongs into the field.
    find: () => flushSync(() => setFinding(finding ?? '')),
    end: toEnd,
    records: () => set({ developer: !developer }),
    copy: copyAll,
    back: onBack,
    leave: () => (finding !== null ? setFinding(null) : onBack()),
  });
  const { act, handOver } = useSessionActs(id);
  const [isRenaming, setRenaming] = useState(false);
  const [isHandingOver, setHandingOver] = useState(false);
  const navigate = useNavigate();
  const fork = useCallback(
    async (before?: string) => {
      const done = await act({ act: 'fork', ...(before ? { before } : {}) });
      if (done?.makes) void navigate({ to: '/s/$id', params: { id: done.makes } });
    },
    [act, navigate],
  );
  useSwipeBack(onBack);
  const onCopy = useCallback(
    async (item: Item, what: 'markdown' | 'link') => {
      const link = `${location.origin}/s/${encodeURIComponent(id)}?at=${item.key}`;
      const isDone = await copy(what === 'link' ? link : itemAsMarkdown(item));
      say(isDone ? (what === 'link' ? 'Copied the link' : 'Copied as Markdown') : NOT_COPIED);
    },
    [id],
  );
  const onFork = useCallback((item: Item) => void fork(item.key), [fork]);
  const acts = useMemo(
    () => ({ onWhole: read.loadWhole, onRecord: setRecord, onCopy, onFork, onReview, stretchFrom }),
    [read.loadWhole, onCopy, onFork, onReview, stretchFrom],
  );

  if (detail.error) return <Failed error={detail.error} missing={MISSING} retry={() => void detail.refetch()} />;
  if (read.error && !read.part)
    return <Failed error={read.error} retry={() => open(at ? { around: at } : { at: 'end' })} />;
  if (!detail.data || !read.part) return <Skeleton lines={10} />;
  const { session } = detail.data;
  return (
    <div className={`flex justify-center gap-10 px-6 max-sm:px-4 ${aside ? 'lg:pr-0' : ''}`}>
      <div className="flex min-h-dvh w-full min-w-0 max-w-[760px] flex-col pb-10 max-sm:min-h-[calc(100dvh-3.5rem)]">
        <SessionHead
          detail={detail.data}
          onBack={onBack}
          more={more}
          acts={
            <>
              <Button icon={Search} label="Find within (/)" onClick={() => setFinding(finding ?? '')} />
              <Button icon={ListTree} label="Outline" className="xl:hidden" onClick={() => setSheet('outline')} />
              <Button
                icon={Code2}
                label="Records and usage (d)"
                aria-pressed={developer}
                className="max-sm:hidden aria-pressed:text-accent"
                onClick={() => set({ developer: !developer })}
              />
              <Menu label="More" button={(props) => <Button icon={Ellipsis} label="More" {...props} />}>
                {(close) => {
                  const choose = (act: () => unknown) => () => {
                    act();
                    close();
                  };
                  return (
                    <>
                      {session.kind === 'main' && !session.missing && (
                        <>
                          <MenuItem needs="approve" onClick={choose(() => setRenaming(true))}>
                            Rename
                          </MenuItem>
                          <MenuItem needs="approve" onClick={choose(() => fork())}>
                            Fork from the end
                          </MenuItem>
                          <MenuItem needs="approve" onClick={choose(() => setHandingOver(true))}>
                            Hand over to another agent
                          </MenuItem>
                          <MenuItem onClick={choose(() => onReview(null))}>Review the last answer with…</MenuItem>
                          <MenuItem
                            needs="approve"
                            onClick={choose(() => act({ act: session.archived ? 'unarchive' : 'archive' }))}
                          >
                            {session.archived ? 'Unarchive' : 'Archive'}
                          </MenuItem>
                          <MenuItem
                            needs="approve"
                            onClick={choose(async () => (await act({ act: 'delete' })) && onBack())}
                          >
                            <span className="text-bad">Delete</span>
                          </MenuItem>
                          <hr className="my-1 border-line" />
                        </>
                      )}
                      <MenuItem onClick={choose(copyAll)}>Copy this session as Markdown</MenuItem>
                      <MenuItem onClick={choose(async () => say((await copy(id)) ? 'Copied the id' : 'Not copied'))}>
                        Copy the id
                      </MenuItem>
                      <MenuItem
                        onClick={choose(async () =>
                          say((await copy(`marline resume ${id}`)) ? 'Copied the command' : 'Not copied'),
                        )}
                      >
                        Copy the resume command
                      </MenuItem>
                      <MenuItem onClick={choose(() => setSheet('files'))}>Files it touched</MenuItem>
                      <MenuItem onClick={choose(() => set({ developer: !developer }))} hint="d">
                        {developer ? 'Hide records and usage' : 'Show records and usage'}
                      </MenuItem>
                      <MenuItem onClick={choose(toStart)}>To the beginning</MenuItem>
                      <MenuItem onClick={choose(toEnd)} hint="G">
                        To the end
                      </MenuItem>
                    </>
                  );
                }}
              </Menu>
            </>
          }
        />
        {read.part.warnings.map((warning) => (
          <p key={warning} className="my-2 rounded-lg bg-sunken px-3.5 py-2.5 text-warn">
            {harmless(warning)}
          </p>
        ))}
        {read.part.items.length === 0 ? (
          <Notice title="Nothing was said here">
            <p>The session was begun, and nothing followed.</p>
          </Notice>
        ) : (
          <Directory value={session.cwd}>
            <TranscriptList
              ref={list}
              session={id}
              origin={session.forkedFromId}
              part={read.part}
              goal={goal}
              query={finding || query}
              developer={developer}
              acts={acts}
              onBefore={read.loadBefore}
              onAfter={read.loadAfter}
              onEnd={toEnd}
              onReading={setReading}
            />
          </Directory>
        )}
        {read.part.next === null && read.part.items.length > 0 && <Totals session={session} />}
        {footer}
      </div>
      {aside ?? (
        <aside aria-label="Outline" className="sticky top-0 h-dvh w-60 shrink-0 overflow-y-auto py-6 max-xl:hidden">
          {outline.data && (
            <OutlineView outline={outline.data} at={currentMark(outline.data.marks, reading)} onJump={jump} />
          )}
        </aside>
      )}
      {finding !== null && (
        <FindBar id={id} query={finding} onChange={setFinding} onJump={jump} onClose={() => setFinding(null)} />
      )}
      {isRenaming && (
        <RenameDialog
          session={session}
          onName={(name) => {
            setRenaming(false);
            void act({ act: 'rename', name });
          }}
          onClose={() => setRenaming(false)}
        />
      )}
      {isHandingOver && (
        <HandoffDialog
          session={session}
          onHandOver={async (request) => {
            const done = await handOver(request);
            setHandingOver(false);
            if (done?.makes) void navigate({ to: '/s/$id', params: { id: done.makes } });
          }}
          onClose={() => setHandingOver(false)}
        />
      )}
      {record && <RecordDialog session={id} item={record} onClose={() => setRecord(null)} />}
      {sheet === 'outline' && outline.data && (
        <Dialog title="Outline" place="sheet" onClose={() => setSheet(null)}>
          <div className="p-4">
            <OutlineView outline={outline.data} at={currentMark(outline.data.marks, reading)} onJump={jump} />
          </div>
        </Dialog>
      )}
      {sheet === 'files' && (
        <FilesSheet
          id={id}
          onClose={() => setSheet(null)}
          onFind={(path) => {
            setSheet(null);
            setFinding(`"${path}"`);
          }}
        />
      )}
    </div>
  );
}

/** Orders items as a transcript shows them: what lies further back comes first. */
export function compareKeys(a: string, b: string): number {
  const parts = (key: string) => {
    const [left, right] = key.split('.');
    return right === undefined ? [0, Number(left)] : [Number(left), Number(right)];
  };
  const [backA = 0, seqA = 0] = parts(a);
  const [backB = 0, seqB = 0] = parts(b);
  return backB - backA || seqA - seqB;
}

function currentMark(marks: { key: string; kind: string }[], reading: string | null): string | null {
  if (reading === null) return null;
  return marks.findLast((mark) => mark.kind === 'prompt' && compareKeys(mark.key, reading) <= 0)?.key ?? null;
}

function FilesSheet({ id, onClose, onFind }: { id: string; onClose: () => void; onFind: (path: string) => void }) {
  const files = useQuery(transcript.files(id));
  return (
    <Dialog title="Files it touched" place="sheet" onClose={onClose}>
      <ul className="p-2">
        {files.data?.files.map((file) => (
          <li key={file.path}>
            <button
              type="button"
              onClick={() => onFind(file.path)}
              className="flex w-full items-baseline justify-between gap-4 rounded-md px-2 py-1.5 text-left hover:bg-hover coarse:min-h-11"
            >
              <code className="min-w-0 font-mono text-xs [overflow-wrap:anywhere]">{harmless(file.path)}</code>
              <span className="shrink-0 text-ink-3 text-xs tabular-nums">
                {file.writes > 0 && `${file.writes} changed `}
                {file.reads > 0 && `${file.reads} read`}
              </span>
            </button>
          </li>
        ))}
        {files.data?.files.length === 0 && <li className="px-2 py-6 text-ink-3">No tool named a file.</li>}
      </ul>
    </Dialog>
  );
}

import type { DiffLine, FileDiff } from '../../api/types';
import { Segmented } from '../../components/ui/segmented';
import { harmless } from '../../lib/harmless';
import { set, useSettings } from '../../lib/settings';

type Hunk = FileDiff['hunks'][number];

const CHANGES = { create: 'new', edit: 'changed', delete: 'deleted', move: 'moved' } as const;
const COLOURS = { ' ': '', '+': 'bg-good-soft', '-': 'bg-bad-soft' } as const;
const NAMES = { ' ': '', '+': 'added', '-': 'removed' } as const;

/** Changes of files. */
export function Diffs({ files }: { files: FileDiff[] }) {
  const { diff } = useSettings();
  return (
    <div className="space-y-3">
      {files.map((file) => (
        <figure key={file.path}>
          <figcaption className="flex flex-wrap items-center gap-x-3 gap-y-1 pb-1.5 text-xs">
            <code className="min-w-0 [overflow-wrap:anywhere] font-mono">
              {harmless(file.path)}
              {file.movedTo && ` → ${harmless(file.movedTo)}`}
            </code>
            <span className="text-ink-3">{CHANGES[file.change]}</span>
            <span className="text-good tabular-nums">+{file.added}</span>
            <span className="text-bad tabular-nums">−{file.removed}</span>
            {file.change === 'edit' && (
              <span className="ml-auto max-md:hidden">
                <Segmented
                  label="How changes are shown"
                  value={diff}
                  onChange={(value) => set({ diff: value })}
                  options={[
                    { value: 'unified', label: 'Unified' },
                    { value: 'split', label: 'Side by side' },
                  ]}
                />
              </span>
            )}
          </figcaption>
          <div
            role="region"
            aria-label={`Changes of ${file.path}`}
            className="max-h-[60vh] relative overflow-auto rounded-lg bg-sunken py-2 font-mono text-[12.5px] leading-5"
          >
            {file.hunks.map((hunk, n) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: The places of a change don't move.
              <div key={n} className={n > 0 ? 'mt-2 border-line border-t pt-2' : ''}>
                {diff === 'split' && file.change === 'edit' ? (
                  <>
                    <div className="max-md:hidden">
                      <Split hunk={hunk} />
                    </div>
                    <div className="md:hidden">
                      <Unified hunk={hunk} />
                    </div>
                  </>
                ) : (
                  <Unified hunk={hunk} />
                )}
              </div>
            ))}
            {file.hunks.length === 0 && <p className="px-3.5 text-ink-3">Nothing in it is recorded.</p>}
            {file.truncated && <p className="px-3.5 pt-2 text-ink-3">The rest is too long to be shown.</p>}
          </div>
        </figure>
      ))}
    </div>
  );
}

/** A line and its numbers before and after; null where that is not known, or it does not stand there. */
export interface Numbered {
  line: DiffLine;
  old: number | null;
  new: number | null;
}

/** Numbers the lines of a place from where it begins, as far as that is recorded. */
export function numbered(hunk: Hunk): Numbered[] {
  let [old, next] = [hunk.oldStart, hunk.newStart];
  return hunk.lines.map((line) => ({
    line,
    old: hunk.oldStart > 0 && line.op !== '+' ? old++ : null,
    new: hunk.newStart > 0 && line.op !== '-' ? next++ : null,
  }));
}

function LineNumber({ number, width }: { number: number | null; width: number }) {
  return (
    <span
      className="shrink-0 select-none pr-3 text-right text-ink-3"
      style={{ width: `calc(${width}ch + 12px)` }}
      aria-hidden
    >
      {number}
    </span>
  );
}

/** How wide the numbers of a place are; 0 where none is known. */
const widthOf = (lines: Numbered[]) =>
  Math.max(0, ...lines.slice(-2).flatMap((at) => [at.old, at.new].map((n) => (n === null ? 0 : `${n}`.length))));

function Line({
  at,
  numbers,
  width,
}: {
  at: Numbered | undefined;
  numbers: readonly ('old' | 'new')[];
  width: number;
}) {
  if (!at) return <div className="bg-line/40">&nbsp;</div>;
  const { line } = at;
  return (
    <div className={`relative flex min-w-fit px-3.5 ${COLOURS[line.op]}`}>
      {width > 0 && numbers.map((side) => <LineNumber key={side} number={at[side]} width={width} />)}
      <span className="w-4 shrink-0 select-none text-ink-3" aria-hidden>
        {line.op}
      </span>
      {NAMES[line.op] && <span className="sr-only">{NAMES[line.op]}: </span>}
      <span className="whitespace-pre">{harmless(line.text) || ' '}</span>
    </div>
  );
}

const BOTH = ['old', 'new'] as const;
const OLD = ['old'] as const;
const NEW = ['new'] as const;

function Unified({ hunk }: { hunk: Hunk }) {
  const lines = numbered(hunk);
  const width = widthOf(lines);
  // A file that was written as a whole has no lines before.
  const sides = hunk.oldStart > 0 ? BOTH : NEW;
  // biome-ignore lint/suspicious/noArrayIndexKey: Lines of a change don't move.
  return lines.map((at, n) => <Line key={n} at={at} numbers={sides} width={width} />);
}

/** Lines side by side: what was taken away beside what was put in for it. */
export function pairs(lines: Numbered[]): [Numbered | undefined, Numbered | undefined][] {
  const out: [Numbered | undefined, Numbered | undefined][] = [];
  let gone: Numbered[] = [];
  let come: Numbered[] = [];
  const flush = () => {
    for (let n = 0; n < Math.max(gone.length, come.length); n++) out.push([gone[n], come[n]]);
    [gone, come] = [[], []];
  };
  for (const at of lines) {
    if (at.line.op === '-') gone.push(at);
    else if (at.line.op === '+') come.push(at);
    else {
      flush();
      out.push([at, at]);
    }
  }
  flush();
  return out;
}

function Split({ hunk }: { hunk: Hunk }) {
  const lines = numbered(hunk);
  const width = widthOf(lines);
  return (
    <div className="grid grid-cols-2">
      {pairs(lines).map(([left, right], n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Lines of a change don't move.
        <div key={n} className="contents">
          <div className="overflow-hidden border-line border-r">
            <Line at={left} numbers={OLD} width={width} />
          </div>
          <div className="overflow-hidden">
            <Line at={right} numbers={NEW} width={width} />
          </div>
        </div>
      ))}
    </div>
  );
}

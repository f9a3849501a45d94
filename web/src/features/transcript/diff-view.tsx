import type { DiffLine, FileDiff } from '../../api/types';
import { Segmented } from '../../components/ui/segmented';
import { harmless } from '../../lib/harmless';
import { set, useSettings } from '../../lib/settings';

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
                      <Split lines={hunk.lines} />
                    </div>
                    <div className="md:hidden">
                      <Unified lines={hunk.lines} />
                    </div>
                  </>
                ) : (
                  <Unified lines={hunk.lines} />
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

function Line({ line }: { line: DiffLine | undefined }) {
  if (!line) return <div className="bg-line/40">&nbsp;</div>;
  return (
    <div className={`relative flex min-w-fit px-3.5 ${COLOURS[line.op]}`}>
      <span className="w-4 shrink-0 select-none text-ink-3" aria-hidden>
        {line.op}
      </span>
      {NAMES[line.op] && <span className="sr-only">{NAMES[line.op]}: </span>}
      <span className="whitespace-pre">{harmless(line.text) || ' '}</span>
    </div>
  );
}

function Unified({ lines }: { lines: DiffLine[] }) {
  // biome-ignore lint/suspicious/noArrayIndexKey: Lines of a change don't move.
  return lines.map((line, n) => <Line key={n} line={line} />);
}

/** Lines side by side: what was taken away beside what was put in for it. */
export function pairs(lines: DiffLine[]): [DiffLine | undefined, DiffLine | undefined][] {
  const out: [DiffLine | undefined, DiffLine | undefined][] = [];
  let gone: DiffLine[] = [];
  let come: DiffLine[] = [];
  const flush = () => {
    for (let n = 0; n < Math.max(gone.length, come.length); n++) out.push([gone[n], come[n]]);
    [gone, come] = [[], []];
  };
  for (const line of lines) {
    if (line.op === '-') gone.push(line);
    else if (line.op === '+') come.push(line);
    else {
      flush();
      out.push([line, line]);
    }
  }
  flush();
  return out;
}

function Split({ lines }: { lines: DiffLine[] }) {
  return (
    <div className="grid grid-cols-2">
      {pairs(lines).map(([left, right], n) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Lines of a change don't move.
        <div key={n} className="contents">
          <div className="overflow-hidden border-line border-r">
            <Line line={left} />
          </div>
          <div className="overflow-hidden">
            <Line line={right} />
          </div>
        </div>
      ))}
    </div>
  );
}

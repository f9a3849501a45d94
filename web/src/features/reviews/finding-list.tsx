import type { ReviewFinding } from '../../api/types';
import { Plain } from '../../components/ui/plain';
import { harmless } from '../../lib/harmless';
import { SeverityMark } from './severity';

interface Props {
  findings: ReviewFinding[];
  /** Which are chosen, by their places; nothing: they can't be. */
  chosen?: ReadonlySet<number>;
  onChoose?: (at: number) => void;
}

/** What a reviewer found, the worst first. All of it is an agent's text. */
export function FindingList({ findings, chosen, onChoose }: Props) {
  return (
    <ol className="divide-y divide-line border-line border-y" aria-label="Findings">
      {findings.map((finding, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: Their place is what they are known by.
        <li key={at} className="py-2.5">
          <Row
            finding={finding}
            number={at + 1}
            isChosen={chosen?.has(at)}
            onChoose={onChoose && (() => onChoose(at))}
          />
        </li>
      ))}
    </ol>
  );
}

function Row({
  finding,
  number,
  isChosen,
  onChoose,
}: {
  finding: ReviewFinding;
  number: number;
  isChosen: boolean | undefined;
  onChoose: (() => void) | undefined;
}) {
  const words = (
    <div className="min-w-0 flex-1 space-y-0.5">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-0.5">
        <SeverityMark severity={finding.severity} />
        {finding.file && (
          <code className="font-mono text-ink-2 text-xs [overflow-wrap:anywhere]">
            {harmless(finding.file)}
            {finding.line !== undefined && `:${finding.line}`}
          </code>
        )}
        {!finding.file && finding.line !== undefined && (
          <span className="text-ink-2 text-xs tabular-nums">line {finding.line}</span>
        )}
      </p>
      <Plain text={finding.text} className="text-ink" />
    </div>
  );
  if (!onChoose) return words;
  return (
    <label className="flex cursor-pointer items-start gap-2.5 coarse:min-h-11">
      <input
        type="checkbox"
        checked={isChosen ?? false}
        onChange={onChoose}
        aria-label={`Finding ${number}, ${finding.severity}`}
        className="mt-0.5 size-4 shrink-0 accent-accent"
      />
      {words}
    </label>
  );
}

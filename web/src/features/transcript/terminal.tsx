import { useMemo, useState } from 'react';
import { runs } from '../../lib/ansi';
import { full } from '../../lib/numbers';
import { CopiedBlock } from './code';

const FOLDED = 24;
/** More is shown when asked for. */
const MAX_LENGTH = 200_000;

/** What a command printed. */
export function Terminal({ text, label }: { text: string; label: string }) {
  const [isWhole, setWhole] = useState(false);
  const lines = text.split('\n');
  const isFolded = !isWhole && (lines.length > FOLDED + 4 || text.length > MAX_LENGTH);
  const shown = isFolded ? lines.slice(-FOLDED).join('\n').slice(-MAX_LENGTH) : text;
  const parts = useMemo(() => runs(shown.replace(/\n$/, '')), [shown]);
  return (
    <CopiedBlock text={text}>
      {isFolded && (
        <button
          type="button"
          className="block px-3.5 pt-2.5 text-accent text-xs coarse:min-h-11"
          onClick={() => setWhole(true)}
        >
          Show {full(lines.length - FOLDED)} lines before
        </button>
      )}
      <pre
        role="region"
        aria-label={label}
        className="max-h-[60vh] overflow-auto px-3.5 py-2.5 font-mono text-[12.5px] text-ink-2 leading-5"
      >
        {parts.map((run, n) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: Pieces of an output don't move.
          <span key={n} className={run.look}>
            {run.text}
          </span>
        ))}
      </pre>
    </CopiedBlock>
  );
}

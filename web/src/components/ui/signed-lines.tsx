import { useState } from 'react';
import { harmless } from '../../lib/harmless';
import { full } from '../../lib/numbers';

/** Lines beyond this are shown when asked for. */
const MOST = 300;

type Sign = 'added' | 'removed' | 'place' | 'plain';

const LOOKS: Record<Sign, string> = { added: 'bg-good-soft', removed: 'bg-bad-soft', place: 'text-ink-3', plain: '' };

/** What a line of a change is, by its first character. */
export function signOf(line: string): Sign {
  if (/^(@@|\+\+\+ |--- |diff |index )/.test(line)) return 'place';
  if (line.startsWith('+')) return 'added';
  if (line.startsWith('-')) return 'removed';
  return 'plain';
}

/** A change as an agent wrote it, which may be anything: lines with their signs. */
export function SignedLines({ text, isSmall = false }: { text: string; isSmall?: boolean }) {
  const [isWhole, setWhole] = useState(false);
  const all = text.replace(/\n$/, '').split('\n');
  const lines = isWhole ? all : all.slice(0, MOST);
  return (
    <div>
      <div
        role="region"
        aria-label="The change"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys.
        tabIndex={0}
        className={`relative overflow-auto rounded-lg bg-sunken py-2 font-mono text-[12.5px] leading-5 ${isSmall ? 'max-h-48' : 'max-h-[50vh]'}`}
      >
        {lines.map((line, n) => {
          const sign = signOf(line);
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: Lines of a change don't move.
            <div key={n} className={`w-max min-w-full whitespace-pre px-3 ${LOOKS[sign]}`}>
              {(sign === 'added' || sign === 'removed') && <span className="sr-only">{sign}: </span>}
              {harmless(line) || ' '}
            </div>
          );
        })}
      </div>
      {lines.length < all.length && (
        <button type="button" className="pt-1.5 text-accent text-xs" onClick={() => setWhole(true)}>
          Show all {full(all.length)} lines
        </button>
      )}
    </div>
  );
}

import { useState } from 'react';
import { harmless } from '../../lib/harmless';
import { full } from '../../lib/numbers';

/** How much of a long text is shown before it is asked for. */
const FIRST = 20_000;

/** A text as it stands. */
export function Plain({ text, className = '' }: { text: string; className?: string }) {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > FIRST && !isWhole;
  return (
    <div className={`verbatim whitespace-pre-wrap [overflow-wrap:anywhere] ${className}`}>
      {harmless(isLong ? text.slice(0, FIRST) : text)}
      {isLong && (
        <button type="button" className="mt-2 block text-accent text-sm" onClick={() => setWhole(true)}>
          Show all {full(text.length)} characters
        </button>
      )}
    </div>
  );
}

import { Check, Copy } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { copy } from '../../lib/clipboard';
import { harmless } from '../../lib/harmless';
import { full } from '../../lib/numbers';
import { useHighlighted } from './highlight';

/** Lines beyond this are shown when asked for. */
const MAX_LINES = 400;

/** A block of code. */
export function Code({ code, language }: { code: string; language?: string | undefined }) {
  const [isWhole, setWhole] = useState(false);
  const all = code.split('\n');
  const isLong = all.length > MAX_LINES && !isWhole;
  const shown = harmless(isLong ? all.slice(0, MAX_LINES).join('\n') : code);
  const lines = useHighlighted(shown, language);
  return (
    <CopiedBlock text={code}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: What scrolls must be reached by keys. */}
      <pre tabIndex={0} className="overflow-x-auto px-3.5 py-3 font-mono text-[12.5px] leading-5">
        <code>
          {lines
            ? lines.map((line, n) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: Lines of a text don't move.
                <span key={n}>
                  {line.map(([text, colour], m) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: Nor do its pieces.
                    <span key={m} style={colour ? { color: colour } : {}}>
                      {text}
                    </span>
                  ))}
                  {'\n'}
                </span>
              ))
            : shown}
        </code>
      </pre>
      {isLong && (
        <button type="button" className="px-3.5 pb-3 text-accent text-xs" onClick={() => setWhole(true)}>
          Show all {full(all.length)} lines
        </button>
      )}
    </CopiedBlock>
  );
}

/** A block that can be copied: by a button that appears when it is pointed at, and where fingers point, has room of its own. */
export function CopiedBlock({ text, children }: { text: string; children: ReactNode }) {
  return (
    <div className="group/code relative rounded-lg bg-sunken coarse:flex coarse:items-start">
      <div className="min-w-0 coarse:flex-1">{children}</div>
      <CopyButton text={text} />
    </div>
  );
}

function CopyButton({ text }: { text: string }) {
  const [isDone, setDone] = useState(false);
  const Icon = isDone ? Check : Copy;
  return (
    <button
      type="button"
      aria-label="Copy the code"
      title="Copy"
      onClick={async () => {
        setDone(await copy(text));
        setTimeout(() => setDone(false), 1_500);
      }}
      className="absolute top-1.5 right-1.5 rounded-md bg-sunken p-1.5 text-ink-3 opacity-0 coarse:static coarse:grid coarse:size-11 coarse:shrink-0 coarse:place-items-center coarse:opacity-100 hover:text-ink focus-visible:opacity-100 group-hover/code:opacity-100"
    >
      <Icon className="size-3.5" aria-hidden />
    </button>
  );
}

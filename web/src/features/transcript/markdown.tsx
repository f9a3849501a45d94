import { type ReactNode, useState } from 'react';
import ReactMarkdown, { type Components } from 'react-markdown';
import remarkGfm from 'remark-gfm';
import { Plain } from '../../components/ui/plain';
import { harmless } from '../../lib/harmless';
import { Code } from './code';

/** Longer texts, and texts that nest deeper or have more rows, are shown as they stand: reading them would stop the page. */
const MAX_MARKDOWN = 100_000;
const MAX_NESTED = 40;
const MAX_ROWS = 300;
const SAFE = /^(https?:|mailto:)/i;

const parts: Components = {
  // A picture of somebody else's server would tell it that the text was read.
  img: ({ alt, src }) => (
    <span className="text-ink-2">
      [picture{alt ? `: ${alt}` : ''}] <code>{String(src ?? '')}</code>
    </span>
  ),
  a: ({ href, children }) =>
    href && SAFE.test(href) ? (
      <a href={href} target="_blank" rel="noopener noreferrer nofollow" title={href}>
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  pre: ({ children }) => <>{children}</>,
  code: ({ className, children }) => {
    const text = String(children ?? '');
    const language = /language-(\S+)/.exec(className ?? '')?.[1];
    const isBlock = language !== undefined || text.includes('\n');
    return isBlock ? <Code code={text.replace(/\n$/, '')} language={language} /> : <code>{text}</code>;
  },
  table: ({ children }) => (
    <div className="table-scroll">
      <table>{children}</table>
    </div>
  ),
  input: ({ checked }) => (
    <span role="img" aria-label={checked ? 'done' : 'to do'}>
      {checked ? '☑' : '☐'}
    </span>
  ),
};

/** Says whether a text can be read as Markdown without stopping the page. */
export function isReadable(text: string): boolean {
  if (text.length > MAX_MARKDOWN) return false;
  let rows = 0;
  for (const line of text.split('\n')) {
    if (line.trimStart().startsWith('|') && ++rows > MAX_ROWS) return false;
    const marks = /^[\s>*+-]*/.exec(line)?.[0].replace(/\s/g, '').length ?? 0;
    if (marks > MAX_NESTED && /[^\s>*+-]|>/.test(line)) return false;
  }
  // Brackets and stars without end take time that grows with their square.
  const dense = text.match(/[[\]*_`~<>]/g)?.length ?? 0;
  return dense < 2_000 || dense < text.length / 4;
}

/** What was said, as Markdown. No HTML of its own ever gets into the page. */
export function Markdown({ text, mark }: { text: string; mark?: ((text: string) => ReactNode) | undefined }) {
  const shown = harmless(text);
  const [isForced] = useState(false);
  if (!isForced && !isReadable(shown)) return <Plain text={text} />;
  const components: Components = mark
    ? {
        ...parts,
        p: ({ children }) => <p>{marked(children, mark)}</p>,
        li: ({ children }) => <li>{marked(children, mark)}</li>,
        td: ({ children }) => <td>{marked(children, mark)}</td>,
      }
    : parts;
  return (
    <div className="prose">
      <ReactMarkdown remarkPlugins={[remarkGfm]} components={components} skipHtml={false}>
        {shown}
      </ReactMarkdown>
    </div>
  );
}

function marked(children: ReactNode, mark: (text: string) => ReactNode): ReactNode {
  if (typeof children === 'string') return mark(children);
  if (!Array.isArray(children)) return children;
  // biome-ignore lint/suspicious/noArrayIndexKey: The parts of a paragraph don't move.
  return children.map((child, n) => (typeof child === 'string' ? <span key={n}>{mark(child)}</span> : child));
}

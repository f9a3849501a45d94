import type { Source } from '../../api/types';
import { AGENTS } from '../../lib/agents';

/** Each agent's mark, in a box of 16 by 16; our own drawings. */
const MARKS: Record<Source, string> = {
  claude: 'M8 1.5v13M1.5 8h13M3.4 3.4l9.2 9.2M12.6 3.4l-9.2 9.2',
  codex: 'M8 1.6l5.6 3.2v6.4L8 14.4l-5.6-3.2V4.8zM5.4 6.6L7 8l-1.6 1.4M8.4 9.6h2.4',
  gemini: 'M8 1.2C8.5 5.2 10.8 7.5 14.8 8 10.8 8.5 8.5 10.8 8 14.8 7.5 10.8 5.2 8.5 1.2 8 5.2 7.5 7.5 5.2 8 1.2z',
  opencode: 'M6 2H2.6v12H6M10 2h3.4v12H10M8 6v4',
  qwen: 'M8 1.8a6 6 0 1 0 0 12 6 6 0 1 0 0-12zM10 10l4.2 4.4M8 5.4v3',
};

/** An agent's mark in its hue; `named` writes its name beside it, else the name is its label. */
export function AgentMark({ source, named = false }: { source: Source; named?: boolean }) {
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap" style={{ color: `var(--${source})` }}>
      <svg
        viewBox="0 0 16 16"
        className="size-4 shrink-0"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinecap="round"
        strokeLinejoin="round"
        {...(named ? { 'aria-hidden': true } : { role: 'img', 'aria-label': AGENTS[source] })}
      >
        <path d={MARKS[source]} />
      </svg>
      {named && <span>{AGENTS[source]}</span>}
    </span>
  );
}

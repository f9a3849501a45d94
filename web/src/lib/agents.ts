import type { Source } from '../api/types';

/** How an agent is called. Its hue is the CSS variable of its source's name. */
export const AGENTS: Record<Source, string> = {
  claude: 'Claude Code',
  codex: 'Codex',
  gemini: 'Gemini CLI',
  opencode: 'OpenCode',
  qwen: 'Qwen Code',
};

/** Says whether a word names an agent. */
export function isSource(word: string): word is Source {
  return word in AGENTS;
}

import type { Item, Session } from '../../api/types';
import { sayAction } from './action';

/** A fence that the text can't close. */
function fenced(text: string, language = ''): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}${language}\n${text}\n${fence}`;
}

/** An item as Markdown. */
export function itemAsMarkdown(item: Item): string {
  if (item.tool) {
    const { verb, words } = sayAction(item.tool.action);
    const output = item.tool.output?.trim();
    return `**${verb || item.tool.name}** \`${words.replaceAll('`', "'")}\` (${item.tool.status})${output ? `\n\n${fenced(output)}` : ''}`;
  }
  return item.text;
}

/** A transcript as Markdown: what was said in full, what was done in a line each. */
export function asMarkdown(session: Session, items: Item[]): string {
  const parts = [`# ${session.title ?? session.id}`, `\`${session.id}\`${session.cwd ? ` in \`${session.cwd}\`` : ''}`];
  for (const item of items) {
    if (item.kind === 'prompt') parts.push(`## Prompt\n\n${item.text}`);
    else if (item.kind === 'answer') parts.push(item.text);
    else if (item.tool) {
      const { verb, words } = sayAction(item.tool.action, session.cwd);
      parts.push(`- ${verb || item.tool.name} \`${words.replaceAll('`', "'")}\` (${item.tool.status})`);
    } else if (item.kind === 'compaction') parts.push('---');
    else if (item.kind === 'error') parts.push(`> Error: ${item.text}`);
  }
  return `${parts.join('\n\n')}\n`;
}

import {
  Bot,
  FilePen,
  FileText,
  Globe,
  ListTodo,
  type LucideIcon,
  MessageCircleQuestion,
  Search,
  SquareTerminal,
  Wrench,
} from 'lucide-react';
import { createContext } from 'react';
import type { Action } from '../../api/types';

const ICONS: Record<Action['type'], LucideIcon> = {
  command: SquareTerminal,
  edit: FilePen,
  read: FileText,
  find: Search,
  web: Globe,
  todo: ListTodo,
  agent: Bot,
  ask: MessageCircleQuestion,
  other: Wrench,
};

/** The icon of what a call does. */
export function iconOf(action: Action): LucideIcon {
  return ICONS[action.type];
}

/** The directory that a session works in; paths inside it are told without it. */
export const Directory = createContext<string | null>(null);

/** A path as one says it who stands in a directory. */
export function near(path: string, directory: string | null): string {
  return directory !== null && path.startsWith(`${directory}/`) ? path.slice(directory.length + 1) : path;
}

/** What is said of a call that has no output yet, and may wait for leave: it has done nothing so far. */
const BEGUN: Record<string, string> = {
  Ran: 'To run',
  Wrote: 'To write',
  Changed: 'To change',
  Deleted: 'To delete',
  Read: 'To read',
  'Looked for': 'To look for',
  'Looked up': 'To look up',
};

/** What a call does, in a line. `isCode` where the words are a command, a path or a pattern. */
export function sayAction(action: Action, directory: string | null = null, isPending = false): Said {
  const said = done(action, directory);
  return isPending ? { ...said, verb: BEGUN[said.verb] ?? said.verb } : said;
}

interface Said {
  verb: string;
  words: string;
  isCode: boolean;
}

function done(action: Action, directory: string | null): Said {
  switch (action.type) {
    case 'command':
      return { verb: 'Ran', words: action.command.replace(/\s*\n\s*/g, ' ⏎ '), isCode: true };
    case 'edit': {
      const [first, ...others] = action.files;
      const verb = first?.change === 'create' ? 'Wrote' : first?.change === 'delete' ? 'Deleted' : 'Changed';
      return {
        verb,
        words: `${near(first?.path ?? '', directory)}${others.length > 0 ? ` and ${others.length} more` : ''}`,
        isCode: true,
      };
    }
    case 'read':
      return { verb: 'Read', words: near(action.path, directory), isCode: true };
    case 'find':
      return {
        verb: 'Looked for',
        words: action.path ? `${action.pattern} in ${near(action.path, directory)}` : action.pattern,
        isCode: true,
      };
    case 'web':
      return { verb: 'Looked up', words: action.target, isCode: false };
    case 'todo': {
      const done = action.items.filter((item) => item.status === 'completed').length;
      return { verb: 'Plan', words: `${done} of ${action.items.length} done`, isCode: false };
    }
    case 'agent':
      return { verb: 'Asked a sub-agent', words: action.description, isCode: false };
    case 'ask': {
      const [first, ...others] = action.questions;
      const more = others.length > 0 ? ` and ${others.length} more` : '';
      return { verb: 'Asked you', words: `${first?.question ?? ''}${more}`, isCode: false };
    }
    case 'other':
      return { verb: '', words: action.summary, isCode: false };
    default:
      return action satisfies never;
  }
}

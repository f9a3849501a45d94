import type { Session, Task } from '../../api/types';
import { AGENTS } from '../../lib/agents';
import { harmless } from '../../lib/harmless';
import { titleOf } from '../../lib/titles';

/** The first line that says something. */
export function firstLine(text: string): string {
  const line = text.split('\n').find((line) => line.trim() !== '') ?? '';
  return harmless(line.slice(0, 300).trim());
}

/** What a lane or a result is called: in a group its session, in a queue its prompt. */
export function nameOf(task: Task, isQueue: boolean, sessions: readonly Session[]): string {
  if (isQueue) return firstLine(task.prompt);
  const session = sessions.find(({ id }) => id === task.session);
  // A session that this run began is called after its prompt, as all others of it are.
  return session && !task.isNew ? titleOf(session) : `New session of ${AGENTS[task.source]}`;
}

import type { Member, Source } from '../../api/types';
import { isSource } from '../../lib/agents';

/** The agent that a session's id names. */
export function sourceOf(session: string): Source | null {
  const word = session.split(':', 1)[0] ?? '';
  return isSource(word) ? word : null;
}

/** Sessions as members of a group. */
export function membersOf(sessions: readonly string[]): Member[] {
  return sessions.flatMap((session) => {
    const source = sourceOf(session);
    return source ? [{ source, session }] : [];
  });
}

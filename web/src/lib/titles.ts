import type { Session } from '../api/types';
import { harmless } from './harmless';

/** A session's title, whatever it has for one. */
export function titleOf(session: Pick<Session, 'title' | 'firstPrompt'>): string {
  return harmless(session.title ?? session.firstPrompt?.split('\n')[0] ?? 'Untitled');
}

import type { LiveEntry } from '../../api/types';
import { needsYou } from './queries';

/** The states that sessions are shown under, in the order in which they ask for a person. */
export const PARTS: { title: string; isRare?: boolean; isIn: (entry: LiveEntry) => boolean }[] = [
  { title: 'Needs you', isIn: ({ live }) => needsYou(live) },
  { title: 'Working', isIn: ({ live }) => live.state === 'working' || live.state === 'starting' },
  { title: 'Waits for a prompt', isIn: ({ live }) => live.state === 'idle' },
  { title: 'Not known', isRare: true, isIn: ({ live }) => live.state === 'unknown' },
];

/** Sessions by project: those first in which somebody is waited for, then by name. */
export function inLanes(sessions: readonly LiveEntry[]): { project: string; entries: LiveEntry[] }[] {
  const lanes = new Map<string, LiveEntry[]>();
  for (const entry of sessions) {
    const project = entry.session?.project ?? entry.live.cwd?.split('/').pop() ?? 'Elsewhere';
    lanes.set(project, [...(lanes.get(project) ?? []), entry]);
  }
  const waits = (entries: LiveEntry[]) => (entries.some(({ live }) => needsYou(live)) ? 0 : 1);
  return [...lanes]
    .map(([project, entries]) => ({ project, entries }))
    .sort((one, other) => waits(one.entries) - waits(other.entries) || one.project.localeCompare(other.project));
}

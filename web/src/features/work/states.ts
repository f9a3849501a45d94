// How prompts and runs stand, as people say it.

import type { Run, Task, TaskCounts } from '../../api/types';
import type { State } from '../../components/ui/state-mark';
import { many } from '../../lib/numbers';
import { took } from '../../lib/time';

/** How a prompt stands; `asks` where its agent waits for an answer. */
export function stateOf(task: Task, asks = false): State {
  if (task.status === 'running' && asks) return 'asks';
  if (task.status === 'pending') {
    if (task.isManual) return 'manual';
    if (task.notBefore !== undefined) return 'limited';
  }
  return task.status;
}

export function isOver(task: Task): boolean {
  return task.status !== 'pending' && !isHeld(task);
}

/** An agent is at it, or is about to begin. */
export function isHeld(task: Task): boolean {
  return task.status === 'claimed' || task.status === 'running';
}

/** How long a prompt took. */
export function durationOf(task: Task): string {
  if (task.startedAt === undefined || task.completedAt === undefined) return '';
  return took(Date.parse(task.completedAt) - Date.parse(task.startedAt));
}

/** There is something to be seen of it: an agent had it, or it failed before one could. */
export function hasBegun(task: Task): boolean {
  return task.startedAt !== undefined || (task.status !== 'pending' && task.status !== 'cancelled');
}

/** How a run stands, or what came of it. */
export function stateOfRun(run: Run): State {
  if (run.endedAt === undefined) {
    if (run.wish === 'stop') return 'stopping';
    return run.wish === 'pause' ? 'paused' : 'running';
  }
  const { failed, interrupted, cancelled, completed } = run.counts;
  if (failed > 0) return 'failed';
  if (interrupted > 0) return 'interrupted';
  if (cancelled > 0 && completed === 0) return 'cancelled';
  return 'completed';
}

const COUNTED: [keyof TaskCounts, string][] = [
  ['running', 'working'],
  ['pending', 'waiting'],
  ['completed', 'done'],
  ['failed', 'failed'],
  ['interrupted', 'interrupted'],
  ['cancelled', 'cancelled'],
];

/** "2 working, 1 waiting, 5 done". */
export function counted(counts: TaskCounts): string {
  const parts = COUNTED.filter(([name]) => counts[name] > 0).map(([name, word]) => `${counts[name]} ${word}`);
  return parts.length > 0 ? parts.join(', ') : 'nothing yet';
}

export function countsOf(tasks: readonly Task[]): TaskCounts {
  const counts: TaskCounts = { pending: 0, running: 0, completed: 0, failed: 0, interrupted: 0, cancelled: 0 };
  for (const task of tasks) counts[task.status === 'claimed' ? 'running' : task.status]++;
  return counts;
}

/** So many of how many are at their end. */
export function shareOf(counts: TaskCounts): number {
  const over = counts.completed + counts.failed + counts.interrupted + counts.cancelled;
  const all = over + counts.running + counts.pending;
  return all === 0 ? 0 : over / all;
}

/** What a run that goes on does now. */
export function sayRun(run: Run): string {
  if (run.wish === 'stop') return 'Stopping: what runs is interrupted.';
  if (run.wish === 'pause') {
    return run.counts.running > 0
      ? `Paused: ${many(run.counts.running, 'agent')} still finish${run.counts.running === 1 ? 'es' : ''}, and no more begin.`
      : 'Paused: no more begin.';
  }
  return '';
}

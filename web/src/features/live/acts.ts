import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError, post } from '../../api/client';
import type { CommandRequest, Steered } from '../../api/types';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { ofLive, renewLive } from './queries';

/** A command without its key. */
export type Command = CommandRequest extends infer Each
  ? Each extends { key: string }
    ? Omit<Each, 'key'>
    : never
  : never;

/** How a command ended, in words. */
export function saySteered(steered: Steered, command?: Command['command']): string {
  switch (steered.outcome) {
    case 'delivered':
      // That an answer was heard is not yet that the tool ran.
      return `${command === 'approve' ? 'Answered' : 'Done'}: ${harmless(steered.proof)}`;
    case 'refused':
      return `Not done: ${harmless(steered.why)}`;
    case 'unknown':
      return `It is not known whether it came about: ${harmless(steered.seen)}`;
  }
}

/** Why it could not even be tried. */
export function wordsOf(error: Error): string {
  return error instanceof ApiError ? (error.detail ?? error.message) : error.message;
}

/**
 * Steers an agent. Each command bears a key of its own, so that one that is sent twice, by a nervous thumb or a bad network, is
 * done once.
 */
export function useSteer(id: string, onEnd?: (steered: Steered) => void) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: ({ key, ...command }: Command & { key: string }) => post<Steered>(ofLive(id), { ...command, key }),
    retry: (failures, error) => failures < 2 && error instanceof ApiError && error.isOffline,
    onSuccess: (steered, { command }) => {
      say(saySteered(steered, command));
      onEnd?.(steered);
    },
    onError: (error) => say(wordsOf(error)),
    onSettled: () => renewLive(cache),
  });
}

/** A key that no other command has. */
export function newKey(): string {
  return crypto.randomUUID();
}

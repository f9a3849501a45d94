import { useMutation, useQueryClient } from '@tanstack/react-query';
import { ApiError, get, post } from '../../api/client';
import type { ImportedAnswer, Run, Wish } from '../../api/types';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { fileName, saveFile } from '../../lib/save-file';
import { ofRun, renewWork } from './queries';

/** Why something could not be done, in the server's words. */
export function wordsOf(error: Error): string {
  return error instanceof ApiError ? (error.detail ?? error.message) : error.message;
}

/**
 * An act after which what is shown of work is asked for again. A failure is said in passing, but where a dialog, which
 * would hide that, says it itself.
 */
export function useWorkAct<V, T>(
  act: (wanted: V) => Promise<T>,
  onDone?: (done: T, wanted: V) => void,
  failure: 'said' | 'shown' = 'said',
) {
  const cache = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: (done, wanted) => onDone?.(done, wanted),
    onError: (error) => failure === 'said' && say(wordsOf(error)),
    onSettled: () => renewWork(cache),
  });
}

const WISHED: Record<Wish, string> = { run: 'It goes on', pause: 'Paused', stop: 'Stopping' };

/** Pauses, goes on with, or stops a run. */
export function useWish(run: string) {
  return useWorkAct(
    (wish: Wish) => post<Run>(ofRun(run, '/wish'), { wish }),
    (_, wish) => say(WISHED[wish]),
  );
}

/** Hands a group or queue over as a file. */
export async function exportAs(name: string, path: string): Promise<void> {
  try {
    saveFile(`${fileName(name)}.json`, `${JSON.stringify(await get<object>(path), null, 2)}\n`);
  } catch (error) {
    if (error instanceof Error) say(wordsOf(error));
  }
}

/** Takes in groups and queues from a file. */
export function useImport() {
  return useWorkAct(
    async (file: File) => post<ImportedAnswer>('/api/v1/imports', await file.text()),
    ({ names }) =>
      say(
        names.length === 0
          ? 'There was nothing in it'
          : `Taken in: ${names.slice(0, 3).map(harmless).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`,
      ),
  );
}

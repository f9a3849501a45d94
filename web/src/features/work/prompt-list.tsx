import { useState } from 'react';
import { post } from '../../api/client';
import type { Task } from '../../api/types';
import { useWorkAct } from './acts';
import { before, moved } from './order';
import { PromptRow } from './prompt-row';
import { ofPrompt } from './queries';
import { useReorder } from './use-reorder';

/** The prompts that wait, in their order, which people change. */
export function PromptList({ queue, waiting, all }: { queue: string; waiting: readonly Task[]; all: readonly Task[] }) {
  // The order that was asked for, until the server has it.
  const [wanted, setWanted] = useState<readonly string[] | null>(null);
  const [told, setTold] = useState('');
  const place = (task: Task) => {
    const at = wanted?.indexOf(task.id) ?? -1;
    return at < 0 ? Number.MAX_SAFE_INTEGER : at;
  };
  const shown = wanted === null ? waiting : waiting.toSorted((a, b) => place(a) - place(b));
  const move = useWorkAct((wanted: { id: string; before: string | null }) =>
    post<{ prompts: Task[] }>(ofPrompt(queue, wanted.id, '/move'), { before: wanted.before }),
  );
  const onMove = (from: number, to: number) => {
    const task = shown[from];
    if (!task || from === to) return;
    setWanted(moved(shown, from, to).map(({ id }) => id));
    setTold(`Prompt ${task.number} is now at place ${to + 1} of ${shown.length}.`);
    move.mutate({ id: task.id, before: before(shown, from, to) }, { onSettled: () => setWanted(null) });
  };
  const reorder = useReorder(
    shown.map(({ id }) => id),
    onMove,
  );
  return (
    <>
      <p className="sr-only" role="status">
        {told}
      </p>
      <ol ref={reorder.list} aria-label="Prompts that wait" className={reorder.held ? 'select-none' : ''}>
        {shown.map((task, at) => (
          <PromptRow
            key={task.id}
            queue={queue}
            task={task}
            after={all.find(({ id }) => id === task.after)}
            place={{ at, of: shown.length }}
            isHeld={reorder.held === task.id}
            isMoving={reorder.held !== null}
            shift={reorder.shift(at)}
            handle={reorder.handle(task.id)}
            onMove={(to) => onMove(at, to)}
          />
        ))}
      </ol>
    </>
  );
}

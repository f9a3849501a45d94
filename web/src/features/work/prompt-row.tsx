import { Ellipsis, GripVertical, Image } from 'lucide-react';
import { type ComponentProps, useState } from 'react';
import { patch, remove } from '../../api/client';
import type { Task, TaskStatus } from '../../api/types';
import { Button } from '../../components/ui/button';
import { Until } from '../../components/ui/elapsed';
import { Menu, MenuItem } from '../../components/ui/menu';
import { StateMark } from '../../components/ui/state-mark';
import { say } from '../../components/ui/toast';
import { harmless } from '../../lib/harmless';
import { many } from '../../lib/numbers';
import { useWorkAct } from './acts';
import { PromptDialog } from './prompt-dialog';
import { ofPrompt } from './queries';
import { stateOf } from './states';

interface Props {
  queue: string;
  task: Task;
  /** The one that must be completed first. */
  after: Task | undefined;
  place: { at: number; of: number };
  isHeld: boolean;
  isMoving: boolean;
  shift: number;
  handle: ComponentProps<'button'>;
  onMove: (to: number) => void;
}

/** Longer prompts are cut in the list. */
const SHOWN = 1_000;

/** A prompt that waits: it is moved by its handle, and changed by its menu. */
export function PromptRow({ queue, task, after, place, isHeld, isMoving, shift, handle, onMove }: Props) {
  const [isEdited, setEdited] = useState(false);
  return (
    <li
      data-prompt={task.id}
      className={`relative flex items-start gap-2 border-line border-b bg-canvas py-2.5 compact:py-1.5 ${isHeld ? 'z-10 rounded-lg border-transparent bg-raised shadow-float' : isMoving ? 'transition-transform duration-100' : ''}`}
      style={shift !== 0 ? { transform: `translateY(${shift}px)` } : {}}
    >
      <button
        type="button"
        aria-label={`Move prompt ${task.number}; arrow keys move it up and down`}
        title="Drag, or use the arrow keys"
        className="-ml-2 grid h-6 w-6 shrink-0 cursor-grab touch-none place-items-center rounded text-ink-3 hover:text-ink active:cursor-grabbing coarse:-ml-3.5 coarse:-mr-3 coarse:size-11"
        {...handle}
      >
        <GripVertical className="size-4" aria-hidden />
      </button>
      <span className="w-6 shrink-0 pt-0.5 text-right text-ink-3 text-xs tabular-nums coarse:pt-3">{task.number}</span>
      <div className="min-w-0 flex-1 coarse:pt-2.5">
        <p className="line-clamp-3 whitespace-pre-wrap [overflow-wrap:anywhere]">
          {harmless(task.prompt.slice(0, SHOWN))}
        </p>
        <Facts task={task} after={after} />
      </div>
      <PromptMenu queue={queue} task={task} place={place} onMove={onMove} onEdit={() => setEdited(true)} />
      {isEdited && <PromptDialog queue={queue} task={task} onClose={() => setEdited(false)} />}
    </li>
  );
}

function Facts({ task, after }: { task: Task; after: Task | undefined }) {
  const state = stateOf(task);
  if (state === 'pending' && !after && task.images.length === 0 && task.attempt === 0) return null;
  return (
    <p className="mt-1 flex flex-wrap items-center gap-x-3 text-ink-3 text-xs tabular-nums">
      {state !== 'pending' && <StateMark state={state} />}
      {state === 'limited' && task.notBefore !== undefined && (
        <span>
          for <Until time={task.notBefore} />
        </span>
      )}
      {after && <span>after {after.number}</span>}
      {task.images.length > 0 && (
        <span className="inline-flex items-center gap-1">
          <Image className="size-3.5" aria-hidden />
          {many(task.images.length, 'picture')}
        </span>
      )}
      {task.attempt > 0 && <span>begun {many(task.attempt, 'time')} before</span>}
    </p>
  );
}

/** What can be done with a prompt that nobody is at. */
export function usePromptActs(queue: string, task: Task) {
  const change = useWorkAct((wanted: { manual?: boolean; status?: TaskStatus }) =>
    patch<Task>(ofPrompt(queue, task.id), wanted),
  );
  const drop = useWorkAct(
    () => remove(ofPrompt(queue, task.id)),
    () => say(`Prompt ${task.number} removed`),
  );
  return { change: change.mutate, drop: () => drop.mutate(undefined) };
}

function PromptMenu({
  queue,
  task,
  place: { at, of },
  onMove,
  onEdit,
}: Pick<Props, 'queue' | 'task' | 'place' | 'onMove'> & { onEdit: () => void }) {
  const { change, drop } = usePromptActs(queue, task);
  return (
    <span className="-my-1 flex shrink-0 gap-1 coarse:my-0">
      {task.isManual && (
        <Button needs="reply" kind="edge" onClick={() => change({ manual: false })}>
          Release
        </Button>
      )}
      <Menu
        label={`Prompt ${task.number}`}
        button={(props) => <Button needs="reply" icon={Ellipsis} label={`Acts on prompt ${task.number}`} {...props} />}
      >
        {(close) => {
          const choose = (act: () => void) => () => {
            close();
            act();
          };
          return (
            <>
              <MenuItem onClick={choose(onEdit)}>Edit</MenuItem>
              {!task.isManual && (
                <MenuItem onClick={choose(() => change({ manual: true }))}>Wait for a release</MenuItem>
              )}
              <div className="my-1 border-line border-t" />
              {at > 0 && <MenuItem onClick={choose(() => onMove(at - 1))}>Move up</MenuItem>}
              {at < of - 1 && <MenuItem onClick={choose(() => onMove(at + 1))}>Move down</MenuItem>}
              {at > 1 && <MenuItem onClick={choose(() => onMove(0))}>Move to the top</MenuItem>}
              {at < of - 2 && <MenuItem onClick={choose(() => onMove(of - 1))}>Move to the end</MenuItem>}
              {of > 1 && <div className="my-1 border-line border-t" />}
              <MenuItem onClick={choose(() => change({ status: 'cancelled' }))}>Cancel</MenuItem>
              <MenuItem onClick={choose(drop)}>Remove</MenuItem>
            </>
          );
        }}
      </Menu>
    </span>
  );
}

import { Ban, Check, Circle, type LucideIcon, X } from 'lucide-react';
import type { ToolStatus } from '../../api/types';

const STATES: Record<ToolStatus, { icon: LucideIcon; word: string; colour: string }> = {
  pending: { icon: Circle, word: 'running or without an end', colour: 'text-ink-3' },
  completed: { icon: Check, word: 'done', colour: 'text-good' },
  failed: { icon: X, word: 'failed', colour: 'text-bad' },
  declined: { icon: Ban, word: 'declined', colour: 'text-warn' },
};

/** How a tool call ended: by shape, colour and word. */
export function ToolState({ status }: { status: ToolStatus }) {
  const { icon: Icon, word, colour } = STATES[status];
  return (
    <span className={`inline-flex items-center gap-1 ${colour}`} title={word}>
      <Icon className="size-3.5" aria-hidden />
      <span className={status === 'failed' || status === 'declined' ? 'text-xs' : 'sr-only'}>{word}</span>
    </span>
  );
}

/** Something is being written right now. */
export function Writing() {
  return (
    <span className="inline-flex items-center gap-1.5 whitespace-nowrap text-good text-xs">
      <span className="size-2 animate-[beat_1.2s_ease-in-out_infinite] rounded-full bg-current" aria-hidden />
      writing
    </span>
  );
}

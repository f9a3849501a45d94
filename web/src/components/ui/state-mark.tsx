import { Ban, Check, Circle, CircleDashed, CircleMinus, Clock, type LucideIcon, Pause, Square, X } from 'lucide-react';

interface Look {
  icon: LucideIcon | 'dot' | 'barred';
  word: string;
  colour: string;
}

const LOOKS = {
  pending: { icon: Circle, word: 'waiting', colour: 'text-ink-3' },
  manual: { icon: 'barred', word: 'waits for a release', colour: 'text-warn' },
  claimed: { icon: 'dot', word: 'beginning', colour: 'text-ink-3' },
  running: { icon: 'dot', word: 'working', colour: 'text-good' },
  asks: { icon: 'barred', word: 'waits for you', colour: 'text-accent' },
  limited: { icon: Clock, word: 'waits', colour: 'text-warn' },
  completed: { icon: Check, word: 'done', colour: 'text-good' },
  failed: { icon: X, word: 'failed', colour: 'text-bad' },
  interrupted: { icon: CircleDashed, word: 'interrupted', colour: 'text-warn' },
  cancelled: { icon: Ban, word: 'cancelled', colour: 'text-ink-3' },
  paused: { icon: Pause, word: 'paused', colour: 'text-warn' },
  stopping: { icon: Square, word: 'stopping', colour: 'text-warn' },
  starting: { icon: 'dot', word: 'starting', colour: 'text-ink-3' },
  idle: { icon: Circle, word: 'waits for a prompt', colour: 'text-ink-3' },
  ended: { icon: CircleMinus, word: 'ended', colour: 'text-ink-3' },
  unknown: { icon: CircleDashed, word: 'not known', colour: 'text-ink-3' },
} as const satisfies Record<string, Look>;

/** Everything that a prompt, a run or an agent can be, each with a shape and a word. */
export type State = keyof typeof LOOKS;

interface Props {
  state: State;
  word?: string;
  /** The word is for screen readers only. */
  bare?: boolean;
  /** The dot of what works beats: where one looks at it, not in lists of many. */
  beats?: boolean;
}

/** How something stands: by shape, colour and word. */
export function StateMark({ state, word, bare = false, beats = false }: Props) {
  const look: Look = LOOKS[state];
  return (
    <span
      className={`inline-flex items-center gap-1.5 whitespace-nowrap text-xs ${look.colour}`}
      title={word ?? look.word}
    >
      <Shape icon={look.icon} isMoving={beats && state === 'running'} />
      <span className={bare ? 'sr-only' : ''}>{word ?? look.word}</span>
    </span>
  );
}

function Shape({ icon, isMoving }: { icon: Look['icon']; isMoving: boolean }) {
  if (icon === 'dot') {
    return (
      <span className="grid size-3.5 shrink-0 place-items-center" aria-hidden>
        <span
          className={`size-2 rounded-full bg-current ${isMoving ? 'animate-[beat_1.2s_ease-in-out_infinite]' : ''}`}
        />
      </span>
    );
  }
  if (icon === 'barred') {
    return (
      <svg viewBox="0 0 24 24" className="size-3.5 shrink-0" fill="none" stroke="currentColor" aria-hidden="true">
        <circle cx="12" cy="12" r="9" strokeWidth="2" />
        <path d="M12 7v10" strokeWidth="3" strokeLinecap="round" />
      </svg>
    );
  }
  const Icon = icon;
  return <Icon className="size-3.5 shrink-0" aria-hidden />;
}

import { Check } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, type ToggleEvent, useId, useRef } from 'react';
import type { Scope } from '../../api/types';
import { useMay, whyNot } from '../../lib/access';

interface Props {
  /** The button that opens it, without its behaviour. */
  button: (props: { popoverTarget: string; 'aria-haspopup': 'dialog' }) => ReactNode;
  label: string;
  children: (close: () => void) => ReactNode;
}

const GAP = 6;

/** What opens beside a button; the platform's popover, so that it closes by itself. */
export function Menu({ button, label, children }: Props) {
  const id = useId();
  const panel = useRef<HTMLDivElement>(null);
  const controls = () => [...(panel.current?.querySelectorAll<HTMLElement>('button, input, select') ?? [])];
  const step = (event: KeyboardEvent) => {
    const by = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    // In a field, these keys are the field's.
    const isField = event.target instanceof HTMLElement && event.target.matches('input, select, textarea');
    if (by === undefined || isField) return;
    event.preventDefault();
    const all = controls().filter((control) => !control.matches(':disabled'));
    const here = all.indexOf(document.activeElement as HTMLElement);
    all[Math.max(0, Math.min(here + by, all.length - 1))]?.focus();
  };
  const place = (event: ToggleEvent<HTMLDivElement>) => {
    if (event.newState !== 'open') return;
    const element = panel.current;
    const opener = document.querySelector(`[popovertarget="${CSS.escape(id)}"]`);
    if (!element || !opener) return;
    const from = opener.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = element;
    const below = from.bottom + GAP + height < innerHeight;
    controls()[0]?.focus({ preventScroll: true });
    element.style.left = `${Math.max(8, Math.min(from.left, innerWidth - width - 8))}px`;
    element.style.top = `${below ? from.bottom + GAP : Math.max(8, from.top - GAP - height)}px`;
  };
  return (
    <>
      {button({ popoverTarget: id, 'aria-haspopup': 'dialog' })}
      <div
        ref={panel}
        id={id}
        popover="auto"
        role="dialog"
        aria-label={label}
        onToggle={place}
        onKeyDown={step}
        className="fixed m-0 max-h-[70dvh] min-w-52 overflow-auto rounded-lg bg-raised p-1 text-ink shadow-float"
      >
        {children(() => panel.current?.hidePopover())}
      </div>
    </>
  );
}

/** One act in a menu. */
export function MenuItem({
  onClick,
  children,
  hint,
  isChosen,
  needs,
}: {
  onClick: () => void;
  children: ReactNode;
  hint?: string;
  /** Of several it is the one that holds. */
  isChosen?: boolean;
  /** What a device must be allowed for it. */
  needs?: Scope;
}) {
  const may = useMay(needs ?? 'view');
  return (
    <button
      type="button"
      onClick={onClick}
      disabled={!may}
      aria-pressed={isChosen}
      title={may ? undefined : whyNot(needs ?? 'view')}
      className="flex w-full items-center justify-between gap-6 rounded-md px-2.5 py-1.5 text-left text-sm hover:bg-hover disabled:opacity-50 coarse:min-h-11"
    >
      <span className="flex min-w-0 items-center gap-2">{children}</span>
      {isChosen && <Check className="size-4 shrink-0 text-accent" aria-hidden />}
      {hint && <kbd className="text-2xs text-ink-3 coarse:hidden">{hint}</kbd>}
    </button>
  );
}

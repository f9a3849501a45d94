import { X } from 'lucide-react';
import { type ReactNode, useEffect, useRef } from 'react';
import { Button } from './button';

interface Props {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** `sheet`: from the side, from below on a phone; `top`: near the top, for a field that is typed into. */
  place?: 'middle' | 'sheet' | 'top';
  wide?: boolean;
  /** The title is for screen readers only. */
  bare?: boolean;
}

const PLACES = {
  middle: 'm-auto max-h-[86dvh] rounded-xl',
  top: 'mx-auto mt-[10dvh] mb-auto max-h-[76dvh] rounded-xl max-sm:mt-2 max-sm:max-h-[calc(100dvh-16px)]',
  sheet:
    'ml-auto mr-0 my-0 h-dvh max-h-none rounded-l-xl max-sm:mt-auto max-sm:mb-0 max-sm:ml-0 max-sm:h-fit max-sm:max-h-[86dvh] max-sm:w-full max-sm:max-w-none max-sm:rounded-t-xl max-sm:rounded-b-none',
} as const;

/** The platform's own modal dialog: focus stays in it, Escape and a click outside close it. */
export function Dialog({ title, onClose, children, place = 'middle', wide = false, bare = false }: Props) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    // What is typed into comes first; the platform would take the first thing that can have the focus at all.
    element?.querySelector<HTMLElement>('[data-focus]')?.focus();
    return () => element?.close();
  }, []);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes a dialog by itself.
    <dialog
      ref={dialog}
      aria-label={title}
      onCancel={onClose}
      // In development an effect runs twice: a closing that was followed by an opening is none.
      onClose={() => !dialog.current?.open && onClose()}
      onClick={(event) => event.target === dialog.current && onClose()}
      className={`w-[calc(100vw-16px)] bg-raised shadow-float outline-none ${wide ? 'sm:w-[min(960px,92vw)]' : 'sm:w-[560px]'} ${PLACES[place]}`}
    >
      <div className="flex max-h-[inherit] flex-col">
        {!bare && (
          <div className="flex items-center justify-between border-line border-b py-2 pr-2 pl-4">
            <h2 className="font-semibold">{title}</h2>
            <Button icon={X} label="Close" onClick={onClose} />
          </div>
        )}
        <div className="min-h-0 overflow-auto overscroll-contain">{children}</div>
      </div>
    </dialog>
  );
}

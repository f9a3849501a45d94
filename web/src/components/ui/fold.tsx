import { ChevronRight } from 'lucide-react';
import type { ReactNode } from 'react';

/** A line that opens. */
export function Fold({
  icon,
  head,
  aside,
  open,
  onToggle,
  children,
}: {
  icon: ReactNode;
  head: ReactNode;
  aside?: ReactNode;
  open: boolean;
  onToggle: () => void;
  children: ReactNode;
}) {
  return (
    <div>
      <button
        type="button"
        data-stop
        aria-expanded={open}
        onClick={onToggle}
        className="-mx-2 flex w-[calc(100%+16px)] items-center gap-2.5 rounded-md px-2 py-1 text-left text-ink-2 hover:bg-hover coarse:min-h-11"
      >
        {icon}
        <span className="min-w-0 flex-1 truncate">{head}</span>
        {aside}
        <ChevronRight
          className={`size-3.5 shrink-0 text-ink-3 transition-transform duration-100 ${open ? 'rotate-90' : ''}`}
          aria-hidden
        />
      </button>
      {open && <div className="pt-1.5 pb-3 pl-[26px] max-sm:pl-0">{children}</div>}
    </div>
  );
}

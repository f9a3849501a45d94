import { ChevronRight } from 'lucide-react';
import { type ReactNode, useContext, useEffect, useState } from 'react';
import type { Item, Tool } from '../../api/types';
import { ToolState } from '../../components/ui/state';
import { harmless } from '../../lib/harmless';
import { took } from '../../lib/time';
import { Directory, iconOf, sayAction } from './action';
import { ToolBody } from './tool-body';

/** Whether something is open: by hand, or because one goes to what is in it. */
export function useOpen(isMeant: boolean): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(isMeant);
  useEffect(() => {
    if (isMeant) setOpen(true);
  }, [isMeant]);
  return [open, setOpen];
}

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

/** A tool call in one line; opening it shows what went in and came out. */
export function ToolLine({
  session,
  item,
  tool,
  isOpen,
  onWhole,
}: {
  session: string;
  item: Item;
  tool: Tool;
  isOpen: boolean;
  onWhole: () => void;
}) {
  const [open, setOpen] = useOpen(isOpen);
  const Icon = iconOf(tool.action);
  const { verb, words, isCode } = sayAction(tool.action, useContext(Directory));
  return (
    <Fold
      icon={<Icon className="size-4 shrink-0 text-ink-3" aria-hidden />}
      head={
        <>
          <span title={tool.name}>{verb || harmless(tool.name)}</span>{' '}
          <span className={isCode ? 'font-mono text-ink text-xs' : 'text-ink'}>{harmless(words)}</span>
        </>
      }
      aside={
        <span className="flex shrink-0 items-center gap-2 text-ink-3 text-xs tabular-nums">
          {tool.durationMs !== null && tool.durationMs > 0 && (
            <span className="max-sm:hidden">{took(tool.durationMs)}</span>
          )}
          <ToolState status={tool.status} />
        </span>
      }
      open={open}
      onToggle={() => setOpen(!open)}
    >
      <ToolBody session={session} item={item} tool={tool} onWhole={onWhole} />
    </Fold>
  );
}

import { useContext, useEffect, useState } from 'react';
import type { Item, Tool } from '../../api/types';
import { Fold } from '../../components/ui/fold';
import { ToolState } from '../../components/ui/state';
import { harmless } from '../../lib/harmless';
import { clock, took, whole } from '../../lib/time';
import { Directory, iconOf, sayAction } from './action';
import { isBadExit, ToolBody } from './tool-body';

/** Whether something is open: by hand, or because one goes to what is in it. */
export function useOpen(isMeant: boolean): [boolean, (open: boolean) => void] {
  const [open, setOpen] = useState(isMeant);
  useEffect(() => {
    if (isMeant) setOpen(true);
  }, [isMeant]);
  return [open, setOpen];
}

/** A tool call in one line; opening it shows what went in and came out. */
export function ToolLine({
  session,
  item,
  tool,
  isOpen,
  onWhole,
  onReview,
}: {
  session: string;
  item: Item;
  tool: Tool;
  isOpen: boolean;
  onWhole: () => void;
  onReview: () => void;
}) {
  const [open, setOpen] = useOpen(isOpen);
  const Icon = iconOf(tool.action);
  const { verb, words, isCode } = sayAction(tool.action, useContext(Directory), tool.status === 'pending');
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
        <span className="flex shrink-0 items-center gap-2.5 text-ink-3 text-xs tabular-nums">
          {isBadExit(tool) && <span className="text-bad max-sm:hidden">exit code {tool.exitCode}</span>}
          {tool.durationMs !== null && tool.durationMs > 0 && <span>{took(tool.durationMs)}</span>}
          <time dateTime={item.at ?? undefined} title={whole(item.at)} className="max-sm:hidden">
            {clock(item.at)}
          </time>
          <ToolState status={tool.status} />
        </span>
      }
      open={open}
      onToggle={() => setOpen(!open)}
    >
      <ToolBody session={session} item={item} tool={tool} onWhole={onWhole} onReview={onReview} />
    </Fold>
  );
}

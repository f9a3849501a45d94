import { Layers2 } from 'lucide-react';
import type { Item } from '../../api/types';
import { Fold } from '../../components/ui/fold';
import { type ItemActs, ItemView } from './item-view';
import { sumUp } from './rows';
import { useOpen } from './tool-line';

interface Props extends ItemActs {
  session: string;
  items: Item[];
  query?: string | undefined;
  target: string | undefined;
  developer: boolean;
}

/** Work between two things that were said: one line, unless one looks closer or something in it was linked to. */
export function RunView({ session, items, query, target, developer, ...acts }: Props) {
  const holdsTarget = items.some((item) => item.key === target);
  const [open, setOpen] = useOpen(holdsTarget);
  const failed = items.filter((item) => item.tool?.status === 'failed' || item.tool?.status === 'declined').length;
  const running = items.some((item) => item.tool?.status === 'pending');
  return (
    <Fold
      icon={<Layers2 className="size-4 shrink-0 text-ink-3" aria-hidden />}
      head={sumUp(items)}
      aside={
        <span className="flex shrink-0 gap-2 text-xs">
          {running && <span className="text-ink-3">running</span>}
          {failed > 0 && <span className="text-bad">{failed} failed</span>}
        </span>
      }
      open={open}
      onToggle={() => setOpen(!open)}
    >
      {items.map((item) => (
        <ItemView
          key={item.key}
          session={session}
          item={item}
          query={query}
          isTarget={item.key === target}
          developer={developer}
          {...acts}
        />
      ))}
    </Fold>
  );
}

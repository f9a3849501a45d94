import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Folder } from 'lucide-react';
import { useRef } from 'react';
import type { ProjectPage } from '../../api/types';
import { Button } from '../../components/ui/button';
import { useActs } from '../../lib/acts';
import { harmless } from '../../lib/harmless';
import { useNow } from '../../lib/now';
import { dollars, full, many, short } from '../../lib/numbers';
import { useSettings } from '../../lib/settings';
import { entryOf, live } from '../live/queries';
import { SessionCard, SessionRow } from './session-row';
import { useRoving } from './use-roving';
import type { Selection } from './use-selection';

interface Props {
  page: ProjectPage | undefined;
  selection: Selection;
  onAll: (project: string) => void;
}

/** Sessions by project, the last active project first. */
export function ProjectList({ page, selection, onAll }: Props) {
  const now = useNow();
  const { list } = useSettings();
  const running = useQuery(live.now).data;
  const navigate = useNavigate();
  const open = () => selection.current && void navigate({ to: '/s/$id', params: { id: selection.current } });
  const box = useRef<HTMLDivElement>(null);
  const { go, ...roving } = useRoving(box, selection, selection.move);
  const all = page?.projects.flatMap((group) => group.sessions) ?? [];
  const stop = all.find((session) => session.id === selection.current) ?? all[0];
  useActs({
    next: () => go(1),
    previous: () => go(-1),
    select: () => selection.current && selection.toggle(selection.current, false),
    open,
    openToo: open,
    clear: selection.clear,
  });
  const View = list === 'cards' ? SessionCard : SessionRow;
  return (
    <div ref={box} {...roving}>
      {page?.projects.map((group) => (
        <section key={group.project} className="pt-5">
          <div className="flex items-center gap-2 px-3 pb-1.5 text-xs max-sm:px-1">
            <Folder className="size-3.5 text-ink-3" aria-hidden />
            <h2 className="min-w-0 truncate font-semibold text-sm">
              {harmless(group.project ?? 'Without a directory')}
            </h2>
            <span className="whitespace-nowrap text-ink-3 tabular-nums">
              {many(group.total, 'session')}
              <span className="max-sm:hidden">
                {' · '}
                {short(group.totalTokens)} tokens
                {group.costMicroUsd > 0 && ` · ${dollars(group.costMicroUsd)}`}
              </span>
            </span>
            {group.project !== null && group.total > group.sessions.length && (
              <Button className="ml-auto !h-7 text-xs coarse:!h-11" onClick={() => onAll(group.project ?? '')}>
                All {full(group.total)}
              </Button>
            )}
          </div>
          <div className={list === 'cards' ? 'grid grid-cols-[repeat(auto-fill,minmax(280px,1fr))] gap-3' : ''}>
            {group.sessions.map((session) => (
              <View
                key={session.id}
                session={session}
                now={now}
                live={running && entryOf(running, session.id)}
                isCurrent={selection.current === session.id}
                isStop={stop?.id === session.id}
                isSelected={selection.has(session.id)}
                isSelecting={selection.isSelecting}
                onSelect={selection.toggle}
              />
            ))}
          </div>
        </section>
      ))}
    </div>
  );
}

import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Archive, LayoutGrid, List, Search } from 'lucide-react';
import { useEffect, useMemo, useRef, useState } from 'react';
import { Button } from '../../components/ui/button';
import { Failed, Notice, Skeleton } from '../../components/ui/faces';
import { Menu, MenuItem } from '../../components/ui/menu';
import { Segmented } from '../../components/ui/segmented';
import { offers } from '../../lib/acts';
import { full } from '../../lib/numbers';
import { usePageTitle } from '../../lib/page-title';
import { set, useSettings } from '../../lib/settings';
import { DayList } from './day-list';
import { AddFilter, Chips } from './filters';
import { ProjectList } from './project-list';
import { type ListFilter, sessions } from './queries';
import { SelectionBar } from './selection-bar';
import { useSelection } from './use-selection';

const SORTS = {
  updated: 'Last activity',
  started: 'Begun',
  cost: 'Cost',
  size: 'Size',
} as const;

interface Props {
  filter: ListFilter;
  onChange: (filter: ListFilter) => void;
  /** What is shown where there is no session at all. */
  firstRun: React.ReactNode;
  /** What else can be done with sessions that are selected. */
  selectionActs: (ids: string[], onDone: () => void) => React.ReactNode;
}

/** All sessions. */
export function SessionsPage({ filter, onChange, firstRun, selectionActs }: Props) {
  usePageTitle('Sessions');
  const { group, list } = useSettings();
  const navigate = useNavigate();
  const isByDay = group === 'day' || filter.sort !== undefined;
  const pages = useInfiniteQuery({ ...sessions.list(filter), enabled: isByDay });
  const projects = useQuery({ ...sessions.projects(filter), enabled: !isByDay });
  // The same list while nothing changed: rows are drawn again only when they differ.
  const shown = useMemo(
    () =>
      isByDay
        ? (pages.data?.pages.flatMap((page) => page.sessions) ?? [])
        : (projects.data?.projects.flatMap((project) => project.sessions) ?? []),
    [isByDay, pages.data, projects.data],
  );
  const selection = useSelection(shown);
  const query = isByDay ? pages : projects;
  const isFiltered = Object.values(filter).some((value) => value !== undefined && value !== '' && value !== false);
  const total = isByDay
    ? pages.data?.pages[0]?.total
    : projects.data?.projects.reduce((sum, one) => sum + one.total, 0);
  // Where there is nothing, there is nothing to look through.
  const isFirstRun = total === 0 && !isFiltered;
  return (
    <div className="mx-auto w-full max-w-6xl px-6 pb-24 max-sm:px-4">
      <div className="sticky top-0 z-20 -mx-3 space-y-2 bg-canvas px-3 pt-4 pb-2">
        <div className="flex flex-wrap items-center gap-2">
          <h1 className="mr-1 font-semibold text-lg">Sessions</h1>
          <span className="mr-auto text-ink-3 tabular-nums">{total !== undefined && full(total)}</span>
          {!isFirstRun && (
            <>
              <TypeAhead
                value={filter.q ?? ''}
                onChange={(q) => onChange({ ...filter, q: q || undefined })}
                onOpen={() => {
                  const id = query.isFetching ? undefined : shown[0]?.id;
                  if (id !== undefined) void navigate({ to: '/s/$id', params: { id } });
                }}
              />
              <AddFilter filter={filter} onChange={onChange} />
              <SortMenu filter={filter} onChange={onChange} onSelect={selection.begin} />
              <Segmented
                label="Show as"
                value={list}
                onChange={(value) => set({ list: value })}
                options={[
                  { value: 'rows', label: 'Rows', icon: <List className="size-4" aria-hidden /> },
                  { value: 'cards', label: 'Cards', icon: <LayoutGrid className="size-4" aria-hidden /> },
                ]}
              />
            </>
          )}
        </div>
        <Chips filter={filter} onChange={onChange} />
      </div>
      {query.isPending ? (
        <Skeleton lines={9} />
      ) : query.error && shown.length === 0 ? (
        <Failed error={query.error} retry={() => void query.refetch()} />
      ) : shown.length === 0 ? (
        isFiltered ? (
          <Notice
            icon={Archive}
            title="No session is like that"
            action={
              <Button kind="edge" onClick={() => onChange({})}>
                Show all sessions
              </Button>
            }
          >
            <p>
              The words are looked for in titles, first prompts, projects and ids. What was said is found by Search.
            </p>
          </Notice>
        ) : (
          firstRun
        )
      ) : isByDay ? (
        <DayList
          sessions={shown}
          byDay={filter.sort === undefined || filter.sort === 'updated'}
          selection={selection}
          hasMore={pages.hasNextPage}
          onMore={() => !pages.isFetchingNextPage && void pages.fetchNextPage()}
        />
      ) : (
        <ProjectList
          page={projects.data}
          selection={selection}
          onAll={(project) => {
            onChange({ ...filter, project: [project] });
            set({ group: 'day' });
          }}
        />
      )}
      {(selection.ids.length > 0 || selection.isSelecting) && (
        <SelectionBar ids={selection.ids} onClear={selection.clear}>
          {selectionActs(selection.ids, selection.clear)}
        </SelectionBar>
      )}
    </div>
  );
}

function TypeAhead({
  value,
  onChange,
  onOpen,
}: {
  value: string;
  onChange: (value: string) => void;
  /** Opens the first of what is found. */
  onOpen: () => void;
}) {
  const [text, setText] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  // The address follows what is typed; what comes from elsewhere is shown where nobody types.
  useEffect(() => {
    if (document.activeElement !== field.current) setText(value);
  }, [value]);
  return (
    <label className="flex h-8 min-w-24 items-center gap-2 rounded-md border border-line-strong px-2.5 focus-within:border-accent max-sm:order-last max-sm:w-full sm:max-w-56 sm:flex-1 coarse:h-11">
      <Search className="size-4 text-ink-3" aria-hidden />
      <input
        ref={field}
        type="search"
        maxLength={1_000}
        data-page-search
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          onChange(event.target.value);
        }}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onOpen();
          else if (event.key === 'ArrowDown') offers.run('next');
          else return;
          event.preventDefault();
        }}
        placeholder="Title, project, id"
        aria-label="Find a session by its title, project or id"
        className="w-0 min-w-0 flex-1 bg-transparent outline-none placeholder:text-ink-3"
      />
    </label>
  );
}

function SortMenu({
  filter,
  onChange,
  onSelect,
}: {
  filter: ListFilter;
  onChange: (filter: ListFilter) => void;
  onSelect: () => void;
}) {
  const { group } = useSettings();
  const navigate = useNavigate();
  const now = filter.sort ? SORTS[filter.sort] : group === 'day' ? 'By day' : 'By project';
  return (
    <Menu label="Group and sort" button={(props) => <Button {...props}>{now}</Button>}>
      {(close) => {
        const choose = (change: () => void) => () => {
          change();
          close();
        };
        const by = (next: 'day' | 'project') => {
          set({ group: next });
          void navigate({ to: '/', search: { ...filter, sort: undefined } });
        };
        return (
          <>
            <MenuItem isChosen={now === 'By day'} onClick={choose(() => by('day'))}>
              By day
            </MenuItem>
            <MenuItem isChosen={now === 'By project'} onClick={choose(() => by('project'))}>
              By project
            </MenuItem>
            <div className="my-1 border-line border-t" />
            {(['started', 'cost', 'size'] as const).map((sort) => (
              <MenuItem key={sort} isChosen={now === SORTS[sort]} onClick={choose(() => onChange({ ...filter, sort }))}>
                {SORTS[sort]}
              </MenuItem>
            ))}
            <div className="my-1 border-line border-t" />
            <MenuItem onClick={choose(onSelect)}>Select several</MenuItem>
          </>
        );
      }}
    </Menu>
  );
}

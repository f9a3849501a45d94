import { useQuery } from '@tanstack/react-query';
import { Link, useLocation, useNavigate } from '@tanstack/react-router';
import {
  Activity,
  ChartColumn,
  Columns3,
  Ellipsis,
  Inbox,
  List,
  ListOrdered,
  type LucideIcon,
  Moon,
  Radio,
  Search,
  Settings2,
  Sun,
  Waypoints,
} from 'lucide-react';
import type { LiveAnswer } from '../api/types';
import { Menu, MenuItem } from '../components/ui/menu';
import { Progress } from '../components/ui/progress';
import { live, needsYou } from '../features/live/queries';
import { status } from '../features/sources/queries';
import { work } from '../features/work/queries';
import { ACTS, type ActName, offers } from '../lib/acts';
import { bytes, short } from '../lib/numbers';
import { useIsDark } from '../lib/settings';
import { lasts } from '../lib/time';
import { Mark } from './mark';

/** Where a page is. */
export type Page =
  | '/'
  | '/now'
  | '/search'
  | '/groups'
  | '/queues'
  | '/approvals'
  | '/usage'
  | '/sources'
  | '/providers'
  | '/settings';

interface Place {
  to: Page;
  name: string;
  icon: LucideIcon;
  act: ActName;
  /** There are pages below it. */
  isDeep?: true;
}

const SESSIONS: Place = { to: '/', name: 'Sessions', icon: List, act: 'sessions' };
const NOW: Place = { to: '/now', name: 'Now', icon: Radio, act: 'now' };
const SEARCH: Place = { to: '/search', name: 'Search', icon: Search, act: 'search' };
const GROUPS: Place = { to: '/groups', name: 'Groups', icon: Columns3, act: 'groups', isDeep: true };
const QUEUES: Place = { to: '/queues', name: 'Queues', icon: ListOrdered, act: 'queues', isDeep: true };
const APPROVALS: Place = { to: '/approvals', name: 'Approvals', icon: Inbox, act: 'approvals' };
const USAGE: Place = { to: '/usage', name: 'Usage', icon: ChartColumn, act: 'usage' };
const SOURCES: Place = { to: '/sources', name: 'Sources', icon: Activity, act: 'sources' };
const PROVIDERS: Place = { to: '/providers', name: 'Providers', icon: Waypoints, act: 'providers' };
const SETTINGS: Place = { to: '/settings', name: 'Settings', icon: Settings2, act: 'settings' };

const SIDE = [NOW, SESSIONS, SEARCH, GROUPS, QUEUES, APPROVALS, USAGE, SOURCES, PROVIDERS];
/** Within the thumb's reach; what is seldom wanted is one step further. */
const BOTTOM = [NOW, SESSIONS, SEARCH, APPROVALS];
const MORE = [GROUPS, QUEUES, USAGE, SOURCES, PROVIDERS, SETTINGS];

const ENTRY =
  'flex w-full items-center gap-2.5 rounded-md px-2 py-1.5 text-ink-2 hover:bg-hover hover:text-ink max-lg:justify-center';

/** The pages, at the side of a wide screen. */
export function Side() {
  return (
    <nav
      aria-label="Pages"
      className="sticky top-0 flex h-dvh w-48 shrink-0 flex-col gap-0.5 border-line border-r p-3 max-lg:w-14 max-lg:px-2 max-sm:hidden"
    >
      <Link to="/" className="mb-3 flex items-center gap-2 px-2 py-1 font-semibold" aria-label="Marline">
        <Mark />
        <span className="max-lg:hidden">Marline</span>
      </Link>
      {SIDE.map((page) => (
        <Entry key={page.to} {...page} />
      ))}
      <div className="mt-auto flex flex-col gap-0.5">
        <Indexing />
        <Theme />
        <Entry {...SETTINGS} />
      </div>
    </nav>
  );
}

function Entry({ to, name, icon: Icon, act, isDeep }: Place) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: !isDeep, includeSearch: false }}
      title={`${name} (${ACTS[act].keys})`}
      className={`${ENTRY} data-[status=active]:bg-hover data-[status=active]:font-medium data-[status=active]:text-ink`}
    >
      <span className="relative">
        <Icon className="size-4 shrink-0" aria-hidden />
        {act === 'approvals' && <OpenQuestions className="absolute -top-2 -right-2.5 lg:hidden" isSilent />}
        {act === 'now' && <NeedsYou className="absolute -top-2 -right-2.5 lg:hidden" isSilent />}
      </span>
      <span className="max-lg:sr-only">{name}</span>
      {act === 'approvals' && <OpenQuestions className="ml-auto max-lg:sr-only" />}
      {act === 'now' && <NeedsYou className="ml-auto max-lg:sr-only" />}
    </Link>
  );
}

/** How many questions of agents wait for an answer. */
function OpenQuestions({ className, isSilent = false }: { className: string; isSilent?: boolean }) {
  const { data } = useQuery(work.open);
  return <Badge count={data?.open.length ?? 0} word="open" className={className} isSilent={isSilent} />;
}

/** How many running agents wait for a person. */
function NeedsYou({ className, isSilent = false }: { className: string; isSilent?: boolean }) {
  const { data } = useQuery({ ...live.now, select: countOfWaiting });
  return <Badge count={data ?? 0} word="waiting for you" className={className} isSilent={isSilent} />;
}

const countOfWaiting = (answer: LiveAnswer) => answer.sessions.filter((entry) => needsYou(entry.live)).length;

interface BadgeProps {
  count: number;
  word: string;
  className: string;
  isSilent: boolean;
}

function Badge({ count, word, className, isSilent }: BadgeProps) {
  if (count === 0) return null;
  return (
    <span
      aria-hidden={isSilent || undefined}
      className={`grid h-4 min-w-4 place-items-center rounded-full bg-accent px-1 font-medium text-2xs text-on-accent tabular-nums ${className}`}
    >
      {short(count)}
      {!isSilent && <span className="sr-only"> {word}</span>}
    </span>
  );
}

function Theme() {
  const isDark = useIsDark();
  const Icon = isDark ? Sun : Moon;
  const name = isDark ? 'Light' : 'Dark';
  return (
    <button type="button" className={ENTRY} title={`${name} colours`} onClick={() => offers.run('theme')}>
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className="max-lg:sr-only">{name}</span>
    </button>
  );
}

const THUMB =
  'flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-ink-3 data-[status=active]:text-accent';

/** The pages, within the thumb's reach. */
export function Bottom() {
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-30 flex border-line border-t bg-canvas pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      {BOTTOM.map(({ to, name, icon: Icon, act, isDeep }) => (
        <Link key={to} to={to} activeOptions={{ exact: !isDeep, includeSearch: false }} className={THUMB}>
          <span className="relative">
            <Icon className="size-5" aria-hidden />
            {act === 'approvals' && <OpenQuestions className="absolute -top-1.5 -right-2.5" />}
            {act === 'now' && <NeedsYou className="absolute -top-1.5 -right-2.5" />}
          </span>
          {name}
        </Link>
      ))}
      <More />
    </nav>
  );
}

function More() {
  const navigate = useNavigate();
  const at = useLocation({ select: (location) => location.pathname });
  const isHere = MORE.some(({ to }) => at.startsWith(to));
  return (
    <Menu
      label="More pages"
      button={(props) => (
        <button type="button" className={THUMB} data-status={isHere ? 'active' : undefined} {...props}>
          <Ellipsis className="size-5" aria-hidden />
          More
        </button>
      )}
    >
      {(close) =>
        MORE.map(({ to, name, icon: Icon }) => (
          <MenuItem
            key={to}
            onClick={() => {
              close();
              void navigate({ to });
            }}
          >
            <Icon className="size-4 text-ink-3" aria-hidden />
            {name}
          </MenuItem>
        ))
      }
    </Menu>
  );
}

/** What is indexed in a blink needs no words. */
const WORTH_TELLING = 1e6;

/** How far indexing is, where that takes a while. */
function Indexing() {
  const { data } = useQuery(status);
  const indexing = data?.indexing;
  if (!indexing || indexing.phase === 'idle' || indexing.ofBytes < WORTH_TELLING) return null;
  const share = Math.min(1, indexing.bytes / indexing.ofBytes);
  return (
    <Link to="/sources" className="rounded-md px-2 py-2 text-ink-3 text-xs hover:bg-hover">
      <Progress label="Indexing" share={share} />
      <span className="mt-1.5 block tabular-nums max-lg:hidden">
        {indexing.phase === 'messages' ? 'Reading' : 'Indexing'} {bytes(indexing.ofBytes)}
        {indexing.secondsLeft !== null && <span className="block">{lasts(indexing.secondsLeft)} left</span>}
      </span>
    </Link>
  );
}

import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Activity, ChartColumn, List, type LucideIcon, Moon, Search, Settings2, Sun, Waypoints } from 'lucide-react';
import { Progress } from '../components/ui/progress';
import { status } from '../features/sources/queries';
import { ACTS, type ActName, offers } from '../lib/acts';
import { bytes } from '../lib/numbers';
import { useIsDark } from '../lib/settings';
import { lasts } from '../lib/time';
import { Mark } from './mark';

interface Place {
  to: '/' | '/search' | '/usage' | '/sources' | '/providers' | '/settings';
  name: string;
  icon: LucideIcon;
  act: ActName;
}

const PAGES: readonly Place[] = [
  { to: '/', name: 'Sessions', icon: List, act: 'sessions' },
  { to: '/search', name: 'Search', icon: Search, act: 'search' },
  { to: '/usage', name: 'Usage', icon: ChartColumn, act: 'usage' },
  { to: '/sources', name: 'Sources', icon: Activity, act: 'sources' },
];
/** Seldom wanted: not within the thumb's reach, but in the settings. */
const PROVIDERS: Place = { to: '/providers', name: 'Providers', icon: Waypoints, act: 'providers' };
const SETTINGS: Place = { to: '/settings', name: 'Settings', icon: Settings2, act: 'settings' };

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
      {[...PAGES, PROVIDERS].map((page) => (
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

function Entry({ to, name, icon: Icon, act }: Place) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: true, includeSearch: false }}
      title={`${name} (${ACTS[act].keys})`}
      className={`${ENTRY} data-[status=active]:bg-hover data-[status=active]:font-medium data-[status=active]:text-ink`}
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className="max-lg:sr-only">{name}</span>
    </Link>
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

/** The pages, within the thumb's reach. */
export function Bottom() {
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-30 flex border-line border-t bg-canvas pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      {[...PAGES, SETTINGS].map(({ to, name, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          activeOptions={{ exact: true, includeSearch: false }}
          className="flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-ink-3 data-[status=active]:text-accent"
        >
          <Icon className="size-5" aria-hidden />
          {name}
        </Link>
      ))}
    </nav>
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

import { useQuery } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { Activity, ChartColumn, List, type LucideIcon, Search, Settings2 } from 'lucide-react';
import { lazy, Suspense, useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import { ApiError } from '../api/client';
import { NoAccess } from '../components/ui/faces';
import { Toast } from '../components/ui/toast';
import { status } from '../features/sources/queries';
import { isTyping } from '../lib/letters';
import { live } from '../lib/live';
import { bytes } from '../lib/numbers';
import { settings } from '../lib/settings';
import { acts } from './acts';
import { Mark } from './mark';

const Palette = lazy(() => import('./palette').then((module) => ({ default: module.Palette })));
const Help = lazy(() => import('./help').then((module) => ({ default: module.Help })));

const PAGES: readonly { to: '/' | '/search' | '/usage' | '/sources'; name: string; icon: LucideIcon }[] = [
  { to: '/', name: 'Sessions', icon: List },
  { to: '/search', name: 'Search', icon: Search },
  { to: '/usage', name: 'Usage', icon: ChartColumn },
  { to: '/sources', name: 'Sources', icon: Activity },
];

/** What stands around every page. */
export function Shell() {
  const [open, setOpen] = useState<'palette' | 'help' | null>(null);
  const all = useMemo(() => acts(setOpen), []);
  useKeys(all, setOpen);
  const now = useQuery(status);
  const hasNoAccess = now.error instanceof ApiError && now.error.isNoAccess;
  return (
    <>
      <a
        href="#main"
        className="fixed top-2 left-2 z-50 -translate-y-20 rounded-md bg-accent px-3 py-2 text-on-accent focus:translate-y-0"
      >
        Skip to the content
      </a>
      <div className="flex min-h-dvh">
        <Side />
        <main
          id="main"
          tabIndex={-1}
          className="min-w-0 flex-1 outline-none max-sm:pb-[calc(3.5rem+env(safe-area-inset-bottom))]"
        >
          <Banner />
          {hasNoAccess ? <NoAccess /> : <Outlet />}
        </main>
      </div>
      <Bottom />
      <Toast />
      <Suspense>
        {open === 'palette' && <Palette acts={all} onClose={() => setOpen(null)} />}
        {open === 'help' && <Help acts={all} onClose={() => setOpen(null)} />}
      </Suspense>
    </>
  );
}

function Side() {
  return (
    <nav
      aria-label="Pages"
      className="sticky top-0 flex h-dvh w-48 shrink-0 flex-col gap-0.5 border-line border-r p-3 max-lg:w-14 max-lg:px-2 max-sm:hidden"
    >
      <Link to="/" className="mb-3 flex items-center gap-2 px-2 py-1 font-semibold" aria-label="Marline">
        <Mark />
        <span className="max-lg:hidden">Marline</span>
      </Link>
      {PAGES.map((page) => (
        <SideLink key={page.to} {...page} />
      ))}
      <div className="mt-auto">
        <Progress />
        <SideLink to="/settings" name="Settings" icon={Settings2} />
      </div>
    </nav>
  );
}

function SideLink({
  to,
  name,
  icon: Icon,
}: {
  to: '/' | '/search' | '/usage' | '/sources' | '/settings';
  name: string;
  icon: LucideIcon;
}) {
  return (
    <Link
      to={to}
      activeOptions={{ exact: true, includeSearch: false }}
      title={name}
      className="flex items-center gap-2.5 rounded-md px-2 py-1.5 text-ink-2 hover:bg-hover hover:text-ink data-[status=active]:bg-hover data-[status=active]:font-medium data-[status=active]:text-ink"
    >
      <Icon className="size-4 shrink-0" aria-hidden />
      <span className="max-lg:sr-only">{name}</span>
    </Link>
  );
}

function Bottom() {
  const path = useRouterState({ select: (state) => state.location.pathname });
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-30 flex border-line border-t bg-canvas pb-[env(safe-area-inset-bottom)] sm:hidden"
    >
      {[...PAGES, { to: '/settings', name: 'Settings', icon: Settings2 } as const].map(({ to, name, icon: Icon }) => (
        <Link
          key={to}
          to={to}
          aria-current={path === to ? 'page' : undefined}
          className="flex h-14 flex-1 flex-col items-center justify-center gap-0.5 text-2xs text-ink-3 aria-[current]:text-accent"
        >
          <Icon className="size-5" aria-hidden />
          {name}
        </Link>
      ))}
    </nav>
  );
}

/** How far indexing is, where that takes a while. */
function Progress() {
  const { data } = useQuery(status);
  const indexing = data?.indexing;
  if (!indexing || indexing.phase === 'idle' || indexing.ofBytes < 1e6) return null;
  const share = Math.min(1, indexing.bytes / indexing.ofBytes);
  return (
    <div className="px-2 py-2 text-ink-3 text-xs max-lg:hidden">
      <div
        className="mb-1.5 h-1 overflow-hidden rounded-full bg-line"
        role="progressbar"
        aria-label="Indexing"
        aria-valuenow={Math.round(share * 100)}
      >
        <div className="h-full origin-left bg-accent" style={{ transform: `scaleX(${share})` }} />
      </div>
      {indexing.phase === 'messages' ? 'Reading' : 'Indexing'} {bytes(indexing.ofBytes)}
      {indexing.secondsLeft !== null && <span className="block">{indexing.secondsLeft} s left</span>}
    </div>
  );
}

/** Says that Marline is gone, or shows bundled sessions. */
function Banner() {
  const connection = useSyncExternalStore(live.watch, live.connection);
  const { data, error } = useQuery(status);
  const isLost = connection === 'lost' && !(error instanceof ApiError && error.isNoAccess);
  // A blink of the connection is nobody's business.
  const [isTold, setTold] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setTold(isLost), isLost ? 1_500 : 0);
    return () => clearTimeout(timer);
  }, [isLost]);
  if (isTold) {
    return (
      <p role="status" className="bg-bad-soft px-6 py-2 text-center max-sm:px-4">
        Marline is not running, or can’t be reached. Trying again.
      </p>
    );
  }
  if (data?.demo) {
    return (
      <p className="bg-accent-soft px-6 py-1.5 text-center text-xs max-sm:px-4">
        These are bundled sessions, not yours.
      </p>
    );
  }
  return null;
}

const SEQUENCE = 900;

function useKeys(all: ReturnType<typeof acts>, open: (what: 'palette' | 'help') => void): void {
  useEffect(() => {
    let before = '';
    let at = 0;
    const press = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        open('palette');
        return;
      }
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      if (!settings().letters || event.key.length !== 1) return;
      if (event.key === '/') {
        const field = document.querySelector<HTMLElement>('[data-page-search]');
        if (field) {
          event.preventDefault();
          field.focus();
        }
        return;
      }
      const keys = Date.now() - at < SEQUENCE ? before + event.key : event.key;
      const act = all.find((act) => act.keys === keys) ?? all.find((act) => act.keys === event.key);
      [before, at] = [event.key, Date.now()];
      if (act) {
        event.preventDefault();
        before = '';
        act.run();
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [all, open]);
}

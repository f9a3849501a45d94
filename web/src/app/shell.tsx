import { useQuery } from '@tanstack/react-query';
import { Outlet, useLocation } from '@tanstack/react-router';
import { lazy, Suspense, useEffect, useMemo, useRef, useState } from 'react';
import { ApiError } from '../api/client';
import { NoAccess } from '../components/ui/faces';
import { Toast } from '../components/ui/toast';
import { Chime } from '../features/live/chime';
import { status } from '../features/sources/queries';
import { access } from '../lib/access';
import { useActs } from '../lib/acts';
import { listen } from '../lib/keyboard';
import { useIsSmall } from '../lib/media';
import { everywhere } from './acts';
import { Banner } from './banner';
import { Bottom, Side } from './navigation';

const Palette = lazy(() => import('./palette').then((module) => ({ default: module.Palette })));
const Help = lazy(() => import('./help').then((module) => ({ default: module.Help })));

/** What stands around every page. */
export function Shell() {
  const [open, setOpen] = useState<'palette' | 'help' | null>(null);
  useActs(useMemo(() => everywhere(setOpen), []));
  useEffect(listen, []);
  const now = useQuery(status);
  const scopes = now.data?.scopes;
  useEffect(() => {
    if (scopes) access.set(scopes);
  }, [scopes]);
  const isSmall = useIsSmall();
  const at = useLocation({ select: (location) => location.pathname });
  // A page that was left took the focus with it: whoever goes on by keys begins at the new one.
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    if (at !== '' && document.activeElement === document.body) main.current?.focus({ preventScroll: true });
  }, [at]);
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
        {!isSmall && <Side />}
        <main
          ref={main}
          id="main"
          tabIndex={-1}
          className="min-w-0 flex-1 outline-none max-sm:pb-[calc(3.5rem+env(safe-area-inset-bottom))]"
        >
          <Banner />
          {hasNoAccess && at !== '/trust' ? <NoAccess /> : <Outlet />}
        </main>
      </div>
      {isSmall && <Bottom />}
      <Toast />
      <Chime />
      <Suspense>
        {open === 'palette' && <Palette onClose={() => setOpen(null)} />}
        {open === 'help' && <Help onClose={() => setOpen(null)} />}
      </Suspense>
    </>
  );
}

import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import type { ListFilter } from '../features/sessions/queries';
import { SessionsPage } from '../features/sessions/sessions-page';
import { SelectionActs } from '../features/work/selection-acts';
import { all, one, parseSearch, stringifySearch } from '../lib/search-params';
import { FirstRun } from './first-run';
import { Broken, Nowhere } from './nowhere';
import { Shell } from './shell';

const root = createRootRoute({ component: Shell });

const SORTS = ['updated', 'started', 'cost', 'size'] as const;

/** The list's filters out of an address; what makes no sense there is left out. */
export function filterOf(search: Record<string, unknown>): ListFilter {
  const sort = SORTS.find((sort) => sort === one(search, 'sort'));
  const filter: ListFilter = {
    q: one(search, 'q'),
    source: all(search, 'source'),
    project: all(search, 'project'),
    branch: all(search, 'branch'),
    model: all(search, 'model'),
    file: all(search, 'file'),
    since: one(search, 'since'),
    until: one(search, 'until'),
    archived: search.archived === true || one(search, 'archived') === 'true' || undefined,
    all: search.all === true || one(search, 'all') === 'true' || undefined,
    reviews: search.reviews === true || one(search, 'reviews') === 'true' || undefined,
    sort,
  };
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined));
}

const list = createRoute({
  getParentRoute: () => root,
  path: '/',
  validateSearch: filterOf,
  component: function List() {
    // What an address holds beside is not asked for.
    const filter = filterOf(list.useSearch());
    const navigate = list.useNavigate();
    return (
      <SessionsPage
        filter={filter}
        onChange={(next) => void navigate({ search: next, replace: next.q !== filter.q, resetScroll: true })}
        firstRun={<FirstRun />}
        selectionActs={(ids, onDone) => <SelectionActs sessions={ids} onDone={onDone} />}
      />
    );
  },
});

const session = createRoute({
  getParentRoute: () => root,
  path: '/s/$id',
  validateSearch: (search: Record<string, unknown>): { at?: string; q?: string; review?: string } => {
    const [at, q, review] = [one(search, 'at'), one(search, 'q'), one(search, 'review')];
    return { ...(at ? { at } : {}), ...(q ? { q } : {}), ...(review ? { review } : {}) };
  },
  component: lazyRouteComponent(() => import('./transcript-route'), 'TranscriptRoute'),
});

const search = createRoute({
  getParentRoute: () => root,
  path: '/search',
  validateSearch: (search: Record<string, unknown>): { q?: string } => {
    const q = one(search, 'q');
    return q ? { q } : {};
  },
  component: lazyRouteComponent(() => import('../features/search/search-page'), 'SearchPage'),
});

const RANGES = ['7d', '30d', '90d', 'all', 'custom'] as const;
const usage = createRoute({
  getParentRoute: () => root,
  path: '/usage',
  validateSearch: (search: Record<string, unknown>) => {
    const range = RANGES.find((range) => range === one(search, 'range')) ?? '30d';
    const by = (['model', 'source', 'project'] as const).find((by) => by === one(search, 'by')) ?? 'source';
    const count = (['cost', 'tokens'] as const).find((count) => count === one(search, 'count')) ?? 'cost';
    const [since, until] = [one(search, 'since'), one(search, 'until')];
    return { range, by, count, ...(since ? { since } : {}), ...(until ? { until } : {}) };
  },
  component: lazyRouteComponent(() => import('./usage-route'), 'UsageRoute'),
});

const sources = createRoute({
  getParentRoute: () => root,
  path: '/sources',
  component: lazyRouteComponent(() => import('../features/sources/sources-page'), 'SourcesPage'),
});

const settings = createRoute({
  getParentRoute: () => root,
  path: '/settings',
  component: lazyRouteComponent(() => import('../features/settings/settings-page'), 'SettingsPage'),
});

const notifications = createRoute({
  getParentRoute: () => root,
  path: '/settings/notifications',
  component: lazyRouteComponent(() => import('../features/settings/notifications-page'), 'NotificationsPage'),
});

const trust = createRoute({
  getParentRoute: () => root,
  path: '/trust',
  component: lazyRouteComponent(() => import('../features/settings/trust-page'), 'TrustPage'),
});

const providers = createRoute({
  getParentRoute: () => root,
  path: '/providers',
  component: lazyRouteComponent(() => import('../features/providers/providers-page'), 'ProvidersPage'),
});

/** So many stand side by side. */
const MOST_BESIDE = 4;

const side = createRoute({
  getParentRoute: () => root,
  path: '/side',
  validateSearch: (search: Record<string, unknown>): { id: string[] } => ({
    id: (all(search, 'id') ?? []).slice(0, MOST_BESIDE),
  }),
  component: lazyRouteComponent(() => import('./side-route'), 'SideRoute'),
});

const groups = createRoute({
  getParentRoute: () => root,
  path: '/groups',
  component: lazyRouteComponent(() => import('../features/work/groups-page'), 'GroupsPage'),
});

const group = createRoute({
  getParentRoute: () => root,
  path: '/groups/$id',
  component: lazyRouteComponent(() => import('./work-routes'), 'GroupRoute'),
});

const queues = createRoute({
  getParentRoute: () => root,
  path: '/queues',
  component: lazyRouteComponent(() => import('../features/work/queues-page'), 'QueuesPage'),
});

const queue = createRoute({
  getParentRoute: () => root,
  path: '/queues/$id',
  component: lazyRouteComponent(() => import('./work-routes'), 'QueueRoute'),
});

const run = createRoute({
  getParentRoute: () => root,
  path: '/runs/$id',
  component: lazyRouteComponent(() => import('./work-routes'), 'RunRoute'),
});

const approvals = createRoute({
  getParentRoute: () => root,
  path: '/approvals',
  component: lazyRouteComponent(() => import('./work-routes'), 'ApprovalsRoute'),
});

const now = createRoute({
  getParentRoute: () => root,
  path: '/now',
  component: lazyRouteComponent(() => import('../features/live/now-page'), 'NowPage'),
});

const docs = createRoute({
  getParentRoute: () => root,
  path: '/docs/api',
  component: lazyRouteComponent(() => import('../features/settings/api-docs-page'), 'ApiDocsPage'),
});

export const routes = { session, side, usage, group, queue, run };

export const router = createRouter({
  routeTree: root.addChildren([
    list,
    session,
    now,
    side,
    search,
    groups,
    group,
    queues,
    queue,
    run,
    approvals,
    usage,
    sources,
    providers,
    settings,
    notifications,
    trust,
    docs,
  ]),
  parseSearch,
  stringifySearch,
  defaultPreload: 'intent',
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: Nowhere,
  scrollRestoration: true,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}

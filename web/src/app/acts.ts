import type { Doing } from '../lib/acts';
import { set, settings } from '../lib/settings';
import type { Page } from './navigation';
import { router } from './router';

/** What can be done on every page; `open` shows the palette or the help. */
export function everywhere(open: (what: 'palette' | 'help') => void): Doing {
  const go = (to: Page) => () => void router.navigate({ to });
  return {
    palette: () => open('palette'),
    help: () => open('help'),
    find: () => {
      const field = document.querySelector<HTMLElement>('[data-page-search]');
      field?.focus();
      return field !== null;
    },
    now: go('/now'),
    sessions: go('/'),
    search: go('/search'),
    groups: go('/groups'),
    queues: go('/queues'),
    approvals: go('/approvals'),
    usage: go('/usage'),
    sources: go('/sources'),
    providers: go('/providers'),
    settings: go('/settings'),
    theme: () => set({ theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' }),
    density: () => set({ density: settings().density === 'compact' ? 'comfortable' : 'compact' }),
  };
}

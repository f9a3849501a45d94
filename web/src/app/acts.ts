import { Activity, ChartColumn, Keyboard, List, type LucideIcon, Moon, Rows3, Search, Settings2 } from 'lucide-react';
import { set, settings } from '../lib/settings';
import { router } from './router';

/** Something a person can do anywhere: shown in the palette and the help, done by its keys. */
export interface Act {
  name: string;
  icon: LucideIcon;
  /** Letters pressed one after the other. */
  keys?: string;
  run: () => void;
}

/** Everything that can be done anywhere; `open` shows the palette or the help. */
export function acts(open: (what: 'palette' | 'help') => void): Act[] {
  const go = (to: '/' | '/search' | '/usage' | '/sources' | '/settings') => () => void router.navigate({ to });
  return [
    { name: 'Go to sessions', icon: List, keys: 'gs', run: go('/') },
    { name: 'Search everything', icon: Search, keys: 'gf', run: go('/search') },
    { name: 'Go to usage', icon: ChartColumn, keys: 'gu', run: go('/usage') },
    { name: 'Go to sources and health', icon: Activity, keys: 'gh', run: go('/sources') },
    { name: 'Go to settings', icon: Settings2, keys: 'g,', run: go('/settings') },
    {
      name: 'Light or dark',
      icon: Moon,
      run: () => set({ theme: document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' }),
    },
    {
      name: 'Comfortable or compact',
      icon: Rows3,
      run: () => set({ density: settings().density === 'compact' ? 'comfortable' : 'compact' }),
    },
    { name: 'Keys', icon: Keyboard, keys: '?', run: () => open('help') },
  ];
}

/** Keys that act on one page only, for the help. */
export const PAGE_KEYS: readonly [string, string, string][] = [
  ['Sessions', 'j k', 'Next, previous session'],
  ['Sessions', 'Enter', 'Open it'],
  ['Sessions', 'x', 'Select it'],
  ['Sessions', '/', 'Find by title'],
  ['A session', '[ ]', 'Previous, next prompt'],
  ['A session', '{ }', 'Previous, next error'],
  ['A session', '/', 'Find within'],
  ['A session', 'd', 'Records and usage beside each item'],
  ['A session', 'u', 'Back'],
  ['Everywhere', 'Ctrl K', 'Search and act'],
];

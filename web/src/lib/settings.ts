import { useSyncExternalStore } from 'react';

/** What a person chose on this device. */
export interface Settings {
  theme: 'system' | 'light' | 'dark';
  density: 'comfortable' | 'compact';
  /** Single letters act. */
  letters: boolean;
  list: 'rows' | 'cards';
  group: 'day' | 'project';
  diff: 'unified' | 'split';
  now: 'rows' | 'columns';
  /** What runs is shown by project. */
  lanes: boolean;
  /** It sounds when somebody is needed. */
  sound: boolean;
  /** Records, usage and offsets are shown beside what they say. */
  developer: boolean;
}

const DEFAULTS: Settings = {
  theme: 'system',
  density: 'comfortable',
  letters: true,
  list: 'rows',
  group: 'day',
  diff: 'unified',
  now: 'rows',
  lanes: false,
  sound: false,
  developer: false,
};
const KEY = 'marline.settings';

function read(): Settings {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return typeof kept === 'object' && kept !== null ? { ...DEFAULTS, ...kept } : DEFAULTS;
  } catch {
    return DEFAULTS;
  }
}

let current = read();
const listeners = new Set<() => void>();

function isDark(): boolean {
  return current.theme === 'dark' || (current.theme === 'system' && matchMedia('(prefers-color-scheme: dark)').matches);
}

function show(settings: Settings): void {
  document.documentElement.dataset.theme = isDark() ? 'dark' : 'light';
  document.documentElement.dataset.density = settings.density;
}

/** Changes some settings, on the screen and for the next visit. */
export function set(change: Partial<Settings>): void {
  current = { ...current, ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // A browser that keeps nothing shows it for this visit.
  }
  show(current);
  for (const listener of listeners) listener();
}

/** Puts the settings on the screen and follows the system's theme. */
export function begin(): void {
  show(current);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => set({}));
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The settings as they are now. */
export function settings(): Settings {
  return current;
}

/** The settings, followed. */
export function useSettings(): Settings {
  return useSyncExternalStore(subscribe, settings);
}

/** Whether the screen is dark now, by choice or by the system's. */
export function useIsDark(): boolean {
  return useSyncExternalStore(subscribe, isDark);
}

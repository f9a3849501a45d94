import { useSyncExternalStore } from 'react';

/** What is half written to an agent, and the key under which it is sent: the same words are never said twice. */
export interface Draft {
  text: string;
  key: string;
}

const PREFIX = 'draft:';

/** Half-written words by session. They survive a reload and a change of the page, and every field shows the same. */
class Drafts {
  private readonly known = new Map<string, Draft>();
  private readonly listeners = new Set<() => void>();

  of(id: string): Draft {
    let draft = this.known.get(id);
    if (!draft) {
      draft = { text: kept(id), key: crypto.randomUUID() };
      this.known.set(id, draft);
    }
    return draft;
  }

  put(id: string, text: string): void {
    keep(id, text);
    this.known.set(id, { text, key: crypto.randomUUID() });
    for (const listener of this.listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

function kept(id: string): string {
  try {
    return localStorage.getItem(PREFIX + id) ?? '';
  } catch {
    return '';
  }
}

function keep(id: string, text: string): void {
  try {
    if (text === '') localStorage.removeItem(PREFIX + id);
    else localStorage.setItem(PREFIX + id, text);
  } catch {
    // A browser that keeps nothing: the tab has it still.
  }
}

export const drafts = new Drafts();

export function useDraft(id: string): Draft {
  return useSyncExternalStore(drafts.subscribe, () => drafts.of(id));
}

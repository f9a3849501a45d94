import { useEffect, useSyncExternalStore } from 'react';
import { get, ofSession, put as putAt } from '../../api/client';
import type { DraftAnswer } from '../../api/types';

/** What is half written to an agent, and the key under which it is sent: the same words are never said twice. */
export interface Draft {
  text: string;
  key: string;
  /** What another device wrote meanwhile; it can be taken instead. */
  other: string | null;
}

/** What drafts need of the world; tests bring their own. */
export interface World {
  /** What this device keeps. */
  storage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
  load: (id: string) => Promise<DraftAnswer>;
  save: (id: string, text: string, revision: number) => Promise<DraftAnswer>;
  wait: (run: () => void, ms: number) => void;
}

const PREFIX = 'draft:';
/** Words are sent to the server when nothing was typed for so long. */
const PAUSE = 1_200;

interface Kept {
  text: string;
  /** The revision of the server's that the words were written from. */
  revision: number;
  /** The server has them. */
  isSaved: boolean;
}

interface Known extends Draft {
  revision: number;
  isSaved: boolean;
  isWaiting: boolean;
  isSaving: boolean;
}

/**
 * Half-written words by session. This device keeps them at once, so that they survive a reload; the server a moment later, so that
 * they are on every device. The words that are typed now win; what another device wrote meanwhile is offered.
 */
export class Drafts {
  private readonly known = new Map<string, Known>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly world: World) {}

  of(id: string): Draft {
    return this.at(id);
  }

  put(id: string, text: string): void {
    const before = this.at(id);
    if (text === before.text) return;
    this.set(id, { ...before, text, key: crypto.randomUUID(), isSaved: false });
    this.saveSoon(id);
  }

  /** What was refused can be sent again, as something new. */
  renewKey(id: string): void {
    this.set(id, { ...this.at(id), key: crypto.randomUUID() });
  }

  /** Takes what another device wrote, in the place of these words. */
  take(id: string): void {
    const { other } = this.at(id);
    this.dismiss(id);
    if (other !== null) this.put(id, other);
  }

  /** Keeps these words. */
  dismiss(id: string): void {
    this.set(id, { ...this.at(id), other: null });
  }

  /** Asks the server whether another device wrote. */
  async refresh(id: string): Promise<void> {
    const asked = this.at(id).text;
    let answer: DraftAnswer;
    try {
      answer = await this.world.load(id);
    } catch {
      // Without the server this device goes on with what it has.
      return;
    }
    const now = this.at(id);
    if (answer.revision === now.revision && now.isSaved) return;
    if (now.isSaved && now.text === asked) {
      this.set(id, { ...now, text: answer.text, revision: answer.revision, key: crypto.randomUUID() });
    } else if (!now.isSaved) {
      this.saveSoon(id);
    }
  }

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private saveSoon(id: string): void {
    if (this.at(id).isWaiting) return;
    this.set(id, { ...this.at(id), isWaiting: true });
    const typed = this.at(id).key;
    this.world.wait(() => {
      const now = this.at(id);
      this.set(id, { ...now, isWaiting: false });
      if (now.key !== typed) this.saveSoon(id);
      else void this.save(id);
    }, PAUSE);
  }

  private async save(id: string): Promise<void> {
    const { text, revision, isSaving } = this.at(id);
    if (isSaving) return this.saveSoon(id);
    this.set(id, { ...this.at(id), isSaving: true });
    try {
      const answer = await this.world.save(id, text, revision);
      const now = this.at(id);
      const isSaved = answer.kept && now.text === text;
      const other = answer.kept || answer.text === now.text ? now.other : answer.text;
      this.set(id, { ...now, revision: answer.revision, isSaved, other, isSaving: false });
      if (!isSaved) this.saveSoon(id);
    } catch {
      // It is tried again with the next word, or when the page comes back.
      this.set(id, { ...this.at(id), isSaving: false });
    }
  }

  private at(id: string): Known {
    let draft = this.known.get(id);
    if (!draft) {
      const flags = { other: null, isWaiting: false, isSaving: false };
      draft = { ...this.read(id), key: crypto.randomUUID(), ...flags };
      this.known.set(id, draft);
    }
    return draft;
  }

  private set(id: string, draft: Known): void {
    this.known.set(id, draft);
    this.write(id, draft);
    for (const listener of this.listeners) listener();
  }

  private read(id: string): Kept {
    try {
      const kept: unknown = JSON.parse(this.world.storage.getItem(PREFIX + id) ?? 'null');
      if (typeof kept === 'object' && kept !== null && 'text' in kept && 'revision' in kept && 'isSaved' in kept) {
        return { text: String(kept.text), revision: Number(kept.revision) || 0, isSaved: kept.isSaved === true };
      }
    } catch {
      // Nothing was kept, or nothing of ours.
    }
    return { text: '', revision: 0, isSaved: true };
  }

  private write(id: string, { text, revision, isSaved }: Known): void {
    try {
      if (text === '' && isSaved) this.world.storage.removeItem(PREFIX + id);
      else this.world.storage.setItem(PREFIX + id, JSON.stringify({ text, revision, isSaved } satisfies Kept));
    } catch {
      // A browser that keeps nothing: the tab has it still.
    }
  }
}

export const drafts = new Drafts({
  storage: {
    getItem: (key) => localStorage.getItem(key),
    setItem: (key, value) => localStorage.setItem(key, value),
    removeItem: (key) => localStorage.removeItem(key),
  },
  load: (id) => get<DraftAnswer>(ofSession(id, '/draft')),
  save: (id, text, revision) => putAt<DraftAnswer>(ofSession(id, '/draft'), { text, revision }),
  wait: (run, ms) => setTimeout(run, ms),
});

/** What is half written to a session; asked for again whenever the page comes back. */
export function useDraft(id: string): Draft {
  useEffect(() => {
    const ask = () => document.visibilityState === 'visible' && void drafts.refresh(id);
    ask();
    document.addEventListener('visibilitychange', ask);
    return () => document.removeEventListener('visibilitychange', ask);
  }, [id]);
  return useSyncExternalStore(drafts.subscribe, () => drafts.of(id));
}

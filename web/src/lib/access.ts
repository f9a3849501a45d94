import { useSyncExternalStore } from 'react';
import type { Scope } from '../api/types';

const ALL: readonly Scope[] = ['view', 'reply', 'approve'];

/** What this device may do. The server decides; this only spares a person what would be refused. */
class Access {
  private scopes: readonly Scope[] = ALL;
  private readonly listeners = new Set<() => void>();

  set(scopes: readonly Scope[]): void {
    if (scopes.join() === this.scopes.join()) return;
    this.scopes = scopes;
    for (const listener of this.listeners) listener();
  }

  now = (): readonly Scope[] => this.scopes;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };
}

export const access = new Access();

/** What this device may do, as it is now. */
export function useScopes(): readonly Scope[] {
  return useSyncExternalStore(access.subscribe, access.now);
}

/** Whether this device may do what needs a scope. */
export function useMay(scope: Scope): boolean {
  return useScopes().includes(scope);
}

const WHY: Record<Scope, string> = {
  view: 'This device may not look.',
  reply: 'This device may look, and not say anything to agents.',
  approve: 'This device may not decide what agents do, or change anything.',
};

/** Why something can't be done on this device. */
export function whyNot(scope: Scope): string {
  return WHY[scope];
}

/** What scopes allow, in words. */
export function sayScopes(scopes: readonly Scope[]): string {
  if (scopes.includes('approve')) return scopes.includes('reply') ? 'may do everything' : 'may look and decide';
  if (scopes.includes('reply')) return 'may look and say something';
  return scopes.includes('view') ? 'may only look' : 'may do nothing';
}

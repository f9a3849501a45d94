import type { PushRequest } from '../api/types';

/** Why this browser can't be notified, or that it can. */
export type Ability = 'yes' | 'no' | 'insecure' | 'install' | 'denied';

function isApple(): boolean {
  return /iPhone|iPad/.test(navigator.userAgent) || (navigator.platform === 'MacIntel' && navigator.maxTouchPoints > 1);
}

function isInstalled(): boolean {
  return matchMedia('(display-mode: standalone)').matches;
}

/** Whether this browser can be notified here and now. */
export function ability(): Ability {
  if (!isSecureContext) return 'insecure';
  if (!('PushManager' in globalThis) || !('Notification' in globalThis) || !('serviceWorker' in navigator)) {
    return isApple() && !isInstalled() ? 'install' : 'no';
  }
  return Notification.permission === 'denied' ? 'denied' : 'yes';
}

/** A key as the browser takes it. */
export function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  const text = atob(base64url.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** Asks a person, and then the browser, to be notified; returns what the server is told. It must come from a tap. */
export async function subscribe(key: string): Promise<PushRequest> {
  if ((await Notification.requestPermission()) !== 'granted') throw new Error('Notifications are not allowed');
  const registration = await navigator.serviceWorker.ready;
  const wanted = bytesOf(key);
  const old = await registration.pushManager.getSubscription();
  // One that was made with another key is of another board.
  const isOther = old && !isSame(new Uint8Array(old.options.applicationServerKey ?? new ArrayBuffer(0)), wanted);
  if (isOther) await old.unsubscribe();
  const made = await registration.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: wanted });
  const { endpoint, keys } = made.toJSON();
  const { p256dh, auth } = keys ?? {};
  if (!endpoint || !p256dh || !auth) throw new Error('The browser made no subscription');
  // Safari ends a subscription whose messages show nothing.
  const isSafari = /^((?!chrome|android).)*safari/i.test(navigator.userAgent);
  return { subscription: { endpoint, keys: { p256dh, auth } }, closes: !isSafari };
}

function isSame(one: Uint8Array, two: Uint8Array): boolean {
  return one.length === two.length && one.every((byte, n) => byte === two[n]);
}

/** Ends the browser's side. */
export async function unsubscribe(): Promise<void> {
  const registration = await navigator.serviceWorker?.getRegistration();
  await (await registration?.pushManager?.getSubscription())?.unsubscribe();
}

// Keeps the app's own files, so that it opens while Marline is not running, every page of it. What is asked of Marline
// itself, and links that let a browser in, are never kept. And shows what Marline tells this device while nobody looks.
const KEPT = 'marline-app-3';

// Brings what is kept to what the running Marline has: all of its files, and no others.
async function renew() {
  const answer = await fetch('/precache.json', { cache: 'no-cache' });
  if (!answer.ok) return;
  const files = await answer.json();
  const cache = await caches.open(KEPT);
  const kept = await cache.keys();
  const paths = kept.map((request) => new URL(request.url).pathname);
  await Promise.all(files.filter((file) => !paths.includes(file)).map((file) => cache.add(file)));
  const isOld = (path) => path.startsWith('/assets/') && !files.includes(path);
  await Promise.all(kept.filter((_, n) => isOld(paths[n])).map((request) => cache.delete(request)));
}

self.addEventListener('install', (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.add('/').then(renew)));
  self.skipWaiting();
});

self.addEventListener('activate', (event) => {
  const old = caches
    .keys()
    .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))));
  event.waitUntil(old.then(() => self.clients.claim()));
});

async function keep(request, response) {
  if (response.ok && response.type === 'basic') (await caches.open(KEPT)).put(request, response.clone());
  return response;
}

async function page(event) {
  try {
    const response = await keep('/', await fetch(event.request));
    event.waitUntil(renew().catch(() => undefined));
    return response;
  } catch {
    return (await caches.match('/')) ?? Response.error();
  }
}

async function file(request) {
  return (await caches.match(request)) ?? keep(request, await fetch(request));
}

self.addEventListener('fetch', (event) => {
  const { request } = event;
  const { origin, pathname } = new URL(request.url);
  if (request.method !== 'GET' || origin !== location.origin) return;
  if (pathname.startsWith('/api/') || pathname.startsWith('/login')) return;
  if (pathname === '/healthz' || pathname === '/ca.crt') return;
  if (request.mode === 'navigate') event.respondWith(page(event));
  else if (pathname.startsWith('/assets/')) event.respondWith(file(request));
});

function count(waiting) {
  if (!('setAppBadge' in navigator) || typeof waiting !== 'number') return Promise.resolve();
  return (waiting > 0 ? navigator.setAppBadge(waiting) : navigator.clearAppBadge()).catch(() => undefined);
}

// A message without a kind takes the notification with its tag away: what it was about was answered elsewhere.
async function tell(message) {
  await count(message.waiting);
  if (!message.kind) {
    const shown = await self.registration.getNotifications({ tag: message.tag });
    for (const notification of shown) notification.close();
    return;
  }
  await self.registration.showNotification(message.title, {
    body: message.body,
    tag: message.tag,
    renotify: !message.silent,
    silent: message.silent,
    icon: '/icon-192.png',
    badge: '/icon-192.png',
    data: { url: message.url, session: message.session ?? null },
  });
}

self.addEventListener('push', (event) => {
  let message;
  try {
    message = event.data.json();
  } catch {
    // Each message must show something.
    message = { kind: 'needsYou', tag: 'unread', title: 'Marline', body: 'Something happened.', url: '/now' };
  }
  event.waitUntil(tell(message));
});

// A tap opens what it is about: in a window that is open already, or in a new one. Only this app's own pages.
async function open(url) {
  const target = new URL(typeof url === 'string' ? url : '/now', location.origin);
  const address = target.origin === location.origin ? target.pathname + target.search : '/now';
  const windows = await self.clients.matchAll({ type: 'window', includeUncontrolled: true });
  const window = windows.find((one) => one.visibilityState === 'visible') ?? windows[0];
  if (!window) return self.clients.openWindow(address);
  await window.focus().catch(() => undefined);
  window.postMessage({ opens: address });
}

self.addEventListener('notificationclick', (event) => {
  event.notification.close();
  event.waitUntil(open(event.notification.data?.url));
});

// The browser has another address for this device: Marline is told, or it would tell the old one for ever.
async function resubscribe(event) {
  const options = event.oldSubscription?.options;
  const made =
    event.newSubscription ??
    (options &&
      (await self.registration.pushManager.subscribe({
        userVisibleOnly: true,
        applicationServerKey: options.applicationServerKey,
      })));
  if (!made) return;
  const { endpoint, keys } = made.toJSON();
  await fetch('/api/v1/push', {
    method: 'PUT',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ subscription: { endpoint, keys: { p256dh: keys.p256dh, auth: keys.auth } } }),
  });
}

self.addEventListener('pushsubscriptionchange', (event) => event.waitUntil(resubscribe(event)));

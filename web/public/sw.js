// Keeps the app's own files, so that it opens while Marline is not running, every page of it. What is asked of Marline
// itself, and links that let a browser in, are never kept.
const KEPT = 'marline-app-2';

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
  if (pathname.startsWith('/api/') || pathname.startsWith('/login') || pathname === '/healthz') return;
  if (request.mode === 'navigate') event.respondWith(page(event));
  else if (pathname.startsWith('/assets/')) event.respondWith(file(request));
});

/** Keeps all files of the page, so that it opens and works without a network. */
importScripts('offline-files.js');

const {version, files} = self.TINCT;
const OWN = `tinct ${self.registration.scope} `;
const CACHE = OWN + version;

self.addEventListener('install', (event) => {
  // What the page has just loaded isn't sent twice: the browser only asks whether it is still the same.
  const requests = ['./', ...files].map((file) => new Request(file, {cache: 'no-cache'}));
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(requests)));
});

self.addEventListener('activate', (event) => {
  const clean = async () => {
    const old = (await caches.keys()).filter((name) => name.startsWith(OWN) && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(clean());
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin) return;
  const answer = async () => {
    const cache = await caches.open(CACHE);
    return (await cache.match(event.request, {ignoreSearch: true})) ?? fetch(event.request);
  };
  event.respondWith(answer());
});

// Keeps what a stele showed last, so that a restart without a network shows it again, marked; never asked while the
// server answers, and never for the refresh of a page that is open.
"use strict";

const CACHE = "warnsys-1";
const PATIENCE_MS = 5000; // a network that swallows everything must not keep the last state from showing
const FIXED = ["/static/warnsys.css", "/static/live.js", "/static/stele.js", "/static/icons.svg"];

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FIXED)).then(() => self.skipWaiting()));
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url);
  const kept = address.pathname.startsWith("/stele/") || FIXED.includes(address.pathname);
  if (event.request.method !== "GET" || !kept) return;
  event.respondWith(answer(event.request, address));
});

async function answer(request, address) {
  const cache = await caches.open(CACHE), key = address.pathname + address.search;
  try {
    const found = await Promise.race([fetch(request), new Promise((_, fail) => setTimeout(fail, PATIENCE_MS, new Error("no answer")))]);
    if (found.ok) await cache.put(key, found.clone());
    return found;
  } catch (error) {
    const saved = request.headers.get("X-Part") ? undefined : await cache.match(key);
    if (saved) return saved;
    throw error;
  }
}

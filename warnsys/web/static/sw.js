// Keeps what a stele or card showed last, so that a restart without a server shows it again, marked. Only an answer of
// ours is kept or shown: not the error page of a proxy, nor the page of somebody else that a network puts in its place.
"use strict";

const CACHE = "warnsys-2";
const PATIENCE_MS = 5000; // a network that swallows everything must not keep the last state from showing
const PAGE = "text/html";
const WAITING = "/static/waiting.html"; // asks again by itself; for a page that was never shown before
const FIXED = {
  "/static/warnsys.css": "text/css", "/static/live.js": "javascript", "/static/stele.js": "javascript",
  "/static/icons.svg": "image/svg", [WAITING]: PAGE,
};

self.addEventListener("install", (event) => event.waitUntil(install()));

async function install() {
  const cache = await caches.open(CACHE);
  for (const path of Object.keys(FIXED)) {
    const found = await fetch(path, { cache: "no-store" });
    if (!(await ours(found.clone(), path))) throw new Error(`${path} is not ours`);
    await cache.put(path, found);
  }
  await self.skipWaiting();
}

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys().then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name)))).then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const address = new URL(event.request.url), path = address.pathname;
  const kept = path.startsWith("/stele/") || path.startsWith("/embed/") || path in FIXED;
  if (event.request.method !== "GET" || !kept) return;
  event.respondWith(answer(event.request, address));
});

async function answer(request, address) {
  const cache = await caches.open(CACHE), path = address.pathname, key = path + address.search;
  const late = new Promise((_, fail) => setTimeout(fail, PATIENCE_MS, new Error("no answer")));
  let found = null, failed = null;
  try {
    found = await Promise.race([asked(request, address), late]);
    if (found.type === "opaqueredirect") return found;
    if (await Promise.race([ours(found.clone(), path), late])) {
      await cache.put(key, found.clone());
      return found;
    }
  } catch (error) {
    failed = error;
  }
  if (!request.headers.get("X-Part")) { // who refreshes a page that is open judges for itself
    const saved = await cache.match(key);
    if (saved && (await ours(saved.clone(), path))) return saved;
    if (!saved && found && (await unknown(found.clone()))) return found;
    // What bears no mark of ours is kept beside nothing else, and shown where there is not even the waiting page.
    if (!saved && !failed && found.ok) await cache.put(key, found.clone());
    const instead = (!(path in FIXED) && (await cache.match(WAITING))) || saved;
    if (instead) return instead;
  }
  if (failed) throw failed;
  return found;
}

// Asks the server; gives a redirect only where it leads to a page of ours, and else fails.
async function asked(request, address) {
  if (request.mode !== "navigate") return fetch(request);
  const fresh = { cache: "no-store", credentials: "same-origin" }; // a redirect once seen would be remembered for ever
  const found = await fetch(address.href, { ...fresh, redirect: "manual" });
  if (found.type !== "opaqueredirect") return found;
  const there = await fetch(address.href, fresh); // our policy lets it reach no other host
  if (await marked(there)) return found;
  throw new Error("led elsewhere");
}

// Whether it is the whole answer that was asked for.
async function ours(found, path) {
  const type = FIXED[path] || PAGE;
  if (found.status !== 200 || found.redirected || !(found.headers.get("Content-Type") || "").includes(type)) return false;
  return path in FIXED ? (await found.text()) !== "" : marked(found);
}

// Whether our own server says that there is no such page: to ask again would not help.
async function unknown(found) {
  return found.status === 404 && (await found.text()).includes('id="error-404"');
}

// Whether it is one of our living pages, whole.
async function marked(page) {
  const text = await page.text();
  return page.ok && text.includes('id="live"') && text.includes('data-stream="/api/stream') && text.trimEnd().endsWith("</html>");
}

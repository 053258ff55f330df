// Keeps a page in step with the server: listens for changes, asks for the same page again and puts its content in place.
// What a page may no longer claim it takes away by itself, also when nobody answers any more.
"use strict";

const root = document.getElementById("live");
let goodUntil = 0; // by performance.now()
let heardAt = Date.now();
let bornAt = 0; // when the server made what the page shows, by performance.now()
let soonAt = 0, laterAt = 0; // timers
let asked = 0, shown = 0; // an answer that was overtaken by a later one is dropped
let refused = Infinity; // when the page was made that was refused last
let source = null;
let streamAt = 0; // by performance.now()

const SILENT_MS = 12000; // the server pings every 5 s; without, the stream is dead, whatever its state says
const ANSWER_MS = 8000;
const ANYWAY_MS = 60000;
// The server gives everybody the same picture for a second, for a tenth of it where something urgent has changed
// (warnsys/web/pictures.py): whoever asks so much later gets none from before the change.
const SOON_MS = 110, LATER_MS = 1010;
const URGENT = ["hello", "reload", "stele", "action", "process"], OTHERS = ["hello", "reload", "notice", "alert", "feed", "rejected"];

function startOfLife() {
  // The first content may come from a cache: it counts from the time at which the server made it.
  const age = Date.now() - Number(root.dataset.served) * 1000;
  const fresh = Number(root.dataset.freshFor) * 1000;
  bornAt = performance.now() - Math.max(age, 0);
  goodUntil = performance.now() + (age < -60000 ? 0 : fresh - Math.max(age, 0)); // a clock that lags cannot be trusted
}

async function refresh() {
  const mine = ++asked, since = performance.now(); // what waits for its answer grows no younger
  try {
    const answer = await fetch(location.href, { cache: "no-store", headers: { "X-Part": "1" }, signal: AbortSignal.timeout(ANSWER_MS) });
    if (!answer.ok || answer.redirected) throw new Error(String(answer.status));
    const text = await answer.text(), page = new DOMParser().parseFromString(text, "text/html");
    const found = page.getElementById("live");
    if (!found?.dataset.stream || !text.trimEnd().endsWith("</html>")) throw new Error("another page, or half of one");
    if (mine < shown) return;
    if (wasKept(Number(found.dataset.served), since)) throw new Error("a page that somebody kept");
    shown = mine;
    document.title = page.title;
    bornAt = since;
    put(found);
    goodUntil = since + Number(root.dataset.freshFor) * 1000 - LATER_MS; // it may be that old
    heardAt = Date.now();
    lost("");
  } catch {
    const blind = root.classList.contains("blind") && root.dataset.blind;
    if (mine > shown) lost(blind || root.dataset.offline.replace("{}", root.dataset.stand || ""));
  }
}

// A proxy may answer with a page that it kept: an older one, or the same again. The server makes one each second.
// Where the server's clock was set back, its pages are older, too, but the next one is younger than the one before.
function wasKept(made, since) {
  const before = Number(root.dataset.served);
  const kept = made < before - 2 || (made === before && since - bornAt > 5000);
  if (kept && !(made > refused)) { refused = made; return true; }
  refused = Infinity;
  return false;
}

function put(found) {
  const focused = document.activeElement && document.activeElement.id;
  const typed = new Map();
  root.querySelectorAll("input:not([type=hidden])").forEach((field) => field.id && typed.set(field.id, field.value));
  const said = [...root.querySelectorAll("form[data-act] > .said:not([hidden])")].map((one) => [one.parentElement.dataset.act, one]);
  const open = [...root.querySelectorAll("details[id][open]:not([data-opened])")].map((one) => one.id); // the page closes what it opened itself
  const scrolled = [...root.querySelectorAll(".scroll[id]")].map((one) => [one.id, one.scrollTop, one.scrollLeft]);
  const maps = new Map([...root.querySelectorAll(".map")].map((one) => [one.dataset.city, one]));
  for (const name of root.getAttributeNames()) if (name !== "id" && !found.hasAttribute(name)) root.removeAttribute(name);
  for (const name of found.getAttributeNames()) root.setAttribute(name, found.getAttribute(name));
  root.replaceChildren(...found.childNodes);
  root.querySelectorAll(".map").forEach((one) => maps.has(one.dataset.city) && one.replaceWith(maps.get(one.dataset.city)));
  open.forEach((id) => {
    const one = document.getElementById(id);
    one?.setAttribute("open", "");
    one?.removeAttribute("data-opened"); // somebody had opened it before
  });
  scrolled.forEach(([id, top, left]) => document.getElementById(id)?.scrollTo({ top, left, behavior: "instant" }));
  said.forEach(([act, one]) => {
    one.removeAttribute("role"); // it was read out already
    root.querySelector(`form[data-act="${CSS.escape(act)}"]`)?.append(one);
  });
  typed.forEach((value, id) => { const field = document.getElementById(id); if (field && value) field.value = value; });
  root.dispatchEvent(new Event("updated"));
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true }); // now: what was hidden takes no focus
}

function lost(text) {
  const mark = document.getElementById("lost");
  if (!mark) return;
  if (mark.textContent === text && mark.hidden === !text) return;
  mark.textContent = text;
  mark.hidden = !text;
  root.dispatchEvent(new Event("room")); // there is less of it, or more
}

function soon() {
  if (!soonAt) soonAt = setTimeout(() => { soonAt = 0; refresh(); }, SOON_MS);
}

function later() {
  if (!laterAt) laterAt = setTimeout(() => { laterAt = 0; refresh(); }, LATER_MS);
}

function look() {
  const slept = Date.now() - heardAt > Number(root.dataset.freshFor) * 1000 + 5000; // performance.now() may rest in sleep
  const blind = performance.now() > goodUntil || slept;
  if (blind !== root.classList.contains("blind")) {
    root.classList.toggle("blind", blind);
    const section = document.getElementById("blind");
    if (section) section.hidden = !blind;
    if (blind && root.dataset.blind) lost(root.dataset.blind);
    root.dispatchEvent(new Event("sight"));
  }
  if (ended()) root.dispatchEvent(new Event("ended"));
  const clock = document.getElementById("clock");
  root.querySelectorAll("[data-seconds]").forEach((one) => {
    const left = Number(one.dataset.seconds) - 1;
    one.dataset.seconds = String(left);
    one.textContent = left <= 0 && one.dataset.over ? one.dataset.over : one.dataset.text.replace("{}", span(left));
  });
  if (clock) clock.dataset.age = String(Math.round((Date.now() - heardAt) / 1000));
}

// Takes away what has ended by its own end, by a clock that nobody sets, and says the day of its data when that is over.
function ended() {
  const gone = (performance.now() - bornAt) / 1000;
  let changed = false;
  for (const last of document.querySelectorAll(".last")) {
    const over = (one) => one.dataset.left !== undefined && gone >= Number(one.dataset.left);
    for (const one of last.querySelectorAll("li")) {
      if (over(one) && !one.hidden) changed = one.hidden = true;
    }
    last.hidden = [...last.querySelectorAll("li")].every((one) => one.hidden);
    const today = last.querySelector("[data-today]");
    if (!today) continue;
    today.hidden = gone >= Number(today.dataset.today);
    last.querySelector("[data-after-today]").hidden = !today.hidden;
  }
  return changed;
}

function span(seconds) {
  if (seconds < 60) return `${Math.max(0, Math.floor(seconds))} s`;
  const minutes = Math.max(0, Math.floor(seconds / 60));
  const days = Math.floor(minutes / 1440), hours = Math.floor(minutes / 60) % 24;
  if (days) return `${days} d ${hours} h`;
  return hours ? `${hours} h ${minutes % 60} min` : `${minutes % 60} min`;
}

function listen() {
  if (source) source.close();
  source = new EventSource(root.dataset.stream);
  streamAt = performance.now();
  const urgent = root.hasAttribute("data-slow") ? later : soon; // many districts: their steles come many times a second
  for (const [kinds, ask] of [[URGENT, urgent], [OTHERS, later]]) {
    for (const kind of kinds) source.addEventListener(kind, () => { streamAt = performance.now(); ask(); });
  }
  source.addEventListener("ping", () => { streamAt = performance.now(); });
  source.addEventListener("error", soon);
}

function mind() {
  if (performance.now() - streamAt < SILENT_MS) return;
  listen();
  soon();
}

startOfLife();
listen();
look();
setInterval(look, 1000);
setInterval(mind, 1000);
setInterval(soon, ANYWAY_MS);
for (const change of ["online", "offline"]) window.addEventListener(change, soon);
try {
  navigator.serviceWorker?.register("/sw.js").catch(() => {});
} catch {} // in a frame that may keep nothing

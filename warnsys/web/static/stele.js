// The stele and the card: texts as large as fit, what does not fit in pages that turn, further languages in turn, read
// aloud; and without data what was last known to hold.
"use strict";

const ALONE_MS = 120000; // after so long without a touch, a key or a movement nobody is there: all turns again
const SMALLEST = 0.62; // what would be smaller turns in pages instead
const PAGED = 0.8;
const SHRUNK = 0.8; // of its size: the text of a pager, where that saves a page
const LOST = 0.5; // of a page, at most, for a sentence that would stand on two
const EXCLAIMED = 3; // words at most of an exclamation that stands with the sentence after it
const NEEDED = 0.3; // but what is shown largest stands whole on every screen

const NIGHT = [22, 6];

// People operate a card, so what turns by itself can be stopped (WCAG 2.2.2). It rests while somebody points at it or has
// the focus in it, for a pointer that was left there would hide the further pages for ever; for the visit once somebody
// has stopped it; and from the start for those who wish for less motion.
const CARD = root.classList.contains("card");
const CALM = matchMedia("(prefers-reduced-motion: reduce)"), POINTS = matchMedia("(hover: hover)");
const KEPT = "warnsys-turns";

let language = "";
let paused = CARD && (kept() || (CALM.matches ? "rests" : "goes")) === "rests";
let bidden = false; // to go on, although somebody is at it
let turnedAt = performance.now();
let movedAt = -Infinity; // when somebody last pointed or pressed a key
let pointed = ""; // where on the screen
let subject = ""; // what is shown largest
const pages = new Map(); // by the pager's id which of its pages shows

const byId = (id) => document.getElementById(id);

function area() {
  const blind = byId("blind");
  return blind && !blind.hidden ? blind : byId("content");
}

function pagers() {
  return [...area().querySelectorAll(".pager")].filter((one) => one.clientWidth);
}

function spills(one) {
  return one.scrollHeight > one.clientHeight + 1 || one.scrollWidth > one.clientWidth + 1;
}

// Whether a page of it holds some lines, and each warning and each headline whole.
function roomy(one) {
  const height = (part) => [...part.getClientRects()].reduce((sum, rect) => sum + rect.height, 0);
  const needed = Math.max(2.6 * parseFloat(getComputedStyle(one).fontSize), ...[...one.querySelectorAll("li, h2")].map(height));
  return !spills(one) || one.clientHeight >= needed - 1;
}

function fit() {
  const place = area();
  const whole = (most, least, fits) => {
    for (let scale = most; scale > least; scale -= 0.04) {
      place.style.setProperty("--fit", String(scale));
      if (fits()) return true;
    }
    return false;
  };
  pagers().forEach((one) => { one.scrollLeft = 0; one.style.height = ""; sized(one, 1); });
  whole(1, SMALLEST, () => !spills(place) && !pagers().some(spills)) || whole(PAGED, NEEDED, () => !spills(place) && pagers().every(roomy));
  const heights = pagers().map((one) => [one, one.clientHeight]);
  heights.forEach(([one, height]) => { one.style.height = `${height}px`; }); // columns need a height to break at
  pagers().forEach((one) => { saved(one); leaf(one); });
}

// -- pages -----------------------------------------------------------------------------------------------------------

function columns(one) {
  const step = one.getBoundingClientRect().width + parseFloat(getComputedStyle(one).columnGap);
  return { step, count: Math.max(1, Math.round((one.scrollWidth + step - one.getBoundingClientRect().width) / step)) };
}

// The sentences of a text, an exclamation of a few words with the one after it.
function told(text) {
  const found = [];
  for (const { segment } of new Intl.Segmenter(text.closest("[lang]").lang, { granularity: "sentence" }).segment(text.textContent)) {
    const last = found[found.length - 1]?.trim();
    if (last?.endsWith("!") && last.split(/\s+/).length <= EXCLAIMED) found.push(found.pop() + segment);
    else found.push(segment);
  }
  return found;
}

// Each sentence of a text by itself, so that a page can end with one.
function sentences() {
  if (!Intl.Segmenter) return;
  for (const text of area().querySelectorAll(".pager p")) {
    if (text.closest("li") || text.matches(".when") || text.firstElementChild) continue;
    text.replaceChildren(...told(text).map((segment) => {
      const part = document.createElement("span");
      part.className = "sentence";
      part.textContent = segment;
      return part;
    }));
  }
}

function shownSentences(one) {
  return [...one.querySelectorAll(".sentence")].filter((part) => part.getClientRects().length);
}

// The lines of a sentence, and on which page of its pager each stands.
function lines(part, one) {
  const { left } = one.getBoundingClientRect(), { step } = columns(one);
  const all = [...part.getClientRects()].filter((rect) => rect.width > 1);
  return all.map((rect) => ({ top: rect.top, height: rect.height, page: Math.floor(((rect.left + rect.right) / 2 - left + one.scrollLeft) / step) }));
}

// The text of a pager in a part of its size, with no page begun before its time.
function sized(one, part) {
  one.style.setProperty("--own", String(part));
  one.querySelectorAll(".leaf").forEach((leaf) => leaf.remove());
}

// Begins a page before each sentence that would stand on two, unless that wastes too much or parts it from its heading.
function begun(one) {
  const { bottom, height } = one.getBoundingClientRect();
  for (const part of shownSentences(one)) {
    const all = lines(part, one);
    if (!all.length || all[0].page === all[all.length - 1].page) continue;
    const heading = !part.previousSibling && part.parentElement.previousElementSibling?.tagName === "H2";
    if (heading || all.length * all[0].height > height || bottom - all[0].top > LOST * height) continue;
    const leaf = document.createElement("span");
    leaf.className = "leaf";
    part.before(leaf);
  }
}

// As few pages as the text needs at most a little smaller: no last page with two words.
function saved(one) {
  if (columns(one).count < 2 || !shownSentences(one).length) return;
  let best = 1, least = Infinity;
  for (let part = 1; part >= SHRUNK - 0.001; part -= 0.04) {
    sized(one, part);
    begun(one);
    const { count } = columns(one);
    if (count < least) [best, least] = [part, count];
  }
  sized(one, best);
  begun(one);
}

// What a page that is not the first goes on with.
function goesOn(one, page) {
  const first = page && shownSentences(one).find((part) => lines(part, one).some((line) => line.page === page));
  if (!first) return "";
  return first.closest("article")?.dataset.tongue || (first.closest(".advice, .instruction") ? one.querySelector("h2").textContent : "");
}

// Shows the page of a pager whose turn it is, and says which of how many.
function leaf(one) {
  const { step, count } = columns(one), page = Math.min(pages.get(one.id) || 0, count - 1);
  one.scrollLeft = page * step;
  let said = one.parentElement.querySelector(".page-of");
  if (!said) {
    said = document.createElement("p");
    said.className = "page-of";
    said.setAttribute("aria-hidden", "true");
    one.parentElement.append(said);
  }
  said.textContent = count > 1 ? [goesOn(one, page), `${page + 1}/${count}`].filter(Boolean).join(" · ") : "";
}

function turns() {
  return articles().length > 1 || pagers().some((one) => columns(one).count > 1);
}

function turn() {
  if (paused && !CARD && performance.now() - turnedAt > ALONE_MS) { paused = false; prepare(); }
  if (looked()) turnedAt = performance.now();
  if (paused || performance.now() - turnedAt < Number(byId("live").dataset.turn) * 1000) return;
  onward();
}

// Notes that somebody is there. A pointer that stands still is nobody, though browsers tell of it when the page moves.
function moved(event) {
  const place = `${event.screenX} ${event.screenY}`;
  if (event.type === "pointermove" && place === pointed) return;
  if (event.type !== "keydown") pointed = place;
  movedAt = performance.now();
}

// Whether somebody is at a card: what they look at stays.
function looked() {
  const there = performance.now() - movedAt < ALONE_MS;
  const near = CARD && there && Boolean((POINTS.matches && root.matches(":hover")) || root.querySelector(":focus-visible"));
  if (!near) bidden = false;
  return near && !bidden;
}

function onward() {
  turnedAt = performance.now();
  for (const one of pagers()) {
    const { count } = columns(one), next = (pages.get(one.id) || 0) + 1;
    pages.set(one.id, next < count ? next : 0);
    if (one.id === "languages" && next >= count && articles().length > 1) nextLanguage();
    else leaf(one);
  }
}

// Keeps for this visit whether a card's pages turn, and gives what was kept.
function kept(turns) {
  try {
    if (turns) sessionStorage.setItem(KEPT, turns);
    return sessionStorage.getItem(KEPT);
  } catch {
    return null; // in a frame that may keep nothing
  }
}

function rest() {
  paused = !paused;
  bidden = !paused;
  kept(paused ? "rests" : "goes");
  turnedAt = performance.now();
  turner();
}

// The buttons of a card, while it has more than one page.
function turner() {
  const place = byId("turner"), button = byId("rest");
  if (!place) return;
  const shown = turns();
  if (place.hidden === shown) { place.hidden = !shown; fit(); }
  button.classList.toggle("resting", paused);
  button.querySelector(".visually-hidden").textContent = paused ? button.dataset.go : button.dataset.rest;
}

// -- languages -------------------------------------------------------------------------------------------------------

function articles() {
  return [...document.querySelectorAll(".others article")];
}

function nextLanguage() {
  const all = articles();
  show(all[(all.findIndex((one) => one.lang === language) + 1) % all.length].lang);
}

function show(wanted) {
  const all = articles();
  if (all.length) {
    const chosen = all.find((one) => one.lang === wanted) || all[0];
    if (chosen.lang !== language) pages.delete("languages");
    language = chosen.lang;
    all.forEach((one) => one.toggleAttribute("data-later", one !== chosen));
    document.querySelectorAll(".tongue").forEach((one) => one.setAttribute("aria-current", String(one.dataset.language === language)));
  }
  fit();
}

// The server words times in German and English; the other languages have theirs from the browser.
function periods() {
  const shape = { weekday: "short", day: "2-digit", month: "2-digit", hour: "2-digit", minute: "2-digit", timeZone: byId("live").dataset.zone };
  for (const one of document.querySelectorAll(".others [data-onset]")) {
    const tag = one.closest("article").lang;
    if (tag === "en" || !tag) continue;
    try {
      const words = new Intl.DateTimeFormat(tag, shape), [onset, until] = [one.dataset.onset, one.dataset.until].map((at) => at && new Date(Number(at) * 1000));
      if (words.resolvedOptions().locale.split("-")[0] === tag.split("-")[0]) one.textContent = until ? words.formatRange(onset, until) : `${words.format(onset)} –`;
    } catch {} // a tag that no browser knows keeps the English times
  }
}

// -- the clock --------------------------------------------------------------------------------------------------------

// The time of day by the server's clock. At night a screen is dark while nothing stands there, by fresh data only.
function clock() {
  const place = byId("time"), live = byId("live");
  if (!place || !live.dataset.now) return;
  const now = new Date(Number(live.dataset.now) * 1000 + performance.now() - bornAt);
  place.textContent = now.toLocaleTimeString("de-DE", { hour: "2-digit", minute: "2-digit", timeZone: live.dataset.zone });
  const hour = Number(place.textContent.split(":")[0]);
  const quiet = live.hasAttribute("data-quiet") && !live.classList.contains("blind") && byId("lost").hidden;
  live.classList.toggle("night", quiet && (hour >= NIGHT[0] || hour < NIGHT[1]));
}

// -- the page --------------------------------------------------------------------------------------------------------

function prepare() {
  document.documentElement.classList.add("turning");
  const kept = area().querySelector(":scope > template");
  if (kept) kept.replaceWith(kept.content); // what was last known is drawn only when it is needed
  const first = byId("first"), said = first ? first.textContent : "";
  if (said !== subject) pages.clear();
  subject = said;
  window.ended?.(); // live.js of an older process, beside this one while it is replaced, has none
  clock();
  periods();
  sentences();
  const controls = document.querySelector(".controls"), button = byId("pause");
  if (controls) controls.hidden = !first;
  if (button) {
    button.hidden = articles().length < 2;
    button.setAttribute("aria-pressed", String(paused));
    button.querySelector("span").textContent = paused ? button.dataset.go : button.dataset.pause;
  }
  show(language);
  if (button && button.hidden && turns()) { button.hidden = false; fit(); }
  turner();
}

// Reads what is shown: German, and in a language that somebody chose the text in that language.
function read() {
  if (!("speechSynthesis" in window)) return;
  if (speechSynthesis.speaking) { speechSynthesis.cancel(); return; }
  const chosen = paused && articles().find((one) => one.lang === language);
  const german = ["first", "german", "further"].map(byId).filter(Boolean);
  const said = new SpeechSynthesisUtterance(chosen ? chosen.innerText : german.map((one) => one.innerText).join("\n"));
  said.lang = chosen ? chosen.lang : "de-DE";
  for (const change of ["start", "end", "error"]) said.addEventListener(change, reading);
  speechSynthesis.speak(said);
}

function reading(event) {
  const button = byId("read");
  if (button) button.querySelector("span").textContent = event.type === "start" ? button.dataset.stop : button.dataset.read;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "read") read();
  if (button.id === "rest") rest();
  if (button.id === "next") onward();
  if (button.id === "pause") { paused = !paused; turnedAt = performance.now(); prepare(); }
  if (button.classList.contains("tongue")) { paused = true; language = button.dataset.language; pages.delete("languages"); turnedAt = performance.now(); prepare(); }
});
for (const sign of ["pointermove", "pointerdown", "keydown"]) document.addEventListener(sign, moved, { passive: true });
for (const change of ["updated", "sight"]) byId("live").addEventListener(change, prepare);
for (const change of ["ended", "room"]) byId("live").addEventListener(change, () => { fit(); turner(); });
window.addEventListener("resize", () => { fit(); turner(); });
prepare();
setInterval(() => { clock(); turn(); }, 1000);

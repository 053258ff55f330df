// The stele: further languages in turn, and read aloud.
"use strict";

let language = "";
let paused = false;
let turnedAt = performance.now();

const ALONE_MS = 120000; // after so long without a touch the languages turn again for the next one who passes
const SMALLEST = 0.64;

function articles() {
  return [...document.querySelectorAll(".others article")];
}

function show(wanted) {
  const all = articles();
  if (!all.length) return;
  const chosen = all.find((one) => one.lang === wanted) || all[0];
  language = chosen.lang;
  turnedAt = performance.now();
  all.forEach((one) => one.toggleAttribute("data-later", one !== chosen));
  fit();
  document.querySelectorAll(".tongue").forEach((one) => one.setAttribute("aria-current", String(one.dataset.language === language)));
}

// A text is shown whole: it gets smaller until it fits, and is cut only where even the smallest does not.
function fit() {
  const main = document.getElementById("content");
  const spills = () => main.scrollHeight > main.clientHeight + 1 || [...main.children].some((one) => one.scrollHeight > one.clientHeight + 1);
  main.classList.remove("cut");
  for (let scale = 1; scale > SMALLEST; scale -= 0.02) {
    main.style.setProperty("--fit", String(scale));
    if (!spills()) return;
  }
  main.classList.add("cut");
}

function prepare() {
  const controls = document.querySelector(".controls");
  if (controls) controls.hidden = !document.getElementById("german");
  fit();
  show(language);
  const button = document.getElementById("pause");
  if (button) {
    button.setAttribute("aria-pressed", String(paused));
    button.querySelector("span").textContent = paused ? button.dataset.go : button.dataset.pause;
  }
}

function turn() {
  if (paused && performance.now() - turnedAt > ALONE_MS) { paused = false; prepare(); }
  const all = articles();
  if (paused || all.length < 2 || performance.now() - turnedAt < Number(document.getElementById("live").dataset.turn) * 1000) return;
  const next = all[(all.findIndex((one) => one.lang === language) + 1) % all.length];
  show(next.lang);
}

// Reads what is shown: German, and in a language that somebody chose the text in that language.
function read() {
  const chosen = paused && articles().find((one) => one.lang === language);
  const text = chosen || document.getElementById("german");
  if (!("speechSynthesis" in window) || !text) return;
  if (speechSynthesis.speaking) { speechSynthesis.cancel(); return; }
  const said = new SpeechSynthesisUtterance(text.innerText);
  said.lang = text.lang === "de" ? "de-DE" : text.lang;
  for (const change of ["start", "end", "error"]) said.addEventListener(change, reading);
  speechSynthesis.speak(said);
}

function reading(event) {
  const button = document.getElementById("read");
  if (button) button.querySelector("span").textContent = event.type === "start" ? button.dataset.stop : button.dataset.read;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "read") read();
  if (button.id === "pause") { paused = !paused; turnedAt = performance.now(); prepare(); }
  if (button.classList.contains("tongue")) { paused = true; language = button.dataset.language; turnedAt = performance.now(); prepare(); }
});
document.getElementById("live").addEventListener("updated", prepare);
window.addEventListener("resize", fit);
prepare();
setInterval(turn, 1000);

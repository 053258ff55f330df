// The stele: further languages in turn, read aloud, and a memory for times without a network.
"use strict";

let language = "";
let paused = false;
let turnedAt = performance.now();

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
  document.querySelectorAll(".tongue").forEach((one) => one.setAttribute("aria-current", String(one.dataset.language === language)));
}

function prepare() {
  const controls = document.querySelector(".controls");
  if (controls) controls.hidden = !document.getElementById("german");
  show(language);
  const button = document.getElementById("pause");
  if (button) {
    button.setAttribute("aria-pressed", String(paused));
    button.querySelector("span").textContent = paused ? button.dataset.go : button.dataset.pause;
  }
}

function turn() {
  const all = articles();
  if (paused || all.length < 2 || performance.now() - turnedAt < Number(document.getElementById("live").dataset.turn) * 1000) return;
  const next = all[(all.findIndex((one) => one.lang === language) + 1) % all.length];
  show(next.lang);
}

function read() {
  const german = document.getElementById("german");
  if (!("speechSynthesis" in window) || !german) return;
  if (speechSynthesis.speaking) return speechSynthesis.cancel();
  const said = new SpeechSynthesisUtterance(german.innerText);
  said.lang = "de-DE";
  speechSynthesis.speak(said);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.id === "read") read();
  if (button.id === "pause") { paused = !paused; turnedAt = performance.now(); prepare(); }
  if (button.classList.contains("tongue")) { paused = true; language = button.dataset.language; prepare(); }
});
document.getElementById("live").addEventListener("updated", prepare);
prepare();
setInterval(turn, 1000);
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js").catch(() => {});

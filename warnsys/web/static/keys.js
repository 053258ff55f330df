// Keys that lead to a place on the page or to another page; none changes anything. An element says its key itself, by
// aria-keyshortcuts. They are silent while a field has the focus and with Ctrl, Alt and Meta, and can be switched off
// (WCAG 2.1.4).
"use strict";
{
  const OFF = "warnsys-keys-off";
  const STEPS = { j: 1, k: -1 };
  const FIELDS = "input, select, textarea, [contenteditable]";
  const ANSWER_MS = 8000;
  const help = document.getElementById("help"); // only a page that must stay has it: the others go to the help page
  let before = null; // what had the focus
  let off = false;
  try { off = localStorage.getItem(OFF) === "1"; } catch {} // where nothing may be kept it holds for this page

  const say = () => {
    const button = document.getElementById("keys");
    if (!button) return;
    button.hidden = false;
    button.textContent = off ? button.dataset.off : button.dataset.on;
  };

  const turn = () => {
    off = !off;
    try { localStorage.setItem(OFF, off ? "1" : "0"); } catch {}
    say();
  };

  // Once, when the page is loaded: it is there also when the server is away.
  const fill = async () => {
    try {
      const answer = await fetch(help.dataset.page, { signal: AbortSignal.timeout(ANSWER_MS) });
      const found = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("help-page");
      help.replaceChildren(found);
      document.getElementById("help-close").hidden = false;
    } catch {
      help.textContent = help.dataset.unreached;
    }
    say();
  };

  // Beside what holds, and nothing is closed off: a warning that comes meanwhile is seen and read out.
  const open = async () => {
    before = document.activeElement;
    help.show();
    help.focus();
    if (!help.querySelector("#help-page")) await fill();
  };

  const close = () => {
    help.close();
    const same = before?.isConnected ? before : before?.id && document.getElementById(before.id);
    (same || document.getElementById("now"))?.focus({ preventScroll: true });
  };

  const step = (by) => {
    const all = [...document.querySelectorAll("[data-step]")], at = all.indexOf(document.activeElement);
    const next = at < 0 ? (by > 0 ? 0 : all.length - 1) : Math.min(Math.max(at + by, 0), all.length - 1);
    all[next]?.focus();
  };

  const unseen = () => {
    const field = document.querySelector("form.seen input[name=by]");
    if (field?.value) field.form.querySelector("button").focus();
    else field?.focus();
  };

  const go = (key) => {
    const one = document.querySelector(`[aria-keyshortcuts~="${CSS.escape(key)}"]`);
    if (one?.matches("a")) one.click();
    else (one?.matches("table") ? one.querySelector("a") : one)?.focus();
    return Boolean(one);
  };

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && help?.open) return close();
    if (off || event.ctrlKey || event.altKey || event.metaKey || event.isComposing || event.key.length !== 1) return;
    if (event.target.closest?.(FIELDS)) return;
    const key = event.key.toLowerCase();
    if (event.shiftKey && key !== "?" && key !== "/") return; // these two need it on many keyboards
    if (key === "?" && help) { if (help.open) close(); else open(); }
    else if (key in STEPS) step(STEPS[key]);
    else if (key === "g") unseen();
    else if (!go(key)) return;
    event.preventDefault();
  });
  document.addEventListener("click", (event) => {
    if (event.target.id === "keys") turn();
    if (event.target.id === "help-close") close();
    const link = event.target.closest("a[data-help]");
    if (!link || !help || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (help.open) close(); else open();
  });
  if (help) window.addEventListener("load", fill);
  say();
}

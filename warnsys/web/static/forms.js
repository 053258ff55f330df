// What an operator does never loses the page: a form is sent from it, and a page that asks once more is fetched before it
// is gone to. Where nobody answers, that is said beside it, and what was typed stays.
"use strict";

const SAID = document.currentScript.dataset;
const SEND_MS = 8000; // the server waits 5 s for the broker

async function request(address, options) {
  return fetch(address, { cache: "no-store", signal: AbortSignal.timeout(SEND_MS), ...options });
}

function say(place, text) {
  let said = place.querySelector(":scope > .said");
  if (!said) {
    said = document.createElement("span");
    said.className = "said";
    place.append(said);
  }
  said.setAttribute("role", "alert");
  said.textContent = text;
  said.hidden = !text;
}

// The form itself, or the one that a refresh has put in its place meanwhile.
function shownOf(form) {
  return form.isConnected ? form : document.querySelector(`form[data-act="${CSS.escape(form.dataset.act)}"]`) || form;
}

async function send(form) {
  if (form.dataset.sending) return;
  for (const field of form.querySelectorAll("[aria-invalid]")) field.removeAttribute("aria-invalid");
  form.dataset.sending = "1";
  say(form, "");
  try {
    const typed = new URLSearchParams(new FormData(form));
    const answer = await request(form.action, { method: "POST", body: typed });
    if (answer.redirected && answer.ok) {
      if (document.getElementById("live")) refresh(); // the desk stays, with its sound
      else location.assign(answer.url);
    } else {
      const page = new DOMParser().parseFromString(await answer.text(), "text/html"), why = page.querySelector("[role=alert]");
      say(shownOf(form), why ? [why, why.nextElementSibling].map((one) => one?.textContent.trim()).filter(Boolean).join(". ") : SAID.unsent);
      const field = shownOf(form).elements[page.querySelector("[aria-invalid]")?.name];
      if (field) {
        field.setAttribute("aria-invalid", "true");
        field.focus();
      }
    }
  } catch {
    say(shownOf(form), SAID.unsent);
  }
  delete form.dataset.sending;
}

async function follow(link) {
  try {
    const answer = await request(link.href);
    if (!answer.ok && answer.status !== 404) throw new Error(String(answer.status));
    location.assign(link.href);
  } catch {
    say(link.parentElement, SAID.unreached);
  }
}

document.addEventListener("submit", (event) => {
  if (event.target.method !== "post") return;
  event.preventDefault();
  send(event.target);
});
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-careful]");
  if (!link || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  follow(link);
});

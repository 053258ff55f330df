// The operators' desk: the map, and the alarm of what nobody has seen yet.
"use strict";

const maps = new Map();
const SHIFT = "warnsys-shift";
const MARGIN = 10; // pixels between the city and the edge of its map
const ROOM = 0.1; // around a city that has neighbours, in parts of it: their names stand there (surroundings.py)
let audio = null, alarm = null;
let surroundings = null; // asked for once
let told = new Set();

async function fetched(address) {
  return (await fetch(address, { cache: "no-store", signal: AbortSignal.timeout(8000) })).json();
}

let draws = 0, drawn = 0; // what comes late is not drawn over what was asked for after it
async function draw() {
  if (!window.L) return;
  const mine = ++draws;
  let districts, outlines;
  try {
    const language = document.documentElement.lang;
    [districts, outlines] = await Promise.all([fetched("/api/districts.geojson"), fetched(`/api/outlines.geojson?lang=${language}`)]);
  } catch { return; }
  if (mine < drawn) return;
  drawn = mine;
  document.querySelectorAll(".map").forEach((place) => {
    let held = maps.get(place.dataset.city);
    if (!held) {
      const map = L.map(place, { zoomSnap: 0.1, attributionControl: Boolean(place.dataset.tiles), keyboard: true });
      if (place.dataset.tiles) L.tileLayer(place.dataset.tiles, { attribution: place.dataset.credit }).addTo(map);
      held = { map, layers: [] };
      maps.set(place.dataset.city, held);
      new ResizeObserver(() => fit(maps.get(place.dataset.city))).observe(place);
    }
    const features = districts.features.filter((one) => one.properties.city === place.dataset.city);
    const said = JSON.stringify([features.map((one) => [one.id, one.properties.level, one.properties.advance, one.properties.status, later(one)]), outlines]);
    if (said === held.said) return border(held, place); // what is drawn anew loses the focus
    held.said = said;
    const focused = document.activeElement?.dataset?.district;
    const layer = L.geoJSON({ type: "FeatureCollection", features }, { style: dress, onEachFeature: (one, shape) => name(place, one, shape) });
    // the veil within an outline leaves its holes free: a ring alone does not tell a hole from another area
    const casing = lines(outlines, { weight: 6, opacity: 0.9, fill: true, fillOpacity: 0.14 }, "casing"), line = lines(outlines, { weight: 3, dashArray: "9 5" }, "line");
    if (!held.layers.length) {
      held.bounds = layer.getBounds();
      fit(held);
      held.map.on("dragstart zoomstart", () => { held.moved = !held.fits; });
    }
    held.layers.forEach((one) => one.remove());
    held.layers = [layer, casing, line];
    held.layers.forEach((one) => one.addTo(held.map));
    border(held, place);
    layer.eachLayer((shape) => reach(shape, shape.feature));
    if (focused) place.querySelector(`[data-district="${CSS.escape(focused)}"]`)?.focus();
  });
  if (!surroundings) surround();
}

// What lies around comes after what holds, and never keeps it back.
async function surround() {
  try { surroundings = await fetched("/umgebung.geojson"); } catch { return; }
  document.querySelectorAll(".map").forEach((place) => {
    if (maps.has(place.dataset.city)) border(maps.get(place.dataset.city), place);
  });
}

// Outlines and names of what lies around, below everything else.
function border(held, place) {
  const features = (surroundings?.features ?? []).filter((one) => one.properties.around === place.dataset.city);
  if (held.around || !features.length) return;
  held.bounds = held.bounds.pad(ROOM);
  fit(held);
  held.around = L.geoJSON({ type: "FeatureCollection", features }, { interactive: false, style: { weight: 1, fillOpacity: 1, className: "around" } });
  held.around.addTo(held.map).bringToBack();
  for (const { properties } of features) {
    if (!properties.at) continue;
    const label = document.createElement("span");
    label.textContent = properties.name;
    L.tooltip({ permanent: true, direction: "center", className: "map-label around-label" }).setLatLng([properties.at[1], properties.at[0]]).setContent(label).addTo(held.map);
  }
}

// The whole city, as large as there is room, until somebody has moved the map. A map that is hidden has no room, and
// what is fitted into none has no zoom that leads back: it waits until it is seen again.
function fit(held) {
  const { clientWidth, clientHeight } = held.map.getContainer();
  if (Math.min(clientWidth, clientHeight) <= 2 * MARGIN) return;
  held.map.invalidateSize({ animate: false, pan: false });
  if (!held.bounds || held.moved) return;
  held.fits = true;
  held.map.fitBounds(held.bounds, { padding: [MARGIN, MARGIN], animate: false });
  held.fits = false;
}

function dress(one) {
  const said = one.properties;
  const fill = unsure(said) ? "no-data" : said.level ? `${said.advance ? "advance" : "level"}-${said.level}` : "";
  return { weight: 2, className: "place", fillColor: fill ? `url(#${fill})` : "transparent", fillOpacity: 1 };
}

// Nothing is warned of, and nobody knows whether that is so.
function unsure(said) {
  return ["no_data", "unconfirmed"].includes(said.status);
}

// From when on the worst warning of a district is in force, where that lies ahead: the table of districts says it.
function later(one) {
  const when = document.getElementById(`district-${one.id}`)?.dataset.later;
  return when ? `, ${when}` : "";
}

function name(place, one, shape) {
  const said = one.properties, label = document.createElement("span");
  const graded = said.advance ? place.dataset.advance : place.dataset.level;
  const unknown = said.status === "unconfirmed" ? place.dataset.expired : place.dataset.nothing;
  const state = unsure(said) ? unknown : said.level ? graded.replace("{}", said.level) : "";
  label.textContent = said.short_name;
  if (state) label.append(document.createElement("br"), unsure(said) ? state : `${said.advance ? place.dataset.brief + " " : ""}${said.level}/4${later(one)}`);
  shape.label = state ? `${said.name}: ${state}${later(one)}` : said.name;
  shape.bindTooltip(label, { permanent: true, direction: "center", className: "map-label" });
  shape.on("click", () => go(one));
}

function reach(shape, one) {
  const path = shape.getElement();
  if (!path) return;
  for (const [key, value] of [["tabindex", "0"], ["role", "button"], ["aria-label", shape.label], ["data-district", one.id]]) path.setAttribute(key, value);
  path.addEventListener("keydown", (event) => { if (event.key === "Enter") go(one); });
}

function go(one) {
  document.querySelector(`#district-${CSS.escape(one.id)} a`)?.focus();
}

function lines(outlines, style, kind) {
  return L.geoJSON(outlines, {
    style: (one) => ({ fill: false, ...style, className: `outline ${kind} level-${one.properties.level}` }),
    pointToLayer: (one, at) => L.circle(at, { fill: false, ...style, radius: one.properties.radius_m, className: `outline ${kind} level-${one.properties.level}` }),
    interactive: kind === "line",
    onEachFeature: (one, shape) => {
      const label = document.createElement("span");
      const notice = one.properties.advance && document.querySelector(".map").dataset.notice;
      label.textContent = [notice, one.properties.event, one.properties.height].filter(Boolean).join(", ");
      if (kind === "line") shape.bindTooltip(label, { sticky: true, className: "map-label" });
    },
  });
}

// Where a timeline is wider than its panel, it opens at the present.
function present() {
  for (const place of document.querySelectorAll(".panel.time .scroll")) {
    const { left, width } = place.getBoundingClientRect();
    place.scrollLeft += place.querySelector(".present").getBoundingClientRect().left - left - width / 2;
  }
}

function loud() {
  return [...document.querySelectorAll("[data-loud]")];
}

function announce() {
  const now = new Set(), texts = [];
  for (const one of loud()) {
    const key = `${one.dataset.id}/${one.dataset.level}`;
    now.add(key);
    if (told.has(key)) continue;
    const [label, event, where] = one.dataset.loud.split("|");
    const text = document.getElementById("live").dataset.announce;
    texts.push(text.replace("{label}", label).replace("{event}", event).replace("{where}", where));
  }
  if (texts.length) document.getElementById("announcer").textContent = texts.join(". "); // outside of what is put in anew
  told = now;
  if (now.size && !document.title.startsWith("⚠")) document.title = `⚠ ${document.title}`;
}

// The alarm is one sound that loops in the audio thread: a page in the background has its timers slowed down, not this.
function melody(seconds) {
  const buffer = audio.createBuffer(1, audio.sampleRate * seconds, audio.sampleRate), wave = buffer.getChannelData(0);
  for (const [at, pitch] of [[0, 880], [0.25, 660]]) {
    const first = Math.round(at * audio.sampleRate), long = Math.round(0.22 * audio.sampleRate);
    for (let n = 0; n < long; n++) wave[first + n] = 0.3 * (1 - n / long) * Math.sin((2 * Math.PI * pitch * n) / audio.sampleRate);
  }
  return buffer;
}

function play(seconds, loop) {
  const sound = new AudioBufferSourceNode(audio, { buffer: melody(seconds), loop });
  sound.connect(audio.destination);
  sound.start();
  return sound;
}

function ring() {
  const wanted = loud().length > 0 && audio && audio.state === "running";
  if (wanted && !alarm) alarm = play(4, true);
  if (!wanted && alarm) { alarm.stop(); alarm = null; }
}

function buttons() {
  const on = Boolean(audio && audio.state === "running");
  const sound = document.getElementById("sound"), test = document.getElementById("sound-test");
  sound.hidden = test.hidden = false;
  sound.classList.toggle("off", !on);
  for (const button of [sound, test]) button.textContent = on ? button.dataset.on : button.dataset.off;
  ring();
}

// Who works here types the shift once.
function shifts() {
  const shift = localStorage.getItem(SHIFT);
  document.querySelectorAll(".seen input[name=by]").forEach((one) => { if (shift && !one.value) one.value = shift; });
}

function hear() {
  audio = new AudioContext();
  audio.addEventListener("statechange", buttons);
}

document.addEventListener("click", async (event) => {
  if (event.target.id !== "sound" && event.target.id !== "sound-test") return;
  if (event.target.id === "sound" && audio.state === "running") await audio.suspend();
  else { await audio.resume(); play(1, false); }
  buttons();
});
document.addEventListener("submit", (event) => {
  const by = event.target.querySelector(".seen input[name=by]");
  if (by) localStorage.setItem(SHIFT, by.value);
});
document.getElementById("live").addEventListener("updated", () => { draw(); announce(); buttons(); shifts(); });
hear();
draw();
announce();
buttons();
shifts();
present();

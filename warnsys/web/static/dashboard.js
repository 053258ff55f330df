// The operators' desk: the map, and the alarm of what nobody has seen yet.
"use strict";

const COLOURS = { 0: "#9aa3b2", 1: "#ffeb3b", 2: "#fb8c00", 3: "#e53935", 4: "#880e4f" };
const maps = new Map();
let audio = null;
let told = new Set();

async function draw() {
  if (!window.L) return;
  let districts;
  try {
    districts = await (await fetch("/api/districts.geojson", { cache: "no-store" })).json();
  } catch { return; }
  document.querySelectorAll(".map").forEach((place) => {
    let held = maps.get(place.dataset.city);
    if (!held) {
      const map = L.map(place, { zoomSnap: 0.25, attributionControl: Boolean(place.dataset.tiles), keyboard: true });
      if (place.dataset.tiles) L.tileLayer(place.dataset.tiles, { attribution: place.dataset.credit }).addTo(map);
      held = { map, layer: null };
      maps.set(place.dataset.city, held);
    }
    const features = districts.features.filter((one) => one.properties.city === place.dataset.city);
    const layer = L.geoJSON({ type: "FeatureCollection", features }, {
      style: (one) => ({
        color: "#000", weight: 2, fillColor: COLOURS[one.properties.level], fillOpacity: one.properties.status === "no_data" ? 0.25 : one.properties.level ? 0.85 : 0.1,
        dashArray: one.properties.status === "no_data" ? "4 6" : null,
      }),
      onEachFeature: (one, shape) => {
        const level = one.properties.level ? ` ${one.properties.level}/4` : "";
        const label = document.createElement("span");
        label.textContent = one.properties.name + level;
        shape.bindTooltip(label, { permanent: true, direction: "center", className: "map-label" });
        shape.on("click", () => document.querySelector(`#district-${CSS.escape(one.id)} a`)?.focus());
      },
    }).addTo(held.map);
    if (held.layer) held.layer.remove();
    else held.map.fitBounds(layer.getBounds(), { padding: [10, 10] });
    held.layer = layer;
  });
}

function loud() {
  return [...document.querySelectorAll("[data-loud]")];
}

function announce() {
  const now = new Set();
  for (const one of loud()) {
    const key = `${one.dataset.id}/${one.dataset.level}`;
    now.add(key);
    if (told.has(key)) continue;
    const [label, event, where] = one.dataset.loud.split("|");
    const text = document.getElementById("live").dataset.announce;
    document.getElementById("announcer").textContent = text.replace("{label}", label).replace("{event}", event).replace("{where}", where);
  }
  told = now;
  if (now.size && !document.title.startsWith("⚠")) document.title = `⚠ ${document.title}`;
}

function beep() {
  if (!audio || audio.state !== "running") return;
  for (const [at, pitch] of [[0, 880], [0.25, 660]]) {
    const tone = audio.createOscillator(), volume = audio.createGain();
    tone.frequency.value = pitch;
    volume.gain.setValueAtTime(0.2, audio.currentTime + at);
    volume.gain.linearRampToValueAtTime(0, audio.currentTime + at + 0.22);
    tone.connect(volume).connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.25);
  }
}

function buttons() {
  const on = Boolean(audio && audio.state === "running");
  const sound = document.getElementById("sound"), test = document.getElementById("sound-test");
  sound.hidden = test.hidden = false;
  sound.classList.toggle("off", !on);
  sound.textContent = on ? sound.dataset.on : sound.dataset.off;
}

document.addEventListener("click", async (event) => {
  if (event.target.id !== "sound" && event.target.id !== "sound-test") return;
  audio = audio || new AudioContext();
  if (event.target.id === "sound" && audio.state === "running") await audio.suspend();
  else { await audio.resume(); beep(); }
  buttons();
});
document.getElementById("live").addEventListener("updated", () => { draw(); announce(); buttons(); });
draw();
announce();
buttons();
setInterval(() => { if (loud().length) beep(); }, 4000);

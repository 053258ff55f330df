// Finds the district of the reader's position here in the browser: the position goes nowhere, the outlines come.
"use strict";

const locator = document.getElementById("locator"), located = document.getElementById("located");
const PATIENCE_MS = 20000;
const ROUGH_M = 500; // less exact than that, a position may lie in the next district

function isAround(ring, lon, lat) {
  let odd = false;
  ring.forEach(([x, y], at) => {
    const [u, v] = ring[(at || ring.length) - 1];
    if (y > lat !== v > lat && lon < ((u - x) * (lat - y)) / (v - y) + x) odd = !odd;
  });
  return odd;
}

// Whether a point lies in a polygon, or several, outside of their holes.
function isWithin(geometry, lon, lat) {
  const polygons = { Polygon: [geometry.coordinates], MultiPolygon: geometry.coordinates }[geometry.type] || [];
  return polygons.some((rings) => rings.filter((ring) => isAround(ring, lon, lat)).length % 2 === 1);
}

function tell(text, districts = []) {
  located.textContent = text;
  for (const { id, properties } of districts) {
    const link = document.createElement("a");
    link.href = `/district/${encodeURIComponent(id)}${locator.dataset.suffix}`;
    link.textContent = properties.name;
    located.append(" ", link);
  }
}

async function locate() {
  tell(locator.dataset.asked);
  let position, districts;
  try {
    position = await new Promise((found, failed) => navigator.geolocation.getCurrentPosition(found, failed, { timeout: PATIENCE_MS }));
  } catch {
    tell(locator.dataset.unknown);
    return;
  }
  try {
    const answer = await fetch("/api/v1/districts.geojson", { signal: AbortSignal.timeout(PATIENCE_MS) });
    if (!answer.ok) throw new Error(String(answer.status));
    districts = (await answer.json()).features;
  } catch {
    tell(locator.dataset.unreached);
    return;
  }
  const { longitude, latitude, accuracy } = position.coords;
  const here = districts.filter((one) => isWithin(one.geometry, longitude, latitude));
  tell(here.length ? locator.dataset.in : locator.dataset.nowhere, here);
  if (accuracy > ROUGH_M) located.append(` ${locator.dataset.rough.replace("{}", String(Math.round(accuracy)))}`);
}

locator.hidden = !navigator.geolocation;
document.getElementById("locate").addEventListener("click", locate);

"""The map as one HTML file: no script, no network, all of it also as a table (WCAG 2.2 AA)."""

from html import escape

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.district import District
from geofences.drawing.picture import LETTERS, MARGIN, Picture

_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; max-width: 64rem; margin: 0 auto;
  padding: 1rem; }
svg { width: 100%; height: auto; max-height: 90vh; }
.area { stroke: #333; stroke-width: 1.2; }
.whole { fill: none; stroke: #1a1a1a; stroke-width: 2.5; }
.boundary { fill: none; stroke: #a4003a; stroke-width: 2; stroke-dasharray: 7 4; }
.name { text-anchor: middle; dominant-baseline: central; pointer-events: none; }
a:focus-visible { outline: 3px solid #0047ab; outline-offset: 2px; }
svg a:focus-visible { outline: none; }
svg a:focus-visible path, svg a:hover path { stroke: #0047ab; stroke-width: 5; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; }
caption { text-align: left; font-weight: bold; padding: .5rem 0; }
th, td { border: 1px solid #767676; padding: .35rem .6rem; text-align: left; vertical-align: top; }
td.number { text-align: right; white-space: nowrap; }
tr:target { background: #fff3bf; }
.colour { display: inline-block; width: 1em; height: 1em; border: 1px solid #333; vertical-align: -.1em; }
"""


def page(drawn: Picture, *, title: str, source: str = "", boundary: str = "") -> str:
    """The HTML in German; `source` says whose outlines they are, `boundary` names the outline beside them."""
    notes = [source] if source else []
    if drawn.agreement is not None:
        agreement = f"{100 * drawn.agreement:.1f}".replace(".", ",")
        notes.append(f"Gestrichelt: {boundary}. Beiden gemeinsam sind {agreement} % der Fläche.")
    return f"""<!DOCTYPE html>
<html lang="de">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}: Warngebiete</title>
<style>{_STYLE}</style>
</head>
<body>
<main>
<h1>{escape(title)}: Warngebiete</h1>
{_svg(drawn)}
{"".join(f"<p>{escape(note)}</p>" for note in notes)}
{_table(drawn)}
</main>
</body>
</html>
"""


def _svg(drawn: Picture) -> str:
    high = drawn.height + 2 * LETTERS
    whole = [index for index, colour in enumerate(drawn.colours) if colour is None]
    leaves = [index for index, colour in enumerate(drawn.colours) if colour is not None]
    parts = [
        f'<svg viewBox="0 0 {drawn.width:.0f} {high:.0f}" role="group" '
        'aria-label="Karte der Warngebiete, Norden ist oben">'
    ]
    for index in leaves:
        parts.append(
            f'<a href="#gebiet-{index + 1}" aria-label="{escape(_spoken(drawn.districts[index]))}">'
            f'<path class="area" fill="{drawn.colours[index]}" d="{_path(drawn.shapes[index])}">'
            f"<title>{escape(drawn.districts[index].name)}</title></path></a>"
        )
    parts += [f'<path class="whole" aria-hidden="true" d="{_path(drawn.shapes[index])}"/>' for index in whole]
    if drawn.boundary is not None:
        parts.append(f'<path class="boundary" aria-hidden="true" d="{_path(drawn.boundary)}"/>')
    parts.append(
        f'<g aria-hidden="true" font-size="{LETTERS:g}" font-family="DejaVu Sans, Verdana, Arial, sans-serif">'
    )
    parts.append(f'<g font-size="{drawn.letters:g}">')
    parts += [
        f'<text class="name" x="{label.x:.1f}" y="{label.y:.1f}">{escape(label.text)}</text>'
        for label in drawn.labels
        if label
    ]
    parts.append("</g>")
    y = drawn.height + LETTERS / 2
    parts.append(
        f'<path class="whole" d="M{MARGIN:.1f} {y - 5:.1f}V{y:.1f}h{drawn.scale_px:.1f}v-5"/>'
        f'<text x="{MARGIN + drawn.scale_px + 8:.1f}" y="{y + 2:.1f}">{drawn.scale_km:g} km</text></g></svg>'
    )
    return "\n".join(parts)


def _spoken(district: District) -> str:
    return f"{district.name}, Warnzellen {' und '.join(_cells(district))}; zur Zeile in der Tabelle"


def _path(shape: BaseGeometry) -> str:
    rings = [shapely.get_coordinates(ring).round(1)[:-1] for ring in _rings(shape)]
    return "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in _distinct(ring)) + "Z" for ring in rings)


def _rings(shape: BaseGeometry) -> list[BaseGeometry]:
    return [ring for part in shapely.get_parts(shape) for ring in shapely.get_rings(part)]


def _distinct(ring: NDArray[np.float64]) -> list[list[float]]:
    points: list[list[float]] = ring.tolist()
    return [point for point, before in zip(points, [None, *points], strict=False) if point != before]


def _table(drawn: Picture) -> str:
    nested = any(district.parent for district in drawn.districts)
    heads = ["Nr.", "Gebiet", "Kurzname", "Kennung", "Warnzellen", "Höhe", "Fläche", *(["Teil von"] if nested else [])]
    name_of = {district.id: district.name for district in drawn.districts}
    rows = []
    for index, district in enumerate(drawn.districts):
        colour = drawn.colours[index]
        mark = f'<span class="colour" style="background:{colour}"></span> ' if colour else ""
        area = f"{drawn.areas_km2[index]:.1f} km²".replace(".", ",")
        part_of = f"<td>{escape(name_of.get(district.parent or '', ''))}</td>" if nested else ""
        rows.append(
            f'<tr id="gebiet-{index + 1}"><td class="number">{index + 1}</td>'
            f'<th scope="row">{mark}{escape(district.name)}</th><td>{escape(district.short_name)}</td>'
            f"<td>{escape(district.id)}</td><td>{escape(', '.join(_cells(district)))}</td>"
            f'<td>{escape(_heights(district))}</td><td class="number">{area}</td>{part_of}</tr>'
        )
    return (
        f'<div class="scroll" role="region" aria-label="Tabelle der Warngebiete" tabindex="0"><table>'
        f"<caption>Legende: {len(rows)} Gebiete</caption><thead><tr>"
        + "".join(f'<th scope="col">{head}</th>' for head in heads)
        + "</tr></thead><tbody>\n"
        + "\n".join(rows)
        + "\n</tbody></table></div>"
    )


def _cells(district: District) -> list[str]:
    return sorted(district.warn_cells, reverse=True)


def _heights(district: District) -> str:
    low, high = district.ground_min_m, district.ground_max_m
    if low is None and high is None:
        return "unbekannt"
    span = " bis ".join("?" if height is None else f"{height:g}" for height in (low, high))
    source = district.ground_source if district.ground_is_surveyed else "geschätzt"
    return f"{span} m ({source})"

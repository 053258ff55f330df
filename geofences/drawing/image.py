"""The map as a PNG (extra `gis`)."""

import textwrap
from pathlib import Path

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.authoring.sources import needs_gis
from geofences.drawing.picture import LETTERS, MARGIN, Picture

_INCH = 100.0  # pixels of the picture; the image has twice as many
_POINT = 72 / _INCH


def image(drawn: Picture, out: Path, *, title: str, source: str = "") -> None:
    """Write the picture as PNG at `out`. Raises GeofenceError without matplotlib."""
    figure_type = needs_gis("matplotlib.figure").Figure
    patch, path = needs_gis("matplotlib.patches").PathPatch, needs_gis("matplotlib.path").Path
    high = drawn.height + 5 * LETTERS
    figure = figure_type(figsize=(drawn.width / _INCH, high / _INCH), dpi=2 * _INCH)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, drawn.width), ylim=(drawn.height + 3 * LETTERS, -2 * LETTERS))
    axes.set_axis_off()

    def draw(shape: BaseGeometry, **style: object) -> None:
        rings = [shapely.get_coordinates(ring) for part in shapely.get_parts(shape) for ring in shapely.get_rings(part)]
        codes = [[path.MOVETO, *[path.LINETO] * (len(ring) - 2), path.CLOSEPOLY] for ring in rings]
        axes.add_patch(patch(path(np.concatenate(rings), np.concatenate(codes)), **style))

    for shape, colour in zip(drawn.shapes, drawn.colours, strict=True):
        if colour:
            draw(shape, facecolor=colour, edgecolor="#333333", linewidth=1)
    for shape, colour in zip(drawn.shapes, drawn.colours, strict=True):
        if not colour:
            draw(shape, fill=False, edgecolor="#1a1a1a", linewidth=2)
    if drawn.boundary is not None:
        draw(drawn.boundary, fill=False, edgecolor="#a4003a", linewidth=1.5, linestyle="--")
    for label in filter(None, drawn.labels):
        axes.text(label.x, label.y, label.text, fontsize=drawn.letters * _POINT, ha="center", va="center")
    axes.text(MARGIN, -LETTERS / 2, title, fontsize=1.3 * LETTERS * _POINT, weight="bold", va="center")
    y = drawn.height + LETTERS / 2
    axes.plot([MARGIN, MARGIN, MARGIN + drawn.scale_px, MARGIN + drawn.scale_px], [y - 5, y, y, y - 5], color="#1a1a1a")
    axes.text(MARGIN + drawn.scale_px + 8, y, f"{drawn.scale_km:g} km", fontsize=LETTERS * _POINT, va="center")
    lettering = 0.55 * LETTERS * _POINT
    lines = textwrap.fill(source, int(drawn.width / (0.35 * LETTERS)))
    axes.text(MARGIN, drawn.height + 2 * LETTERS, lines, fontsize=lettering, va="center")
    figure.savefig(out, format="png")

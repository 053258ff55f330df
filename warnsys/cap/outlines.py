"""Polygons, circles and heights as CAP writes them: `lat,lon lat,lon …`, `lat,lon radius`, feet.

What is not on earth, no number or no surface is refused; an outline that is only left open is closed, and said.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from warnsys.cap.errors import Misleading
from warnsys.cap.model import Circle, Ring

LonLat = tuple[float, float]
PLACEHOLDER = (-1.0, -1.0)
"""MoWaS writes it among the points of outlines in Germany: no place, and left out."""


class Outline(NamedTuple):
    """A closed ring of (lon, lat), and what had to be mended: codes with a sentence each."""

    ring: Ring
    mended: tuple[tuple[str, str], ...] = ()


def outline(text: str, where: Callable[[], str]) -> Outline:
    """Of a polygon; DWD doubles the last point, which does no harm. Raises `Misleading`, which names `where`."""
    try:
        points = _points(text)
    except ValueError:
        raise Misleading("polygon", where(), "a pair is not two numbers 'lat,lon'") from None
    mended = []
    if PLACEHOLDER in points:
        placed = [point for point in points if point != PLACEHOLDER]
        mended.append(("coordinates-placeholder", f"-1,-1 among {len(placed)} other points, left out"))
        points = placed
    for lon, lat in points:
        if not _on_earth(lon, lat):
            raise Misleading("coordinates", where(), f"latitude {lat}, longitude {lon} is not on earth")
    if len(set(points)) < 3:
        raise Misleading("polygon", where(), "fewer than three different points")
    if points[0] != points[-1]:
        (first_lon, first_lat), (last_lon, last_lat) = points[0], points[-1]
        mended.append(("polygon-open", f"begins at {first_lat},{first_lon}, ends at {last_lat},{last_lon}"))
        points.append(points[0])
    return Outline(tuple(points), tuple(mended))


def circle(text: str, where: Callable[[], str]) -> Circle:
    """The radius is in kilometres. Raises `Misleading`, which names `where`."""
    try:
        centre, radius_text = text.split()
        ((lon, lat),) = _points(centre)
        radius = _number(radius_text)
    except ValueError:
        raise Misleading("circle", where(), f"{text!r} is no circle: lat,lon radius") from None
    if not _on_earth(lon, lat) or not 0 <= radius < 20_040:
        raise Misleading("circle", where(), f"{text!r} is not on earth")
    return Circle(lon, lat, radius)


def height(text: str, where: Callable[[], str]) -> float | None:
    """In feet, None where nothing stands. Raises `Misleading`, which names `where`."""
    if not text.strip():
        return None
    try:
        value = _number(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise Misleading("number", where(), f"{text!r} is no number")
    return value


def _points(text: str) -> list[LonLat]:
    if "_" in text:
        raise ValueError(text)
    return [(float(lon), float(lat)) for lat, lon in (pair.split(",") for pair in text.split())]


def _number(text: str) -> float:
    """As XML has it: Python would read "1_0" as ten."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _on_earth(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90

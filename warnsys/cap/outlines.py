"""Polygons, circles and heights as CAP writes them: `lat,lon lat,lon …`, `lat,lon radius`, feet.

What is not on earth, no number or no surface is refused. What is wrong in form only is mended, and said: an outline
that is left open, blanks around commas, longitudes a little beyond 180°.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from warnsys.cap.errors import Misleading
from warnsys.cap.model import Circle, Ring

LonLat = tuple[float, float]
PLACEHOLDER = (-1.0, -1.0)
"""MoWaS writes it among the points of outlines in Germany: no place, and left out."""


MOST_LON = 200.0
"""Degrees to which some count on across the 180th meridian; beyond, a longitude is rather a slip of the pen."""

BLANKS = "blanks around the commas between latitude and longitude"

Mended = tuple[tuple[str, str], ...]
"""Codes with a sentence each."""


def _close(text: str) -> str:
    """Removes the blanks around commas."""
    return ",".join(part.strip() for part in text.split(","))


class Outline(NamedTuple):
    """A closed ring of (lon, lat), and what had to be mended."""

    ring: Ring
    mended: Mended = ()


def read_polygon(text: str, where: Callable[[], str]) -> Outline:
    """Of a polygon; DWD doubles the last point, which does no harm. Raises `Misleading`, which names `where`."""
    try:
        points, mended = _points(text)
    except ValueError:
        raise Misleading("polygon", where(), "a pair is not two numbers 'lat,lon'") from None
    if PLACEHOLDER in points:
        placed = [point for point in points if point != PLACEHOLDER]
        mended.append(("coordinates-placeholder", f"-1,-1 among {len(placed)} other points, left out"))
        points = placed
    for lon, lat in points:
        if not _on_earth(lon, lat):
            raise Misleading("coordinates", where(), f"latitude {lat}, longitude {lon} is not on earth")
    if len(points) > 3 and len(set(points)) == 1:
        mended.append(("polygon-point", f"{len(points)} times the one place {points[0][1]},{points[0][0]}"))
        return Outline((points[0],) * 4, tuple(mended))
    if len(set(points)) < 3:
        raise Misleading("polygon", where(), "fewer than three different points")
    if points[0] != points[-1]:
        (first_lon, first_lat), (last_lon, last_lat) = points[0], points[-1]
        mended.append(("polygon-open", f"begins at {first_lat},{first_lon}, ends at {last_lat},{last_lon}"))
        points.append(points[0])
    return Outline(tuple(points), tuple(mended))


def circle(text: str, where: Callable[[], str]) -> tuple[Circle, Mended]:
    """The radius is in kilometres; and what had to be mended. Raises `Misleading`, which names `where`."""
    try:
        *centre, radius_text = _close(text).split()
        ((lon, lat),), mended = _points(" ".join(centre))
        if len(centre) < len(text.split()) - 1:
            mended.insert(0, ("coordinates-blanks", BLANKS))
        radius = _number(radius_text)
    except ValueError:
        raise Misleading("circle", where(), f"{text!r} is no circle: lat,lon radius") from None
    if not _on_earth(lon, lat) or not 0 <= radius < 20_040:
        raise Misleading("circle", where(), f"{text!r} is not on earth")
    return Circle(lon, lat, radius), tuple(mended)


def height_ft(text: str, where: Callable[[], str]) -> float | None:
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


def _points(text: str) -> tuple[list[LonLat], list[tuple[str, str]]]:
    """And what had to be mended."""
    if "_" in text:
        raise ValueError(text)
    mended = []
    try:
        points = _pairs(text)
    except ValueError:
        points = _pairs(_close(text))
        mended.append(("coordinates-blanks", BLANKS))
    if any(180 < abs(lon) <= MOST_LON for lon, _ in points):
        furthest = max((lon for lon, _ in points), key=abs)
        what = f"longitudes beyond 180°, as far as {furthest}, read as those of the other side"
        mended.append(("longitude-turned", what))
        points = [(_turned(lon), lat) for lon, lat in points]
    return points, mended


def _turned(lon: float) -> float:
    return lon - math.copysign(360, lon) if 180 < abs(lon) <= MOST_LON else lon


def _pairs(text: str) -> list[LonLat]:
    return [(float(lon), float(lat)) for lat, lon in (pair.split(",") for pair in text.split())]


def _number(text: str) -> float:
    """As XML has it: Python would read "1_0" as ten."""
    if "_" in text:
        raise ValueError(text)
    return float(text)


def _on_earth(lon: float, lat: float) -> bool:
    return -180 <= lon <= 180 and -90 <= lat <= 90

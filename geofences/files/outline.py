"""From the geometry of a GeoJSON feature to a polygon, and what is wrong with it.

A swapped coordinate would fail silently, as a warning that never comes, so every position is looked at; whole rings at
once, as a country's borders have millions.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.files.findings import Finding
from geofences.overlap.budget import Budget
from geofences.overlap.tangles import PROBLEM, is_tangled
from geofences.overlap.tangles import REMEDY as TANGLED_REMEDY

REMEDY = "draw the district as a Polygon or MultiPolygon of [lon, lat]"
_LON_OF_DWD, _LAT_OF_DWD = (5.0, 16.0), (47.0, 56.0)
_FAR = 1e9  # beyond any degree, metre or foot on Earth
_INVALID_AT = re.compile(r"(.+)\[(\S+) (\S+)\]")


class Outline(NamedTuple):
    """The polygon in lon/lat degrees, or why there is none."""

    geometry: shapely.Polygon | shapely.MultiPolygon | None
    findings: tuple[Finding, ...] = ()


class _UnreadableError(ValueError):
    """A ring that is no list of positions."""


def from_geojson(kind: Any, coordinates: Any, budget: Budget | None = None) -> Outline:
    """The geometry of GeoJSON's `type` and `coordinates`; heights in the positions are left out.

    `budget` is that of the file: what is too tangled is refused before it is looked at.
    """
    if kind not in ("Polygon", "MultiPolygon"):
        return _refused("geometry-kind", f"geometry: expected a Polygon or MultiPolygon, found {kind!r}")
    try:
        drawn = _polygon(coordinates, "0") if kind == "Polygon" else _multipolygon(coordinates)
    except (_UnreadableError, shapely.errors.ShapelyError) as error:
        return _refused("coordinates", f"coordinates cannot be read ({error}), expected rings of [lon, lat]")
    if drawn.is_empty:
        return _refused("geometry-missing", "geometry is empty, expected a polygon")
    findings = (*_misplaced(shapely.get_coordinates(drawn)),) or (*_invalid(drawn, budget or Budget()),)
    return Outline(None if findings else drawn, findings)


def _refused(code: str, says: str) -> Outline:
    return Outline(None, (Finding(code, says, REMEDY),))


def _multipolygon(coordinates: Any) -> shapely.MultiPolygon:
    if not isinstance(coordinates, list):
        raise _UnreadableError(f"expected a list of polygons, found {_shown(coordinates)}")
    return shapely.MultiPolygon([_polygon(rings, str(part)) for part, rings in enumerate(coordinates)])


def _polygon(rings: Any, part: str) -> shapely.Polygon:
    if not isinstance(rings, list):
        raise _UnreadableError(f"polygon {part}: expected a list of rings, found {_shown(rings)}")
    if not rings:
        return shapely.Polygon()
    shell, *holes = [_positions(ring, f"polygon {part}, ring {place}") for place, ring in enumerate(rings)]
    return shapely.Polygon(shell, holes)


def _positions(ring: Any, place: str) -> NDArray[np.float64]:
    """The ring's positions, shape (n, 2). Raises _UnreadableError naming the first that is none."""
    try:
        found = np.array(ring)
    except ValueError:  # positions with and without height in one ring, or worse
        found = np.empty(0)
    if found.ndim == 2 and found.shape[1] >= 2 and found.dtype.kind in "iuf":
        plain = found[:, :2].astype(np.float64)
        if (np.abs(plain) < _FAR).all():
            if len(plain) < 3:
                raise _UnreadableError(f"{place}: {len(plain)} positions, a ring needs at least 4")
            return plain
    if not isinstance(ring, list) or not ring:
        raise _UnreadableError(f"{place}: expected a list of positions, found {_shown(ring)}")
    for index, position in enumerate(ring):
        if not (isinstance(position, list) and len(position) >= 2 and all(map(_is_number, position[:2]))):
            raise _UnreadableError(f"{place}, position {index}: expected two numbers, found {_shown(position)}")
    return _positions([position[:2] for position in ring], place)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and -_FAR < value < _FAR


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:39]}…"


def _misplaced(positions: NDArray[np.float64]) -> Iterator[Finding]:
    x, y = positions.T
    swapped = _within(y, _LON_OF_DWD) & _within(x, _LAT_OF_DWD)
    if swapped.any():
        first_x, first_y = positions[swapped][0].tolist()
        yield Finding(
            "swapped",
            f"position [{first_x:g}, {first_y:g}] (of {int(swapped.sum())} such) looks swapped, expected [lon, lat]",
            "exchange the two numbers",
            position=(first_y, first_x),
        )
    outside = (np.abs(x) > 180) | (np.abs(y) > 90)
    if outside.any():
        first_x, first_y = positions[outside][0].tolist()
        yield Finding(
            "out-of-range",
            f"position [{first_x:g}, {first_y:g}] is out of range, expected degrees of lon and lat",
            "export as WGS 84 (EPSG:4326)",
        )


def _within(values: NDArray[np.float64], limits: tuple[float, float]) -> NDArray[np.bool_]:
    return (limits[0] <= values) & (values <= limits[1])


def _invalid(drawn: shapely.Polygon | shapely.MultiPolygon, budget: Budget) -> Iterator[Finding]:
    if is_tangled(drawn, budget):
        count = shapely.get_num_coordinates(drawn)
        yield Finding("outline-tangled", f"outline of {count} points is too tangled: its {PROBLEM}", TANGLED_REMEDY)
        return
    if drawn.is_valid and drawn.area > 0:
        return
    reason, position = shapely.is_valid_reason(drawn), None
    if at := _INVALID_AT.fullmatch(reason):
        position = (float(at[2]), float(at[3]))
        reason = f"{at[1]} at {position[0]:.6f}, {position[1]:.6f}"
    yield Finding(
        "outline-invalid",
        f"outline is not valid ({reason if not drawn.is_valid else 'no area'})",
        "mend it where it was drawn (QGIS: Fix geometries)",
        position=position,
    )

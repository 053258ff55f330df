"""Do areas side by side leave anybody out, or count anybody twice: overlaps and gaps, measured.

Shapely's coverage check finds in one sweep who has a border that does not match its neighbour's; only there the pieces
are cut out and measured.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.plane import Plane

_SLIT_M = 10.0  # a wider opening to the outside is a bay of the outer border
_TOUCHING_M = 0.01
_Shapes = NDArray[np.object_]


@dataclass(frozen=True, slots=True)
class Tolerance:
    """A piece counts only where it is larger in both: mean width in metres, area in square metres."""

    width_m: float = 1.0
    area_m2: float = 100.0


class Piece(NamedTuple):
    """Where a border is wrong: the positions (in the given order) of the areas around it, its size, and a point.

    `width_m` is the mean width: twice the area by the length of the outline. `position` is (lon, lat).
    """

    areas: tuple[int, ...]
    area_m2: float
    width_m: float
    position: tuple[float, float]


def overlaps(shapes: Sequence[BaseGeometry], tolerance: Tolerance) -> list[Piece]:
    """What two of the valid polygons (lon/lat degrees) have in common; one piece a pair, the largest in it."""
    plane, drawn = _drawn(shapes)
    edges = shapely.coverage_invalid_edges(drawn)
    suspects = np.flatnonzero(~shapely.is_empty(edges))
    if not len(suspects):
        return []
    left, right = shapely.STRtree(drawn).query(drawn[suspects], predicate="intersects")
    pairs = {(min(a, b), max(a, b)) for a, b in zip(suspects[left].tolist(), right.tolist(), strict=True) if a != b}
    found = []
    for first, second in sorted(pairs):
        common = shapely.intersection(drawn[first], drawn[second])
        found += [*_pieces(plane, common, (first, second), tolerance)][:1]
    return found


def gaps(shapes: Sequence[BaseGeometry], tolerance: Tolerance) -> list[Piece]:
    """Holes between the valid polygons (lon/lat degrees), and slits between two of them that open to the outside."""
    plane, drawn = _drawn(shapes)
    holes = _holes(drawn)
    around = shapely.STRtree(drawn)

    def measured(piece: shapely.Polygon) -> list[Piece]:
        areas = tuple(sorted(around.query(piece, predicate="dwithin", distance=_TOUCHING_M).tolist()))
        return [*_pieces(plane, piece, areas, tolerance)]

    return [found for open_piece in holes + slits(drawn, _SLIT_M) for found in measured(open_piece)]


def beyond(inner: BaseGeometry, outer: BaseGeometry, tolerance: Tolerance) -> Piece | None:
    """The largest piece of `inner` outside `outer` (valid polygons, lon/lat degrees)."""
    plane, (a, b) = _drawn([inner, outer])
    return next(_pieces(plane, shapely.difference(a, b), (0, 1), tolerance), None)


def _drawn(shapes: Sequence[BaseGeometry]) -> tuple[Plane, _Shapes]:
    plane = Plane.of(shapes)
    return plane, plane.metres(shapes)


def _holes(drawn: _Shapes) -> list[shapely.Polygon]:
    whole = shapely.coverage_union_all(drawn) if shapely.coverage_is_valid(drawn) else shapely.union_all(drawn)
    return [shapely.Polygon(ring) for part in shapely.get_parts(whole) for ring in shapely.get_rings(part)[1:]]


def slits(drawn: _Shapes, width_m: float) -> list[shapely.Polygon]:
    """Openings to the outside between two areas (in metres) that are nowhere wider than `width_m`.

    They close when the areas at them are widened and narrowed again; so would holes, which are not among them.
    """
    at = drawn[~shapely.is_empty(shapely.coverage_invalid_edges(drawn, gap_width=width_m))]
    if not len(at):
        return []
    wide = shapely.buffer(shapely.union_all(at), width_m / 2, join_style="mitre", mitre_limit=2.0)
    closed = shapely.buffer(wide, -width_m / 2, join_style="mitre", mitre_limit=2.0)
    filled = shapely.union_all([*drawn, *_holes(drawn)])
    around = shapely.STRtree(drawn)
    return [
        part
        for part in shapely.get_parts(shapely.difference(closed, filled))
        if isinstance(part, shapely.Polygon) and len(around.query(part, predicate="dwithin", distance=_TOUCHING_M)) > 1
    ]


def _pieces(plane: Plane, common: BaseGeometry, areas: tuple[int, ...], tolerance: Tolerance) -> Iterator[Piece]:
    """The polygons in `common` beyond the tolerance, the largest first."""
    parts = [part for part in shapely.get_parts(common) if isinstance(part, shapely.Polygon) and part.area > 0]
    for part in sorted(parts, key=lambda part: -part.area):
        area, width = plane.area_m2(part), 2 * part.area / part.length
        if area > tolerance.area_m2 and width > tolerance.width_m:
            yield Piece(areas, area, width, plane.position(part))

"""From the shapes of an area block to valid polygons.

Mending errs towards warning: what an outline encloses in any way stays in, what a hole encloses twice stays out of the
hole.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from geofences.area import Area, Circle

_GEOD = pyproj.Geod(ellps="WGS84")
# Snapped to a tenth of a millimetre, crossings that nearly coincide join without an error.
_GRID_DEG = 1e-9
_CIRCLE_VERTICES = 360  # a polygon within a circle of 360 vertices lacks 0.005 % of its area
_QUARTER_MERIDIAN_M = 10_000_000.0


def outlines(area: Area) -> tuple[BaseGeometry, ...]:
    """Valid, non-empty polygons or multipolygons in lon/lat degrees of all shapes of the block.

    Holes belong to their own polygon only. Shapes without extent (a line, a circle of 0 m) give nothing.
    """
    shapes = [*map(mend, area.polygons)]
    for circle in area.circles:
        shapes.extend(_around(circle))
    return tuple(shape for shape in shapes if not shape.is_empty)


def joined(shapes: Sequence[BaseGeometry]) -> BaseGeometry:
    """One valid polygon or multipolygon of several. Those that do not meet are put side by side: that costs nothing."""
    if len(shapes) == 1:
        return shapes[0]
    one, other = shapely.STRtree(shapes).query(shapes)  # whose boxes touch
    if any(shapes[i].intersects(shapes[j]) for i, j in zip(one.tolist(), other.tolist(), strict=True) if i < j):
        return shapely.union_all(shapes)
    return shapely.MultiPolygon(shapely.get_parts(shapes).tolist())


def mend(polygon: shapely.Polygon) -> BaseGeometry:
    """The polygon made valid (possibly empty), without dropping what a plain reading would warn.

    The outer ring keeps all that it winds round, also twice or the other way; each hole cuts only what its ring winds
    round an odd number of times. `shapely.make_valid` does neither: "linework" drops what is wound round twice,
    "structure" (GEOS 3.14) lost whole loops of some rings with repeated points, and once gave an invalid polygon.
    """
    if polygon.is_valid:
        return polygon
    kept = _faces(polygon.exterior, lambda turns: turns != 0)
    for ring in polygon.interiors:
        hole = _faces(ring, lambda turns: turns % 2 == 1)
        kept = _surfaces(shapely.difference(kept, hole, grid_size=_GRID_DEG))
    return shapely.union_all(kept)


def _faces(ring: shapely.LinearRing, keep: Callable[[int], bool]) -> BaseGeometry:
    """The faces that a ring cuts out of the plane, as far as `keep` wants their winding number."""
    coordinates = shapely.get_coordinates(ring)
    edges = shapely.union_all([shapely.LineString(coordinates)], grid_size=_GRID_DEG)
    faces = [
        face
        for face in shapely.get_parts(shapely.polygonize([edges])).tolist()
        if keep(_winding_number(coordinates - shapely.get_coordinates(shapely.point_on_surface(face))))
    ]
    return _surfaces(shapely.union_all(faces, grid_size=_GRID_DEG))


def _surfaces(geometry: BaseGeometry) -> shapely.MultiPolygon:
    """Without the lines and points that are left where something narrower than the grid collapsed."""
    return shapely.MultiPolygon([part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)])


def _winding_number(ring: NDArray[np.float64]) -> int:
    """How often a closed ring, shape (n, 2), turns round the origin, counter-clockwise."""
    here, there = ring[:-1], ring[1:]
    side = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
    up = (here[:, 1] <= 0) & (there[:, 1] > 0) & (side > 0)
    down = (here[:, 1] > 0) & (there[:, 1] <= 0) & (side < 0)
    return int(up.sum()) - int(down.sum())


def _around(circle: Circle) -> list[shapely.Polygon]:
    """The circle as polygons between -180° and 180° (further ones where it crosses them)."""
    if circle.radius_m == 0:
        return []
    if circle.radius_m >= _QUARTER_MERIDIAN_M:
        # The ring then no longer tells inside from outside. Everywhere is the side that drops nothing.
        return [shapely.box(-180, -90, 180, 90)]
    count = _CIRCLE_VERTICES + 1
    azimuths = np.linspace(0.0, -360.0, count)
    lons, lats, _ = _GEOD.fwd(
        np.full(count, circle.lon), np.full(count, circle.lat), azimuths, np.full(count, circle.radius_m)
    )
    lons = np.unwrap(lons, period=360)
    points = list(zip(lons.tolist(), lats.tolist(), strict=True))
    if abs(lons[-1] - lons[0]) > 180:  # once round the Earth: a pole lies inside
        pole = 90.0 if circle.lat > 0 else -90.0
        points += [(points[-1][0], pole), (points[0][0], pole)]
    ring = shapely.Polygon(points)
    west, _, east, _ = ring.bounds
    turns = [0.0, *([360.0] if west < -180 else []), *([-360.0] if east > 180 else [])]
    return [translate(ring, xoff=turn) for turn in turns]

"""Makes valid polygons of the shapes of an area block.

Mending warns rather too much: everything that an outline encloses in any way is kept, and a hole cuts out only what its
ring winds round an odd number of times.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry

from geofences.area import Area, Circle
from geofences.overlap.boundary import Boxes
from geofences.overlap.budget import (
    CHECK_S,
    CIRCLE_S,
    CROSSING_S,
    MEETING_S,
    MEND_S,
    OVERLAY_COMPARISONS,
    PAIR_S,
    SHAPE_S,
    SMALL_VERTEX_S,
    TURN_S,
    VERTEX_S,
    BoxTree,
    Budget,
    Rings,
)

_GEOD = pyproj.Geod(ellps="WGS84")
# GEOS snaps points to a tenth of a millimetre. Else crossings that nearly coincide lead to errors.
_GRID_DEG = 1e-9
_CIRCLE_VERTICES = 360  # such a polygon inside the circle lacks 0.005 % of its area
_FEW = 64  # an outline of so many vertices is small: to look at all pairs is faster than to count the near ones
HULL, HOLE, JOINED, BOXED, TOUCHED = "outline-hull", "hole-left-out", "outlines-hull", "circle-box", "outline-box"
"""Codes in `Budget.exceeded`: what replaces a shape that costs too much, or that it is left out."""
POINT_M = 10.0
"""The smallest radius of a circle: points are no more exact than borders."""
_METRES_A_DEGREE = 110_000  # a degree of latitude on WGS 84 has at least so many metres
POINT_DEG = POINT_M / _METRES_A_DEGREE
"""A polygon without a surface is a point if it is nowhere wider than this; else it is a line."""
_LEAST_DEG2 = 1e-10  # about a square metre: a smaller shape is a line or a point, and rounding decides where it lies
_QUARTER_MERIDIAN_M = 10_000_000.0


def shapes_of(area: Area, budget: Budget | None = None) -> tuple[BaseGeometry, ...]:
    """Gives all shapes of the block as valid, non-empty polygons or multipolygons in lon/lat degrees.

    A hole cuts only its own polygon. A line gives nothing. A point gives a small circle, whether it is written as a
    circle or as a polygon. If the budget is not enough, shapes are larger than drawn, never smaller.
    """
    return outlines_of([area], budget)[0]


def outlines_of(areas: Sequence[Area], budget: Budget | None = None) -> list[tuple[BaseGeometry, ...]]:
    """Gives the shapes of many blocks at once: thousands of small shapes then cost as much as a few arrays."""
    budget = budget or Budget()
    polygons = [(number, polygon) for number, area in enumerate(areas) for polygon in area.polygons]
    circles = [(number, circle) for number, area in enumerate(areas) for circle in dict.fromkeys(area.circles)]
    found: list[list[BaseGeometry]] = [[] for _ in areas]
    mended = _mended([polygon for _, polygon in polygons], budget)
    tiny = set(np.flatnonzero(shapely.area(mended) < _LEAST_DEG2).tolist())
    for place, ((number, polygon), shape) in enumerate(zip(polygons, mended, strict=True)):
        if place not in tiny:
            found[number].append(shape)
        elif (centre := _point(polygon)) is not None:
            circles.append((number, centre))
    drawn = min(len(circles), max(0, int(budget.left_s / CIRCLE_S)))
    budget.try_pay(drawn * CIRCLE_S)
    for number, circle in circles[:drawn]:
        found[number].extend(_around(circle))
    if drawn < len(circles):
        budget.exceed(BOXED)
        boxes = shapely.box(*np.array([box_of(circle) for _, circle in circles[drawn:]]).T).tolist()
        for (number, _), box in zip(circles[drawn:], boxes, strict=True):
            found[number].append(box)
    return [tuple(shapes) for shapes in found]


def _point(polygon: shapely.Polygon) -> Circle | None:
    """Gives a polygon without a surface as a point; None if it is a line."""
    west, south, east, north = polygon.bounds
    if east - west <= POINT_DEG and north - south <= POINT_DEG:
        return Circle((west + east) / 2, (south + north) / 2, 0.0)
    return None


def _mended(polygons: list[shapely.Polygon], budget: Budget) -> list[BaseGeometry]:
    """Gives each polygon as `mend` gives it. When the budget is spent, all further polygons become their hulls."""
    drawn = np.array(polygons, dtype=object)
    valid = _few_and_valid(drawn, budget).tolist()
    done: list[BaseGeometry | None] = [one if fine else None for one, fine in zip(polygons, valid, strict=True)]
    left = [place for place, shape in enumerate(done) if shape is None]
    while left and budget.left_s >= MEND_S:
        place = left.pop(0)
        done[place] = mend(polygons[place], budget)
    if left:
        budget.exceed(HULL)
        if shapely.get_num_interior_rings(drawn[left]).any():
            budget.exceed(HOLE)
        hulls = shapely.convex_hull(shapely.get_exterior_ring(drawn[left]))
        flat = shapely.get_type_id(hulls) != shapely.GeometryType.POLYGON
        hulls[flat] = shapely.Polygon()
        for place, hull in zip(left, hulls.tolist(), strict=True):
            done[place] = hull
    return [shape for shape in done if shape is not None]


def _few_and_valid(drawn: NDArray[np.object_], budget: Budget) -> NDArray[np.bool_]:
    """Says which polygons are small and valid. It looks at small polygons as long as the budget pays."""
    count = shapely.get_num_coordinates(drawn)
    few = np.flatnonzero(count <= _FEW)
    costs = np.cumsum(SHAPE_S + count[few] * SMALL_VERTEX_S)
    few = few[: np.searchsorted(costs, budget.left_s, "right")]
    valid = np.zeros(len(drawn), dtype=bool)
    if len(few):
        budget.try_pay(float(costs[len(few) - 1]))
        valid[few] = shapely.is_valid(drawn[few])
    return valid


def joined(shapes: Sequence[BaseGeometry], budget: Budget | None = None) -> BaseGeometry:
    """Joins several shapes to one valid polygon or multipolygon. If none of them meet, that costs nothing.

    If the budget is not enough, it gives the convex hull of all shapes.
    """
    if len(shapes) == 1:
        return shapes[0]
    budget = budget or Budget()
    all_shapes = np.array(shapes, dtype=object)
    meet = _meet(all_shapes, budget)
    if meet is False:
        return shapely.MultiPolygon(shapely.get_parts(all_shapes).tolist())
    if meet and _can_join(all_shapes, budget):
        return shapely.union_all(all_shapes)
    budget.exceed(JOINED)
    return shapely.convex_hull(shapely.GeometryCollection(all_shapes.tolist()))


def _meet(shapes: NDArray[np.object_], budget: Budget) -> bool | None:
    """Says whether any two shapes intersect; None if it costs too much to find out."""
    boxes = Boxes.of(shapes)
    touching = BoxTree(boxes).pairs(boxes, len(shapes) + 2 * budget.left_s / MEETING_S)
    if touching is None:
        return None
    one, other = (side[touching[0] < touching[1]] for side in touching)
    count = shapely.get_num_coordinates(shapes)
    if not budget.try_pay(len(one) * MEETING_S + float((count[one] + count[other]).sum()) * PAIR_S):
        return None
    return any(shapes[i].intersects(shapes[j]) for i, j in zip(one.tolist(), other.tolist(), strict=True))


def mend(polygon: shapely.Polygon, budget: Budget | None = None) -> BaseGeometry:
    """Makes a polygon valid (it may be empty). It keeps every place that a plain reading of the polygon would warn.

    The outer ring keeps all that it winds round, also twice or clockwise. Each hole cuts only what its ring winds round
    an odd number of times. `shapely.make_valid` does neither: its method "linework" drops what is wound round twice,
    and "structure" (GEOS 3.14) lost whole loops of some rings with repeated points, and once gave an invalid polygon.

    If the budget cannot pay an outer ring, its convex hull is taken; if it cannot pay a hole, the hole is left out. So
    everybody who should be warned is warned, and others with them (docs/adr/0017).
    """
    budget = budget or Budget()
    cheap = _is_cheap(polygon, budget)
    if cheap and polygon.is_valid:
        return polygon
    may_be_paid = cheap or len(polygon.interiors) > 0  # else the outer ring alone was too dear already
    kept = _faces(polygon.exterior, lambda turns: turns != 0, budget) if may_be_paid else None
    if kept is None:
        budget.exceed(HULL)
        kept = _surfaces(polygon.exterior.convex_hull)
    if not polygon.interiors:
        return shapely.union_all(kept)
    if (holes := _holes(shapely.get_rings(polygon)[1:], budget)) is not None:
        kept = _surfaces(shapely.difference(kept, holes, grid_size=_GRID_DEG))
    return shapely.union_all(kept)


def _is_cheap(polygon: shapely.Polygon, budget: Budget) -> bool:
    """Pays for a validity check. Gives False if the budget cannot pay."""
    count = shapely.get_num_coordinates(polygon)
    if count <= _FEW:
        return budget.try_pay(SHAPE_S + count * SMALL_VERTEX_S)
    return budget.try_pay(CHECK_S) and Rings(np.array([polygon])).near_if_paid(budget, budget.comparisons) is not None


def _holes(rings: NDArray[np.object_], budget: Budget) -> BaseGeometry | None:
    """Gives what the holes cut out, as far as the budget pays; None if they cut nothing."""
    if not budget.try_pay(MEND_S):
        budget.exceed(HOLE)
        return None
    drawn: NDArray[np.object_] = np.asarray(shapely.polygons(rings), dtype=object)
    valid = _few_and_valid(drawn, budget)
    found = list[BaseGeometry](drawn[valid])
    for hole in drawn[~valid].tolist():
        if budget.left_s < MEND_S:
            budget.exceed(HOLE)
            break
        if _is_cheap(hole, budget) and hole.is_valid:
            found.append(hole)
        elif (cut := _faces(hole.exterior, lambda turns: turns % 2 == 1, budget)) is not None:
            found.append(cut)
        else:
            budget.exceed(HOLE)
    if not found:
        return None
    if not _can_join(np.array(found, dtype=object), budget):
        budget.exceed(HOLE)
        return None
    return shapely.union_all(found, grid_size=_GRID_DEG)


def _can_join(shapes: NDArray[np.object_], budget: Budget) -> bool:
    """Pays for an overlay of shapes, by their vertices and crossings. Gives False if the budget cannot pay."""
    rings = Rings(shapes)
    near = rings.near_if_paid(budget, OVERLAY_COMPARISONS)
    if near is None or not budget.try_pay(rings.vertices * VERTEX_S):
        return False
    return budget.try_pay(rings.crossings(near, budget.left_s / CROSSING_S) * CROSSING_S)


def _faces(ring: shapely.LinearRing, keep: Callable[[int], bool], budget: Budget) -> shapely.MultiPolygon | None:
    """Cuts the plane along a ring, and joins the faces whose winding number `keep` wants. None if it costs too much."""
    if not budget.try_pay(MEND_S):
        return None
    coordinates = shapely.get_coordinates(ring)
    rings = Rings(np.array([shapely.Polygon(ring)]))
    near = rings.near_if_paid(budget, OVERLAY_COMPARISONS)
    if near is None or not budget.try_pay(rings.vertices * VERTEX_S):
        return None
    each = CROSSING_S + rings.vertices * TURN_S
    if not budget.try_pay(rings.crossings(near, budget.left_s / each) * each):
        return None
    edges = shapely.union_all([shapely.LineString(coordinates)], grid_size=_GRID_DEG)
    faces = [
        face
        for face in shapely.get_parts(shapely.polygonize([edges])).tolist()
        if keep(_winding_number(coordinates - shapely.get_coordinates(shapely.point_on_surface(face))))
    ]
    return _surfaces(shapely.coverage_union_all(faces))  # the faces share whole edges


def _surfaces(geometry: BaseGeometry) -> shapely.MultiPolygon:
    """Removes the lines and points that are left of parts narrower than the grid."""
    return shapely.MultiPolygon([part for part in shapely.get_parts(geometry) if isinstance(part, shapely.Polygon)])


def _winding_number(ring: NDArray[np.float64]) -> int:
    """Counts how often a closed ring of shape (n, 2) turns round the origin, counter-clockwise."""
    here, there = ring[:-1], ring[1:]
    side = here[:, 0] * there[:, 1] - here[:, 1] * there[:, 0]
    up = (here[:, 1] <= 0) & (there[:, 1] > 0) & (side > 0)
    down = (here[:, 1] > 0) & (there[:, 1] <= 0) & (side < 0)
    return int(up.sum()) - int(down.sum())


def box_of(circle: Circle) -> tuple[float, float, float, float]:
    """Gives west, east, south and north of a box around a circle.

    A circle near a pole or the 180th meridian gets the box of the whole Earth.
    """
    reach = max(circle.radius_m, POINT_M) / _METRES_A_DEGREE
    poleward = abs(circle.lat) + reach
    if poleward <= 80:
        across = reach / math.cos(math.radians(poleward))
        if circle.lon - across >= -180 and circle.lon + across <= 180:
            return circle.lon - across, circle.lon + across, circle.lat - reach, circle.lat + reach
    return -180.0, 180.0, -90.0, 90.0


def _around(circle: Circle) -> list[shapely.Polygon]:
    """Gives a circle as polygons between -180° and 180°: more than one if it crosses the 180th meridian."""
    if circle.radius_m >= _QUARTER_MERIDIAN_M:
        # Such a ring does not say which side is inside. The whole Earth leaves nobody out.
        return [shapely.box(-180, -90, 180, 90)]
    count = _CIRCLE_VERTICES + 1
    azimuths = np.linspace(0.0, -360.0, count)
    lons, lats, _ = _GEOD.fwd(
        np.full(count, circle.lon), np.full(count, circle.lat), azimuths, np.full(count, max(circle.radius_m, POINT_M))
    )
    lons = np.unwrap(lons, period=360)
    points = np.column_stack([lons, lats])
    if abs(lons[-1] - lons[0]) > 180:  # the ring goes once round the Earth, so a pole lies inside
        pole = 90.0 if circle.lat > 0 else -90.0
        points = np.vstack([points, [[lons[-1], pole], [lons[0], pole]]])
    ring = shapely.Polygon(points)
    west, _, east, _ = ring.bounds
    turns = [0.0, *([360.0] if west < -180 else []), *([-360.0] if east > 180 else [])]
    return [translate(ring, xoff=turn) if turn else ring for turn in turns]

"""From lists of points to polygons with holes, thousands at once."""

from collections.abc import Sequence
from itertools import chain, islice

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.affinity import translate

from geofences.overlap.boundary import Boxes, ranges
from geofences.overlap.budget import HOLE_S, BoxTree, Budget
from geofences.shapes import HOLE

_MOST_HOLES = 50_000
"""Pairs of an outline and a hole that come near each other, in one area."""
_FEW_PAIRS = 1_000
"""Of one area, that are all looked at: a tree takes longer."""

PointLists = Sequence[tuple[float, float]]


def polygons_of(rings: Sequence[PointLists]) -> list[tuple[shapely.Polygon, ...]]:
    """Of closed rings of (lon, lat), of at least four points each; of one that crosses the 180th meridian a polygon at
    either side, each of them whole: it goes on beyond ±180°."""
    if not rings:
        return []
    points = np.array(list(chain.from_iterable(rings)), dtype=np.float64)
    of_ring = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    made = np.asarray(shapely.polygons(shapely.linearrings(points, indices=of_ring))).tolist()
    found: list[tuple[shapely.Polygon, ...]] = [(polygon,) for polygon in made]
    for ring in np.unique(of_ring[1:][_far(points) & (of_ring[1:] == of_ring[:-1])]).tolist():
        found[ring] = _at_both_sides(points[of_ring == ring])
    return found


def crosses_180(ring: NDArray[np.float64]) -> bool:
    """Whether points one after the other are more than half the earth apart, so that the way between them is the other
    one: across the 180th meridian."""
    return _unwrapped(ring) is not None


def _far(points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which steps are longer than half the earth."""
    return np.asarray(np.abs(np.diff(points[:, 0])) > 180)


def _unwrapped(points: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """The ring with longitudes that go on beyond ±180°, None where it stays as it is.

    A step from -180° to 180° is none at all where the ring then is a narrow one, else once round the earth.
    """
    steps, far = np.diff(points[:, 0]), _far(points)
    for crossing in (far, far & (np.abs(steps) < 360)):
        if not crossing.any():
            continue
        whole = points.copy()
        whole[1:, 0] -= 360 * np.where(crossing, np.sign(steps), 0.0).cumsum()
        if 0 < np.ptp(whole[:, 0]) < 180 or crossing is not far or (np.abs(steps) < 360).all():
            return whole
    return None


def _at_both_sides(points: NDArray[np.float64]) -> tuple[shapely.Polygon, ...]:
    whole = _unwrapped(points)
    if whole is None:
        return (shapely.Polygon(points),)
    if abs(whole[-1, 0] - whole[0, 0]) > 180:  # once round the earth: a pole lies inside
        pole = 90.0 if points[:, 1].mean() > 0 else -90.0
        whole = np.vstack([whole, [[whole[-1, 0], pole], [whole[0, 0], pole], whole[0]]])
    drawn = shapely.Polygon(whole)
    west, _, east, _ = drawn.bounds
    shifts = [360.0 * turn for turn in range(-2, 3) if west + 360 * turn < 180 and east + 360 * turn > -180]
    return tuple(translate(drawn, xoff=shift) if shift else drawn for shift in shifts)


def with_holes(
    outer: Sequence[list[shapely.Polygon]], holes: Sequence[Sequence[PointLists]], budget: Budget
) -> list[list[shapely.Polygon]]:
    """The polygons of each area, each with those holes of its area whose boxes touch its own.

    Without any where those of an area are too many, or the budget does not suffice.
    """
    if not any(holes):
        return [*outer]
    drawn = [*chain.from_iterable(outer)]
    made_holes = iter(polygons_of([*chain.from_iterable(holes)]))
    cut_of = [[*chain.from_iterable(islice(made_holes, len(each)))] for each in holes]
    cut = [*chain.from_iterable(cut_of)]
    boxes, of_holes = (Boxes.of(np.array(polygons, dtype=object)) for polygons in (drawn, cut))
    size, of_size = (np.array([len(each) for each in many]) for many in (outer, cut_of))
    first, of_first = np.cumsum(size) - size, np.cumsum(of_size) - of_size
    few = np.flatnonzero((size * of_size <= _FEW_PAIRS) & (size * of_size > 0))
    place, number = ranges(np.zeros(len(few), dtype=np.int64), (size * of_size)[few])
    one, other = (
        start[few][place] + each
        for start, each in zip((first, of_first), np.divmod(number, of_size[few][place]), strict=True)
    )
    touching = _touching(boxes.at(one), of_holes.at(other))
    pairs = [*zip(one[touching].tolist(), other[touching].tolist(), strict=True)]
    if not budget.try_pay(len(pairs) * HOLE_S):
        budget.exceed(HOLE)
        pairs = []
    for area in np.flatnonzero(size * of_size > _FEW_PAIRS).tolist():
        mine, theirs = np.arange(size[area]) + first[area], np.arange(of_size[area]) + of_first[area]
        near = BoxTree(of_holes.at(theirs)).pairs(boxes.at(mine), min(_MOST_HOLES, budget.left_s / HOLE_S))
        if near is None or not budget.try_pay(len(near[0]) * HOLE_S):
            budget.exceed(HOLE)
            continue
        pairs += zip(mine.take(near[0]).tolist(), theirs.take(near[1]).tolist(), strict=True)
    _cut(drawn, cut, sorted(pairs))
    made = iter(drawn)
    return [[*islice(made, len(polygons))] for polygons in outer]


def _touching(boxes: Boxes, others: Boxes) -> NDArray[np.bool_]:
    return np.asarray(
        (boxes.west <= others.east)
        & (boxes.east >= others.west)
        & (boxes.south <= others.north)
        & (boxes.north >= others.south)
    )


def _cut(drawn: list[shapely.Polygon], cut: list[shapely.Polygon], pairs: list[tuple[int, int]]) -> None:
    """Draw those polygons anew that have holes."""
    if not pairs:
        return
    number, hole = np.array(pairs).T
    holed, place = np.unique(number, return_inverse=True)
    outer = np.array([drawn[one] for one in holed.tolist()], dtype=object)
    rings = shapely.get_exterior_ring(np.concatenate([outer, np.array(cut, dtype=object)[hole]]))
    order = np.argsort(owner := np.concatenate([np.arange(len(holed)), place]), kind="stable")
    made = np.asarray(shapely.polygons(rings[order], indices=owner[order]))
    for one, polygon in zip(holed.tolist(), made.tolist(), strict=True):
        drawn[one] = polygon

"""From lists of points to polygons with holes, thousands at once."""

from collections.abc import Sequence
from itertools import chain

import numpy as np
import shapely

from geofences.boundary import Boxes
from geofences.budget import Budget, Near
from geofences.shapes import HOLE

_MOST_HOLES = 50_000
"""Pairs of an outline and a hole that come near each other, in one area."""

Points = Sequence[tuple[float, float]]


def polygons_of(rings: Sequence[Points]) -> list[shapely.Polygon]:
    """Of closed rings of (lon, lat), of at least four points each."""
    if not rings:
        return []
    points = np.array(list(chain.from_iterable(rings)), dtype=np.float64)
    of_ring = np.repeat(np.arange(len(rings)), [len(ring) for ring in rings])
    made: list[shapely.Polygon] = np.asarray(shapely.polygons(shapely.linearrings(points, indices=of_ring))).tolist()
    return made


def with_holes(outer: list[shapely.Polygon], holes: Sequence[Points], budget: Budget) -> list[shapely.Polygon]:
    """The polygons, each with those holes whose boxes touch its own; without any where they are too many."""
    if not (outer and holes):
        return outer
    cut = polygons_of(holes)
    boxes, of_holes = (Boxes.of(np.array(polygons, dtype=object)) for polygons in (outer, cut))
    pairs = Near(of_holes).pairs(boxes, _MOST_HOLES)
    if pairs is None:
        budget.exceed(HOLE)
        return outer
    found: dict[int, list[shapely.LinearRing]] = {}
    for ring, hole in sorted(zip(*(side.tolist() for side in pairs), strict=True)):
        found.setdefault(ring, []).append(cut[hole].exterior)
    return [shapely.Polygon(polygon.exterior, found.get(number)) for number, polygon in enumerate(outer)]

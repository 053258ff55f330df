"""How much of single shapes lies in a district: what tells of a small place in it, whatever share that is.

Decides as the plain method, which cuts every shape with the district: a shape is left out only where its part cannot
be enough.
"""

import math
from collections.abc import Sequence
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.overlap.boundary import Boxes
from geofences.overlap.budget import PART_S, PART_VERTEX_S, Budget
from geofences.overlap.sides import Bools
from geofences.overlap.sphere import Floats, sphere_area

_ROUNDED = 1e-6
_MOST_PAIRS = 100_000  # pairs of a fence and a shape whose boxes are compared at once; more are not compared

_Degrees = Floats | float
"""A side of one fence's box, or of many."""


class Parts:
    """The shapes of some blocks of an alert."""

    def __init__(self, shapes: Sequence[BaseGeometry]) -> None:
        self._shapes: NDArray[np.object_] = np.array(shapes, dtype=object)

    @cached_property
    def _boxes(self) -> Boxes:
        return Boxes.of(self._shapes)

    @cached_property
    def _at_least(self) -> Floats:
        """A lower bound of the area of each shape, in steradians."""
        farthest = np.maximum(np.abs(self._boxes.south), np.abs(self._boxes.north))
        return np.asarray(shapely.area(self._shapes) * np.cos(np.radians(farthest)) * math.radians(1) ** 2)

    @cached_property
    def _smallest(self) -> float:
        return float(self._at_least.min(initial=math.inf))

    def may_be(self, least: float, inside: Floats, boxes: Boxes) -> Bools:
        """Whether `least` of one shape may lie in each fence: shape (fences,).

        All shapes together cover `inside` steradians of the fence, and `boxes` has its box.
        """
        found = inside * (1 + _ROUNDED) >= self._smallest * (least - _ROUNDED)
        rows = found.nonzero()[0]
        if 0 < len(rows) * len(self._shapes) <= _MOST_PAIRS:
            sides = (side[:, None] for side in boxes.at(rows))
            found[rows] = self._each_may_be(least, inside.take(rows)[:, None], *sides).any(1)
        return found

    def _each_may_be(
        self, least: float, inside: Floats | float, west: _Degrees, east: _Degrees, south: _Degrees, north: _Degrees
    ) -> Bools:
        """Whether `least` of each shape may lie in a fence with these sides, of which all shapes cover `inside`."""
        shapes = self._boxes
        touching = (shapes.west <= east) & (shapes.east >= west) & (shapes.south <= north) & (shapes.north >= south)
        return np.asarray(touching & (self._at_least * (least - _ROUNDED) <= inside * (1 + _ROUNDED)))

    def largest(self, fence: BaseGeometry, inside: float, least: float, budget: Budget) -> float | None:
        """The largest part (0 to 1) of one shape inside a fence, 0 where none can be `least`; None where it costs too
        much to know. `inside` is what all shapes together cover of it, in steradians."""
        if inside * (1 + _ROUNDED) < self._smallest * (least - _ROUNDED):
            return 0.0
        west, south, east, north = fence.bounds
        near = self._each_may_be(least, inside, west, east, south, north).nonzero()[0]
        vertices = shapely.get_num_coordinates(fence)
        largest = 0.0
        for place in near.tolist():
            shape = self._shapes[place]
            if not budget.try_pay(PART_S + PART_VERTEX_S * (vertices + shapely.get_num_coordinates(shape))):
                return None
            whole = sphere_area(shape)
            if whole > 0:
                largest = max(largest, sphere_area(shapely.intersection(fence, shape)) / whole)
            if largest >= 1:
                break
        return largest

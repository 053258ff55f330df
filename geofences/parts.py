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

from geofences.overlap.budget import PART_S, PART_VERTEX_S, Budget
from geofences.overlap.sphere import Floats, sphere_area, sphere_areas

_ROUNDED = 1e-6


class Parts:
    """The shapes of some blocks of an alert."""

    def __init__(self, shapes: Sequence[BaseGeometry]) -> None:
        self._shapes: NDArray[np.object_] = np.array(shapes, dtype=object)

    @cached_property
    def _sphere_areas(self) -> NDArray[np.float64]:
        return sphere_areas(self._shapes)

    @cached_property
    def _boxes(self) -> NDArray[np.float64]:
        return np.asarray(shapely.bounds(self._shapes), dtype=np.float64).T

    @cached_property
    def at_least(self) -> float:
        """A lower bound of the area of the smallest shape, in steradians."""
        _, south, _, north = np.abs(self._boxes)
        flat = shapely.area(self._shapes) * np.cos(np.radians(np.maximum(south, north)))
        return float(flat.min(initial=math.inf)) * math.radians(1) ** 2

    def may_be(self, least: float, inside: Floats) -> NDArray[np.bool_]:
        """Whether `least` of one shape may lie in each fence, of which all shapes cover `inside`: shape (fences,)."""
        return inside * (1 + _ROUNDED) >= self.at_least * (least - _ROUNDED)

    def largest(self, fence: BaseGeometry, inside: float, least: float, budget: Budget) -> float | None:
        """The largest part (0 to 1) of one shape inside a fence, 0 where none can be `least`; None where it costs too
        much to know. `inside` is what all shapes together cover of it, in steradians."""
        if not self.may_be(least, np.array(inside)):
            return 0.0
        west, south, east, north = fence.bounds
        left, low, right, high = self._boxes
        near = np.flatnonzero(
            (left <= east) & (right >= west) & (low <= north) & (high >= south)
            & (self._sphere_areas * (least - _ROUNDED) <= inside * (1 + _ROUNDED))
        )  # fmt: skip
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

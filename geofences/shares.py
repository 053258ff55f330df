"""The shares of one alert: found when they are asked for, and for all districts at once.

An alert asks for few sets of its blocks: all of them, those that do not spare a district by height, single ones.
"""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.area import Area, Circle
from geofences.match import Blocks
from geofences.overlap import Fences
from geofences.shapes import joined, outlines

_NOTHING = 1e-7  # a share that rounds to 0
_METRES_A_DEGREE = 110_000  # at least, between two parallels on WGS 84


class Shares:
    """Shares of fences (0 to 1, with some 1e-13 of rounding) inside sets of an alert's blocks."""

    __slots__ = ("_blocks", "_fences", "_found", "_shapes")

    def __init__(self, fences: Fences, blocks: Blocks) -> None:
        self._fences, self._blocks = fences, blocks
        self._found: dict[tuple[int, ...], dict[int, float]] = {}
        self._shapes: dict[int, tuple[BaseGeometry, ...]] = {}

    def of(self, among: tuple[int, ...]) -> dict[int, float]:
        """By position of the fence, ascending, as far as they are not 0, the union of blocks counted once."""
        if among not in self._found:
            find([self], [among])
        return self._found[among]

    def of_fence(self, position: int, among: tuple[int, ...]) -> float:
        """The share of one fence."""
        return self.of(among).get(position, 0.0)

    def outline(self, among: tuple[int, ...]) -> BaseGeometry | None:
        """The shapes of these blocks as one valid geometry; None where no fence can touch them."""
        shapes = [shape for position in among for shape in self._shapes_of(position)]
        return joined(shapes) if shapes else None

    def _shapes_of(self, position: int) -> tuple[BaseGeometry, ...]:
        if position not in self._shapes:
            area = self._blocks.areas[position]
            self._shapes[position] = outlines(area) if _may_touch(area, self._fences.box) else ()
        return self._shapes[position]


def find(asked: Sequence[Shares], among: Sequence[tuple[int, ...]]) -> None:
    """Find the shares of several alerts on the same fences in one go, each for one set of its blocks."""
    outlines_of: list[tuple[dict[int, float], BaseGeometry]] = []
    for shares, blocks in zip(asked, among, strict=True):
        found = shares._found.setdefault(blocks, {})
        if (outline := shares.outline(blocks)) is not None:
            outlines_of.append((found, outline))
    if not outlines_of:
        return
    fences = asked[0]._fences
    of_outline, fence, area = fences.overlaps([outline for _, outline in outlines_of])
    share = area / fences.areas[fence]
    some = np.flatnonzero(share > _NOTHING)
    ends = np.searchsorted(of_outline[some], np.arange(len(outlines_of) + 1))
    for (found, _), start, end in zip(outlines_of, ends, ends[1:], strict=False):
        here = some[start:end]
        found.update(zip(fence[here].tolist(), share[here].tolist(), strict=True))


def _may_touch(area: Area, box: tuple[float, float, float, float]) -> bool:
    """False where mending and measuring the block's shapes can be saved."""
    west, east, south, north = box
    for polygon in area.polygons:
        left, low, right, high = shapely.bounds(polygon).tolist()
        if left <= east and right >= west and low <= north and high >= south:
            return True
    return any(_circle_may_touch(circle, *box) for circle in area.circles)


def _circle_may_touch(circle: Circle, west: float, east: float, south: float, north: float) -> bool:
    reach = circle.radius_m / _METRES_A_DEGREE
    poleward = abs(circle.lat) + reach
    if poleward > 80:
        return True
    across = reach / math.cos(math.radians(poleward))
    left, right = circle.lon - across, circle.lon + across
    if left < -180 or right > 180:
        return True
    return left <= east and right >= west and circle.lat - reach <= north and circle.lat + reach >= south

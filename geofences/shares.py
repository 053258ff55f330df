"""The shares of an alert: found when they are asked for, for all districts at once, and each only once.

An alert asks for few sets of its blocks: all of them, those that do not spare a district by height, single ones.
"""

import math
from collections.abc import Sequence

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.area import Area, Circle
from geofences.overlap import Fences
from geofences.shapes import joined, outlines

_NOTHING = 1e-7  # a share that rounds to 0
_METRES_A_DEGREE = 110_000  # at least, between two parallels on WGS 84

Blocks = tuple[int, ...]
Found = dict[int, float]


class Shares:
    """What an alert's area blocks cover of each of `fences`: shares by the fence's position, as far as not 0.

    Shares are 0 to 1, with some 1e-13 of rounding; blocks are given by their positions in `areas`.
    """

    __slots__ = ("_areas", "_fences", "_found", "_near")

    def __init__(self, fences: Fences, areas: Sequence[Area]) -> None:
        self._fences, self._areas = fences, areas
        self._near: dict[int, tuple[BaseGeometry, ...]] = {}
        self._found: dict[Blocks, Found] = {}

    def may_touch(self) -> bool:
        """False where no shape comes near any fence."""
        return any(_may_touch(area, self._fences.box) for area in self._areas)

    def of(self, blocks: Blocks) -> Found:
        """What the union of these blocks covers."""
        if blocks not in self._found:
            # Who asks for one block by itself will ask for the others.
            sets = [(block,) for block in range(len(self._areas))] if len(blocks) == 1 else [blocks]
            Shares.find([(self, each) for each in sets])
        return self._found[blocks]

    def of_fence(self, fence: int, blocks: Blocks) -> float:
        """What the union of these blocks covers of one fence."""
        return self.of(blocks).get(fence, 0.0)

    @staticmethod
    def find(asked: Sequence[tuple["Shares", Blocks]]) -> None:
        """Measure sets of blocks, of one alert or several on the same fences, in one go."""
        near = []
        for shares, blocks in asked:
            found = shares._found[blocks] = {}
            if (outline := shares._outline(blocks)) is not None:
                near.append((found, outline))
        if not near:
            return
        fences = asked[0][0]._fences
        of_outline, fence, area = fences.overlaps([outline for _, outline in near])
        share = area / fences.areas.take(fence)
        some = np.flatnonzero(share > _NOTHING)
        ends = np.searchsorted(of_outline.take(some), np.arange(len(near) + 1)).tolist()
        for (found, _), start, end in zip(near, ends, ends[1:], strict=False):
            here = some[start:end]
            found.update(zip(fence.take(here).tolist(), share.take(here).tolist(), strict=True))

    def _outline(self, blocks: Blocks) -> BaseGeometry | None:
        shapes = [shape for block in blocks for shape in self._shapes(block)]
        return joined(shapes) if shapes else None

    def _shapes(self, block: int) -> tuple[BaseGeometry, ...]:
        if block not in self._near:
            area = self._areas[block]
            self._near[block] = outlines(area) if _may_touch(area, self._fences.box) else ()
        return self._near[block]


def _may_touch(area: Area, box: tuple[float, float, float, float]) -> bool:
    west, east, south, north = box
    polygons = [*area.polygons]
    for left, low, right, high in shapely.bounds(polygons).tolist() if polygons else ():
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

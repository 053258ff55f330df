"""The shares of an alert: found when they are asked for, for all districts at once, and each only once.

An alert asks for few sets of its blocks: all of them, those that do not spare a district by height, single ones. Where
no two blocks meet, and they seldom do, what a set covers is the sum of what its blocks cover.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.area import Area, Circle
from geofences.overlap import Fences
from geofences.shapes import joined, meet, outlines

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
        self._near: dict[int, BaseGeometry] | None = None
        self._found: dict[Blocks, Found] = {}

    def may_touch(self) -> bool:
        """False where no shape comes near any fence."""
        return any(_may_touch(area, self._fences.box) for area in self._areas)

    def of(self, blocks: Blocks) -> Found:
        """What the union of these blocks covers."""
        if blocks not in self._found:
            Shares.find([self], [blocks])
        return self._found[blocks]

    def of_fence(self, fence: int, blocks: Blocks) -> float:
        """What the union of these blocks covers of one fence."""
        return self.of(blocks).get(fence, 0.0)

    def _parts(self, blocks: Blocks) -> list[tuple[Blocks, BaseGeometry]]:
        """What there is to measure: the blocks near fences, each by itself, or joined where any two of them meet."""
        if self._near is None:
            shapes = {i: outlines(area) for i, area in enumerate(self._areas) if _may_touch(area, self._fences.box)}
            self._near = {i: joined(several) for i, several in shapes.items() if several}
        near = {i: self._near[i] for i in blocks if i in self._near}
        if meet([*near.values()]):
            return [(tuple(near), joined([*near.values()]))]
        return [((i,), outline) for i, outline in near.items()]

    @classmethod
    def find(cls, asked: Sequence["Shares"], blocks: Sequence[Blocks]) -> None:
        """Measure for several alerts on the same fences in one go, for each of them these blocks."""
        parts = [
            (shares, part, outline)
            for shares, these in zip(asked, blocks, strict=True)
            for part, outline in shares._parts(these)
            if part not in shares._found
        ]
        if parts:
            fences = parts[0][0]._fences
            for (shares, part, _), found in zip(parts, _shares(fences, [o for *_, o in parts]), strict=True):
                shares._found[part] = found
        for shares, these in zip(asked, blocks, strict=True):
            if these not in shares._found:
                shares._found[these] = _sum([shares._found[part] for part, _ in shares._parts(these)])


def _shares(fences: Fences, outlines: Sequence[BaseGeometry]) -> Iterator[Found]:
    of_outline, fence, area = fences.overlaps(outlines)
    share = area / fences.areas.take(fence)
    some = np.flatnonzero(share > _NOTHING)
    ends = np.searchsorted(of_outline.take(some), np.arange(len(outlines) + 1)).tolist()
    for start, end in pairwise(ends):
        here = some[start:end]
        yield dict(zip(fence.take(here).tolist(), share.take(here).tolist(), strict=True))


def _sum(several: Sequence[Found]) -> Found:
    total: Found = {}
    for found in several:
        for fence, share in found.items():
            total[fence] = total.get(fence, 0.0) + share
    return dict(sorted(total.items()))


def _may_touch(area: Area, box: tuple[float, float, float, float]) -> bool:
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

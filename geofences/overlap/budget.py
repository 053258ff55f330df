"""The cost of measuring outlines, estimated before the work begins, and the budget that one alert has for it.

Vertices cost little; edges that come near each other cost much. A coast of 400,000 points can be read whole, while
1,300 points in random order crossed each other 400,000 times, and took 50 s and 600 MiB. So near pairs of edges are
counted before GEOS works on a ring, with a box around each eight edges. The count stops when it exceeds the budget.

Costs are estimates in seconds, never measured times, so every machine decides the same alert in the same way. A step
that the budget cannot pay takes a substitute that warns rather too much (`geofences.shapes`), and the budget notes it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.boundary import EDGES, Boxes
from geofences.overlap.sphere import Floats

BUDGET_S = 0.8
"""The budget for all shapes of one alert. A real alert takes a hundredth, even with all districts of a country."""
PAIR_S = 60e-9
"""Price of a look whether two edges cross."""
CROSSING_S = 100e-6
"""Price of a crossing of a ring with itself: it makes a node and a face, and takes part in the union."""
TURN_S = 80e-9
"""Price of one edge in the computation of one winding number."""
VERTEX_S = 6e-6
"""Price of a vertex in an overlay."""
SMALL_VERTEX_S = 0.2e-6
"""Price of a vertex of a small outline, for all steps together."""
SHAPE_S = 5e-6
"""Price of a small outline, for all steps together."""
LOOK_S, MEND_S = 500e-6, 3_000e-6
"""Price of a look at a larger outline; price of mending a ring or the holes of an outline, however small."""
HOLE_S = 16e-6
"""Price of a hole that is put into an outline."""
CIRCLE_S = 500e-6
"""Price of a circle."""
MEETING_S = 3e-6
"""Price of a look whether two shapes meet."""
MEASURE_S, OUTLINE_S = 1_500e-6, 60e-6
"""Price of a measurement against all fences, and of each outline in it."""
PART_S, PART_VERTEX_S = 60e-6, 0.3e-6
"""Price of cutting a single shape with a fence, and of each vertex of both."""
ALERT_S = 400e-6
"""Price of a set of blocks that is measured together, wherever the blocks lie."""
OVERLAY_LOOKS = 4
"""How often an overlay looks at a pair, together with the count of its cost."""
_FREE = 16  # near pairs per edge that are not charged: every ordinary ring has them, mostly with neighbours
_ROWS, _FEW_ROWS = 2_000_000, 50_000  # pairs in memory at once: 32 MB; fewer if the limit is low
_EDGE_ROWS = 20_000  # pairs of stretches whose edges are in memory at once

Ints = NDArray[np.int64]


@dataclass
class Budget:
    """What is left to spend on one alert, and what had to be replaced or left out."""

    left_s: float = BUDGET_S
    looks: float = 1.0
    """How often each outline will be looked at: once for validity, and once for each fence that it is cut with."""
    exceeded: dict[str, None] = field(default_factory=dict)
    """Codes of what was left out or replaced, oldest first."""
    refused: int = 0
    """How often something was left out or replaced."""

    def spend(self, cost_s: float) -> bool:
        """Pays a cost if enough is left. Else it pays nothing and gives False."""
        if cost_s > self.left_s:
            return False
        self.left_s -= cost_s
        return True

    @property
    def spent(self) -> bool:
        """Whether too little is left to measure even one outline."""
        return self.left_s < ALERT_S + MEASURE_S

    def exceed(self, code: str) -> None:
        """Notes that something was left out or replaced."""
        self.exceeded[code] = None
        self.refused += 1

    def told(self) -> tuple[str, ...]:
        """Gives the codes that are new since the last call."""
        codes, self.exceeded = tuple(self.exceeded), {}
        return codes


class TooDearError(ValueError):
    """A measurement would need more memory than its limit allows."""


class Near:
    """Finds which of its boxes other boxes touch. It can be asked again and again, and each answer has a limit."""

    __slots__ = ("_sides", "_tree")

    def __init__(self, boxes: Boxes) -> None:
        self._tree = shapely.STRtree(boxes.for_tree())
        self._sides = tuple(np.sort(side) for side in boxes)

    def pairs(self, boxes: Boxes, limit: float) -> tuple[Ints, Ints] | None:
        """Gives the pairs of `boxes` and own boxes that touch, as two arrays. None if there are more than `limit`."""
        rows, others, count = list[Ints](), list[Ints](), 0
        for start, end in _batches(self._at_most(boxes), min(_ROWS, max(_FEW_ROWS, 4 * limit))):
            row, other = self._tree.query(Boxes(*(side[start:end] for side in boxes)).for_tree())
            count += len(row)
            if count > limit:
                return None
            rows.append(row + start)
            others.append(other)
        return (np.concatenate(rows), np.concatenate(others)) if rows else (np.empty(0, np.int64),) * 2

    def _at_most(self, boxes: Boxes) -> Ints:
        """Gives for each box an upper limit of own boxes that touch it: those on its meridians or parallels."""
        west, east, south, north = self._sides
        across = np.searchsorted(west, boxes.east, "right") - np.searchsorted(east, boxes.west, "left")
        along = np.searchsorted(south, boxes.north, "right") - np.searchsorted(north, boxes.south, "left")
        return np.asarray(np.minimum(across, along), dtype=np.int64)


def _batches(sizes: Ints, rows: float) -> Iterator[tuple[int, int]]:
    """Cuts rows into ranges whose sizes sum up to `rows` at most, or that have one row."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        end = max(int(np.searchsorted(ends, before + rows, "right")), start + 1)
        yield start, end
        start = end


class Rings:
    """Closed rings in stretches of eight edges, to estimate what work on them will cost."""

    def __init__(self, geometries: NDArray[np.object_]) -> None:
        parts = shapely.get_parts(geometries)  # `get_rings` gives no rings of multipolygons
        points, ring = shapely.get_coordinates(shapely.get_rings(parts), return_index=True)
        self.vertices = len(points)
        count = np.bincount(ring)
        count = count[count > 0]
        first = np.cumsum(count) - count
        size = (count + EDGES - 2) // EDGES
        of_ring = np.repeat(np.arange(len(size)), size)
        place = np.arange(len(of_ring)) - np.repeat(np.cumsum(size) - size, size)
        last = (first + count - 1)[of_ring][:, None]
        vertex = np.minimum(first[of_ring][:, None] + place[:, None] * EDGES + np.arange(EDGES + 1), last)
        lon, lat = points.T if len(points) else np.empty((2, 0))
        self.lon: Floats = lon.take(vertex)
        self.lat: Floats = lat.take(vertex)

    def near(self, limit: float) -> tuple[Ints, Ints] | None:
        """Gives each pair of stretches that come near each other once. None if there are more than `limit`."""
        boxes = Boxes(self.lon.min(1), self.lon.max(1), self.lat.min(1), self.lat.max(1))
        found = Near(boxes).pairs(boxes, 2 * limit)
        if found is None:
            return None
        one, other = found
        once = one <= other
        return one[once], other[once]

    def looked_at(self, budget: Budget, times: float = 1.0) -> tuple[Ints, Ints] | None:
        """Pays for so many looks at the near pairs, and gives the pairs. None if the budget cannot pay."""
        pairs_of_stretches = EDGES * EDGES
        cost = PAIR_S * times * pairs_of_stretches
        found = self.near(budget.left_s / cost + self.vertices)
        if found is None:
            return None
        beyond = max(0.0, len(found[0]) - self.vertices * _FREE / pairs_of_stretches)
        return found if budget.spend(beyond * cost + self.vertices * PAIR_S) else None

    def crossings(self, near: tuple[Ints, Ints], most: float) -> int:
        """Counts how often edges meet, except at a vertex of both. Stops to count above `most`."""
        count, (one, other) = 0, near
        for start in range(0, len(one), _EDGE_ROWS):
            count += self._meet(one[start : start + _EDGE_ROWS], other[start : start + _EDGE_ROWS])
            if count > most:
                break
        return count

    def _meet(self, one: Ints, other: Ints) -> int:
        """Counts the crossings between the edges of pairs of stretches."""
        x, y = self.lon.take(one, 0), self.lat.take(one, 0)
        u, v = self.lon.take(other, 0), self.lat.take(other, 0)
        touching = np.ones((len(one), EDGES, EDGES), dtype=bool)
        for mine, theirs in ((x, u), (y, v)):
            low, high = np.minimum(mine[:, :-1], mine[:, 1:]), np.maximum(mine[:, :-1], mine[:, 1:])
            low_2, high_2 = np.minimum(theirs[:, :-1], theirs[:, 1:]), np.maximum(theirs[:, :-1], theirs[:, 1:])
            touching &= (low[:, :, None] <= high_2[:, None, :]) & (high[:, :, None] >= low_2[:, None, :])
        row, i, j = np.nonzero(touching)
        a, b = np.stack((x[row, i], y[row, i])), np.stack((x[row, i + 1], y[row, i + 1]))
        c, d = np.stack((u[row, j], v[row, j])), np.stack((u[row, j + 1], v[row, j + 1]))
        shared = _same(a, c) | _same(a, d) | _same(b, c) | _same(b, d)
        apart = (_turn(a, b, c) * _turn(a, b, d) > 0) | (_turn(c, d, a) * _turn(c, d, b) > 0)
        itself = (one[row] == other[row]) & (i >= j)  # within one stretch each pair stands there twice
        return int(np.count_nonzero(~(shared | apart | itself)))


def _same(one: Floats, other: Floats) -> NDArray[np.bool_]:
    return np.asarray((one == other).all(0))


def _turn(a: Floats, b: Floats, c: Floats) -> Floats:
    """Gives 1 if c lies left of the way from a to b, -1 if right, 0 on the line."""
    return np.asarray(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))

"""What it costs to measure an outline, known before it is done, and how much of that one alert may cost.

Not vertices cost, but edges that come near each other: a coast of 400,000 points is read in its whole length, 1,300
points in random order cross each other 400,000 times and took 50 s and 600 MiB. So near pairs are counted before GEOS
looks at a ring, by boxes around eight edges each, and the count stops where it exceeds what is left.

Costs are estimates in seconds, never measured times: the same alert is decided the same way on every machine. Who
cannot pay takes a substitute that warns rather too much (`geofences.shapes`), and the budget remembers that.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.boundary import EDGES, Boxes
from geofences.overlap.sphere import Floats

BUDGET_S = 0.8
"""For all shapes of one alert, of which a real one with every district of a country takes a hundredth."""
PAIR_S = 60e-9
"""A look whether two edges cross."""
CROSSING_S = 100e-6
"""A crossing of a ring with itself: a node, a face, and its part of the union."""
TURN_S = 80e-9
"""One edge of one winding number."""
VERTEX_S = 6e-6
"""A vertex of what is overlaid."""
SMALL_VERTEX_S = 0.2e-6
"""The same of an outline of few vertices, for all that is done with it."""
SHAPE_S = 5e-6
"""An outline of few vertices, whatever is done with it."""
LOOK_S, MEND_S = 500e-6, 3_000e-6
"""An outline of more vertices is looked at; a ring, or the holes of an outline, are mended: be they ever so small."""
HOLE_S = 16e-6
"""A hole that is put into an outline."""
CIRCLE_S = 500e-6
"""A circle."""
MEETING_S = 3e-6
"""A look whether two shapes meet."""
MEASURE_S, OUTLINE_S = 1_500e-6, 60e-6
"""A measurement against all fences, and each outline of it."""
PART_S, PART_VERTEX_S = 60e-6, 0.3e-6
"""A single shape cut with a fence, and each of their vertices."""
ALERT_S = 400e-6
"""Blocks that are asked for together, wherever they lie."""
OVERLAY_LOOKS = 4
"""How often an overlay, and the count of what it will cost, looks at a pair."""
_FREE = 16  # near pairs an edge that any honest ring has, its neighbours above all
_ROWS, _FEW_ROWS = 2_000_000, 50_000  # pairs held at once: 32 MB; fewer where the limit is soon reached
_EDGE_ROWS = 20_000  # pairs of stretches whose edges are held at once

Ints = NDArray[np.int64]


@dataclass
class Budget:
    """What is left for one alert, and what could not be done with it."""

    left_s: float = BUDGET_S
    looks: float = 1.0
    """How often each outline will be looked at: once if it is valid, and once by each fence that it is cut with."""
    exceeded: dict[str, None] = field(default_factory=dict)
    """Codes of what was left out or replaced, in the order in which it happened."""
    refused: int = 0
    """How often something was."""

    def spend(self, cost_s: float) -> bool:
        """Whether it can be paid; what is refused costs nothing."""
        if cost_s > self.left_s:
            return False
        self.left_s -= cost_s
        return True

    @property
    def spent(self) -> bool:
        """Whether not even blocks with one outline can be asked for."""
        return self.left_s < ALERT_S + MEASURE_S

    def exceed(self, code: str) -> None:
        self.exceeded[code] = None
        self.refused += 1

    def told(self) -> tuple[str, ...]:
        """The codes since this was last asked."""
        codes, self.exceeded = tuple(self.exceeded), {}
        return codes


class TooDearError(ValueError):
    """What is to be measured exceeds its limit."""


class Near:
    """Boxes that are asked, again and again, which of them others touch; no answer grows beyond its limit."""

    __slots__ = ("_sides", "_tree")

    def __init__(self, boxes: Boxes) -> None:
        self._tree = shapely.STRtree(boxes.for_tree())
        self._sides = tuple(np.sort(side) for side in boxes)

    def pairs(self, boxes: Boxes, limit: float) -> tuple[Ints, Ints] | None:
        """Which of `boxes` touches which of mine, as two arrays; None where they are more than `limit`."""
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
        """For each box the number of mine that share a meridian with it, or a parallel."""
        west, east, south, north = self._sides
        across = np.searchsorted(west, boxes.east, "right") - np.searchsorted(east, boxes.west, "left")
        along = np.searchsorted(south, boxes.north, "right") - np.searchsorted(north, boxes.south, "left")
        return np.asarray(np.minimum(across, along), dtype=np.int64)


def _batches(sizes: Ints, rows: float) -> Iterator[tuple[int, int]]:
    """Ranges of rows whose sizes together stay within what is held at once."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        end = max(int(np.searchsorted(ends, before + rows, "right")), start + 1)
        yield start, end
        start = end


class Rings:
    """Closed rings, looked at for what they will cost."""

    def __init__(self, geometries: NDArray[np.object_]) -> None:
        parts = shapely.get_parts(geometries)  # of multipolygons, `get_rings` gives none
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
        """The pairs of stretches of eight edges that come near each other, each once; None for more than `limit`."""
        boxes = Boxes(self.lon.min(1), self.lon.max(1), self.lat.min(1), self.lat.max(1))
        found = Near(boxes).pairs(boxes, 2 * limit)
        if found is None:
            return None
        one, other = found
        once = one <= other
        return one[once], other[once]

    def looked_at(self, budget: Budget, times: float = 1.0) -> tuple[Ints, Ints] | None:
        """The near pairs, after the looks at them are paid for, so many times; None where they cannot be."""
        pairs_of_stretches = EDGES * EDGES
        cost = PAIR_S * times * pairs_of_stretches
        found = self.near(budget.left_s / cost + self.vertices)
        if found is None:
            return None
        beyond = max(0.0, len(found[0]) - self.vertices * _FREE / pairs_of_stretches)
        return found if budget.spend(beyond * cost + self.vertices * PAIR_S) else None

    def crossings(self, near: tuple[Ints, Ints], most: float) -> int:
        """How often edges meet elsewhere than at a vertex of both; counting stops above `most`."""
        count, (one, other) = 0, near
        for start in range(0, len(one), _EDGE_ROWS):
            count += self._meet(one[start : start + _EDGE_ROWS], other[start : start + _EDGE_ROWS])
            if count > most:
                break
        return count

    def _meet(self, one: Ints, other: Ints) -> int:
        """Crossings between the edges of pairs of stretches."""
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
    """Above 0 where c lies left of the way from a to b."""
    return np.asarray(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))

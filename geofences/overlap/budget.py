"""The cost of measuring outlines, estimated before the work begins, and the budget that one alert has for it.

Vertices cost little; edges that come near each other cost much. A coast of 400,000 points can be read whole, while the
edges between 1,300 points in random order crossed each other 190,000 times, and took 50 s and 600 MiB. So before GEOS
works on a ring, the **near pairs** are counted: pairs of stretches whose boxes touch. The count stops when the budget
could not pay for them.

Costs are estimates in seconds, never measured times, so every machine decides the same alert in the same way. What the
budget cannot pay is replaced by something that warns rather too much (`geofences.shapes`), and the budget records a
code for the findings.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.boundary import EDGES, Boxes, stretches
from geofences.overlap.sphere import Floats

BUDGET_S = 0.8
"""The budget of one alert, for all its shapes. Real alerts take a hundredth, even with all districts of a country."""
PAIR_S = 60e-9
"""Price of finding out whether two edges cross."""
CROSSING_S = 100e-6
"""Price of each crossing of a ring with itself: it makes a node and a face, which take part in a union."""
TURN_S = 80e-9
"""Price of one edge in computing one winding number."""
VERTEX_S = 6e-6
"""Price of each vertex in an overlay."""
SMALL_VERTEX_S = 0.2e-6
"""Price of each vertex of a small outline (at most `shapes._FEW` vertices), for all that is done with it."""
SHAPE_S = 5e-6
"""Price of each small outline, for all that is done with it, without its vertices."""
CHECK_S, MEND_S = 500e-6, 3_000e-6
"""Price of checking an outline that is not small; price of mending one ring, or all holes of an outline together."""
HOLE_S = 16e-6
"""Price of putting a hole into an outline."""
CIRCLE_S = 500e-6
"""Price of a circle."""
MEETING_S = 3e-6
"""Price of finding out whether two shapes meet."""
MEASURE_S, OUTLINE_S = 1_500e-6, 60e-6
"""Price of measuring the first outline of an info against all fences, and of each further one."""
PART_S, PART_VERTEX_S = 60e-6, 0.3e-6
"""Price of cutting one shape with one fence, and of each vertex of the two."""
INFO_S = 400e-6
"""Fixed price of each info that is decided by its area."""
MOST_COMPARISONS = 9
"""How often the edges of an outline are compared with others at most, however many fences there are."""
OVERLAY_COMPARISONS = 4
"""How often the edges of a near pair are compared for an overlay: once to count crossings, three times to overlay."""
_FREE = 16  # free pairs of edges per vertex: 8 of its stretch with itself, 8 with the next stretch of the ring
_BATCH, _SMALL_BATCH = 2_000_000, 50_000  # near pairs in memory at once: 32 MB; fewer if the limit is low
_EACH = 64  # of so many sorted sides of boxes, one is kept to estimate how many boxes a search may find
_FEW_BOXES = 150  # to compare each with each is faster than a tree
_EDGE_BATCH = 20_000  # near pairs whose edges are in memory at once

Ints = NDArray[np.int64]


@dataclass
class Budget:
    """What is left to spend on one alert (or one geofences file), and what it could not pay for."""

    left_s: float = BUDGET_S
    comparisons: float = 1.0
    """How often the edges of each outline will be compared: once for validity, and once per fence, but at most
    `MOST_COMPARISONS` times in all."""
    exceeded: dict[str, None] = field(default_factory=dict)
    """Codes of what was left out or replaced since `take_codes` was called, oldest first."""
    refused: int = 0
    """How often something was left out or replaced, in total."""

    def try_pay(self, cost_s: float) -> bool:
        """Pays a cost if enough is left. Else it pays nothing and gives False."""
        if cost_s > self.left_s:
            return False
        self.left_s -= cost_s
        return True

    @property
    def exhausted(self) -> bool:
        """Whether too little is left to decide one more info by its area."""
        return self.left_s < INFO_S + MEASURE_S

    def exceed(self, code: str) -> None:
        """Notes that something was left out or replaced."""
        self.exceeded[code] = None
        self.refused += 1

    def take_codes(self) -> tuple[str, ...]:
        """Gives the codes that are new since the last call, and forgets them."""
        codes, self.exceeded = tuple(self.exceeded), {}
        return codes


class TooDearError(ValueError):
    """Measuring an outline would need more memory than is allowed; a simpler outline may do."""


class BoxTree:
    """Boxes in a tree, which finds those that other boxes touch. Each search has a limit."""

    __slots__ = ("_sides", "_tree")

    def __init__(self, boxes: Boxes) -> None:
        self._tree = shapely.STRtree(boxes.for_tree())
        self._sides = tuple(np.sort(side)[::_EACH] for side in boxes)

    def pairs(self, boxes: Boxes, limit: float) -> tuple[Ints, Ints] | None:
        """All pairs (row of `boxes`, row of the tree's boxes) that touch, as two arrays. None if more than `limit`."""
        if len(boxes.west) * len(self._tree) <= _SMALL_BATCH:
            row, other = self._tree.query(boxes.for_tree())
            return None if len(row) > limit else (row, other)
        rows, others, count = list[Ints](), list[Ints](), 0
        for start, end in _batches(self._most_touching(boxes), min(_BATCH, max(_SMALL_BATCH, 4 * limit))):
            row, other = self._tree.query(Boxes(*(side[start:end] for side in boxes)).for_tree())
            count += len(row)
            if count > limit:
                return None
            rows.append(row + start)
            others.append(other)
        return (np.concatenate(rows), np.concatenate(others)) if rows else (np.empty(0, np.int64),) * 2

    def _most_touching(self, boxes: Boxes) -> Ints:
        """Upper bound of how many boxes of the tree touch each box: how many overlap it in longitude, or in latitude if
        those are fewer. It is counted among every `_EACH`th side, because those few are read faster than all."""
        west, east, south, north = self._sides
        across = west.searchsorted(boxes.east, "right") - east.searchsorted(boxes.west, "left")
        along = south.searchsorted(boxes.north, "right") - north.searchsorted(boxes.south, "left")
        return np.asarray((np.minimum(across, along) + 1) * _EACH, dtype=np.int64)


def _batches(sizes: Ints, most: float) -> Iterator[tuple[int, int]]:
    """Cuts a row of `sizes` into ranges (start, end) that sum up to `most` at most, or hold a single size."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        end = max(int(np.searchsorted(ends, before + most, "right")), start + 1)
        yield start, end
        start = end


class Rings:
    """All rings of some geometries, cut into stretches, to estimate what work on them will cost."""

    def __init__(self, geometries: NDArray[np.object_]) -> None:
        parts = shapely.get_parts(geometries)  # `get_rings` gives no rings of multipolygons
        points, ring = shapely.get_coordinates(shapely.get_rings(parts), return_index=True)
        self.vertices = len(points)
        count = np.bincount(ring)
        _, vertex = stretches(count[count > 0])
        lon, lat = points.T if len(points) else np.empty((2, 0))
        self.lon: Floats = lon.take(vertex)
        self.lat: Floats = lat.take(vertex)

    def near(self, limit: float) -> tuple[Ints, Ints] | None:
        """The near pairs, each once, as two arrays of stretches. None if there are more than `limit`.

        A stretch is near itself, too.
        """
        boxes = Boxes(self.lon.min(1), self.lon.max(1), self.lat.min(1), self.lat.max(1))
        if len(self.lon) <= _FEW_BOXES:
            west, east, south, north = (side[:, None] for side in boxes)
            touching = (west <= boxes.east) & (east >= boxes.west) & (south <= boxes.north) & (north >= boxes.south)
            one, other = np.triu(touching).nonzero()
            return None if len(one) > limit else (one, other)
        found = BoxTree(boxes).pairs(boxes, 2 * limit)  # the tree finds each pair twice
        if found is None:
            return None
        one, other = found
        once = one <= other
        if np.count_nonzero(once) > limit:  # a stretch with itself is found only once
            return None
        return one[once], other[once]

    def near_if_paid(self, budget: Budget, times: float = 1.0) -> tuple[Ints, Ints] | None:
        """Gives the near pairs, and pays for them. Too dear: None, and nothing is paid.

        The price is `PAIR_S` for each vertex and for each comparison of two edges. A near pair has `EDGES`² of them,
        and `_FREE` for each vertex cost nothing. All that is compared `times` times.
        """
        edge_pairs = EDGES * EDGES
        near_pair_s = PAIR_S * times * edge_pairs
        found = self.near(budget.left_s / near_pair_s + self.vertices)  # surely more than can be paid
        if found is None:
            return None
        charged = max(0.0, len(found[0]) - self.vertices * _FREE / edge_pairs)
        return found if budget.try_pay(charged * near_pair_s + self.vertices * PAIR_S) else None

    def crossings(self, near: tuple[Ints, Ints], most: float) -> int:
        """How often edges of near pairs meet, except at a vertex of both. The count stops above `most`."""
        count, (one, other) = 0, near
        for start in range(0, len(one), _EDGE_BATCH):
            count += self._crossings_in_batch(one[start : start + _EDGE_BATCH], other[start : start + _EDGE_BATCH])
            if count > most:
                break
        return count

    def _crossings_in_batch(self, one: Ints, other: Ints) -> int:
        """Counts in one batch of near pairs. It takes edge a-b of the one stretch and edge c-d of the other."""
        lon, lat = self.lon.take(one, 0), self.lat.take(one, 0)
        other_lon, other_lat = self.lon.take(other, 0), self.lat.take(other, 0)
        boxes_touch = np.ones((len(one), EDGES, EDGES), dtype=bool)
        for mine, theirs in ((lon, other_lon), (lat, other_lat)):
            low, high = np.minimum(mine[:, :-1], mine[:, 1:]), np.maximum(mine[:, :-1], mine[:, 1:])
            other_low, other_high = np.minimum(theirs[:, :-1], theirs[:, 1:]), np.maximum(theirs[:, :-1], theirs[:, 1:])
            boxes_touch &= (low[:, :, None] <= other_high[:, None, :]) & (high[:, :, None] >= other_low[:, None, :])
        pair, i, j = np.nonzero(boxes_touch)
        a, b = np.stack((lon[pair, i], lat[pair, i])), np.stack((lon[pair, i + 1], lat[pair, i + 1]))
        c = np.stack((other_lon[pair, j], other_lat[pair, j]))
        d = np.stack((other_lon[pair, j + 1], other_lat[pair, j + 1]))
        share_a_vertex = _same(a, c) | _same(a, d) | _same(b, c) | _same(b, d)
        one_side = (_side(a, b, c) * _side(a, b, d) > 0) | (_side(c, d, a) * _side(c, d, b) > 0)
        # Paired with itself a stretch has each pair of edges twice: the one with i < j counts.
        counted_elsewhere = (one[pair] == other[pair]) & (i >= j)
        return int(np.count_nonzero(~(share_a_vertex | one_side | counted_elsewhere)))


def _same(one: Floats, other: Floats) -> NDArray[np.bool_]:
    """Whether points are the same; shape (2, n) each."""
    return np.asarray((one == other).all(0))


def _side(a: Floats, b: Floats, c: Floats) -> Floats:
    """On which side of the line from a to b the point c lies: 1 left, -1 right, 0 on it. Shape (2, n) each."""
    return np.asarray(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))

"""Measures how much of each of many fences lies inside an outline, from the crossings of their boundaries alone.

The usual way builds the overlay, fence by fence, and measures it. But an area is a sum along its boundary (Green), and
the boundary of what a fence and an outline share consists of pieces of the two:

       fence
    a─────────b          Walk round the fence, its inside on the left, and note at each vertex the area swept so far.
    │         │          The fence enters the outline at 1 and leaves it at 2. Its piece from 1 to 2 has swept
    │    ┌────2────┐     (sum at 2) - (sum at 1). However many vertices lie between, that is two look-ups.
    │    │    │    │     The outline's piece inside the fence leads back from 2 to 1: (sum at 1) - (sum at 2). So
    d────1────c    │
         └─────────┘     shared area = Σ ± (fence's sum - outline's sum),  + where the fence leaves, - where it enters
             outline

If a ring starts inside the other shape, one inner piece contains the start of the ring, and for it the formula misses
what one round of the ring sweeps. So this is added. This also holds for rings without crossings: a ring that starts
inside counts as a whole, any other ring not at all.

So only the edges that cross and the rings that start inside have to be found, and the work grows with the crossings,
not with the vertices. docs/explanation/exact-shares.md tells the same with more pictures.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.overlap.boundary import Boundary, Boxes, edge_at, ranges
from geofences.overlap.budget import Near, TooDearError
from geofences.overlap.sides import Ints, crossings
from geofences.overlap.sphere import Floats, extents

HANDFUL = 8
"""Up to so many fences GEOS overlays them one by one: the calls of numpy alone would take as long."""
_MOST_NEAR = 500_000
"""Limit of near pairs (an outline's stretch and a fence's whose boxes touch): they take 100 MB and half a second."""
_MOST_ROWS = 2_000_000
"""Limit of pairs of a ring's start and a stretch, which are compared to find the rings that start inside."""
_MORE_PER_STRETCH = 4
"""Each stretch of the fences raises both limits by this many pairs."""
_BY_HAND = 2_000
"""Up to so many stretches `Boundary.contains` finds what lies inside faster than GEOS, which has to prepare an
outline."""


class Overlaps(NamedTuple):
    """The pairs of an outline and a fence that may share an area, as three arrays of one length."""

    outline: Ints
    fence: Ints
    area: Floats
    """The shared area in steradians, exact to about 1e-18. It may differ from 0 by so much without an overlap."""


_NONE = Overlaps(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


class Fences:
    """Valid polygons or multipolygons in lon/lat degrees, prepared for many measurements."""

    __slots__ = ("_boundary", "_boxes", "_geometries", "_near", "_ring_tree", "areas", "box")

    areas: Floats
    """Steradians, in the order given."""
    box: tuple[float, float, float, float]
    """West, east, south, north of them all."""

    def __init__(self, geometries: NDArray[np.object_]) -> None:
        self._geometries = geometries
        self._boxes = Boxes.of(geometries)
        self.box = self._boxes.whole()
        _, _, south, north = self.box
        self._boundary = Boundary(geometries, datum=(south + north) / 2 if len(geometries) else 0.0)
        self.areas = _sums(self._boundary.ring_owner, self._boundary.ring_sum, len(geometries))
        boxes = self._boundary.boxes
        self._near = Near(boxes)
        self._ring_tree = shapely.STRtree(boxes.by_group(self._boundary.ring_first).for_tree())

    def geometry(self, fence: int) -> BaseGeometry:
        found: BaseGeometry = self._geometries[fence]
        return found

    def overlaps(self, outlines: Sequence[BaseGeometry]) -> Overlaps:
        """Measures the area that each outline shares with each fence. The outlines have to be valid, too.

        The result is sorted by outline, then by fence. Raises `TooDearError` if that would take more than a few hundred
        MB of memory.
        """
        shapes = np.array(outlines, dtype=object)
        if len(self.areas) <= HANDFUL:
            return self._by_overlay(shapes)
        boundary = Boundary(shapes, self._boundary.datum)
        terms = [self._crossed(boundary), self._fences_inside(boundary, shapes), self._outlines_inside(boundary)]
        pairs, position = _distinct(np.concatenate([some.outline * len(self.areas) + some.fence for some in terms]))
        area = _sums(position, np.concatenate([some.area for some in terms]), len(pairs))
        return Overlaps(*np.divmod(pairs, len(self.areas)), area)

    def touched_by_boxes(self, outlines: Sequence[BaseGeometry]) -> list[list[int]]:
        """For each outline the fences whose box touches the box of the outline."""
        boxes = Boxes.of(np.array(outlines, dtype=object))
        if len(outlines) > len(self.areas):  # loop over whichever is fewer
            found: list[list[int]] = [[] for _ in outlines]
            for fence, sides in enumerate(zip(*(side.tolist() for side in self._boxes), strict=True)):
                for outline in boxes.touching(*sides).tolist():
                    found[outline].append(fence)
            return found
        return [self._boxes.touching(*s).tolist() for s in zip(*(side.tolist() for side in boxes), strict=True)]

    def _by_overlay(self, shapes: NDArray[np.object_]) -> Overlaps:
        """Measures in the usual way: GEOS cuts each pair, and the area of the piece is taken."""
        shapely.prepare(shapes)
        outline, fence = np.nonzero(shapely.intersects(shapes[:, None], self._geometries))
        area = self.areas.take(fence)
        cut = np.flatnonzero(~shapely.covers(shapes[outline], self._geometries[fence]))
        area[cut] = extents(shapely.intersection(shapes[outline[cut]], self._geometries[fence[cut]]))
        return Overlaps(outline, fence, area)

    # The three kinds of terms of the sum. Each gives a row per term: its outline, its fence, and what it adds.

    def _crossed(self, outline: Boundary) -> Overlaps:
        """The term of each crossing: ± (fence's sum - outline's sum)."""
        fences, boxes = self._boundary, outline.boxes
        among = boxes.touching(*self.box)
        limit = _MOST_NEAR + _MORE_PER_STRETCH * len(fences.owner)
        near = self._near.pairs(boxes.at(among), limit)
        if near is None:
            raise TooDearError(f"the outlines come near the fences in more than {limit} places: take their hull")
        row, fence_stretch = near
        if not len(row):
            return _NONE
        # The outline's edges that touch the box of a near pair's stretch of a fence; `pair` says whose an edge is.
        pair, edge = outline.edges_touching(among.take(row), fences.boxes.at(fence_stretch))
        fence_stretch = fence_stretch.take(pair)
        place, pair, leaves, lon, lat = crossings(*fences.vertices(fence_stretch), outline.edges(edge))
        fence_stretch, edge = fence_stretch.take(pair), edge.take(pair)
        difference = fences.swept_to(edge_at(fence_stretch, place), lon, lat) - outline.swept_to(edge, lon, lat)
        area = np.where(leaves, difference, -difference)
        return Overlaps(outline.owner_of(edge), fences.owner.take(fence_stretch), area)

    def _fences_inside(self, outline: Boundary, shapes: NDArray[np.object_]) -> Overlaps:
        """The term of each fence's ring that starts inside an outline: what the whole ring sweeps."""
        fences = self._boundary
        around, ring = self._ring_tree.query(Boxes.of(shapes).for_tree())
        lon, lat = fences.ring_starts(ring)
        size = np.bincount(outline.owner, minlength=len(shapes))  # how many stretches each outline has
        inside = np.zeros(len(ring), dtype=bool)
        unsure = np.arange(len(ring))
        if size.take(around).sum() > _BY_HAND:
            # GEOS answers for all points but those that lie exactly on the outline: there the step decides.
            shapely.prepare(shapes)
            unsure = np.flatnonzero(shapely.intersects_xy(shapes.take(around), lon, lat))
            inside[unsure] = shapely.contains_xy(shapes.take(around.take(unsure)), lon.take(unsure), lat.take(unsure))
            unsure = unsure[~inside.take(unsure)]
        asked = around.take(unsure)
        limit = _MOST_ROWS + _MORE_PER_STRETCH * len(fences.owner)
        if size.take(asked).sum() > limit:
            raise TooDearError(
                f"to find the fences inside, more than {limit} pairs have to be compared: take the outlines' hull"
            )
        point, stretch = ranges((np.cumsum(size) - size).take(asked), size.take(asked))
        inside[unsure] = outline.contains(stretch, point, lon.take(unsure), lat.take(unsure), step=-1)
        ring = ring[inside]
        return Overlaps(around[inside], fences.ring_owner.take(ring), fences.ring_sum.take(ring))

    def _outlines_inside(self, outline: Boundary) -> Overlaps:
        """The term of each outline's ring that starts inside a fence: what the whole ring sweeps."""
        fences = self._boundary
        lon, lat = outline.ring_starts(np.arange(len(outline.ring_first)))
        ring, fence_ring = self._ring_tree.query(Boxes(lon, lon, lat, lat).for_tree())
        if not len(ring):
            return _NONE
        # All rings of a fence are tested together: one point for each pair of an outline's ring and a fence.
        pairs, point = _distinct(ring * len(self.areas) + fences.ring_owner[fence_ring])
        ring, fence = np.divmod(pairs, len(self.areas))
        limit = _MOST_ROWS + _MORE_PER_STRETCH * len(fences.owner)
        if fences.ring_size[fence_ring].sum() > limit:
            raise TooDearError(
                f"to find the outlines inside, more than {limit} pairs have to be compared: take their hull"
            )
        row, stretch = ranges(fences.ring_first[fence_ring], fences.ring_size[fence_ring])
        inside = fences.contains(stretch, point[row], lon[ring], lat[ring], step=1)
        ring = ring[inside]
        return Overlaps(outline.ring_owner[ring], fence[inside], outline.ring_sum[ring])


def _sums(position: Ints, terms: Floats, count: int) -> Floats:
    """Adds up the terms that have the same position: shape (count,)."""
    return np.asarray(np.bincount(position, terms, minlength=count), dtype=np.float64)


def _distinct(numbers: Ints) -> tuple[Ints, Ints]:
    """The distinct numbers, ascending, and the position of each number among them.

    It does what `np.unique` does with `return_inverse`, but without sorting if the numbers are small.
    """
    if not len(numbers):
        return numbers, numbers
    if (most := int(numbers.max())) > 20 * len(numbers) + 1_000:
        return np.unique(numbers, return_inverse=True)
    present = np.zeros(most + 1, dtype=bool)
    present[numbers] = True
    distinct = np.flatnonzero(present)
    position = np.cumsum(present) - 1
    return distinct, position.take(numbers)

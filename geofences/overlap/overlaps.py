"""Measures how much of each of many fences lies inside an outline, from the crossings of their boundaries.

The usual way builds the overlay, fence by fence, and measures it. But an area is a sum along its boundary (Green), and
the boundary of what a fence and an outline share consists of pieces of the two:

       fence
    a─────────b          Walk round the fence with its inside on the left: a, d, 1, c, 2, b. Note at each vertex the
    │         │          area swept so far. The fence enters the outline at 1 and leaves it at 2. Its piece has swept
    │    ┌────2────┐     (sum at 2) - (sum at 1). However many vertices lie between, that is two look-ups.
    │    │    │    │     The outline's piece inside the fence leads back from 2 to 1: (sum at 1) - (sum at 2). So
    d────1────c    │
         └─────────┘     shared area = Σ ± (fence's sum - outline's sum),  + where the fence leaves, - where it enters
             outline

If a ring starts inside the other shape, one inner piece runs across that start, where the sum falls back to 0. For this
piece, (sum where the piece ends) - (sum where it begins) lacks the ring's total. So the total is added. Say that the
fence is 4 wide and 4 high, and that areas are swept from the parallel through a and b. Then only the side from d to c
sweeps anything: 8 from d to 1, and 8 from 1 to c, so 16 in all:

    the ring starts at    sum at 1    sum at 2    (sum at 2) - (sum at 1)
    a, outside                   8          16      8
    c, inside                    8           0     -8, and with the ring's total -8 + 16 = 8

A ring without crossings follows the same rule: it counts as a whole if it starts inside, else not at all.

So only the edges that cross and the rings that start inside have to be found. The work grows with the crossings and
with the vertices of the outlines. Of a fence it reads the stretches that come near an outline. Where an outline's ring
starts in the box of a fence's ring, it also reads those that a ray from this start to the east may cross.
docs/explanation/exact-shares.md tells the same with more pictures.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.overlap.boundary import Boundary, Boxes, edge_at, ranges
from geofences.overlap.budget import BoxTree, TooDearError
from geofences.overlap.sides import Ints, crossings
from geofences.overlap.sphere import Floats, sphere_areas

HANDFUL = 8
"""Up to this many fences, GEOS overlays them one by one: numpy's overhead per call alone would take as long."""
_MOST_NEAR = 500_000
"""Limit of near pairs (outline's stretch, fence's stretch), whose boxes touch: they take 100 MB and half a second."""
_MOST_TESTS = 2_000_000
"""Limit of pairs (ring's start, stretch) that are tested to find the rings that start inside."""
_MORE_PER_STRETCH = 4
"""Each stretch of the fences raises both limits by this many pairs, because with more fences a harmless outline has
more pairs, too."""
_NUMPY_UP_TO = 2_000
"""Up to this many tests, numpy (`Boundary.contains`) is faster than GEOS, which has to prepare the outlines."""
_REMEDY = "use the outlines' convex hull instead"


class Overlaps(NamedTuple):
    """The pairs of an outline and a fence that may share an area, as three arrays of one length."""

    outline: Ints
    fence: Ints
    area: Floats
    """The shared area in steradians. Of a district the error is about 1e-18 (less than a square centimetre). Smaller
    areas are rounding: `geofences.shares` drops them."""


class Terms(NamedTuple):
    """Terms of the sum, as three arrays of one length. Several terms add up to what a pair shares."""

    outline: Ints
    fence: Ints
    area: Floats
    """What the term adds, in steradians; below 0 where it takes away."""


_NONE = Terms(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64), np.empty(0))


class Fences:
    """Valid polygons or multipolygons in lon/lat degrees, prepared for many measurements."""

    __slots__ = ("_boundary", "_boxes", "_geometries", "_ring_tree", "_stretch_tree", "areas", "box")

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
        self._stretch_tree = BoxTree(boxes)
        self._ring_tree = shapely.STRtree(boxes.by_group(self._boundary.ring_first).for_tree())

    def geometry(self, fence: int) -> BaseGeometry:
        found: BaseGeometry = self._geometries[fence]
        return found

    def overlaps(self, outlines: Sequence[BaseGeometry]) -> Overlaps:
        """Measures the area that each outline shares with each fence. The outlines have to be valid, too.

        The result is sorted by outline, then by fence. Raises `TooDearError` if more pairs would have to be looked at
        than the limits above allow: some hundred MB of memory.
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
            for fence, box in enumerate(self._boxes.one_by_one()):
                for outline in boxes.touching(*box).tolist():
                    found[outline].append(fence)
            return found
        return [self._boxes.touching(*box).tolist() for box in boxes.one_by_one()]

    def _by_overlay(self, shapes: NDArray[np.object_]) -> Overlaps:
        """Measures in the usual way: GEOS cuts each pair, and the area of the piece is taken."""
        shapely.prepare(shapes)
        outline, fence = np.nonzero(shapely.intersects(shapes[:, None], self._geometries))
        area = self.areas.take(fence)
        cut = np.flatnonzero(~shapely.covers(shapes[outline], self._geometries[fence]))
        area[cut] = sphere_areas(shapely.intersection(shapes[outline[cut]], self._geometries[fence[cut]]))
        return Overlaps(outline, fence, area)

    # The three kinds of terms of the sum.

    def _crossed(self, outlines: Boundary) -> Terms:
        """The term of each crossing: ± (fence's sum - outline's sum)."""
        fences, boxes = self._boundary, outlines.boxes
        outline_stretch = boxes.touching(*self.box)
        limit = _MOST_NEAR + _MORE_PER_STRETCH * len(fences.owner)
        near = self._stretch_tree.pairs(boxes.at(outline_stretch), limit)
        if near is None:
            raise TooDearError(f"outlines and fences have more than {limit} near pairs: {_REMEDY}")
        row, fence_stretch = near
        if not len(row):
            return _NONE
        outline_stretch = outline_stretch.take(row)
        # For each near pair, the edges of the outline's stretch whose boxes touch the box of the fence's stretch:
        # edge[i] belongs to near pair near_pair[i].
        near_pair, edge = outlines.edges_touching(outline_stretch, fences.boxes.at(fence_stretch))
        fence_stretch = fence_stretch.take(near_pair)
        # Each edge with its fence's stretch is a candidate; `candidate` says which of them cross.
        place, candidate, leaves, lon, lat = crossings(*fences.vertices(fence_stretch), outlines.edges(edge))
        fence_stretch, edge = fence_stretch.take(candidate), edge.take(candidate)
        difference = fences.swept_to(edge_at(fence_stretch, place), lon, lat) - outlines.swept_to(edge, lon, lat)
        area = np.where(leaves, difference, -difference)
        return Terms(outlines.owner_of(edge), fences.owner.take(fence_stretch), area)

    def _fences_inside(self, outlines: Boundary, shapes: NDArray[np.object_]) -> Terms:
        """The term of each fence's ring that starts inside an outline: what the whole ring sweeps."""
        fences = self._boundary
        outline_of_pair, ring = self._ring_tree.query(Boxes.of(shapes).for_tree())
        lon, lat = fences.ring_starts(ring)
        stretch_count = np.bincount(outlines.owner, minlength=len(shapes))
        inside = np.zeros(len(ring), dtype=bool)
        undecided = np.arange(len(ring))
        if stretch_count.take(outline_of_pair).sum() > _NUMPY_UP_TO:
            # GEOS answers for all starts but those that lie exactly on the outline: there the step decides, below.
            shapely.prepare(shapes)
            in_or_on = np.flatnonzero(shapely.intersects_xy(shapes.take(outline_of_pair), lon, lat))
            inside[in_or_on] = shapely.contains_xy(
                shapes.take(outline_of_pair.take(in_or_on)), lon.take(in_or_on), lat.take(in_or_on)
            )
            undecided = in_or_on[~inside.take(in_or_on)]
        outline_of_undecided = outline_of_pair.take(undecided)
        count = stretch_count.take(outline_of_undecided)
        limit = _MOST_TESTS + _MORE_PER_STRETCH * len(fences.owner)
        if count.sum() > limit:
            raise TooDearError(f"to find the fences inside takes more than {limit} tests: {_REMEDY}")
        first_stretch = np.cumsum(stretch_count) - stretch_count
        point, stretch = ranges(first_stretch.take(outline_of_undecided), count)
        inside[undecided] = outlines.contains(
            stretch, point, lon.take(undecided), lat.take(undecided), points_are_outlines=False
        )
        ring = ring[inside]
        return Terms(outline_of_pair[inside], fences.ring_owner.take(ring), fences.ring_sum.take(ring))

    def _outlines_inside(self, outlines: Boundary) -> Terms:
        """The term of each outline's ring that starts inside a fence: what the whole ring sweeps."""
        fences = self._boundary
        lon, lat = outlines.ring_starts(np.arange(len(outlines.ring_first)))
        ring, fence_ring = self._ring_tree.query(Boxes(lon, lon, lat, lat).for_tree())  # boxes without extent
        if not len(ring):
            return _NONE
        # The tree gives rows (ring of an outline, ring of a fence). One test needs all rings of a fence that the tree
        # found for a start, holes too. So all rows with the same ring of an outline and the same fence form one pair;
        # `pair_of_row` gives the pair of each row.
        pairs, pair_of_row = _distinct(ring * len(self.areas) + fences.ring_owner[fence_ring])
        ring_of_pair, fence_of_pair = np.divmod(pairs, len(self.areas))
        limit = _MOST_TESTS + _MORE_PER_STRETCH * len(fences.owner)
        if fences.ring_size[fence_ring].sum() > limit:
            raise TooDearError(f"to find the outlines inside takes more than {limit} tests: {_REMEDY}")
        row, stretch = ranges(fences.ring_first[fence_ring], fences.ring_size[fence_ring])
        inside = fences.contains(
            stretch, pair_of_row[row], lon[ring_of_pair], lat[ring_of_pair], points_are_outlines=True
        )
        ring = ring_of_pair[inside]
        return Terms(outlines.ring_owner[ring], fence_of_pair[inside], outlines.ring_sum[ring])


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

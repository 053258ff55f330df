"""Measures how much of each of many fences lies inside an outline, from the crossings of their boundaries alone.

The usual way builds the overlay, fence by fence, and measures it. But an area is a sum along its boundary (Green), and
the boundary of what fence and outline share consists of pieces of the two:

       fence
    a─────────b          Walk round the fence, its inside on the left, and note at each vertex the area swept so far.
    │         │          The piece of it inside the outline, from where it enters (1) to where it leaves (2), has
    │    ┌────2────┐     swept: sum at 2 - sum at 1. However many vertices lie between, that is two look-ups.
    │    │    │    │     The piece of the outline inside the fence goes from 2 to 1: sum at 1 - sum at 2. So
    d────1────c    │
         └─────────┘     shared area = Σ ± (fence's sum - outline's sum),  + where the fence leaves, - where it enters
             outline

If a ring starts inside, the formula counts its first piece from the wrong end and misses one whole turn: the total of
the ring is added. This also holds for rings without crossings: a ring that starts inside counts as a whole, any other
ring not at all.

So only the edges that cross and the rings that start inside have to be found, and the work grows with the crossings,
not with the vertices. Touches do not occur, because the outline counts as moved by an infinitely small step
(`geofences.overlap.sides`).
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
"""Up to so many fences GEOS overlays them one by one: numpy would take as long for its calls alone."""
_MOST_NEAR = 500_000
"""Limit for near pairs of an outline's and a fence's stretch: they take 100 MB and half a second."""
_MOST_ROWS = 2_000_000
"""Limit for the stretches that are searched for rings that start inside."""
_EACH = 4
"""Both limits are higher by so many looks at each stretch of the fences."""
_BY_HAND = 2_000
"""Up to so many stretches our own arrays are faster than GEOS, which has to prepare an outline first."""


class Overlaps(NamedTuple):
    """The pairs of an outline and a fence that may share an area, as sorted arrays of one length."""

    outline: Ints
    fence: Ints
    area: Floats
    """The shared area in steradians, exact to about 1e-18: without an overlap it may differ from 0 by so much."""


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

        Raises `TooDearError` if that would take more than a few hundred MB of memory.
        """
        shapes = np.array(outlines, dtype=object)
        if len(self.areas) <= HANDFUL:
            return self._overlaid(shapes)
        boundary = Boundary(shapes, self._boundary.datum)
        found = [self._crossed(boundary), self._fences_inside(boundary, shapes), self._outlines_inside(boundary)]
        pairs, place = _distinct(np.concatenate([part.outline * len(self.areas) + part.fence for part in found]))
        area = _sums(place, np.concatenate([part.area for part in found]), len(pairs))
        return Overlaps(*np.divmod(pairs, len(self.areas)), area)

    def touched_by_boxes(self, outlines: Sequence[BaseGeometry]) -> list[list[int]]:
        """Gives for each outline the fences whose box touches the box of the outline."""
        boxes = Boxes.of(np.array(outlines, dtype=object))
        if len(outlines) > len(self.areas):  # loop over whichever is fewer
            found: list[list[int]] = [[] for _ in outlines]
            for fence, sides in enumerate(zip(*(side.tolist() for side in self._boxes), strict=True)):
                for outline in boxes.touching(*sides).tolist():
                    found[outline].append(fence)
            return found
        return [self._boxes.touching(*s).tolist() for s in zip(*(side.tolist() for side in boxes), strict=True)]

    def _overlaid(self, shapes: NDArray[np.object_]) -> Overlaps:
        """Measures in the usual way: GEOS cuts each pair, and the piece is measured."""
        shapely.prepare(shapes)
        outline, fence = np.nonzero(shapely.intersects(shapes[:, None], self._geometries))
        area = self.areas.take(fence)
        cut = np.flatnonzero(~shapely.covers(shapes[outline], self._geometries[fence]))
        area[cut] = extents(shapely.intersection(shapes[outline[cut]], self._geometries[fence[cut]]))
        return Overlaps(outline, fence, area)

    def _crossed(self, outline: Boundary) -> Overlaps:
        """Gives for each crossing fence's sum - outline's sum, with the sign changed where the fence enters."""
        fences, boxes = self._boundary, outline.boxes
        near = boxes.touching(*self.box)
        touching = self._near.pairs(boxes.at(near), _MOST_NEAR + _EACH * len(fences.owner))
        if touching is None:
            raise TooDearError("boundaries")
        row, stretch = touching
        if not len(row):
            return _NONE
        # First the outline's edges near a stretch of a fence, then the edges of that stretch that cross them.
        row, edge = outline.edges_touching(near.take(row), fences.boxes.at(stretch))
        stretch = stretch.take(row)
        place, walk, leaves, lon, lat = crossings(*fences.vertices(stretch), outline.edges(edge))
        stretch, edge = stretch.take(walk), edge.take(walk)
        between = fences.swept_to(edge_at(stretch, place), lon, lat) - outline.swept_to(edge, lon, lat)
        return Overlaps(outline.owner_of(edge), fences.owner.take(stretch), np.where(leaves, between, -between))

    def _fences_inside(self, outline: Boundary, shapes: NDArray[np.object_]) -> Overlaps:
        """Gives the area of each fence's ring that starts inside an outline."""
        fences = self._boundary
        near, ring = self._ring_tree.query(Boxes.of(shapes).for_tree())
        lon, lat = fences.ring_starts(ring)
        size = np.bincount(outline.owner, minlength=len(shapes))
        inside = np.zeros(len(ring), dtype=bool)
        unsure = np.arange(len(ring))
        if size.take(near).sum() > _BY_HAND:
            shapely.prepare(shapes)
            unsure = np.flatnonzero(shapely.intersects_xy(shapes.take(near), lon, lat))
            inside[unsure] = shapely.contains_xy(shapes.take(near.take(unsure)), lon.take(unsure), lat.take(unsure))
            unsure = unsure[~inside.take(unsure)]  # inside or exactly on the line
        around = near.take(unsure)
        if size.take(around).sum() > _MOST_ROWS + _EACH * len(fences.owner):
            raise TooDearError("fences on the line")
        row, stretch = ranges((np.cumsum(size) - size).take(around), size.take(around))
        inside[unsure] = outline.contains(stretch, row, lon.take(unsure), lat.take(unsure), step=-1)
        ring = ring[inside]
        return Overlaps(near[inside], fences.ring_owner.take(ring), fences.ring_sum.take(ring))

    def _outlines_inside(self, outline: Boundary) -> Overlaps:
        """Gives the area of each outline's ring that starts inside a fence."""
        fences = self._boundary
        lon, lat = outline.ring_starts(np.arange(len(outline.ring_first)))
        turn, ring = self._ring_tree.query(Boxes(lon, lon, lat, lat).for_tree())
        if not len(turn):
            return _NONE
        pairs, place = _distinct(turn * len(self.areas) + fences.ring_owner[ring])
        turn, fence = np.divmod(pairs, len(self.areas))
        if fences.ring_size[ring].sum() > _MOST_ROWS + _EACH * len(fences.owner):
            raise TooDearError("outlines inside")
        row, stretch = ranges(fences.ring_first[ring], fences.ring_size[ring])
        inside = fences.contains(stretch, place[row], lon[turn], lat[turn], step=1)
        turn = turn[inside]
        return Overlaps(outline.ring_owner[turn], fence[inside], outline.ring_sum[turn])


def _sums(place: Ints, terms: Floats, count: int) -> Floats:
    return np.asarray(np.bincount(place, terms, minlength=count), dtype=np.float64)


def _distinct(numbers: Ints) -> tuple[Ints, Ints]:
    """Does what `np.unique` with the inverse does, but without sorting if the numbers are small."""
    if not len(numbers):
        return numbers, numbers
    if (most := int(numbers.max())) > 20 * len(numbers) + 1_000:
        return np.unique(numbers, return_inverse=True)
    present = np.zeros(most + 1, dtype=bool)
    present[numbers] = True
    distinct = np.flatnonzero(present)
    place = np.cumsum(present) - 1
    return distinct, place.take(numbers)

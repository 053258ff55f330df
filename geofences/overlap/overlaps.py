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

So only the edges that cross and the rings that start inside have to be found. The rings follow from crossings, too:
links lead from far outside to the start of the first ring, and from each ring to the next. Whoever walks along the
links is inside after an entry, and outside after an exit. The fences' links are walked in this way. An outline's links
lead on to far outside, and each of them bears the sum of all rings before it, from the first on. This sum is taken away
where the link enters a fence, and added where it leaves the fence. If it enters before ring k and leaves after ring m,
the rings from k to m remain: those that start inside the fence. So one search for crossings, among rings and links
alike, finds all terms.

The work grows with the crossings and with the vertices of the outlines; of a fence it reads the stretches that come
near an outline. docs/explanation/exact-shares.md tells the same with more pictures.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.overlap.boundary import EDGES, Boundary, Boxes, ranges
from geofences.overlap.budget import BoxTree, TooDearError
from geofences.overlap.sides import Bools, Ints, crossings
from geofences.overlap.sphere import Floats, swept

_MOST_NEAR = 500_000
"""Limit of near pairs (outline's stretch, fence's stretch), whose boxes touch: they take 100 MB and half a second. If
the outline's stretches are single edges, there may be `EDGES` times as many."""
_MORE_PER_STRETCH = 4
"""Each stretch of the fences raises the limit by this many pairs, because with more fences a harmless outline has more
pairs, too."""
_FAR = 1_000.0
"""Longitude outside all outlines, where the path of the fences' links begins and ends."""
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


class Crossed(NamedTuple):
    """Where fences and their links cross outlines and their links, as arrays of one length m."""

    outlines: Boundary
    outline_edge: Ints
    fence_edge: Ints
    leaves: Bools
    """Whether the fence leaves the left of the outline's edge there; else it enters."""
    points: Floats
    """lon and lat: shape (2, m)."""


class Fences:
    """Valid polygons or multipolygons in lon/lat degrees, prepared for many measurements."""

    __slots__ = ("_boundary", "_boxes", "_frame", "_geometries", "_tree", "areas", "box")

    areas: Floats
    """Steradians, in the order given."""
    box: tuple[float, float, float, float]
    """West, east, south, north of them all."""

    def __init__(self, geometries: NDArray[np.object_]) -> None:
        self._geometries = geometries
        self._boxes = Boxes.of(geometries)
        self.box = self._boxes.whole()
        west, east, south, north = self.box
        self._frame = shapely.box(west, south, east, north)
        datum = (south + north) / 2 if len(geometries) else 0.0
        self._boundary = Boundary.of_fences(geometries, datum, _FAR)
        self.areas = _sums(self._boundary.ring_owner, self._boundary.ring_sum, len(geometries))
        self._tree = BoxTree(self._boundary.boxes_of(np.arange(len(self._boundary.owner))))

    def geometry(self, fence: int) -> BaseGeometry:
        found: BaseGeometry = self._geometries[fence]
        return found

    def boxes_of(self, fences: Ints) -> Boxes:
        """The boxes of these fences."""
        return self._boxes.at(fences)

    def overlaps(self, outlines: Sequence[BaseGeometry]) -> Overlaps:
        """Measures the area that each outline shares with each fence. The outlines have to be valid, too.

        The result is sorted by outline, then by fence. Raises `TooDearError` if more pairs would have to be looked at
        than the limits above allow: some hundred MB of memory.
        """
        shapes, count = np.array(outlines, dtype=object), len(self.areas)
        if shapely.covers(shapes, self._frame).all():  # So they cover all fences, as often happens to a city.
            every = np.arange(len(shapes) * count)
            return Overlaps(every // count, every % count, np.tile(self.areas, len(shapes)))
        _, east, _, _ = self.box
        boundary = Boundary.of_outlines(shapes, self._boundary, east + 1)
        crossed = self._crossed(boundary)
        if crossed is None:
            return Overlaps(*_NONE)
        terms = self._of_fences(crossed), self._fences_inside(crossed)
        pairs, position = _distinct(np.concatenate([some.outline * count + some.fence for some in terms]))
        area = _sums(position, np.concatenate([some.area for some in terms]), len(pairs))
        return Overlaps(pairs // count, pairs % count, area)

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

    def _crossed(self, outlines: Boundary) -> Crossed | None:
        """Finds where rings and links of the fences cross those of the outlines; None if they nowhere come near."""
        fences = self._boundary
        _, south, east, north = outlines.boxes.T
        if east.max(initial=0.0) >= _FAR:
            raise TooDearError(f"an outline reaches {_FAR}° east: {_REMEDY}")
        # Stretches of outlines far in the east count, too: the links of the fences come from `_FAR`.
        least_west, _, least_south, most_north = self.box
        outline_stretch = ((east >= least_west) & (north >= least_south) & (south <= most_north)).nonzero()[0]
        limit = _MOST_NEAR + _MORE_PER_STRETCH * len(fences.owner)
        limit *= EDGES // outlines.stretch_edges
        near = self._tree.pairs(outlines.boxes_of(outline_stretch), limit)
        if near is None:
            raise TooDearError(f"outlines and fences have more than {limit} near pairs: {_REMEDY}")
        row, fence_stretch = near
        outline_stretch = outline_stretch.take(row)
        # For each near pair, the edges of the outline's stretch whose boxes touch the box of the fence's stretch:
        # edge[i] belongs to near pair near_pair[i]. Each with its fence's stretch is a candidate.
        near_pair, edge = outlines.edges_touching(outline_stretch, fences.boxes_of(fence_stretch))
        if not len(edge):
            return None
        fence_stretch = fence_stretch.take(near_pair)
        # The boxes of a candidate touch, so its points are at most as far apart as both stretches together are wide and
        # high. So no product is larger.
        (wide, high), (also_wide, also_high) = fences.size, outlines.size
        largest = 2 * (wide + also_wide) * (high + also_high)
        found = crossings(fences.vertices(fence_stretch), outlines.edges(edge), largest)
        fence_edge = fences.edge_at(fence_stretch.take(found.pair), found.place)
        return Crossed(outlines, edge.take(found.pair), fence_edge, found.leaves, found.points)

    def _of_fences(self, crossed: Crossed) -> Terms:
        """The terms of the crossings of the fences' rings: ± (fence's sum - outline's sum).

        It gives the terms of an outline's rings that start inside a fence, too, by the outline's links. Where a link
        leads into the fence, the sum of all rings before it is taken away. Where it leads out, that sum is added. What
        remains are the rings between.
        """
        fences, outlines = self._boundary, crossed.outlines
        stretch = fences.stretch_of(crossed.fence_edge)
        rows = (stretch < fences.links).nonzero()[0]
        fence_edge, edge = crossed.fence_edge.take(rows), crossed.outline_edge.take(rows)
        outline_stretch = outlines.stretch_of(edge)
        starts = np.concatenate([fences.starts(fence_edge), outlines.starts(edge)], 1).reshape(2, 2, -1)
        # `starts` has the axes lon or lat, fence or outline, crossing.
        since_fence, since_outline = swept(starts, crossed.points.take(rows, 1)[:, None], fences.datum)
        difference = fences.sums.take(fence_edge) + since_fence - since_outline
        difference *= outline_stretch < outlines.links  # at a link, only the outline's sum counts
        difference -= outlines.sums.take(edge)
        # A link enters a fence where the fence's ring leaves the left of the link, for the fence lies left of its ring.
        area = np.where(crossed.leaves.take(rows), difference, -difference)
        return Terms(outlines.owner.take(outline_stretch), fences.owner.take(stretch.take(rows)), area)

    def _fences_inside(self, crossed: Crossed) -> Terms:
        """The term of each fence's ring that starts inside an outline: what the whole ring sweeps.

        The path of the fences' links begins and ends outside. Where it enters an outline, the rings to which it then
        leads start inside, until it leaves.
        """
        fences, outlines = self._boundary, crossed.outlines
        stretch, outline_stretch = fences.stretch_of(crossed.fence_edge), outlines.stretch_of(crossed.outline_edge)
        rows = ((stretch >= fences.links) & (outline_stretch < outlines.links)).nonzero()[0]
        if not len(rows):
            return _NONE
        # The fences' path, which has one link more than there are rings, is walked once for each outline. So the pairs
        # of an outline and a fence's ring are numbered in one row. The owner of a link is the ring to which it leads.
        size = len(fences.ring_owner) + 1
        ring = outlines.owner.take(outline_stretch.take(rows)) * size + fences.owner.take(stretch.take(rows))
        order = ring.argsort()
        ring = ring.take(order)
        # Crossings are +1 where the path enters, -1 where it leaves: so the sum behind the last crossing of each link
        # says whether the path is inside there. Those of one link stand in any order: nothing is counted between them.
        inside = np.where(crossed.leaves.take(rows.take(order)), -1, 1).cumsum()[:-1] == 1
        _, ring = ranges(ring[:-1][inside], (ring[1:] - ring[:-1])[inside])
        outline, ring = ring // size, ring % size
        return Terms(outline, fences.ring_owner.take(ring), fences.ring_sum.take(ring))


def _sums(position: Ints, terms: Floats, count: int) -> Floats:
    """Adds up the terms that have the same position: shape (count,)."""
    return np.asarray(np.bincount(position, terms, minlength=count), dtype=np.float64)


def _distinct(numbers: Ints) -> tuple[Ints, Ints]:
    """The distinct numbers, ascending, and the position of each number among them.

    It does what `np.unique` does with `return_inverse`, but without sorting if the numbers are close together.
    """
    if not len(numbers):
        return numbers, numbers
    least = int(numbers.min())
    if (most := int(numbers.max()) - least) > 20 * len(numbers) + 1_000:
        return np.unique(numbers, return_inverse=True)
    present = np.zeros(most + 1, dtype=bool)
    present[numbers - least] = True
    position = present.cumsum() - 1
    return present.nonzero()[0] + least, position.take(numbers - least)

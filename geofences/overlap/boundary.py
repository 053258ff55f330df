"""The rings of many polygons as arrays, with the area that each ring has swept up to each of its vertices.

A ring is cut into stretches of `EDGES` edges. Outlines whose edges are long on average are cut into single edges
instead. The last stretch of a ring is filled up with edges of no length. Each stretch has a box, and a tree finds
boxes: with one box for eight edges the tree stays small.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.sides import Ints
from geofences.overlap.sphere import Floats, swept

EDGES = 8
"""How many edges a stretch has: the fastest number for communes of 40 to 1,000 points, as measured."""
_ENDS = np.array([0] + EDGES * [1])
"""For each vertex of the stretch of a leg (`Boundary`): 0 if it lies at the leg's start, 1 if at its end. A leg is one
edge, so all further edges of its stretch have no length."""
_FEW = 4
"""Up to so many rings of outlines are not put in order: the links between them (`Boundary`) are short in any order."""


class Boxes(NamedTuple):
    """Boxes as four arrays of degrees, each of shape (n,)."""

    west: Floats
    east: Floats
    south: Floats
    north: Floats

    @classmethod
    def of(cls, geometries: NDArray[np.object_]) -> "Boxes":
        """The box of each geometry."""
        west, south, east, north = shapely.bounds(geometries).T
        return cls(west, east, south, north)

    def at(self, rows: Ints) -> "Boxes":
        """The boxes in these rows."""
        return Boxes(*(side.take(rows) for side in self))

    def one_by_one(self) -> Iterator[tuple[float, float, float, float]]:
        """West, east, south and north of each box."""
        return zip(*(side.tolist() for side in self), strict=True)

    def by_group(self, first: Ints) -> "Boxes":
        """One box around each group of successive boxes. `first` holds the row at which each group begins."""
        if not len(first):
            return self
        low, high = np.minimum.reduceat, np.maximum.reduceat
        return Boxes(low(self.west, first), high(self.east, first), low(self.south, first), high(self.north, first))

    def whole(self) -> tuple[float, float, float, float]:
        """West, east, south and north of one box around all boxes. Without boxes it is inverted and touches nothing."""
        low, high = partial(np.min, initial=math.inf), partial(np.max, initial=-math.inf)
        return float(low(self.west)), float(high(self.east)), float(low(self.south)), float(high(self.north))

    def touching(self, west: float, east: float, south: float, north: float) -> Ints:
        """The rows of the boxes that touch the box with these sides."""
        return np.flatnonzero((self.west <= east) & (self.east >= west) & (self.south <= north) & (self.north >= south))

    def for_tree(self) -> NDArray[np.object_]:
        """The diagonals of the boxes as lines: a tree needs only the box of a shape, and a line is cheap to make."""
        ends = np.array([self.west, self.south, self.east, self.north])
        return np.asarray(shapely.linestrings(ends.T.reshape(-1, 2, 2)))


class Boundary:
    """All rings of some polygons (in lon/lat degrees), cut into stretches, with links.

    **Links** lead from the start of one ring to that of the next. Whoever follows them and counts crossings knows which
    rings start inside. A link has two **legs**, first along the parallel, then along the meridian, so that their boxes
    are thin. Each leg is a stretch, too. These come after the stretches of the rings.

    An edge has the number of the vertex where it begins. Vertices are numbered stretch by stretch. At the last one of a
    stretch, no edge of it begins.
    """

    __slots__ = (
        "boxes", "datum", "links", "owner", "points", "ring_owner", "ring_sum", "size", "sums", "usual_size",
    )  # fmt: skip

    datum: float
    """The latitude from which areas are swept."""
    points: Floats
    """lon and lat of each vertex in degrees: shape (stretches, edges of a stretch + 1, 2)."""
    sums: Floats
    """What is swept up to each vertex, in steradians: shape (stretches, edges of a stretch + 1)."""
    boxes: Floats
    """The lowest lon and lat of each stretch, and the highest: shape (stretches, 4). The numbers of one stretch lie
    side by side, as do those of `points`, so that a few stretches among very many are read fast."""
    size: tuple[float, float]
    """The most degrees that any stretch has from west to east, and from south to north."""
    usual_size: float
    """How many degrees a ring's stretch has on the average, from west to east and from south to north together. Only a
    boundary of fences knows it."""
    links: int
    """The first stretch of the links."""
    owner: Ints
    """The position of the polygon to which each stretch belongs: shape (stretches,). The owners of legs depend on the
    kind of boundary."""
    ring_owner: Ints
    """The position of the polygon to which each ring belongs: shape (rings,), as all that follow."""
    ring_sum: Floats
    """What the whole ring sweeps, in steradians: its area, negative for a hole."""

    @classmethod
    def of_fences(cls, geometries: NDArray[np.object_], datum: float, far: float) -> "Boundary":
        """The boundary of valid polygons or multipolygons.

        Sums begin at the start of each ring. One path of links leads through all rings, from neighbour to neighbour. It
        begins and ends at longitude `far`. The owner of a leg is the number of the ring to which its link leads.
        """
        rings = _Rings.of(geometries, datum, by_polygon=False)
        starts = rings.points.take(rings.first, 0)
        begin, end = starts[:1].copy(), starts[-1:].copy()
        begin[:, 0], end[:, 0] = far, far
        legs, link = _legs(np.concatenate([begin, starts]), np.concatenate([starts, end]))
        made = cls(rings, rings.sums_since(rings.first), EDGES, legs, link, np.zeros(len(link)))
        low, high = made.boxes[: made.links, :2], made.boxes[: made.links, 2:]
        made.usual_size = float((high - low).sum()) / max(made.links, 1)
        return made

    @classmethod
    def of_outlines(cls, geometries: NDArray[np.object_], fences: "Boundary", far: float) -> "Boundary":
        """The boundary of valid polygons or multipolygons that are compared with fences.

        Sums begin at the start of each outline, and go on from ring to ring. Each outline has a path of links, which
        begins at its first ring and ends at longitude `far`. The owner of a leg is its outline. The sum of a leg is
        what the rings of its outline sweep up to there, because links sweep nothing.
        """
        rings = _Rings.of(geometries, fences.datum, by_polygon=True)
        owner, sums = rings.owner, np.asarray(rings.sums, dtype=np.float64)
        starts = rings.points.take(rings.first, 0)
        goals = starts.copy()
        goals[:-1] = starts[1:]
        goals[-1:, 0] = far
        if len(geometries) > 1:
            last = np.flatnonzero(owner[1:] != owner[:-1])
            goals[last, 0], goals[last, 1] = far, starts[last, 1]
            first_ring_of_its_outline = owner.searchsorted(owner)  # `owner` is sorted
            sums = rings.sums_since(rings.first.take(first_ring_of_its_outline))
        legs, link = _legs(starts, goals)
        leg_sums = sums.take((rings.first + rings.size - 1).take(link))
        # If the outlines' edges are on average more than half as long as a stretch of the fences, each edge has a box
        # of its own: the box of eight such edges would touch very many stretches.
        long_on_average = np.abs(rings.points[1:] - rings.points[:-1]).sum() > len(rings.points) * fences.usual_size / 2
        return cls(rings, sums, 1 if long_on_average else EDGES, legs, owner.take(link), leg_sums)

    def __init__(
        self, rings: "_Rings", sums: Floats, edges: int, legs: Floats, leg_owner: Ints, leg_sums: Floats
    ) -> None:
        """`edges` is how many edges a stretch has, `sums` has one for each point, and `leg_sums` one for each leg."""
        self.datum, self.ring_owner, self.ring_sum = rings.datum, rings.owner, rings.total
        ring, vertex = stretches(rings.size, edges)
        self.links = len(ring)
        self.owner = np.concatenate([rings.owner.take(ring), leg_owner])
        self.points = np.concatenate([rings.points.take(vertex, 0), legs.take(_ENDS[: edges + 1], 1)])
        self.sums = np.empty(self.points.shape[:2])
        self.sums[: self.links], self.sums[self.links :] = sums.take(vertex), leg_sums[:, None]
        low, high = self.points.min(1), self.points.max(1)
        self.boxes = np.concatenate([low, high], 1)
        self.size = (high - low).max(0, initial=0.0).tolist()

    @property
    def stretch_edges(self) -> int:
        """How many edges a stretch has."""
        return int(self.points.shape[1]) - 1

    def boxes_of(self, stretch: Ints) -> Boxes:
        """The boxes of these stretches."""
        west, south, east, north = self.boxes.take(stretch, 0).T
        return Boxes(west, east, south, north)

    def vertices(self, stretch: Ints) -> Floats:
        """lon and lat of the vertices of these stretches, shape (2, edges of a stretch + 1, n): numpy is fast if the
        last axis is the long one."""
        return np.ascontiguousarray(self.points.take(stretch, 0).T)

    def edges_touching(self, stretch: Ints, boxes: Boxes) -> tuple[Ints, Ints]:
        """The edges of each stretch whose own box touches the box in the same row; they may miss it themselves.

        Gives (row, edge), one pair per edge found.
        """
        (lon, lat), count = np.ascontiguousarray(self.points.T), max(len(stretch), 1)
        if len(lon) == 2:  # a stretch is an edge
            return np.arange(len(stretch)), 2 * stretch
        touching = np.minimum(lon[:-1], lon[1:]).take(stretch, 1) <= boxes.east
        touching &= np.maximum(lon[:-1], lon[1:]).take(stretch, 1) >= boxes.west
        touching &= np.minimum(lat[:-1], lat[1:]).take(stretch, 1) <= boxes.north
        touching &= np.maximum(lat[:-1], lat[1:]).take(stretch, 1) >= boxes.south
        found = touching.reshape(-1).nonzero()[0]
        row = found % count
        return row, self.edge_at(stretch.take(row), found // count)

    def edge_at(self, stretch: Ints, place: Ints) -> Ints:
        """The number of edge `place` of a stretch."""
        return stretch * (self.stretch_edges + 1) + place

    def stretch_of(self, edge: Ints) -> Ints:
        """The stretches of these edges."""
        return edge // (self.stretch_edges + 1)

    def starts(self, edge: Ints) -> Floats:
        """lon and lat of where the edges with these numbers start: shape (2, n)."""
        return self.points.reshape(-1, 2).take(edge, 0).T

    def edges(self, edge: Ints) -> Floats:
        """lon and lat of where the edges with these numbers start and end: shape (2, 2, n)."""
        ends = self.points.reshape(-1, 2).take(np.array([edge, edge + 1]), 0)
        return np.ascontiguousarray(ends.transpose(2, 0, 1))


class _Rings(NamedTuple):
    """The rings of some polygons, one after the other, from neighbour to neighbour."""

    datum: float
    owner: Ints
    """The position of the polygon to which each ring belongs: shape (rings,), as all that follow."""
    first: Ints
    """The position of its first point."""
    size: Ints
    """How many points it has."""
    total: Floats
    """What it sweeps, in steradians."""
    points: Floats
    """lon and lat: shape (points, 2)."""
    sums: NDArray[np.longdouble]
    """What all rings before, and this one up to each point, sweep, with digits to spare: shape (points,)."""

    @classmethod
    def of(cls, geometries: NDArray[np.object_], datum: float, *, by_polygon: bool) -> "_Rings":
        """Takes all rings of `geometries`. With `by_polygon`, the rings of one polygon stay together."""
        rings, owner = _rings(geometries)
        if len(rings) > (_FEW if by_polygon else 0):
            order = _neighbours(rings)
            if by_polygon and len(geometries) > 1:
                order = order[owner[order].argsort(kind="stable")]
            rings, owner = rings[order], owner[order]
        points = shapely.get_coordinates(rings)
        count = shapely.get_num_coordinates(rings).astype(np.int64)
        end = count.cumsum()
        first = end - count
        terms = np.zeros(len(points))
        sums = np.zeros(len(terms), dtype=np.longdouble)
        total = np.empty(0)
        if len(rings):
            terms[:-1] = swept(points[:-1].T, points[1:].T, datum)
            terms[end - 1] = 0.0  # no edge leads from one ring to the next
            np.add.accumulate(terms[:-1], dtype=np.longdouble, out=sums[1:])
            total = np.add.reduceat(terms, first)
        return cls(datum, owner, first, count, total, points, sums)

    def sums_since(self, begin: Ints) -> Floats:
        """What is swept up to each point. For the points of ring r it counts from the point `begin[r]`, which may be
        one of an earlier ring."""
        return np.asarray(self.sums - self.sums.take(begin).repeat(self.size), dtype=np.float64)


def stretches(count: Ints, edges: int = EDGES) -> tuple[Ints, Ints]:
    """Cuts rings of `count` vertices each, which stand one after the other, into stretches of so many edges.

    Gives the ring of each stretch, shape (stretches,), and the positions of its vertices, shape (stretches, edges + 1).
    The last vertex of a ring is repeated to fill up.
    """
    size = (count + (edges - 2)) // edges  # stretches of each ring: of its count - 1 edges, rounded up
    ring = np.arange(len(size)).repeat(size)
    end = count.cumsum()
    first_vertex = edges * np.arange(len(ring)) + (end - count - edges * (size.cumsum() - size)).take(ring)
    return ring, np.minimum(first_vertex[:, None] + np.arange(edges + 1), (end - 1).take(ring)[:, None])


def ranges(first: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Expands ranges to pairs (row, number): first 5 and size 2 in row 0 give (0, 5) and (0, 6)."""
    row = np.repeat(np.arange(len(size)), size)
    return row, np.arange(len(row)) + (first - np.cumsum(size) + size)[row]


def _rings(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], Ints]:
    """All rings, the interior on the left of each, and the position in `geometries` to which each belongs."""
    parts, owner = shapely.get_parts(geometries, return_index=True)
    if not (drawn := shapely.get_num_coordinates(parts) > 0).all():
        parts, owner = parts[drawn], owner[drawn]
    parts = shapely.orient_polygons(parts)
    if not shapely.get_num_interior_rings(parts).any():
        return parts, owner  # the points of such a polygon are those of its ring
    rings, part = shapely.get_rings(parts, return_index=True)
    return rings, owner.take(part)


def _neighbours(rings: NDArray[np.object_]) -> Ints:
    """An order that leads from neighbour to neighbour, to and fro along parallels.

    There are about as many parallels as rings on each of them.
    """
    lon, lat, _, _ = shapely.bounds(rings).T
    height = max(float(np.ptp(lat)), 1e-9)
    row = np.floor((lat - lat.min()) / height * math.sqrt(len(rings)))
    return np.lexsort((np.where(row % 2, -lon, lon), row))


def _legs(starts: Floats, goals: Floats) -> tuple[Floats, Ints]:
    """Cuts links into legs: one along the parallel and, if need be, one along the meridian.

    The links lead from `starts` to `goals`, shape (links, 2) each. Gives the start and the end of each leg, shape
    (legs, 2, 2), and the number of its link.
    """
    corners = starts.copy()
    corners[:, 0] = goals[:, 0]
    link = np.arange(len(starts))
    turning = (goals[:, 1] != starts[:, 1]).nonzero()[0]
    if len(turning):
        starts = np.concatenate([starts, corners.take(turning, 0)])
        corners = np.concatenate([corners, goals.take(turning, 0)])
        link = np.concatenate([link, turning])
    return np.array([starts, corners]).transpose(1, 0, 2), link

"""The rings of many polygons as arrays, with the area that each ring has swept up to each of its vertices.

A ring is cut into stretches of `EDGES` edges, so every array of vertices has rows of `EDGES` + 1. The last stretch of a
ring is filled up with edges of no length. Each stretch has a box, and a tree finds boxes: with one box for eight edges
the tree stays small.
"""

import math
from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.sides import Bools, Edges, Ints, changes_of_side, on_left
from geofences.overlap.sphere import Floats, swept

EDGES = 8
"""How many edges a stretch has: the fastest number for communes of 40 to 1,000 points, as measured."""


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
        return np.asarray(
            shapely.linestrings(np.stack([self[0], self[2], self[1], self[3]], axis=-1).reshape(-1, 2, 2))
        )


class Boundary:
    """All rings of `geometries` (valid polygons or multipolygons in lon/lat degrees), cut into stretches.

    Areas are swept from the latitude `datum`. Two boundaries can be compared only if they have the same datum.

    An edge has the number of its first vertex: stretch * (EDGES + 1) + place, as `edge_at` gives it. Place EDGES is the
    last vertex of a stretch, where no edge of it begins.
    """

    __slots__ = ("boxes", "datum", "lat", "lon", "owner", "ring_first", "ring_owner", "ring_size", "ring_sum", "sums")

    boxes: Boxes
    """The box of each stretch."""
    datum: float
    lon: Floats
    """Longitude of each vertex in degrees: shape (stretches, EDGES + 1), which `lat` and `sums` have, too."""
    lat: Floats
    sums: Floats
    """What the ring has swept from its first vertex up to this one, in steradians."""
    owner: Ints
    """The position in `geometries` to which each stretch belongs: shape (stretches,), ascending."""
    ring_owner: Ints
    """The position in `geometries` to which each ring belongs: shape (rings,), as all that follow."""
    ring_first: Ints
    """The first stretch of each ring."""
    ring_size: Ints
    """How many stretches each ring has."""
    ring_sum: Floats
    """What the whole ring sweeps, in steradians: its area, negative for a hole."""

    def __init__(self, geometries: NDArray[np.object_], datum: float) -> None:
        self.datum = datum
        parts, part_owner = shapely.get_parts(geometries, return_index=True)
        rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
        count = np.bincount(ring_of_point, minlength=len(rings))
        sums, self.ring_sum = _sweep(points, count, datum)

        self.ring_owner = part_owner[part]
        self.ring_size, ring, vertex = stretches(count)
        self.ring_first = np.cumsum(self.ring_size) - self.ring_size
        self.owner = self.ring_owner[ring]
        lon, lat = points.T
        self.lon, self.lat, self.sums = lon.take(vertex), lat.take(vertex), sums.take(vertex)
        self.boxes = Boxes(*_low_high(self.lon), *_low_high(self.lat))

    def vertices(self, stretch: Ints) -> tuple[Floats, Floats]:
        """lon and lat of these stretches, shape (EDGES + 1, n): numpy is fast if the last axis is the long one."""
        return np.ascontiguousarray(self.lon.take(stretch, 0).T), np.ascontiguousarray(self.lat.take(stretch, 0).T)

    def edges_touching(self, stretch: Ints, boxes: Boxes) -> tuple[Ints, Ints]:
        """The edges of each stretch whose own box touches the box in the same row; they may miss it themselves.

        Gives (row, edge), one pair per edge found.
        """
        lon, lat = self.vertices(stretch)
        touching = np.minimum(lon[:-1], lon[1:]) <= boxes.east
        touching &= np.maximum(lon[:-1], lon[1:]) >= boxes.west
        touching &= np.minimum(lat[:-1], lat[1:]) <= boxes.north
        touching &= np.maximum(lat[:-1], lat[1:]) >= boxes.south
        place, row = np.divmod(np.flatnonzero(touching), max(len(stretch), 1))
        return row, edge_at(stretch.take(row), place)

    def edges(self, edge: Ints) -> Edges:
        """Where the edges with these numbers start and end."""
        lon, lat = self.lon.reshape(-1), self.lat.reshape(-1)
        return Edges(lon.take(edge), lat.take(edge), lon.take(edge + 1), lat.take(edge + 1))

    def ring_starts(self, ring: Ints) -> tuple[Floats, Floats]:
        """lon and lat of the first vertex of these rings."""
        first = self.ring_first[ring]
        return self.lon[first, 0], self.lat[first, 0]

    def owner_of(self, edge: Ints) -> Ints:
        """The position in `geometries` to which these edges belong."""
        return self.owner[edge // (EDGES + 1)]

    def swept_to(self, edge: Ints, lon: Floats, lat: Floats) -> Floats:
        """What each ring has swept from its first vertex up to a point on one of its edges, in steradians."""
        start_lon, start_lat = self.lon.reshape(-1).take(edge), self.lat.reshape(-1).take(edge)
        return self.sums.reshape(-1).take(edge) + swept(start_lon, start_lat, lon, lat, self.datum)

    def contains(self, stretch: Ints, point: Ints, lon: Floats, lat: Floats, *, points_are_outlines: bool) -> Bools:
        """Says for each point whether it lies inside the rings that it is tested against.

        `lon` and `lat` are the points, shape (points,). Row i of `stretch` and `point` tests the point at position
        point[i] against stretch[i] of this boundary. `points_are_outlines` as in `on_left`: whether the points belong
        to outlines; else the stretches do.
        """
        # A ray leads from the point to the east. If it crosses an odd number of edges, the point lies inside.
        on_ray = np.flatnonzero(
            (self.boxes.south.take(stretch) <= lat.take(point))
            & (self.boxes.north.take(stretch) >= lat.take(point))
            & (self.boxes.east.take(stretch) >= lon.take(point))
        )
        if not len(on_ray):
            return np.zeros(len(lon), dtype=bool)
        stretch, point = stretch.take(on_ray), point.take(on_ray)
        latitudes = np.ascontiguousarray(self.lat.take(stretch, 0).T)
        # At the same latitude the step decides: what belongs to the outline counts as slightly further north.
        above = latitudes > lat.take(point) if points_are_outlines else latitudes >= lat.take(point)
        place, pair = changes_of_side(above)
        upward, point = above[place + 1, pair], point.take(pair)
        edges = self.edges(edge_at(stretch.take(pair), place))
        # The edge lies east of the point if it leads up and has the point on its left, or down and on its right.
        left = on_left(edges, lon.take(point), lat.take(point), points_are_outlines=points_are_outlines)
        crossed: Ints = np.bincount(point[left == upward], minlength=len(lon))
        return np.asarray(crossed % 2 == 1)


def stretches(count: Ints) -> tuple[Ints, Ints, Ints]:
    """Cuts rings of `count` vertices each, which stand one after the other, into stretches.

    Gives how many stretches each ring has, shape (rings,); the ring of each stretch, shape (stretches,); and the
    positions of its vertices, shape (stretches, EDGES + 1). The last vertex of a ring is repeated to fill up.
    """
    size = (count + EDGES - 2) // EDGES  # count - 1 edges, rounded up
    first_stretch, first_vertex = np.cumsum(size) - size, np.cumsum(count) - count
    ring, stretch = ranges(first_stretch, size)
    in_ring = (stretch - first_stretch[ring])[:, None] * EDGES + np.arange(EDGES + 1)
    return size, ring, np.minimum(in_ring, (count - 1)[ring][:, None]) + first_vertex[ring][:, None]


def edge_at(stretch: Ints, place: Ints) -> Ints:
    """The number of edge `place` (0 to EDGES - 1) of a stretch, which is the number of its first vertex."""
    return stretch * (EDGES + 1) + place


def ranges(first: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Expands ranges to pairs (row, number): first 5 and size 2 in row 0 give (0, 5) and (0, 6)."""
    row = np.repeat(np.arange(len(size)), size)
    return row, np.arange(len(row)) + (first - np.cumsum(size) + size)[row]


def _low_high(rows: Floats) -> tuple[Floats, Floats]:
    """The lowest and the highest number of each row."""
    first = np.arange(0, rows.size, EDGES + 1)
    return np.minimum.reduceat(rows.reshape(-1), first), np.maximum.reduceat(rows.reshape(-1), first)


def _sweep(points: Floats, count: Ints, datum: float) -> tuple[Floats, Floats]:
    """The running sum at each point of rings with `count` points each, and the total of each ring, in steradians."""
    if not len(points):
        return np.empty(0), np.empty(0)
    lon, lat = points.T
    terms = np.zeros(len(points))
    terms[:-1] = swept(lon[:-1], lat[:-1], lon[1:], lat[1:], datum)
    first = np.cumsum(count) - count
    last = first + count - 1
    terms[last] = 0.0  # no edge leads from one ring to the next
    total = np.add.reduceat(terms, first)
    # At the last point of each ring its total is subtracted. So one running sum serves all rings: it returns to about 0
    # before the next ring, and what is left there (rounding) is subtracted below.
    terms[last] = -total
    sums = np.zeros(len(points), dtype=np.longdouble)
    np.cumsum(terms[:-1], dtype=np.longdouble, out=sums[1:])
    return (sums - np.repeat(sums[first], count)).astype(np.float64), total

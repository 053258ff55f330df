"""The rings of many polygons as arrays, with the area that each ring has swept up to each of its vertices.

A ring is cut into stretches of eight edges; edges of no length fill the last stretch. So all arrays have rows of nine
vertices. Each stretch has a box, and a tree finds boxes: with one box for eight edges the tree stays small.
"""

import math
from functools import partial
from typing import NamedTuple

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.sides import Bools, Edges, Ints, crossed_rows, on_left
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

    def by_group(self, first: Ints) -> "Boxes":
        """Gives one box around each group of boxes. `first` holds the row at which each group begins."""
        if not len(first):
            return self
        low, high = np.minimum.reduceat, np.maximum.reduceat
        return Boxes(low(self.west, first), high(self.east, first), low(self.south, first), high(self.north, first))

    def whole(self) -> tuple[float, float, float, float]:
        """Gives one box around all boxes. If there are none, it gives a box that touches nothing."""
        low, high = partial(np.min, initial=math.inf), partial(np.max, initial=-math.inf)
        return float(low(self.west)), float(high(self.east)), float(low(self.south)), float(high(self.north))

    def touching(self, west: float, east: float, south: float, north: float) -> Ints:
        """The rows of the boxes that touch this one."""
        return np.flatnonzero((self.west <= east) & (self.east >= west) & (self.south <= north) & (self.north >= south))

    def for_tree(self) -> NDArray[np.object_]:
        """Gives the diagonals of the boxes: a tree needs only the box of a shape, and a line is cheaper to make."""
        return np.asarray(
            shapely.linestrings(np.stack([self[0], self[2], self[1], self[3]], axis=-1).reshape(-1, 2, 2))
        )


class Boundary:
    """All rings of `geometries`: valid polygons or multipolygons in lon/lat degrees. The interior lies on the left.

    `datum` is the latitude from which areas are swept. Two boundaries can be compared only if they have the same datum.
    """

    __slots__ = ("boxes", "datum", "lat", "lon", "owner", "ring_first", "ring_owner", "ring_size", "ring_sum", "sums")

    boxes: Boxes
    """One box per stretch."""
    datum: float
    lon: Floats
    """Degrees, shape (stretches, EDGES + 1)."""
    lat: Floats
    sums: Floats
    """Steradians swept along the ring up to this vertex."""
    owner: Ints
    """Position in `geometries` of each stretch, ascending."""
    ring_owner: Ints
    ring_first: Ints
    """First stretch of each ring."""
    ring_size: Ints
    """How many stretches each ring has."""
    ring_sum: Floats
    """Steradians swept by each ring: its area, negative for holes."""

    def __init__(self, geometries: NDArray[np.object_], datum: float) -> None:
        self.datum = datum
        parts, part_owner = shapely.get_parts(geometries, return_index=True)
        rings, part = shapely.get_rings(shapely.orient_polygons(parts), return_index=True)
        points, ring_of_point = shapely.get_coordinates(rings, return_index=True)
        count = np.bincount(ring_of_point, minlength=len(rings))
        first = np.cumsum(count) - count
        sums, self.ring_sum = _sweep(points, first, count, datum)

        self.ring_owner = part_owner[part]
        self.ring_size = (count + EDGES - 2) // EDGES
        self.ring_first = np.cumsum(self.ring_size) - self.ring_size
        ring, stretch = ranges(self.ring_first, self.ring_size)
        self.owner = self.ring_owner[ring]
        place = (stretch - self.ring_first[ring])[:, None] * EDGES + np.arange(EDGES + 1)
        vertex = np.minimum(place, (count - 1)[ring][:, None]) + first[ring][:, None]
        lon, lat = points.T
        self.lon, self.lat, self.sums = lon.take(vertex), lat.take(vertex), sums.take(vertex)
        self.boxes = Boxes(*_low_high(self.lon), *_low_high(self.lat))

    def vertices(self, stretch: Ints) -> tuple[Floats, Floats]:
        """lon and lat of stretches, shape (EDGES + 1, n): numpy is fast if the last axis is the long one."""
        return np.ascontiguousarray(self.lon.take(stretch, 0).T), np.ascontiguousarray(self.lat.take(stretch, 0).T)

    def edges_touching(self, stretch: Ints, boxes: Boxes) -> tuple[Ints, Ints]:
        """Finds the edges of each stretch that touch the box in the same row: (row, edge)."""
        lon, lat = self.vertices(stretch)
        touching = np.minimum(lon[:-1], lon[1:]) <= boxes.east
        touching &= np.maximum(lon[:-1], lon[1:]) >= boxes.west
        touching &= np.minimum(lat[:-1], lat[1:]) <= boxes.north
        touching &= np.maximum(lat[:-1], lat[1:]) >= boxes.south
        place, row = np.divmod(np.flatnonzero(touching), max(len(stretch), 1))
        return row, edge_at(stretch.take(row), place)

    def edges(self, edge: Ints) -> Edges:
        """Where edges start and end."""
        lon, lat = self.lon.reshape(-1), self.lat.reshape(-1)
        return Edges(lon.take(edge), lat.take(edge), lon.take(edge + 1), lat.take(edge + 1))

    def ring_starts(self, ring: Ints) -> tuple[Floats, Floats]:
        """lon and lat of the first vertex of these rings."""
        first = self.ring_first[ring]
        return self.lon[first, 0], self.lat[first, 0]

    def owner_of(self, edge: Ints) -> Ints:
        """Position in `geometries` of these edges."""
        return self.owner[edge // (EDGES + 1)]

    def swept_to(self, edge: Ints, lon: Floats, lat: Floats) -> Floats:
        """Steradians swept along the ring up to points on these edges."""
        start_lon, start_lat = self.lon.reshape(-1).take(edge), self.lat.reshape(-1).take(edge)
        return self.sums.reshape(-1).take(edge) + swept(start_lon, start_lat, lon, lat, self.datum)

    def contains(self, stretch: Ints, row: Ints, lon: Floats, lat: Floats, *, step: int) -> Bools:
        """Says for each point whether it lies inside its rings: `stretch` lists their stretches, `row` whose they are.

        `step` as in `on_left`: 1 if the points belong to an outline, -1 if the stretches do.
        """
        # A ray goes from the point to the east. If it crosses an odd number of edges, the point is inside.
        on_ray = np.flatnonzero(
            (self.boxes.south.take(stretch) <= lat.take(row))
            & (self.boxes.north.take(stretch) >= lat.take(row))
            & (self.boxes.east.take(stretch) >= lon.take(row))
        )
        if not len(on_ray):
            return np.zeros(len(lon), dtype=bool)
        stretch, row = stretch.take(on_ray), row.take(on_ray)
        level = np.ascontiguousarray(self.lat.take(stretch, 0).T)
        above = level > lat.take(row) if step > 0 else level >= lat.take(row)
        place, column = crossed_rows(above)
        upward, point = above[place + 1, column], row.take(column)
        edges = self.edges(edge_at(stretch.take(column), place))
        left = on_left(edges, lon.take(point), lat.take(point), step=step)
        edges_east: Ints = np.bincount(point[left == upward], minlength=len(lon))
        return np.asarray(edges_east % 2 == 1)


def edge_at(stretch: Ints, place: Ints) -> Ints:
    """Gives the number of an edge: the number of its first vertex, counted through all stretches."""
    return stretch * (EDGES + 1) + place


def ranges(first: Ints, size: Ints) -> tuple[Ints, Ints]:
    """Gives for each row the `size` numbers that begin at `first`: (row, number)."""
    row = np.repeat(np.arange(len(size)), size)
    return row, np.arange(len(row)) + (first - np.cumsum(size) + size)[row]


def _low_high(rows: Floats) -> tuple[Floats, Floats]:
    first = np.arange(0, rows.size, EDGES + 1)
    return np.minimum.reduceat(rows.reshape(-1), first), np.maximum.reduceat(rows.reshape(-1), first)


def _sweep(points: Floats, first: Ints, count: Ints, datum: float) -> tuple[Floats, Floats]:
    """Gives the area that rings have swept up to each of their vertices, and the area of each whole ring."""
    if not len(points):
        return np.empty(0), np.empty(0)
    lon, lat = points.T
    terms = np.zeros(len(points))
    terms[:-1] = swept(lon[:-1], lat[:-1], lon[1:], lat[1:], datum)
    last = first + count - 1
    terms[last] = 0.0  # no edge leads from one ring to the next
    total = np.add.reduceat(terms, first)
    # Each ring takes its sum back at its end, so neither the sum nor its rounding passes to the next ring.
    terms[last] = -total
    sums = np.zeros(len(points), dtype=np.longdouble)
    np.cumsum(terms[:-1], dtype=np.longdouble, out=sums[1:])
    return (sums - np.repeat(sums[first], count)).astype(np.float64), total

"""Says exactly on which side of an edge a point lies; it never lies "on" the edge.

Real boundaries touch often: a vertex lies on an edge, or two outlines share a border. Computed geometry goes wrong at
such touches. Here no touch occurs, because every outline counts as moved against the fences by an infinitely small
step, ε to the east and ε² to the north (simulation of simplicity, Edelsbrunner and Mücke 1990). Each touch so becomes a
crossing or a miss, and no two answers contradict each other. The step changes areas by nothing that can be measured.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofences.overlap.sphere import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# The most by which rounding can change the determinant (Shewchuk 1997, "ccwerrboundA").
_ROUNDING = (3 + 16 * 2.0**-53) * 2.0**-53


class Edges(NamedTuple):
    """Edges from (lon0, lat0) to (lon1, lat1), as arrays of degrees, each of shape (n,)."""

    lon0: Floats
    lat0: Floats
    lon1: Floats
    lat1: Floats

    def at(self, rows: Ints) -> "Edges":
        """The edges in these rows."""
        return Edges(*(numbers.take(rows) for numbers in self))


def on_left(edges: Edges, lon: Floats, lat: Floats, *, step: int) -> Bools:
    """Says whether points lie left of edges. `step` says what is moved by the small step: 1 the points, -1 the edges.

    Points have the shape (n,), or (k, n) for k points per edge. All points lie on one side of an edge without length.
    """
    dx, dy = edges.lon1 - edges.lon0, edges.lat1 - edges.lat0
    to_north, to_east = lat - edges.lat0, lon - edges.lon0
    to_north *= dx
    to_east *= dy
    turn = to_north - to_east
    # First one bound for all points, because nearly all turns are far above it.
    close = np.flatnonzero(np.abs(turn) <= _ROUNDING * (_largest(to_north) + _largest(to_east)))
    if len(close):
        bound = _ROUNDING * (np.abs(to_north.take(close)) + np.abs(to_east.take(close)))
        edge = close % len(dx)
        turn.put(close, _settled(turn.take(close), bound, edges.at(edge), lon.take(close), lat.take(close), step))
    return np.asarray(turn > 0)


def _settled(turn: Floats, bound: Floats, edges: Edges, lon: Floats, lat: Floats, step: int) -> Floats:
    """Gives turns with the right sign; none of them is 0."""
    # If the bound is 0, both products are exactly 0, because a factor of each is 0: the sign needs no fractions.
    for row in np.flatnonzero((np.abs(turn) <= bound) & (bound > 0)).tolist():
        turn[row] = _sign(*(float(numbers[row]) for numbers in (*edges, lon, lat)))
    # A turn of 0 takes the sign of what the step adds: dx ε² - dy ε.
    dx, dy = edges.lon1 - edges.lon0, edges.lat1 - edges.lat0
    return np.where(turn != 0, turn, np.where(dy != 0, -dy, dx) * step)


def _largest(numbers: Floats) -> float:
    return max(float(numbers.max(initial=0.0)), -float(numbers.min(initial=0.0)))


def _sign(*numbers: float) -> int:
    """Gives the sign of a turn, computed with fractions."""
    x0, y0, x1, y1, x, y = map(Fraction, numbers)
    turn = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    return (turn > 0) - (turn < 0)


def crossed_rows(sides: Bools) -> tuple[Ints, Ints]:
    """Finds where the side changes from one row to the next in an array (k, n): (row, column)."""
    row, column = np.divmod(np.flatnonzero(sides[:-1] != sides[1:]), max(sides.shape[1], 1))
    return row, column


class Crossings(NamedTuple):
    """Where fences cross an outline. A walk is a stretch of a fence; each walk has one edge of the outline beside it.

    Edge `place` of the walk `walk` crosses that edge at (lon, lat). It leaves the outline if `leaves`, else it enters.
    """

    place: Ints
    walk: Ints
    leaves: Bools
    lon: Floats
    lat: Floats


def crossings(lon: Floats, lat: Floats, outline: Edges) -> Crossings:
    """Finds where walks along fences, of shape (k, n), cross the edges of outlines, of shape (n,)."""
    left = on_left(outline, lon, lat, step=-1).reshape(-1)
    # In the flat array the next vertex of the same walk stands `walks` places further on.
    walks = lon.shape[1]
    start = np.flatnonzero(left[:-walks] != left[walks:])
    edge = outline.at(start % max(walks, 1))
    lon, lat = lon.reshape(-1), lat.reshape(-1)
    fence = Edges(lon.take(start), lat.take(start), lon.take(start + walks), lat.take(start + walks))
    from_left, to_left = on_left(fence, np.stack([edge.lon0, edge.lon1]), np.stack([edge.lat0, edge.lat1]), step=1)
    crossed = np.flatnonzero(from_left != to_left)
    start, edge, fence = start.take(crossed), edge.at(crossed), fence.at(crossed)

    dx, dy = fence.lon1 - fence.lon0, fence.lat1 - fence.lat0
    ex, ey = edge.lon1 - edge.lon0, edge.lat1 - edge.lat0
    across = dx * ey - dy * ex
    along = (edge.lon0 - fence.lon0) * ey - (edge.lat0 - fence.lat0) * ex
    # Rounding may spoil `part` for nearly parallel edges. They lie on each other where they cross, so no area changes.
    part = np.divide(along, across, out=np.zeros_like(along), where=across != 0).clip(0.0, 1.0)
    place, walk = np.divmod(start, max(walks, 1))
    return Crossings(place, walk, left.take(start), fence.lon0 + part * dx, fence.lat0 + part * dy)

"""Says exactly on which side of an edge a point lies, and which edges cross. No point lies "on" an edge.

Real boundaries touch often: a vertex lies on an edge, or two outlines share a border. Computed geometry goes wrong at
such touches. Here nothing touches, because each outline is treated as shifted against the fences by the step: ε to the
east and ε² to the north, infinitely little (simulation of simplicity, Edelsbrunner and Mücke 1990). So each touch
becomes a crossing or a miss, and no two answers contradict each other. No area changes by a measurable amount.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofences.overlap.sphere import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# Rounding changes a determinant by at most this times the sum of its two products (Shewchuk 1997, "ccwerrboundA").
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


def on_left(edges: Edges, lon: Floats, lat: Floats, *, points_are_outlines: bool) -> Bools:
    """Says whether points lie on the left of edges, exactly. Gives an array of the points' shape.

    Points have the shape (n,), one per edge, or (k, n), k per edge. The step shifts the points if they belong to
    outlines (`points_are_outlines`), else the edges. All points lie on the same side of an edge without length.
    """
    dx, dy = edges.lon1 - edges.lon0, edges.lat1 - edges.lat0
    one, other = lat - edges.lat0, lon - edges.lon0
    one *= dx  # in place: from here on, the two products of the determinant
    other *= dy
    determinant = one - other
    # One common bound comes first, because nearly all determinants are far above it.
    close = np.flatnonzero(np.abs(determinant) <= _ROUNDING * (_largest(one) + _largest(other)))
    if len(close):
        bound = _ROUNDING * (np.abs(one.take(close)) + np.abs(other.take(close)))
        edges_close = edges.at(close % len(dx))
        points_close = lon.take(close), lat.take(close)
        exact = _with_exact_sign(determinant.take(close), bound, edges_close, *points_close, points_are_outlines)
        determinant.put(close, exact)
    return np.asarray(determinant > 0)


def _with_exact_sign(
    determinant: Floats, bound: Floats, edges: Edges, lon: Floats, lat: Floats, points_are_outlines: bool
) -> Floats:
    """Gives the determinants with the right sign, if rounding changed each by at most `bound`.

    0 remains only for an edge without length.
    """
    # Where the bound is 0, both products are 0, so the determinant is exactly 0. So it is at the end of the edge, where
    # both products are dx dy. Outlines along the borders of fences have thousands of such points.
    at_end = (lon == edges.lon1) & (lat == edges.lat1)
    for row in np.flatnonzero((np.abs(determinant) <= bound) & (bound > 0) & ~at_end).tolist():
        determinant[row] = _sign_by_fractions(*(float(numbers[row]) for numbers in (*edges, lon, lat)))
    # The step adds dx ε² - dy ε if it shifts the point, and takes that away if it shifts the edge. The sign decides
    # where the determinant itself is 0.
    dx, dy = edges.lon1 - edges.lon0, edges.lat1 - edges.lat0
    added = np.where(dy != 0, -dy, dx)
    return np.where(determinant != 0, determinant, added if points_are_outlines else -added)


def _largest(numbers: Floats) -> float:
    """The largest absolute value; 0 if there is none."""
    return max(float(numbers.max(initial=0.0)), -float(numbers.min(initial=0.0)))


def _sign_by_fractions(*numbers: float) -> int:
    """The exact sign of the determinant of an edge (x0, y0, x1, y1) and a point (x, y)."""
    x0, y0, x1, y1, x, y = map(Fraction, numbers)
    determinant = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    return (determinant > 0) - (determinant < 0)


def changes_of_side(sides: Bools) -> tuple[Ints, Ints]:
    """Finds where the side changes from one row to the next, in an array of shape (k, n). Gives (row, column)."""
    row, column = np.divmod(np.flatnonzero(sides[:-1] != sides[1:]), max(sides.shape[1], 1))
    return row, column


class Crossings(NamedTuple):
    """The crossings among pairs of a fence's stretch and an outline's edge, as arrays of one length."""

    place: Ints
    """Which edge of the stretch crosses: its number within the stretch, from 0."""
    pair: Ints
    """Which of the n pairs given to `crossings` it is."""
    leaves: Bools
    """Whether the fence leaves the outline there; else it enters."""
    lon: Floats
    lat: Floats


def crossings(lon: Floats, lat: Floats, outline_edges: Edges) -> Crossings:
    """Finds where fences cross outlines, for n pairs of a stretch and an edge.

    `lon` and `lat` are the vertices of the stretches, shape (vertices of a stretch, n). `outline_edges` has n edges.
    """
    # Two segments cross if the ends of each lie on different sides of the other.
    left = on_left(outline_edges, lon, lat, points_are_outlines=False).reshape(-1)
    pairs = lon.shape[1]
    start = np.flatnonzero(left[:-pairs] != left[pairs:])  # flat: a stretch's next vertex is `pairs` places later
    edge = outline_edges.at(start % max(pairs, 1))
    lon, lat = lon.reshape(-1), lat.reshape(-1)
    fence = Edges(lon.take(start), lat.take(start), lon.take(start + pairs), lat.take(start + pairs))
    ends = np.stack([edge.lon0, edge.lon1]), np.stack([edge.lat0, edge.lat1])
    start_left, end_left = on_left(fence, *ends, points_are_outlines=True)
    crossed = np.flatnonzero(start_left != end_left)
    start, edge, fence = start.take(crossed), edge.at(crossed), fence.at(crossed)

    dx, dy = fence.lon1 - fence.lon0, fence.lat1 - fence.lat0
    ex, ey = edge.lon1 - edge.lon0, edge.lat1 - edge.lat0
    across = dx * ey - dy * ex
    along = (edge.lon0 - fence.lon0) * ey - (edge.lat0 - fence.lat0) * ex
    # `part` says how far along the fence's edge the crossing lies, 0 to 1. For edges that are nearly parallel it is
    # inexact, but they lie on each other, so no area depends on it.
    part = np.divide(along, across, out=np.zeros_like(along), where=across != 0).clip(0.0, 1.0)
    place, pair = np.divmod(start, max(pairs, 1))
    return Crossings(place, pair, left.take(start), fence.lon0 + part * dx, fence.lat0 + part * dy)

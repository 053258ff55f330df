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
_TINY = 1e-300  # keeps 0 / 0 from being anything but 0


def determinants(edges: Floats, points: Floats) -> Floats:
    """Gives twice the area of each triangle of an edge and a point: above 0 where the point lies on the left.

    `edges` have the shape (2, 2, n): lon and lat of their starts and ends. Points have the shape (2, k, n), k per edge;
    the result has (k, n).
    """
    start = edges[:, 0]
    dx, dy = edges[:, 1] - start
    lon, lat = points - start[:, None]
    lat *= dx  # in place: from here on, the two products of the determinant
    lon *= dy
    lat -= lon
    return np.asarray(lat)


def on_left(determinant: Floats, edges: Floats, points: Floats, largest: float, *, points_are_outlines: bool) -> Bools:
    """Says whether points lie on the left of edges, exactly: shape (k, n).

    `determinant` is what `determinants` gives for them, and `largest` the most that the two products in it sum up to.
    The step shifts the points if they belong to outlines (`points_are_outlines`), else the edges. All points lie on the
    same side of an edge without length.
    """
    left = determinant > 0
    # One common bound comes first, because nearly all determinants are far above it.
    close = (np.abs(determinant) <= _ROUNDING * largest).reshape(-1).nonzero()[0]
    if len(close):
        edges_close = edges.take(close % edges.shape[2], 2)
        points_close = points.reshape(2, -1).take(close, 1)
        left.put(close, _with_exact_sign(determinant.take(close), edges_close, points_close, points_are_outlines) > 0)
    return left


def _with_exact_sign(determinant: Floats, edges: Floats, points: Floats, points_are_outlines: bool) -> Floats:
    """Gives n determinants, of one point per edge, with the right sign. 0 remains only for an edge without length."""
    start, end = edges[:, 0], edges[:, 1]
    (dx, dy), (lon, lat) = end - start, points - start
    bound = _ROUNDING * (np.abs(lat * dx) + np.abs(lon * dy))
    # Where the bound is 0, both products are 0, so the determinant is exactly 0. It is exactly 0 at the end of the
    # edge, too: there both products are dx dy. Outlines along the borders of fences have thousands of such points.
    at_end = (points == end).all(0)
    for row in np.flatnonzero((np.abs(determinant) <= bound) & (bound > 0) & ~at_end).tolist():
        determinant[row] = _sign_by_fractions(*edges[:, :, row].T.reshape(-1).tolist(), *points[:, row].tolist())
    # The step adds dx ε² - dy ε if it shifts the point, and takes that away if it shifts the edge. The sign decides
    # where the determinant itself is 0.
    added = np.where(dy != 0, -dy, dx)
    return np.where(determinant != 0, determinant, added if points_are_outlines else -added)


def _sign_by_fractions(*numbers: float) -> int:
    """The exact sign of the determinant of an edge (x0, y0, x1, y1) and a point (x, y)."""
    x0, y0, x1, y1, x, y = map(Fraction, numbers)
    determinant = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    return (determinant > 0) - (determinant < 0)


class Crossings(NamedTuple):
    """The crossings among pairs of a fence's stretch and an outline's edge, as arrays with one length m."""

    place: Ints
    """Which edge of the stretch crosses: its number within the stretch, from 0."""
    pair: Ints
    """Which of the n pairs given to `crossings` it is."""
    leaves: Bools
    """Whether the fence leaves the outline there; else it enters."""
    points: Floats
    """lon and lat: shape (2, m)."""


def crossings(stretches: Floats, outline_edges: Floats, largest: float) -> Crossings:
    """Finds where fences cross outlines, for n pairs of a stretch and an edge.

    `stretches` are lon and lat of their vertices, shape (2, vertices of a stretch, n); `outline_edges` have the shape
    (2, 2, n). `largest` is the most that the two products of any determinant sum up to.
    """
    # Two segments cross if the ends of each lie on different sides of the other.
    distance = determinants(outline_edges, stretches)
    left = on_left(distance, outline_edges, stretches, largest, points_are_outlines=False)
    pairs = stretches.shape[2]
    start = (left[:-1] != left[1:]).reshape(-1).nonzero()[0]  # flat: a stretch's next vertex is `pairs` places later
    both = np.array([start, start + pairs])
    fence, edge = stretches.reshape(2, -1).take(both, 1), outline_edges.take(start % pairs, 2)
    sides = on_left(determinants(fence, edge), fence, edge, largest, points_are_outlines=True)
    crossed = (sides[0] != sides[1]).nonzero()[0]
    both, fence = both.take(crossed, 1), fence.take(crossed, 2)
    # `part` says how far along the fence's edge the crossing lies, 0 to 1: by its ends' distances from the outline's
    # edge. For edges that nearly lie on each other it is inexact, but then no area depends on it.
    before, after = np.abs(distance.take(both))
    part = before / (before + after + _TINY)
    start = both[0]
    points = fence[:, 0] + part * (fence[:, 1] - fence[:, 0])
    return Crossings(start // pairs, start % pairs, left.take(start), points)

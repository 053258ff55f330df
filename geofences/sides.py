"""On which side of an edge does a point lie: exactly, and never "on it".

A vertex on an edge, a shared border, a piece of common line: real boundaries are made of such touches, and they are
where computed geometry goes wrong. Here they do not occur, since outlines are taken as moved against the fences by an
infinitely small step, ε to the east and ε² to the north (simulation of simplicity, Edelsbrunner and Mücke 1990). Every
touch then is a crossing or a miss, all answers belong to one and the same picture, and as areas change no more than
the step does, what is measured in that picture is the area sought.
"""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from geofences.sphere import Floats

Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

# What rounding can do to the determinant at most (Shewchuk 1997, "ccwerrboundA").
_ROUNDING = (3 + 16 * 2.0**-53) * 2.0**-53


class Edges(NamedTuple):
    """From (lon0, lat0) to (lon1, lat1), degrees, each of shape (n,)."""

    lon0: Floats
    lat0: Floats
    lon1: Floats
    lat1: Floats

    def at(self, rows: Ints) -> "Edges":
        """The edges in these rows."""
        return Edges(*(numbers.take(rows) for numbers in self))


def on_left(edges: Edges, lon: Floats, lat: Floats, *, step: int) -> Bools:
    """Whether each point lies left of its edge; `step` says which of them moved: 1 the point, -1 the edge.

    All points lie on the same side of an edge without length.
    """
    dx, dy = edges.lon1 - edges.lon0, edges.lat1 - edges.lat0
    to_north, to_east = dx * (lat - edges.lat0), dy * (lon - edges.lon0)
    turn = to_north - to_east
    bound = _ROUNDING * (np.abs(to_north) + np.abs(to_east))
    # Where both products are 0, a factor of each is, and exactly.
    for row in np.flatnonzero((np.abs(turn) <= bound) & (bound > 0)).tolist():
        turn[row] = _sign(*(float(numbers[row]) for numbers in (*edges, lon, lat)))
    on_it = np.flatnonzero(turn == 0)
    # The step adds dx ε² - dy ε.
    turn[on_it] = np.where(dy[on_it] != 0, -dy[on_it], dx[on_it]) * step
    return np.asarray(turn > 0)


def _sign(*numbers: float) -> int:
    x0, y0, x1, y1, x, y = map(Fraction, numbers)
    turn = (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0)
    return (turn > 0) - (turn < 0)


def crossings(fence: Edges, outline: Edges) -> tuple[Ints, Bools, Floats, Floats]:
    """Which pairs of edges cross, whether the fence leaves the outline there, and where: (rows, leaves, lon, lat).

    Both have their inside on the left.
    """
    from_left = on_left(fence, outline.lon0, outline.lat0, step=1)
    rows = np.flatnonzero(from_left != on_left(fence, outline.lon1, outline.lat1, step=1))
    fence, outline = fence.at(rows), outline.at(rows)
    starts_left = on_left(outline, fence.lon0, fence.lat0, step=-1)
    crossed = np.flatnonzero(starts_left != on_left(outline, fence.lon1, fence.lat1, step=-1))
    fence, outline = fence.at(crossed), outline.at(crossed)

    dx, dy = fence.lon1 - fence.lon0, fence.lat1 - fence.lat0
    ex, ey = outline.lon1 - outline.lon0, outline.lat1 - outline.lat0
    across = dx * ey - dy * ex
    along = (outline.lon0 - fence.lon0) * ey - (outline.lat0 - fence.lat0) * ex
    # Nearly parallel edges lie on each other where they cross, so a part that rounding spoilt spoils no area.
    part = np.clip(np.divide(along, across, out=np.zeros_like(along), where=across != 0), 0, 1)
    return rows[crossed], starts_left[crossed], fence.lon0 + part * dx, fence.lat0 + part * dy

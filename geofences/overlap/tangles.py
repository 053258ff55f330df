"""Whether the outlines of a file are too tangled to be looked at: known before GEOS looks, as for alerts.

Whoever gives a file waits for it, so what grows with its vertices alone is free. What grows with their square is not: a
comb of 20,000 points, valid as it is, takes 12 s to be found so.
"""

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.overlap.budget import PAIR_S, Budget, Rings

TOLD = "edges come near each other too often for it to be looked at"
REMEDY = "simplify it where it was drawn (QGIS: Simplify), and look whether its points are in order"
_FEW = 64  # vertices, whose pairs take no time
_NEAR, _NEAR_A_VERTEX = 100_000, 1.5  # pairs of eight edges; levels that share borders have 1 a vertex
_CROSSINGS = 20_000  # between areas side by side: a border drawn twice has some hundreds


def is_tangled(shape: BaseGeometry, budget: Budget) -> bool:
    """Whether it costs more than is left to look if it is valid; a file's outlines have one budget."""
    if shapely.get_num_coordinates(shape) <= _FEW:
        return False
    rings = Rings(np.array([shape]))
    budget.left_s += rings.vertices * PAIR_S
    if rings.looked_at(budget) is not None:
        return False
    budget.left_s /= 4  # the count itself took its time
    return True


def are_tangled_together(shapes: Iterable[BaseGeometry]) -> bool:
    """Whether it costs too much to overlay them: their edges cross, or come near each other, too often."""
    rings = Rings(np.array([*shapes], dtype=object))
    near = rings.near(_NEAR + _NEAR_A_VERTEX * rings.vertices)
    return near is None or rings.crossings(near, _CROSSINGS) > _CROSSINGS

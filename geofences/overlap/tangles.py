"""Says whether the outlines of a geofences file are too tangled to check, before GEOS begins, as for alerts.

Whoever checks a file waits for it, so work that grows with the number of vertices is free. Work that grows with its
square is not: GEOS takes 12 s to find that a comb of 20,000 points is valid.
"""

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.overlap.budget import PAIR_S, Budget, Rings

TOLD = "edges come near each other too often for it to be looked at"
REMEDY = "simplify it where it was drawn (QGIS: Simplify), and look whether its points are in order"
_FEW = 64  # an outline of so many vertices is never tangled: all its pairs take no time
_NEAR, _NEAR_A_VERTEX = 100_000, 1.5  # near pairs of stretches; nested areas with shared borders have 1 per vertex
_CROSSINGS = 20_000  # between neighbours; a border that is drawn twice has some hundreds


def is_tangled(shape: BaseGeometry, budget: Budget) -> bool:
    """Says whether a validity check costs more than is left. All outlines of a file share one budget."""
    if shapely.get_num_coordinates(shape) <= _FEW:
        return False
    rings = Rings(np.array([shape]))
    budget.left_s += rings.vertices * PAIR_S
    if rings.looked_at(budget) is not None:
        return False
    budget.left_s /= 4  # the count itself took its time
    return True


def are_tangled_together(shapes: Iterable[BaseGeometry]) -> bool:
    """Says whether shapes cost too much to overlay, because edges cross or come near each other too often."""
    rings = Rings(np.array([*shapes], dtype=object))
    near = rings.near(_NEAR + _NEAR_A_VERTEX * rings.vertices)
    return near is None or rings.crossings(near, _CROSSINGS) > _CROSSINGS

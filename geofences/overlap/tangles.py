"""Says whether the shapes of a geofences file are too tangled for GEOS to check: their edges come near too often.

Whoever checks a file can wait, so work that grows with the number of vertices is free, unlike for alerts. Work that
grows with its square is not: GEOS takes 12 s to find that a comb of 20,000 points is valid.
"""

from collections.abc import Iterable

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.overlap.budget import PAIR_S, Budget, Rings

PROBLEM = "edges come near each other too often for a validity check"
REMEDY = "simplify it where it was drawn (QGIS: Simplify), and look whether its points are in order"
_FEW = 64  # a shape of at most so many vertices is never tangled: all its pairs of edges take no time
_MOST_NEAR, _MOST_NEAR_PER_VERTEX = 100_000, 1.5  # near pairs; nested areas with shared borders have 1 per vertex
_MOST_CROSSINGS = 20_000  # a border that is drawn twice has some hundreds


def is_tangled(shape: BaseGeometry, budget: Budget) -> bool:
    """Pays for a validity check of a shape from `budget`, which a file's shapes share. True if too little is left."""
    if shapely.get_num_coordinates(shape) <= _FEW:
        return False
    rings = Rings(np.array([shape]))
    for_vertices_s = rings.vertices * PAIR_S
    # Vertices are free in a file: give back beforehand what `near_if_paid` will charge for them.
    budget.left_s += for_vertices_s
    if rings.near_if_paid(budget) is not None:
        return False
    # It charged nothing, so take that back. A refused shape costs three quarters of the rest: its count took time, too.
    budget.left_s = (budget.left_s - for_vertices_s) / 4
    return True


def are_tangled_together(shapes: Iterable[BaseGeometry]) -> bool:
    """Says whether an overlay of shapes costs too much: their edges come near each other or cross too often."""
    rings = Rings(np.array([*shapes], dtype=object))
    near = rings.near(_MOST_NEAR + _MOST_NEAR_PER_VERTEX * rings.vertices)
    return near is None or rings.crossings(near, _MOST_CROSSINGS) > _MOST_CROSSINGS

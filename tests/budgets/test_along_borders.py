"""An outline along the borders of fences shares each of their vertices: each such touch is decided exactly."""

import time

import shapely

from benchmarks.scenes import coverage
from geofences.overlap.overlaps import Fences

BUDGET_S = 2.0
"""Of processor time."""


def test_an_outline_along_the_borders_of_a_hundred_fences_stays_within_its_budget() -> None:
    cells = coverage(100, 1000)
    every_other = [cell for place, cell in enumerate(cells) if (place // 10 + place % 10) % 2 == 0]
    outlines = list(shapely.get_parts(shapely.union_all(every_other)))
    fences = Fences(cells)
    began = time.process_time()
    fences.overlaps(outlines)
    assert time.process_time() - began < BUDGET_S

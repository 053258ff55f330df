"""Shares of fences of more and more vertices, by crossings and by shapely: `python -m benchmarks.overlaps`.

Prints a row a number of vertices, in milliseconds of processor time; docs/explanation/exact-shares.md has them.
"""

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import shapely
from numpy.typing import NDArray

from geofences.overlap.overlaps import Fences
from geofences.overlap.sphere import sphere_areas

Objects = NDArray[np.object_]
T = TypeVar("T")
SIDE, WEST, SOUTH, DEGREES = 10, 6.0, 50.0, 2.0


def wavy_grid(points: int) -> Objects:
    """SIDE × SIDE fences with `points` vertices a border; neighbours share every vertex."""
    cell, along = DEGREES / SIDE, np.linspace(0, 1, points + 1)

    def border(column: int, row: int, *, to_east: bool) -> NDArray[np.float64]:
        wave = 0.06 * cell * np.sin(6 * np.pi * along + (7 * column + 13 * row) % 17) * np.sin(np.pi * along)
        lon = WEST + (column + along) * cell if to_east else WEST + column * cell + wave
        lat = SOUTH + row * cell + wave if to_east else SOUTH + (row + along) * cell
        return np.stack([lon, lat], axis=1)

    fences = list[shapely.Polygon]()
    for column in range(SIDE):
        for row in range(SIDE):
            south, north = border(column, row, to_east=True), border(column, row + 1, to_east=True)[::-1]
            east, west = border(column + 1, row, to_east=False), border(column, row, to_east=False)[::-1]
            fences.append(shapely.Polygon(np.concatenate([south[:-1], east[:-1], north[:-1], west])))
    return np.array(fences, dtype=object)


def outline(points: int = 400) -> shapely.Polygon:
    """A round outline with nine bays, over the middle of the grid."""
    angle = np.linspace(0, 2 * np.pi, points, endpoint=False)
    radius = 0.6 + 0.05 * np.sin(9 * angle)
    return shapely.Polygon(np.stack([7 + radius * np.cos(angle), 51 + radius * np.sin(angle)], axis=1))


def timed(work: Callable[[], T], times: int) -> tuple[float, T]:
    """Median milliseconds of processor time, and the last result."""
    took = list[float]()
    for _ in range(times):
        start = time.process_time()
        found = work()
        took.append(1_000 * (time.process_time() - start))
    return statistics.median(took), found


def row(points: int) -> str:
    shapes, shape = wavy_grid(points), outline()
    build, fences = timed(lambda: Fences(shapes), 3)
    ours, crossed = timed(lambda: fences.overlaps([shape]), 7)
    tree = shapely.STRtree(shapes)

    def overlay() -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        found = tree.query(shape, predicate="intersects")
        return found, sphere_areas(shapely.intersection(shape, shapes[found]))

    plain, (found, areas) = timed(overlay, 3)
    share, expected = np.zeros(len(shapes)), np.zeros(len(shapes))
    share[crossed.fence], expected[found] = crossed.area, areas
    worst = float(np.max(np.abs(share - expected) / fences.areas))
    return (
        f"{4 * points} vertices, {len(found)} fences touched: crossings {ours:.1f}, shapely {plain:.1f}, "
        f"building {build:.0f}; largest difference of a share {worst:.0e}"
    )


if __name__ == "__main__":
    for number in (10, 100, 1_000):
        print(row(number))

"""Fences and outlines to measure matching with: made, so that any number of them can be had.

Fences are a Voronoi coverage with wavy borders, as those of communes: neighbours share every vertex.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences import Area, District

_CENTRE = np.array([10.5, 51.2])
_COUNTRY_DEG = 8.0
_COMMUNE_DEG = 0.1  # communes; where a country holds more fences than that, they are smaller


@dataclass(frozen=True)
class BenchScene:
    """One outline and its name."""

    name: str
    areas: tuple[Area, ...]

    @property
    def shape(self) -> BaseGeometry:
        """All outlines as one, for those who know nothing of areas."""
        polygons = [polygon for area in self.areas for polygon in area.polygons]
        return polygons[0] if len(polygons) == 1 else shapely.union_all(polygons)


def spacing(count: int) -> float:
    """Degrees from one fence to the next."""
    return min(_COMMUNE_DEG, _COUNTRY_DEG / float(np.sqrt(count)))


def coverage(count: int, points: int) -> NDArray[np.object_]:
    """So many valid polygons without gaps, with about so many points each, in lon/lat degrees."""
    step, side = spacing(count), int(np.ceil(np.sqrt(count)))
    random = np.random.default_rng(count)
    column, row = np.divmod(np.arange(count), side)
    seeds = np.stack([column, row], axis=-1) + random.uniform(0.15, 0.85, (count, 2))
    west_south = _CENTRE - side * step / 2
    cells = shapely.get_parts(shapely.voronoi_polygons(shapely.MultiPoint(seeds), ordered=True))
    cells = shapely.intersection(cells, shapely.box(0, 0, side, side))
    # A perimeter is some 4.1 steps. Even waves leave borders apart as long as their slope is below 1.
    cells = shapely.segmentize(cells, 4.1 / points)
    waves = 60.0

    def bend(places: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = places.T
        bent = np.stack([x + 0.5 / waves * np.sin(waves * y), y + 0.5 / waves * np.sin(waves * x)], axis=-1)
        return np.asarray(np.round(west_south + bent * step, 9))

    return np.asarray(shapely.transform(cells, bend))


def districts(fences: Sequence[shapely.Polygon] | NDArray[np.object_]) -> Iterator[District]:
    """As districts without warn cells or heights."""
    for number, fence in enumerate(fences):
        yield District(f"{number:06}", "", "", "", frozenset(), fence, None, None, "unknown")


def scenes(count: int) -> list[BenchScene]:
    """A storm cell on some ten fences, a region with holes, an outline far away, and the whole country."""
    step = spacing(count)
    cell = _blob(_CENTRE + 0.3 * step, 1.4 * step, 30)
    region = shapely.Polygon(
        _blob(_CENTRE, 1.5, 580).exterior,
        [_blob(_CENTRE + offset, 0.25, 40).exterior for offset in ([0.7, 0.1], [-0.5, 0.4], [0.0, -0.6])],
    )
    return [
        BenchScene("storm cell", (Area(polygons=(cell,)),)),
        BenchScene("region with holes", (Area(polygons=(region,)),)),
        BenchScene("far away", (Area(polygons=(_blob(_CENTRE + 30, 1.0, 100),)),)),
        BenchScene("whole country", (Area(polygons=(_blob(_CENTRE, 14.0, 700),)),)),
    ]


def _blob(centre: NDArray[np.float64], radius: float, points: int) -> shapely.Polygon:
    turn = np.linspace(0, 2 * np.pi, points, endpoint=False)
    reach = radius * (1 + 0.15 * np.sin(7 * turn) + 0.05 * np.sin(41 * turn))
    return shapely.Polygon(centre + np.stack([reach * np.cos(turn), reach * np.sin(turn)], axis=-1))

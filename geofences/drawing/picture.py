"""Districts as a map on paper: what is drawn where, before it becomes a page (`page`) or an image (`image`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log10

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from geofences.district import District
from geofences.drawing.labels import Label, placed
from geofences.plane import Plane

# Pale enough for black letters (contrast 12:1 and more), and told apart without colours by borders and names.
COLOURS = ("#cfe3f5", "#f8dfc0", "#d5ecc9", "#eed8ee", "#f6efb9", "#dcdcdc")
LETTERS, MARGIN = 15.0, 24.0  # pixels
_WIDTH, _MOST_HIGH = 800.0, 1000.0
_ROOMY, _SMALLEST_LETTERS = 60, 8.0  # with more districts than that letters shrink, and people enlarge the page
_INVISIBLE = 0.2  # pixels


@dataclass(frozen=True, slots=True)
class Picture:
    """All in pixels from the upper left corner; lists are in the order of `districts`.

    Areas that others are part of have their outline drawn only, so neither colour nor label. `boundary` is an outline
    to compare with, and `agreement` the part (0 to 1) of both together that both cover.
    """

    districts: tuple[District, ...]
    width: float
    height: float
    shapes: tuple[BaseGeometry, ...]
    colours: tuple[str | None, ...]
    labels: tuple[Label | None, ...]
    letters: float
    areas_km2: tuple[float, ...]
    scale_km: float
    scale_px: float
    boundary: BaseGeometry | None
    agreement: float | None


def picture(districts: Sequence[District], boundary: BaseGeometry | None = None) -> Picture:
    """North is up and lengths are true in the middle. `boundary` is in lon/lat degrees."""
    given = [district.geometry for district in districts]
    plane = Plane.of(given)
    ground = plane.metres([*given, *([boundary] if boundary is not None else [])])
    west, south, east, north = shapely.total_bounds(ground).tolist()
    scale = min((_WIDTH - 2 * MARGIN) / (east - west), (_MOST_HIGH - 2 * MARGIN) / (north - south))
    drawn = shapely.transform(ground, lambda points: (points - (west, north)) * (scale, -scale) + (MARGIN, MARGIN))
    drawn = shapely.simplify(drawn, _INVISIBLE)
    shapes = drawn[: len(given)]
    parents = {district.parent for district in districts}
    leaves = [index for index, district in enumerate(districts) if district.id not in parents]
    labels: list[Label | None] = [None] * len(given)
    colours: list[str | None] = [None] * len(given)
    names = [districts[index].short_name for index in leaves]
    letters = max(_SMALLEST_LETTERS, LETTERS * min(1.0, (_ROOMY / len(leaves)) ** 0.5))
    for index, label, colour in zip(
        leaves, placed(shapes[leaves].tolist(), names, letters), _colours(shapes[leaves]), strict=True
    ):
        labels[index], colours[index] = label, colour
    scale_km = _round((east - west) / 4000)
    return Picture(
        districts=tuple(districts),
        width=(east - west) * scale + 2 * MARGIN,
        height=(north - south) * scale + 2 * MARGIN,
        shapes=tuple(shapes.tolist()),
        colours=tuple(colours),
        labels=tuple(labels),
        letters=letters,
        areas_km2=tuple(plane.area_m2(shape) / 1e6 for shape in ground[: len(given)]),
        scale_km=scale_km,
        scale_px=scale_km * 1000 * scale,
        boundary=drawn[-1] if boundary is not None else None,
        agreement=_agreement(ground[:-1], ground[-1]) if boundary is not None else None,
    )


def _colours(shapes: NDArray[np.object_]) -> list[str]:
    """Neighbours differ, as far as the colours reach."""
    near = shapely.STRtree(shapes).query(shapes, predicate="intersects").T.tolist()
    chosen: list[int] = []
    beside: list[set[int]] = [set() for _ in shapes]
    for one, other in near:
        beside[one].add(other)
    for index in range(len(shapes)):
        used = {chosen[other] for other in beside[index] if other < index}
        free = [colour for colour in range(len(COLOURS)) if colour not in used]
        chosen.append(free[0] if free else index % len(COLOURS))
    return [COLOURS[colour] for colour in chosen]


def _agreement(shapes: NDArray[np.object_], boundary: BaseGeometry) -> float:
    whole = shapely.union_all(shapes)
    return float(shapely.intersection(whole, boundary).area / shapely.union(whole, boundary).area)


def _round(length: float) -> float:
    """The next smaller of 1, 2, 5, 10, 20, …"""
    power = 10.0 ** np.floor(log10(length))
    return float(max(step * power for step in (1, 2, 5) if step * power <= length))

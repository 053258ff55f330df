"""The geofences of some cities, ready to be asked about alert after alert: the hot path.

Most alerts lie elsewhere, so boxes answer first, then prepared outlines, and only a true cut is overlaid. Every
shortcut decides exactly as `geofences.plain` does.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import shapely
from shapely.geometry.base import BaseGeometry

from geofences.area import Area
from geofences.district import District
from geofences.match import Match, decide
from geofences.shapes import extent, outlines

_Box = tuple[float, float, float, float]
_SMALLEST = 1e-12  # steradians, some 40 m²: below it rounding errors would decide the shares


class GeofenceIndex:
    """Districts to be matched with alerts.

    Raises ValueError where an id stands twice, or a geometry is not a valid polygon with an area.
    """

    __slots__ = ("_extents", "districts", "version")

    districts: tuple[District, ...]
    """Sorted by id."""
    version: str
    """Changes with whatever decides (ids, cells, outlines, heights), and with nothing else: 16 hex digits."""

    def __init__(self, districts: Iterable[District]) -> None:
        self.districts = tuple(sorted(districts, key=lambda district: district.id))
        for district, following in zip(self.districts, self.districts[1:], strict=False):
            if district.id == following.id:
                raise ValueError(f"district {district.id!r} stands twice: give each its own id")
        for district in self.districts:
            _check(district)
            shapely.prepare(district.geometry)
        self._extents = tuple(extent(district.geometry) for district in self.districts)
        self.version = _version(self.districts)

    def match(self, areas: Sequence[Area], *, min_share: float = 0.01) -> tuple[Match, ...]:
        """One Match a district, in the order of `districts`, for all area blocks of one alert.

        `min_share` (0 to 1) is the part of a district that shapes must cover to warn it, where no cells are listed.
        Shares are areas in lon/lat degrees weighted with cos(lat) along every edge: right within 0.03 %.
        """
        shapes = [outlines(area) if self._may_touch(area) else () for area in areas]
        return tuple(
            decide(district, areas, self._share_of(position, shapes), min_share)
            for position, district in enumerate(self.districts)
        )

    def _may_touch(self, area: Area) -> bool:
        """False only where mending and measuring the block's shapes can be saved."""
        return bool(area.circles) or any(
            _boxes_touch(polygon.bounds, district.geometry.bounds)
            for polygon in area.polygons
            if not polygon.is_empty
            for district in self.districts
        )

    def _share_of(self, position: int, shapes: Sequence[Sequence[BaseGeometry]]) -> Callable[[tuple[int, ...]], float]:
        return partial(_share, self.districts[position].geometry, self._extents[position], shapes)


def _share(
    geometry: shapely.Polygon | shapely.MultiPolygon,
    whole: float,
    shapes: Sequence[Sequence[BaseGeometry]],
    blocks: Iterable[int],
) -> float:
    box = geometry.bounds
    near = [
        shape
        for i in blocks
        for shape in shapes[i]
        if _boxes_touch(shape.bounds, box) and shapely.intersects(geometry, shape)
    ]
    if not near:
        return 0.0
    if any(shapely.covers(shape, geometry) for shape in near):
        return 1.0
    return extent(shapely.intersection(geometry, shapely.union_all(near))) / whole


def _boxes_touch(a: _Box, b: _Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def _check(district: District) -> None:
    if extent(district.geometry) < _SMALLEST:
        raise ValueError(f"district {district.id!r}: expected an outline with an area")
    if not district.geometry.is_valid:
        why = shapely.is_valid_reason(district.geometry)
        raise ValueError(f"district {district.id!r}: outline is not valid ({why}): mend it where it was drawn")


def _version(districts: Iterable[District]) -> str:
    deciding = [
        [
            district.id,
            sorted(district.warn_cells),
            shapely.to_wkb(
                shapely.normalize(district.geometry), hex=True, output_dimension=2, byte_order=1, include_srid=False
            ),
            # As floats, so that 53 and 53.0 are one version.
            None if district.ground_min_m is None else float(district.ground_min_m),
            None if district.ground_max_m is None else float(district.ground_max_m),
            district.ground_is_surveyed,
        ]
        for district in districts
    ]
    return hashlib.sha256(json.dumps(deciding).encode()).hexdigest()[:16]

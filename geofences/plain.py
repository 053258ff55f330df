"""The matching as one would write it down, without any shortcut.

It is what `GeofenceIndex` is held against: one district at a time, every shape mended anew, joined, cut with the
district and measured. Use it to check, not to serve.
"""

from collections.abc import Iterable, Sequence

import shapely

from geofences.area import Area
from geofences.district import District
from geofences.match import Blocks, Least, Match, decide
from geofences.overlap.sphere import sphere_area
from geofences.shapes import shapes_of


def plain_match(
    districts: Iterable[District], areas: Sequence[Area], *, min_share: float = 0.01, min_part: float = 0.05
) -> tuple[Match, ...]:
    """One Match a district, sorted by id; the same as `GeofenceIndex(districts).match(areas)`, slowly."""
    least = Least(min_share, min_part)
    return tuple(_match_one(district, areas, least) for district in sorted(districts, key=lambda district: district.id))


def _match_one(district: District, areas: Sequence[Area], least: Least) -> Match:
    def share_of(blocks: tuple[int, ...]) -> float:
        shapes = [shape for i in blocks for shape in shapes_of(areas[i])]
        inside = shapely.intersection(district.geometry, shapely.union_all(shapes))
        return sphere_area(inside) / sphere_area(district.geometry)

    def part_of(blocks: tuple[int, ...]) -> float:
        shapes = [shape for i in blocks for shape in shapes_of(areas[i])]
        parts = (sphere_area(shapely.intersection(district.geometry, shape)) / sphere_area(shape) for shape in shapes)
        return max(parts, default=0.0)

    return decide(district, Blocks(areas), share_of, part_of, least)

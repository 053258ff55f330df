"""The geofences of some cities, ready to be asked about alert after alert: the hot path.

Most alerts lie elsewhere, so a comparison of boxes answers first. Listed cells are looked up, and shares found only if
somebody asks for them. The rest follows from crossings (`geofences.overlap.overlaps`). Whatever the way, it decides
exactly as `geofences.plain` does.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import numpy as np
import shapely

from geofences.area import Area
from geofences.district import District
from geofences.match import Blocks, Least, Match, Matches, decide
from geofences.overlap.budget import Budget
from geofences.overlap.overlaps import Fences
from geofences.overlap.tangles import PROBLEM, is_tangled
from geofences.shares import Shares

_SMALLEST = 1e-12  # steradians, some 40 m²: below it rounding errors would decide the shares


class GeofenceIndex:
    """Districts to be matched with alerts.

    Raises ValueError where an id stands twice, or a geometry is not a valid polygon with an area.
    """

    __slots__ = ("_by_cell", "_fences", "districts", "version")

    districts: tuple[District, ...]
    """Sorted by id."""
    version: str
    """Changes with whatever decides (ids, cells, outlines, heights), and with nothing else: 16 hex digits."""

    def __init__(self, districts: Iterable[District]) -> None:
        self.districts = tuple(sorted(districts, key=lambda district: district.id))
        for district, following in zip(self.districts, self.districts[1:], strict=False):
            if district.id == following.id:
                raise ValueError(f"district {district.id!r} stands twice: give each its own id")
        geometries = np.array([district.geometry for district in self.districts], dtype=object)
        whole = Budget()
        for position, geometry in enumerate(geometries):
            if is_tangled(geometry, whole):
                raise ValueError(f"{self._named(position)}: outline is too tangled ({PROBLEM}): simplify it")
        for position in np.flatnonzero(~shapely.is_valid(geometries)).tolist():
            why = shapely.is_valid_reason(geometries[position])
            raise ValueError(f"{self._named(position)}: outline is not valid ({why}): mend it where it was drawn")
        self._fences = Fences(geometries)
        for position in np.flatnonzero(self._fences.areas < _SMALLEST).tolist():
            raise ValueError(f"{self._named(position)}: expected an outline with an area")
        self._by_cell: dict[str, list[int]] = {}
        for position, district in enumerate(self.districts):
            for cell in district.warn_cells:
                self._by_cell.setdefault(cell, []).append(position)
        self.version = _version(self.districts)

    @property
    def box(self) -> tuple[float, float, float, float]:
        """West, east, south, north of all districts."""
        return self._fences.box

    def _named(self, position: int) -> str:
        return f"district {self.districts[position].id!r}"

    def match(
        self, areas: Sequence[Area], *, min_share: float = 0.01, min_part: float = 0.05, budget: Budget | None = None
    ) -> Matches:
        """One Match a district, in the order of `districts`, for all area blocks of one alert.

        `min_share` (0 to 1) is the part of a district that shapes must cover to warn it, where no cells are listed;
        `min_part` the part of one shape that must lie in a district of which less is covered: a small place.
        Shares are of areas on a sphere, between edges straight in lon/lat: right within 0.03 %. Where many districts
        are far away, look at `concerned` only: the others cost nothing.

        Shapes that cost more than `budget` has left are taken as larger than drawn, and it says so; where cells
        decide, there is no share then.
        """
        return self._matches(areas, Shares(self._fences, areas, budget), Least(min_share, min_part))

    def match_each(
        self, alerts: Sequence[Sequence[Area]], *, min_share: float = 0.01, min_part: float = 0.05
    ) -> tuple[Matches, ...]:
        """The same for many alerts, faster than one by one."""
        shares = [Shares(self._fences, areas) for areas in alerts]
        Shares.find(
            [
                (each, Blocks(areas).shaped)
                for each, areas in zip(shares, alerts, strict=True)
                if not any(area.cells for area in areas)
            ]
        )
        least = Least(min_share, min_part)
        return tuple(self._matches(areas, each, least) for areas, each in zip(alerts, shares, strict=True))

    def _matches(self, areas: Sequence[Area], shares: Shares, least: Least) -> Matches:
        blocks = Blocks(areas)
        near: Sequence[int] = ()
        sure_and_asked: Callable[[], tuple[Sequence[int], Sequence[int]]] | None = None
        if blocks.by_cell:
            listed = self._by_cell.keys() & blocks.by_cell.keys()
            near = sorted({position for cell in listed for position in self._by_cell[cell]})
        elif shares.may_touch():
            near = shares.of(blocks.shaped).fences.tolist()
            if not blocks.banded:

                def sure_and_asked() -> tuple[Sequence[int], Sequence[int]]:
                    sure, asked = shares.may_warn(blocks.shaped, *least)
                    return sure.tolist(), asked.tolist()

        def decide_at(position: int) -> Match:
            share_of, exactly = partial(shares.of_fence, position), partial(shares.exactly, position)
            part_of = partial(shares.largest_part, position, least.part)
            return decide(self.districts[position], blocks, share_of, part_of, least, exactly)

        return Matches(len(self.districts), near, decide_at, sure_and_asked)


def _version(districts: Iterable[District]) -> str:
    said = hashlib.sha256(b"[")  # the JSON of a list, but a country's outlines never stand in memory as text
    for place, district in enumerate(districts):
        said.update(b", " * (place > 0) + json.dumps(_deciding(district)).encode())
    said.update(b"]")
    return said.hexdigest()[:16]


def _deciding(district: District) -> list[object]:
    outline = shapely.normalize(district.geometry)
    return [
        district.id,
        sorted(district.warn_cells),
        shapely.to_wkb(outline, hex=True, output_dimension=2, byte_order=1, include_srid=False),
        # As floats, so that 53 and 53.0 are one version.
        None if district.ground_min_m is None else float(district.ground_min_m),
        None if district.ground_max_m is None else float(district.ground_max_m),
        district.ground_is_surveyed,
    ]

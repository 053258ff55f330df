"""What an info of an alert covers, as `geofences` takes it: cells, heights, and outlines made when asked for."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import chain, islice
from typing import overload

import shapely

from geofences import Area, Budget, Circle
from geofences.polygons import polygons_of, with_holes
from warnsys.cap import dwd
from warnsys.cap.model import Area as CapArea
from warnsys.cap.model import Info


def areas_of(info: Info, budget: Budget | None = None) -> list[Area]:
    """What an info covers, in the units of `geofences`."""
    drawn = _Drawn(info.areas, budget or Budget())
    return [_to_area(number, area, drawn) for number, area in enumerate(info.areas)]


def _to_area(number: int, area: CapArea, drawn: "_Drawn") -> Area:
    floor, ceiling = dwd.height_band_m(area)
    return Area(
        cells=dwd.warn_cells(area),
        polygons=_Outlines(number, drawn) if area.polygons else (),
        circles=tuple(Circle(circle.lon, circle.lat, circle.radius_km * 1000) for circle in area.circles),
        floor_m=floor,
        ceiling_m=ceiling,
    )


class _Drawn:
    """The polygons of an info, all made when one is looked at: where cells decide, none ever is.

    Each has those holes of its area that come near it.
    """

    def __init__(self, areas: Sequence[CapArea], budget: Budget) -> None:
        self._areas, self._budget = areas, budget

    @cached_property
    def by_area(self) -> list[list[shapely.Polygon]]:
        made = iter(polygons_of([ring for area in self._areas for ring in area.polygons]))
        outer = [[*chain.from_iterable(islice(made, len(area.polygons)))] for area in self._areas]
        return with_holes(outer, [area.excluded for area in self._areas], self._budget)


class _Outlines(Sequence[shapely.Polygon]):
    """The polygons of one area."""

    def __init__(self, number: int, drawn: _Drawn) -> None:
        self._number, self._drawn = number, drawn

    def __len__(self) -> int:
        return len(self._drawn.by_area[self._number])

    def __iter__(self) -> Iterator[shapely.Polygon]:
        return iter(self._drawn.by_area[self._number])

    @overload
    def __getitem__(self, index: int) -> shapely.Polygon: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[shapely.Polygon]: ...
    def __getitem__(self, index: int | slice) -> shapely.Polygon | Sequence[shapely.Polygon]:
        return self._drawn.by_area[self._number][index]

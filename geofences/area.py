"""What an alert covers: outlines, circles, warn cells and a band of heights.

One `Area` is one area block of an alert, already in our units. Cells and shapes stand side by side, because which of
them decides depends on the whole alert (see `geofences.match`), not on the block.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import shapely


@dataclass(frozen=True, slots=True)
class Circle:
    """All points within `radius_m` metres (geodesic, WGS 84) of `lon`, `lat` in degrees.

    Raises ValueError for numbers that are not finite, a centre off the globe and a negative radius.
    """

    lon: float
    lat: float
    radius_m: float

    def __post_init__(self) -> None:
        if not (abs(self.lon) <= 180 and abs(self.lat) <= 90 and 0 <= self.radius_m < math.inf):
            raise ValueError(
                f"circle at lon {self.lon}, lat {self.lat}, radius {self.radius_m} m: expected degrees within "
                "±180 and ±90 and a radius of at least 0 m; check the order (lon, lat) and the unit (CAP: km)"
            )


@dataclass(frozen=True, slots=True)
class Area:
    """One area block of an alert.

    `polygons` are in lon/lat degrees with finite coordinates and carry their holes as interior rings; they may be
    invalid. `floor_m` and `ceiling_m` are metres above sea level, None is no limit.
    """

    cells: tuple[str, ...] = ()
    polygons: Sequence[shapely.Polygon] = ()
    circles: tuple[Circle, ...] = ()
    floor_m: float | None = None
    ceiling_m: float | None = None

    @property
    def has_shape(self) -> bool:
        """Whether there is any outline or circle to compare a district with."""
        return bool(self.circles) or any(not polygon.is_empty for polygon in self.polygons)

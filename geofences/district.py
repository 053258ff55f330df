"""A district of a city: the unit that is warned or not.

Its warn cells decide where the alert lists cells, its outline where it does not, and its heights may spare it, but
only where they were surveyed: an approximate height never keeps a warning from anybody.
"""

from dataclasses import dataclass

import shapely

_NOT_SURVEYED = frozenset({"", "approximate", "unknown"})


@dataclass(frozen=True, slots=True)
class District:
    """One district, `geometry` in lon/lat degrees, heights in metres above sea level (None = not known).

    `ground_source` names the terrain model of the heights, or says "approximate" or "unknown". `parent` is the id of
    the area it is a part of (a quarter's district, a district's city), None where the file names none.
    """

    id: str
    name: str
    short_name: str
    city: str
    warn_cells: frozenset[str]
    geometry: shapely.Polygon | shapely.MultiPolygon
    ground_min_m: float | None
    ground_max_m: float | None
    ground_source: str
    parent: str | None = None

    @property
    def ground_is_surveyed(self) -> bool:
        """Whether `ground_source` names a terrain model."""
        return self.ground_source.strip().casefold() not in _NOT_SURVEYED

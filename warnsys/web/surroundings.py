"""What lies around each city, for its map without tiles and without a network: outlines and names of the neighbours.

They are districts of other cities: those of the same geofence file, and those that are warned from here, too.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import mapping

from geofences import District, GeofenceError
from geofences.files.load import examine
from warnsys.settings import City

log = logging.getLogger(__name__)
REACH = 1.0
"""How far around the city it is drawn, in parts of the city's width and height."""
NAMED_WITHIN = 0.1
"""So near a name must stand to be seen: the map shows little more than the city."""
MOST = 200
"""Around one city, the nearest."""


def surroundings(cities: Iterable[City], warned: Iterable[District]) -> list[dict[str, Any]]:
    """GeoJSON features, each with the city around which it lies, and where its name is to stand."""
    cities, warned = list(cities), list(warned)
    in_files = (one for path in sorted({city.geofences for city in cities}) for one in _in_file(path))
    known = list({one.id: one for one in (*in_files, *warned)}.values())
    tree = shapely.STRtree([one.geometry for one in known])
    found = list[dict[str, Any]]()
    for city in cities:
        if own := [one.geometry for one in warned if one.city == city.id]:
            whole = shapely.box(*shapely.total_bounds(own))
            near = [known[at] for at in tree.query(shapely.box(*_wider(whole.bounds, REACH)))]
            found += _around(city.id, whole, [one for one in near if one.city != city.id])
    return found


def _in_file(path: Path) -> Iterable[District]:
    """Its districts; none where it cannot be read any more: whoever watches the geofences says so."""
    try:
        return examine(path).districts.values()
    except GeofenceError as error:
        log.warning("the maps have no neighbours of %s: %s", path, error)
        return ()


def _around(city: str, whole: shapely.Polygon, others: Iterable[District]) -> Iterator[dict[str, Any]]:
    for other in sorted(others, key=lambda one: (one.geometry.distance(whole), one.id))[:MOST]:
        drawn = shapely.clip_by_rect(other.geometry, *_wider(whole.bounds, REACH))
        if not drawn.area:
            continue
        near = shapely.clip_by_rect(other.geometry, *_wider(whole.bounds, NAMED_WITHIN))
        point = near.representative_point() if near.area else None
        properties = {"around": city, "name": other.short_name, "at": [point.x, point.y] if point else None}
        yield {"type": "Feature", "properties": properties, "geometry": mapping(drawn)}


def _wider(bounds: tuple[float, float, float, float], part: float) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    by_lon, by_lat = (east - west) * part, (north - south) * part
    return west - by_lon, south - by_lat, east + by_lon, north + by_lat

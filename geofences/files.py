"""Districts from a GeoJSON file, refused with place and remedy where they could warn the wrong people.

A swapped coordinate or a cell with a digit missing would fail silently, as a warning that never comes. So everything
is checked when it is read, and each error names the file, the feature, what was expected and what to do.
"""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import shapely
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    StringConstraints,
    ValidationError,
)
from shapely.geometry import shape

from geofences.district import District

_DATA = Path(__file__).parent / "data"
_LON_OF_DWD, _LAT_OF_DWD = (5.0, 16.0), (47.0, 56.0)
_REMEDIES = {
    "geometry": "draw the district as a Polygon or MultiPolygon of [lon, lat]",
    "ground_max_m": "give a number of metres, or null",
    "ground_min_m": "give a number of metres, or null",
    "properties": 'add the member "properties" with id, name, short_name, city and warn_cells',
    "warn_cells": 'list 9-digit warn cells as strings, such as "805122000"',
}


class GeofenceError(ValueError):
    """A geofence file cannot be used: the message names the file, the feature, what was expected and the remedy."""


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Cell = Annotated[str, StringConstraints(pattern=r"^[0-9]{9}$")]


class _Properties(BaseModel):
    model_config = ConfigDict(frozen=True)

    id: _Text
    name: _Text
    short_name: _Text
    city: _Text | None = None
    warn_cells: tuple[_Cell, ...] = ()
    ground_min_m: FiniteFloat | None = None
    ground_max_m: FiniteFloat | None = None
    ground_source: str = "unknown"
    accuracy: str | None = None


_Position = Annotated[list[FiniteFloat], Field(min_length=2)]
_Rings = list[list[_Position]]


class _Polygon(BaseModel):
    type: Literal["Polygon"]
    coordinates: _Rings


class _MultiPolygon(BaseModel):
    type: Literal["MultiPolygon"]
    coordinates: list[_Rings]


class _Feature(BaseModel):
    properties: _Properties
    geometry: Annotated[_Polygon | _MultiPolygon, Field(discriminator="type")]


class _Collection(BaseModel):
    type: Literal["FeatureCollection"]
    features: Annotated[list[dict[str, Any]], Field(min_length=1)]


def bundled(name: str = "solingen") -> Path:
    """The file of a city that comes with the package. Raises GeofenceError where there is none of that name."""
    path = _DATA / f"{name}.geojson"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in _DATA.glob("*.geojson")))
        raise GeofenceError(f"no geofences named {name!r} come with the package: take one of {known}, or a file")
    return path


def load(path: Path, *, city: str | None = None, warn_cells: Sequence[str] = ()) -> list[District]:
    """The districts of a GeoJSON FeatureCollection in lon/lat degrees (WGS 84), in the file's order.

    `city` fills in where a feature names none, and leaves out the districts of other cities. `warn_cells` are for
    districts whose own list is empty. Heights are metres above sea level and may be missing, everything else must be
    there. Raises GeofenceError.
    """
    collection = _read(path)
    found: dict[str, int] = {}
    districts = []
    for index, raw in enumerate(collection.features):
        place = _place(path, index, raw)
        feature = _feature(raw, place)
        own_city = feature.properties.city or city
        if own_city is None:
            raise GeofenceError(f"{place}: no city: add the property city, or name the city when loading")
        if city is not None and own_city != city:
            continue
        if feature.properties.id in found:
            raise GeofenceError(
                f"{place}: id {feature.properties.id!r} stands at feature {found[feature.properties.id]} already: "
                "give each district its own id"
            )
        found[feature.properties.id] = index
        districts.append(_district(feature, own_city, warn_cells, place))
    if not districts:
        raise GeofenceError(f"{path}: no district of city {city!r}: check the name, or take a file of that city")
    return districts


def _read(path: Path) -> _Collection:
    try:
        return _Collection.model_validate(json.loads(path.read_bytes()))
    except OSError as error:
        raise GeofenceError(
            f"{path}: cannot be read ({error.strerror}): give the path of a GeoJSON file of districts"
        ) from error
    except ValidationError as error:
        raise GeofenceError(
            f"{path}: expected a GeoJSON FeatureCollection with at least one feature ({_told(error)}): "
            "export the districts as GeoJSON"
        ) from error
    except ValueError as error:
        raise GeofenceError(f"{path}: not valid JSON ({error}): export the districts as GeoJSON again") from error


def _place(path: Path, index: int, raw: dict[str, Any]) -> str:
    properties = raw.get("properties")
    name = properties.get("id") if isinstance(properties, dict) else None
    return f"{path}: feature {index} ({name if name else 'without id'})"


def _feature(raw: dict[str, Any], place: str) -> _Feature:
    if not raw.get("geometry"):
        raise GeofenceError(f"{place}: no geometry, expected a polygon: {_REMEDIES['geometry']}")
    try:
        return _Feature.model_validate(raw)
    except ValidationError as error:
        paths = [[part for part in problem["loc"] if isinstance(part, str)] for problem in error.errors()]
        fields = {path[1] if path[0] == "properties" and len(path) > 1 else path[0] for path in paths}
        remedies = [_REMEDIES.get(field, f"add or correct {field}") for field in sorted(fields)]
        raise GeofenceError(f"{place}: {_told(error)}: {'; '.join(remedies)}") from error


def _told(error: ValidationError) -> str:
    told = [f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()]
    return "; ".join(told if len(told) <= 3 else [*told[:3], f"and {len(told) - 3} more"])


def _district(feature: _Feature, city: str, fallback_cells: Sequence[str], place: str) -> District:
    properties = feature.properties
    low, high = properties.ground_min_m, properties.ground_max_m
    if low is not None and high is not None and low > high:
        raise GeofenceError(f"{place}: ground_min_m {low:g} is above ground_max_m {high:g}: exchange them")
    return District(
        id=properties.id,
        name=properties.name,
        short_name=properties.short_name,
        city=city,
        warn_cells=_cells(properties.warn_cells or tuple(fallback_cells), place),
        geometry=_polygon(feature.geometry, place),
        ground_min_m=low,
        ground_max_m=high,
        ground_source=properties.ground_source,
    )


def _cells(cells: Iterable[str], place: str) -> frozenset[str]:
    checked = frozenset(cells)
    if not checked:
        raise GeofenceError(f"{place}: no warn cells, so no DWD warning would ever reach it: {_REMEDIES['warn_cells']}")
    for cell in sorted(checked):
        if not (len(cell) == 9 and cell.isascii() and cell.isdigit()):
            raise GeofenceError(
                f"{place}: warn cell {cell!r} is not 9 digits: {_REMEDIES['warn_cells']}, without blanks or signs"
            )
        # A Kreis of several communes would warn this one for its neighbours. A city that is its own Kreis has the
        # same key as commune and as Kreis.
        if cell.startswith("1") and f"8{cell[1:]}" not in checked:
            raise GeofenceError(
                f"{place}: warn cell {cell} is a Kreis, expected only beside 8{cell[1:]}, for a city that is its own "
                "Kreis: list the commune's cell (8…) alone"
            )
    return checked


def _polygon(geometry: _Polygon | _MultiPolygon, place: str) -> shapely.Polygon | shapely.MultiPolygon:
    try:
        drawn = shapely.force_2d(shape(geometry.model_dump()))
    except (ValueError, shapely.errors.ShapelyError) as error:
        raise GeofenceError(
            f"{place}: coordinates cannot be read ({error}), expected rings of [lon, lat]: {_REMEDIES['geometry']}"
        ) from error
    if not isinstance(drawn, shapely.Polygon | shapely.MultiPolygon) or drawn.is_empty:
        raise GeofenceError(f"{place}: geometry is empty, expected a polygon: {_REMEDIES['geometry']}")
    for lon, lat in shapely.get_coordinates(drawn).tolist():
        _check_position(lon, lat, place)
    if not drawn.is_valid or drawn.area == 0:
        raise GeofenceError(
            f"{place}: outline is not valid ({shapely.is_valid_reason(drawn)}): mend it where it was drawn "
            "(QGIS: Fix geometries)"
        )
    return drawn


def _check_position(lon: float, lat: float, place: str) -> None:
    swapped = _within(lat, _LON_OF_DWD) and _within(lon, _LAT_OF_DWD)
    if swapped:
        raise GeofenceError(
            f"{place}: position [{lon:g}, {lat:g}] looks swapped, expected [lon, lat]: exchange the two numbers"
        )
    if not (abs(lon) <= 180 and abs(lat) <= 90):
        raise GeofenceError(
            f"{place}: position [{lon:g}, {lat:g}] is out of range, expected degrees of lon and lat: "
            "export as WGS 84 (EPSG:4326)"
        )


def _within(value: float, limits: tuple[float, float]) -> bool:
    return limits[0] <= value <= limits[1]

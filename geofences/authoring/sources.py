"""Areas from the files and services that surveyors' offices give: GeoJSON, GeoPackage, Shapefile, WFS (extra `gis`)."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from geofences.files.findings import GeofenceError

_POLYGONS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)
_PATIENCE = {"GDAL_HTTP_CONNECTTIMEOUT": "10", "GDAL_HTTP_TIMEOUT": "300"}  # seconds; without end by default


class Rows(NamedTuple):
    """What a source has, a row each: its attributes, and its Polygon or MultiPolygon in lon/lat degrees (WGS 84)."""

    fields: list[dict[str, Any]]
    geometries: list[shapely.Polygon | shapely.MultiPolygon]


def needs_gis(module: str) -> Any:
    """A module of the extra `gis`. Raises GeofenceError naming the extra where it is not installed."""
    try:
        return import_module(module)
    except ImportError as error:
        raise GeofenceError(
            f"this needs {module.partition('.')[0]}, which is not installed: "
            'install the extra gis (in the clone: make gis; for a wheel: pip install "WHEEL[gis]")'
        ) from error


def read(source: str, *, layer: str | None = None, crs: str | None = None) -> Rows:
    """All rows of a file or of a WFS address, in its order.

    `layer` may be left out where there is one only; `crs` (such as "EPSG:25832") is for sources that do not say
    theirs. Rows without a geometry are left out. Raises GeofenceError.
    """
    pyogrio = needs_gis("pyogrio")
    pyogrio.set_gdal_config_options(_PATIENCE)
    address = _address(source)
    try:
        chosen = _layer(source, layer, [str(name) for name in pyogrio.list_layers(address)[:, 0]])
        meta, _, binary, columns = needs_gis("pyogrio.raw").read(
            address, layer=chosen, force_2d=True, datetime_as_string=True
        )
    except (pyogrio.errors.DataSourceError, pyogrio.errors.DataLayerError) as error:
        raise GeofenceError(
            f"{source}: cannot be read ({error}): give a GeoJSON, GeoPackage, Shapefile or the address of a WFS"
        ) from error
    if binary is None:
        raise GeofenceError(f"{source}: layer {chosen} has no outlines: name another with --layer")
    shapes = shapely.from_wkb(binary, on_invalid="warn")
    names = [str(name) for name in meta["fields"]]
    fields = [dict(zip(names, map(_plain, row), strict=True)) for row in zip(*columns, strict=True)] or [
        {} for _ in shapes
    ]
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    for row in np.flatnonzero(there & ~np.isin(shapely.get_type_id(shapes), _POLYGONS)):
        raise GeofenceError(
            f"{source}: row {row} is a {shapes[row].geom_type}, expected areas: take the layer of the areas (--layer)"
        )
    if not there.any():
        raise GeofenceError(f"{source}: layer {chosen} has no areas: name another with --layer")
    moved = _to_wgs84(shapes[there], crs or meta["crs"], source)
    return Rows([row for row, here in zip(fields, there, strict=True) if here], moved)


def _address(source: str) -> str:
    """A WFS is told from a file on a server by "wfs" in its address."""
    if re.match(r"https?://", source) and re.search(r"\bwfs\b|[/_.]wfs|service=wfs", source, re.IGNORECASE):
        return f"WFS:{source}"
    if not re.match(r"https?://|WFS:", source) and not Path(source).exists():
        raise GeofenceError(f"{source}: no such file: give the path of a file, or the address of a WFS")
    return source


def _layer(source: str, wanted: str | None, there: list[str]) -> str:
    if wanted is None and len(there) == 1:
        return there[0]
    if wanted is None or wanted not in there:
        problem = f"no layer {wanted!r}" if wanted else "several layers"
        raise GeofenceError(f"{source}: {problem}: name one with --layer ({', '.join(sorted(there)) or 'it has none'})")
    return wanted


def _plain(value: Any) -> Any:
    """As Python's own; a key that a table keeps as 5122000.0 is the number 5122000."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return int(value) if value.is_integer() else None if np.isnan(value) else value
    return value


def _to_wgs84(
    shapes: NDArray[np.object_], crs: str | None, source: str
) -> list[shapely.Polygon | shapely.MultiPolygon]:
    if crs is None:
        raise GeofenceError(f"{source}: does not say its coordinate system: name it with --crs, such as EPSG:25832")
    try:
        found = pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise GeofenceError(f"{source}: unknown coordinate system {crs!r}: name one such as EPSG:25832") from error
    if found.equals(pyproj.CRS.from_epsg(4326), ignore_axis_order=True):
        return list(shapes)
    transformer = pyproj.Transformer.from_crs(found, 4326, always_xy=True)
    moved = shapely.transform(shapes, lambda points: np.column_stack(transformer.transform(*points.T)))
    if not np.isfinite(shapely.get_coordinates(moved)).all():
        raise GeofenceError(f"{source}: positions do not fit {crs}: name the right coordinate system with --crs")
    return list(moved)

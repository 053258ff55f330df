"""The lowest and highest ground of areas, from a terrain model (GeoTIFF, ASC, VRT; extra `gis`)."""

from collections.abc import Iterator, Sequence
from math import ceil, floor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyproj
import shapely
from shapely.geometry.base import BaseGeometry

from geofences.authoring.sources import needs_gis
from geofences.files.findings import GeofenceError

_TILE = 2048  # pixels a side: a city in a 1 m model has a hundred million
_METRES = frozenset({"", "m", "metre", "metres", "meter", "meters"})


class Ground(NamedTuple):
    """Heights in whole metres above sea level, rounded outwards."""

    low_m: float
    high_m: float


def grounds(terrain: Path, shapes: Sequence[BaseGeometry], *, crs: str | None = None) -> list[Ground | None]:
    """For each area (lon/lat degrees) the extremes of all pixels that it touches.

    None where the model does not have every one of them: an unseen hill could wrongly spare its residents. `crs` is
    for models that do not say theirs, as ASC files. Raises GeofenceError.
    """
    rasterio = needs_gis("rasterio")
    try:
        with rasterio.open(terrain) as model:
            units = (model.units[0] or "").casefold()
            if units not in _METRES:
                raise GeofenceError(f"{terrain}: heights in {units}, expected metres: convert them (gdal_calc.py)")
            if model.transform.b or model.transform.d or model.transform.e > 0:
                raise GeofenceError(f"{terrain}: its rows do not run from west to east, north first: use gdalwarp")
            found = crs or (model.crs and model.crs.to_wkt())
            if not found:
                raise GeofenceError(
                    f"{terrain}: does not say its coordinate system: name it with --heights-crs, such as EPSG:25832"
                )
            transformer = pyproj.Transformer.from_crs(4326, pyproj.CRS.from_user_input(found), always_xy=True)
            moved = shapely.transform(
                np.asarray(shapes, dtype=np.object_), lambda points: np.column_stack(transformer.transform(*points.T))
            )
            return [_ground(model, shape) for shape in moved.tolist()]
    except rasterio.errors.RasterioIOError as error:
        raise GeofenceError(f"{terrain}: cannot be read ({error}): give a terrain model as GeoTIFF or ASC") from error
    except pyproj.exceptions.CRSError as error:
        raise GeofenceError(f"{terrain}: unknown coordinate system: name one such as EPSG:25832") from error


def _ground(model: Any, shape: BaseGeometry) -> Ground | None:
    west, south, east, north = shape.bounds
    edge = model.bounds
    if not (edge.left <= west and edge.bottom <= south and east <= edge.right and north <= edge.top):
        return None
    low, high = np.inf, -np.inf
    for window, transform in _tiles(model, west, south, east, north):
        band = model.read(1, window=window, masked=True)
        inside = needs_gis("rasterio.features").geometry_mask(
            [shape], out_shape=band.shape, transform=transform, all_touched=True, invert=True
        )
        heights = band[inside]
        if np.ma.getmaskarray(heights).any() or not np.isfinite(heights.data).all():
            return None
        if heights.size:
            low, high = min(low, float(heights.min())), max(high, float(heights.max()))
    scale, offset = model.scales[0], model.offsets[0]
    return Ground(floor(low * scale + offset), ceil(high * scale + offset)) if high >= low else None


def _tiles(model: Any, west: float, south: float, east: float, north: float) -> Iterator[tuple[Any, Any]]:
    """Windows of the model that cover the bounds, with the transforms from their pixels to its coordinates."""
    window, affine = needs_gis("rasterio.windows").Window, type(model.transform)
    x, width, y, height = model.transform.c, model.transform.a, model.transform.f, model.transform.e
    left, right = max(floor((west - x) / width), 0), min(ceil((east - x) / width), model.width)
    top, bottom = max(floor((north - y) / height), 0), min(ceil((south - y) / height), model.height)
    for row in range(top, bottom, _TILE):
        for column in range(left, right, _TILE):
            yield (
                window(column, row, min(_TILE, right - column), min(_TILE, bottom - row)),
                affine(width, 0.0, x + column * width, 0.0, height, y + row * height),
            )

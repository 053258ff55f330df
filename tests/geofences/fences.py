"""Features and files of districts for tests, drawn in metres."""

import json
from pathlib import Path
from typing import Any

from shapely.geometry import mapping
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import Polygon

METRE_LAT = 1 / 111_195
METRE_LON = METRE_LAT / 0.6293  # at 51° N


def block(west: float, south: float, width: float, height: float) -> Polygon:
    """A rectangle in lon/lat degrees, its corner and size in metres from 7° E, 51° N."""
    return Polygon(
        [
            (7 + x * METRE_LON, 51 + y * METRE_LAT)
            for x, y in [
                (west, south),
                (west + width, south),
                (west + width, south + height),
                (west, south + height),
            ]
        ]
    )


def fence(id: str, geometry: BaseGeometry, **properties: Any) -> dict[str, Any]:  # noqa: A002
    return {
        "type": "Feature",
        "properties": {
            "id": id,
            "name": f"Ort {id}",
            "short_name": id,
            "city": "ort",
            "warn_cells": ["805122000"],
            **properties,
        },
        "geometry": mapping(geometry),
    }


def write(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path

"""Districts from a GeoJSON file, refused with place and remedy where they could warn the wrong people.

A swapped coordinate or a cell with a digit missing would fail silently, as a warning that never comes. So everything
is checked when it is read (`geofences.files.rules`); `geofences.check` tells what else is odd.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import shapely
from pydantic import BaseModel, Field, ValidationError
from shapely.geometry import mapping

from geofences.district import District
from geofences.files.findings import Finding, GeofenceError
from geofences.files.nesting import misplaced_parents
from geofences.files.outline import Outline, from_geojson
from geofences.files.rules import complaint, judge
from geofences.overlap.budget import Budget
from geofences.overlap.tangles import REMEDY, are_tangled_together

_DATA = Path(__file__).parents[1] / "data"


class Examined(NamedTuple):
    """The districts that can be used, by their feature's position in the file, and everything that is wrong."""

    districts: dict[int, District]
    findings: list[Finding]


class _Collection(BaseModel):
    type: Literal["FeatureCollection"]
    description: Any = ""
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
    districts, findings = examine(path, city=city, warn_cells=warn_cells)
    if errors := [finding for finding in findings if finding.severity == "error"]:
        raise GeofenceError.of(path, errors)
    return list(districts.values())


def examine(path: Path, *, city: str | None = None, warn_cells: Sequence[str] = ()) -> Examined:
    """As `load`, but with all findings instead of an error, in the order of the features.

    Raises GeofenceError only where no feature can be read.
    """
    districts: dict[int, District] = {}
    findings: list[Finding] = []
    first_of: dict[str, int] = {}
    for index, feature in enumerate(_read(path).features):
        name = _id(feature)
        district, found = judge(feature, city, warn_cells)
        if name is not None and (district or found):
            if name in first_of:
                found.append(
                    Finding(
                        "duplicate-id",
                        f"id {name!r} stands at feature {first_of[name]} already",
                        "give each district its own id",
                    )
                )
                district = None
            first_of.setdefault(name, index)
        findings += [finding.at(index, name) for finding in found]
        if district is not None:
            districts[index] = district
    if not first_of and not findings:
        raise _unusable(path, f"no district of city {city!r}", "check the name, or take a file of that city")
    misplaced = [*misplaced_parents(districts, first_of)]
    astray = {finding.feature for finding in misplaced}
    return Examined(
        {index: district for index, district in districts.items() if index not in astray}, findings + misplaced
    )


def described(path: Path) -> str:
    """What the file says of itself: whose outlines, how drawn, which licence. Raises GeofenceError."""
    found = _read(path).description
    return found if isinstance(found, str) else ""


def boundary(path: Path) -> shapely.Polygon | shapely.MultiPolygon:
    """All outlines of a GeoJSON as one, whatever their properties, to compare with. Raises GeofenceError."""
    found = [feature.get("geometry") for feature in _read(path).features]
    shapes = [each.geometry for each in found if isinstance(each, Outline) and each.geometry is not None]
    if are_tangled_together(shapes):
        raise _unusable(path, "its outlines cross each other too often to be joined", REMEDY)
    whole = shapely.union_all(shapes)
    if not isinstance(whole, shapely.Polygon | shapely.MultiPolygon):
        raise _unusable(path, "no valid outline in it", "take a GeoJSON with the boundary as a polygon")
    return whole


def save(path: Path, districts: Iterable[District], *, description: str, accuracy: str) -> None:
    """Write a file that `load` reads back alike; `description` and `accuracy` say to people where outlines are from.

    Raises GeofenceError where it cannot be written.
    """
    lines = []
    for district in districts:
        properties = {
            "id": district.id,
            "name": district.name,
            "short_name": district.short_name,
            "city": district.city,
            "warn_cells": sorted(district.warn_cells, reverse=True),
            "ground_min_m": district.ground_min_m,
            "ground_max_m": district.ground_max_m,
            "ground_source": district.ground_source,
            "accuracy": accuracy,
            **({"parent": district.parent} if district.parent else {}),
        }
        feature = {"type": "Feature", "properties": properties, "geometry": mapping(district.geometry)}
        lines.append(json.dumps(feature, ensure_ascii=False, separators=(",", ":")))
    head = json.dumps({"type": "FeatureCollection", "description": description}, ensure_ascii=False)[:-1]
    try:
        path.write_text(head + ', "features": [\n' + ",\n".join(lines) + "\n]}\n", "utf-8")
    except OSError as error:
        raise _unusable(
            path, f"cannot be written ({error.strerror})", "name a file in a folder that is there"
        ) from error


def _id(feature: dict[str, Any]) -> str | None:
    properties = feature.get("properties")
    name = properties.get("id") if isinstance(properties, dict) else None
    return str(name).strip() if name else None


def _read(path: Path) -> _Collection:
    try:
        return _Collection.model_validate(json.loads(path.read_bytes(), object_hook=_with_outlines()))
    except OSError as error:
        raise _unusable(
            path, f"cannot be read ({error.strerror})", "give the path of a GeoJSON file of districts"
        ) from error
    except ValidationError as error:
        says = f"expected a GeoJSON FeatureCollection with at least one feature ({complaint(error)})"
        raise _unusable(path, says, "export the districts as GeoJSON") from error
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _unusable(path, f"not valid JSON ({error})", "export the districts as GeoJSON again") from error


def _unusable(path: Path, says: str, remedy: str) -> GeofenceError:
    return GeofenceError.of(path, [Finding("file", says, remedy)])


def _with_outlines() -> Callable[[dict[str, Any]], dict[str, Any] | Outline]:
    """A geometry becomes an Outline as soon as it is read: a country's positions need 130 bytes each as lists."""
    budget = Budget()

    def with_outline(found: dict[str, Any]) -> dict[str, Any] | Outline:
        if "type" in found and "coordinates" in found:
            return from_geojson(found["type"], found["coordinates"], budget)
        return found

    return with_outline

"""Districts from what a surveyors' office has: its attributes put into our properties, its borders made to fit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import shapely

from geofences.authoring import names
from geofences.authoring.coverage import Tolerance, beyond
from geofences.authoring.heights import grounds
from geofences.authoring.sources import Rows
from geofences.authoring.tidy import made_valid, polygonal, tidied
from geofences.district import District
from geofences.files.findings import Finding, GeofenceError
from geofences.files.nesting import misplaced_parents
from geofences.files.warn_cells import COMMUNE, KnownCells

_LOST = 0.1  # more of an area than this under another is no careless border but a mistake
_OUTSIDE = Tolerance(width_m=50.0, area_m2=10_000.0)  # two offices draw the same border some metres apart


@dataclass(frozen=True, slots=True)
class Attributes:
    """Which attribute of the source becomes what: its name, or a template such as "8{ags}" or "{ags:0>8}".

    `city` is a template, too, so a plain name is the city of all rows. Without `short_name` one is made of the name.
    """

    id: str
    name: str
    city: str
    cells: Sequence[str]
    short_name: str | None = None
    parent: str | None = None


def districts_of(rows: Rows, attributes: Attributes, source: str) -> list[District]:
    """A district for each id, in the order of the rows, heights unknown and borders as in the source.

    Rows of one id and name are parts of one area. Raises GeofenceError naming `source`, also where parents are amiss.
    """
    found: dict[str, District] = {}
    findings = []
    for index, (row, geometry) in enumerate(zip(rows.fields, rows.geometries, strict=True)):
        district = _district(row, geometry, attributes, source)
        known = found.get(district.id)
        if known is None:
            found[district.id] = district
        elif known.name == district.name:
            whole = shapely.union(made_valid(known.geometry), made_valid(geometry))
            found[district.id] = replace(known, geometry=polygonal(whole))
        else:
            says = f"id {district.id!r} is that of {known.name!r} and of {district.name!r}"
            findings.append(
                Finding("duplicate-id", says, "name a field with another value for each area").at(index, district.id)
            )
    districts = list(found.values())
    findings += misplaced_parents(dict(enumerate(districts)), found)
    if findings:
        raise GeofenceError.of(Path(source), findings)
    return _with_short_names(districts) if attributes.short_name is None else districts


def fitted(
    districts: Sequence[District], *, gap_m: float = 2.0, simplify_m: float | None = None
) -> tuple[list[District], list[Finding]]:
    """The districts with valid borders that are common on all levels (see `geofences.authoring.tidy`).

    With findings where that changed more than a careless border: one area upon another, or outside its parent.
    """
    positions = {district.id: position for position, district in enumerate(districts)}
    parents = [positions.get(district.parent or "") for district in districts]
    findings = []
    for position, (district, parent) in enumerate(zip(districts, parents, strict=True)):
        if parent is not None and (
            outside := beyond(made_valid(district.geometry), made_valid(districts[parent].geometry), _OUTSIDE)
        ):
            says = f"lies outside its parent {districts[parent].id} by {outside.area_m2:.0f} m²"
            findings.append(
                Finding("outside-parent", says, "give the right parent", position=outside.position).at(
                    position, district.id
                )
            )
    shapes, lost = tidied([each.geometry for each in districts], parents, gap_m=gap_m, simplify_m=simplify_m)
    for position, (district, part) in enumerate(zip(districts, lost, strict=True)):
        if part > _LOST:
            says = f"{part:.0%} of it lies upon other areas"
            remedy = "leave out what is there twice, or name the field of the larger area with --parent-field"
            findings.append(Finding("overlap", says, remedy).at(position, district.id))
    return [replace(each, geometry=shape) for each, shape in zip(districts, shapes, strict=True)], findings


def with_quarters(districts: Sequence[District], known: KnownCells) -> tuple[list[District], list[Finding]]:
    """A commune's cell that does not exist replaced by all its quarters, which is said.

    Whoever imports whole communes wants just that; a city's districts are warned together until each has its own.
    """
    findings, found = [], []
    for index, district in enumerate(districts):
        cells = set(district.warn_cells)
        for cell in sorted(cells):
            quarters = known.quarters(cell[1:]) if cell.startswith(COMMUNE) and cell not in known else ()
            if quarters:
                cells = cells - {cell} | set(quarters)
                says = f"the DWD has no cell {cell} but its quarters, which it has now: {known.told(quarters)}"
                remedy = "where the city's districts are to be warned apart, give each those it lies in"
                findings.append(Finding("cell-quarters", says, remedy, "warning").at(index, district.id))
        found.append(replace(district, warn_cells=frozenset(cells)))
    return found, findings


def with_heights(
    districts: Sequence[District], terrain: Path, *, source: str, crs: str | None = None
) -> tuple[list[District], list[Finding]]:
    """The districts with lowest and highest ground, where the terrain model knows all of it.

    `source` is the model's name, such as "DGM1 Geobasis NRW 2024". Raises GeofenceError.
    """
    made, findings = [], []
    for position, (district, ground) in enumerate(
        zip(districts, grounds(terrain, [made_valid(each.geometry) for each in districts], crs=crs), strict=True)
    ):
        if ground is None:
            findings.append(
                Finding(
                    "height-missing",
                    f"{terrain.name} does not have all of its ground, so no height is taken",
                    "give a terrain model that is larger and has no holes",
                    "warning",
                ).at(position, district.id)
            )
            made.append(district)
        else:
            made.append(replace(district, ground_min_m=ground.low_m, ground_max_m=ground.high_m, ground_source=source))
    return made, findings


def _district(
    row: dict[str, Any], geometry: shapely.Polygon | shapely.MultiPolygon, attributes: Attributes, source: str
) -> District:
    def value(named: str) -> str:
        return _filled(named if "{" in named else f"{{{named}}}", row, source)

    name = value(attributes.name)
    return District(
        id=value(attributes.id),
        name=name,
        short_name=value(attributes.short_name) if attributes.short_name else name,
        city=names.slug(_filled(attributes.city, row, source)),
        warn_cells=frozenset(_filled(cell, row, source) for cell in attributes.cells),
        geometry=geometry,
        ground_min_m=None,
        ground_max_m=None,
        ground_source="unknown",
        parent=(value(attributes.parent) or None) if attributes.parent else None,
    )


def _filled(template: str, row: dict[str, Any], source: str) -> str:
    try:
        return template.format_map({name: "" if value is None else value for name, value in row.items()}).strip()
    except KeyError as error:
        there = ", ".join(sorted(row)) or "none"
        raise GeofenceError(f"{source}: no field {error.args[0]!r}: name one of its fields ({there})") from error
    except (ValueError, IndexError, AttributeError) as error:
        raise GeofenceError(
            f"{source}: template {template!r} cannot be filled ({error}): write fields in braces, such as 8{{ags}}"
        ) from error


def _with_short_names(districts: Sequence[District]) -> list[District]:
    made = list(districts)
    for city in {district.city for district in districts}:
        own = [index for index, district in enumerate(districts) if district.city == city]
        for index, short in zip(own, names.short_names([made[i].name for i in own], city), strict=True):
            made[index] = replace(made[index], short_name=short)
    return made

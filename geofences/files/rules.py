"""What must hold for one feature of a geofence file, each rule once, for reading and for checking alike."""

from collections.abc import Collection, Iterator, Sequence
from typing import Annotated, Any

import shapely
from pydantic import BaseModel, ConfigDict, FiniteFloat, StringConstraints, ValidationError

from geofences.district import District
from geofences.files.findings import Finding
from geofences.files.outline import REMEDY as OUTLINE_REMEDY
from geofences.files.outline import Outline
from geofences.files.warn_cells import COMMUNE, KREIS, PART_OF_KREIS, QUARTER, KnownCells, is_in_kreis

_LOWEST_M, _HIGHEST_M = -450.0, 9000.0  # the Dead Sea's shore, Mount Everest; terrain models say "no data" with -9999
_WITHOUT_KREIS = "list the commune's cell (8…) alone, or those of its quarters (7…)"
_CELLS_REMEDY = 'list 9-digit warn cells as strings, such as "805122000"'
_REMEDIES = {
    "ground_max_m": "give a number of metres, or null",
    "ground_min_m": "give a number of metres, or null",
    "properties": 'add the member "properties" with id, name, short_name, city and warn_cells',
    "warn_cells": _CELLS_REMEDY,
}
_CODES = {"ground_max_m": "height", "ground_min_m": "height", "warn_cells": "cell-form"}

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
    parent: _Text | None = None


class _Feature(BaseModel):
    properties: _Properties


def judge(
    feature: dict[str, Any], city: str | None, fallback_cells: Sequence[str]
) -> tuple[District | None, list[Finding]]:
    """The district of a feature whose geometry is an Outline already, and what is wrong with it.

    `city` is for features that name none; where it is another's, there is neither district nor finding. No district
    where any finding is an error.
    """
    properties, findings, unusable = _read(feature)
    own_city = properties.city or city
    if city is not None and own_city != city:
        return None, []
    if own_city is None and not unusable & {"city", "properties"}:
        findings.append(Finding("no-city", "no city", "add the property city, or name the city when loading"))
    cells = frozenset(properties.warn_cells or fallback_cells)
    if not unusable & {"warn_cells", "properties"}:
        findings += _of_cells(cells)
    findings += _of_heights(properties)
    outline, faults = _outline(feature)
    findings += faults
    if outline is None or own_city is None or any(finding.severity == "error" for finding in findings):
        return None, findings
    return (
        District(
            id=properties.id,
            name=properties.name,
            short_name=properties.short_name,
            city=own_city,
            warn_cells=cells,
            geometry=outline,
            ground_min_m=properties.ground_min_m,
            ground_max_m=properties.ground_max_m,
            ground_source=properties.ground_source,
            parent=properties.parent,
        ),
        findings,
    )


def unknown_cells(cells: Collection[str], known: KnownCells) -> Iterator[tuple[str, Finding]]:
    """Each cell that the DWD's catalogue does not list, or whose Kreis has several communes, with what is wrong.

    No warning ever comes for a cell that does not exist. A Kreis cell too many costs nothing where another reaches.
    """
    reached = any(cell in known for cell in cells if cell.startswith((COMMUNE, QUARTER)))
    for cell in sorted(cells):
        if cell.startswith(KREIS) and known.has_several(cell[1:]):
            yield cell, _kreis_of_several(cell)
        elif cell not in known:
            needless = reached and cell.startswith((KREIS, PART_OF_KREIS))
            says = f"warn cell {cell} is not in the DWD's catalogue, so no DWD warning would ever come for it"
            yield cell, Finding("cell-unknown", says, _instead(cell, known), "warning" if needless else "error")


def _instead(cell: str, known: KnownCells) -> str:
    if cell.startswith(PART_OF_KREIS):
        return "leave it out; communes are reached by 8…, large cities by the cells of their quarters, 7…"
    key = known.key_of(cell)
    found = known.reaching(key)
    if not found:
        return (
            "compare its digits with the commune key; after a reform of communes take the new key, "
            "and a newer catalogue: warnsys cells update FILE"
        )
    if found[0].startswith(COMMUNE):
        return f"take {known.told(found)}"
    return (
        "the DWD warns this city by its quarters: give each district the cells of those it lies in, of "
        f"{known.told(found)} (all: warnsys cells show {COMMUNE}{key})"
    )


def complaint(error: ValidationError) -> str:
    """The first three of pydantic's complaints, in one line."""
    lines = [f"{'.'.join(map(str, problem['loc'])) or 'file'}: {problem['msg']}" for problem in error.errors()]
    return "; ".join(lines if len(lines) <= 3 else [*lines[:3], f"and {len(lines) - 3} more"])


def _read(feature: dict[str, Any]) -> tuple[_Properties, list[Finding], set[str]]:
    """The properties, what is wrong with them, and which are unusable and have a stand-in, so that all is found."""
    try:
        return _Feature.model_validate(feature).properties, [], set()
    except ValidationError as error:
        findings, unusable = [], set()
        for problem in error.errors():
            path = [str(part) for part in problem["loc"]]
            field = path[1] if len(path) > 1 else path[0]
            unusable.add(field)
            remedy = _REMEDIES.get(field, f"add or correct {field}")
            findings.append(Finding(_CODES.get(field, "property"), f"{'.'.join(path)}: {problem['msg']}", remedy))
        given = {} if "properties" in unusable else feature["properties"]
        usable = {field: value for field, value in given.items() if field not in unusable}
        return _Properties.model_validate({"id": "?", "name": "?", "short_name": "?", **usable}), findings, unusable


def _outline(feature: dict[str, Any]) -> tuple[shapely.Polygon | shapely.MultiPolygon | None, list[Finding]]:
    found = feature.get("geometry")
    if isinstance(found, Outline):
        return found.geometry, list(found.findings)
    if found:
        return None, [Finding("geometry-kind", "geometry: expected a Polygon or MultiPolygon", OUTLINE_REMEDY)]
    return None, [Finding("geometry-missing", "no geometry, expected a polygon", OUTLINE_REMEDY)]


def _of_cells(cells: Collection[str]) -> Iterator[Finding]:
    if not cells:
        yield Finding("no-cells", "no warn cells, so no DWD warning would ever reach it", _CELLS_REMEDY)
    for cell in sorted(cells):
        if not (len(cell) == 9 and cell.isascii() and cell.isdigit()):
            yield Finding(
                "cell-form", f"warn cell {cell!r} is not 9 digits", f"{_CELLS_REMEDY}, without blanks or signs"
            )
        elif cell.startswith(KREIS) and not cell.endswith("000"):
            yield _kreis_of_several(cell)
        # A city that is its own Kreis has the same key as commune and as Kreis, or quarters with its digits.
        elif cell.startswith(KREIS) and not any(is_in_kreis(cell, other) for other in cells):
            yield Finding(
                "kreis-cell",
                f"warn cell {cell} is a Kreis, expected only beside 8{cell[1:]}, or beside quarters (7{cell[1:6]}…), "
                "for a city that is its own Kreis",
                _WITHOUT_KREIS,
            )


def _kreis_of_several(cell: str) -> Finding:
    """A Kreis of several communes would warn this one for its neighbours."""
    return Finding(
        "kreis-cell",
        f"warn cell {cell} is of a Kreis with several communes, and would warn this one for its neighbours",
        _WITHOUT_KREIS,
    )


def _of_heights(properties: _Properties) -> Iterator[Finding]:
    low, high = properties.ground_min_m, properties.ground_max_m
    for name, height in (("ground_min_m", low), ("ground_max_m", high)):
        if height is not None and not _LOWEST_M <= height <= _HIGHEST_M:
            yield Finding(
                "height",
                f"{name} {height:g} is no height on Earth, expected {_LOWEST_M:g} to {_HIGHEST_M:g} m",
                "give metres above sea level; a terrain model's mark for no data means null",
            )
    if low is not None and high is not None and low > high:
        yield Finding("height", f"ground_min_m {low:g} is above ground_max_m {high:g}", "exchange them")

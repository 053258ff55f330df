"""Everything that is odd about a geofence file, at once: what `load` would refuse, and what a person should look at."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from geofences.authoring import names
from geofences.authoring.coverage import Piece, Tolerance, beyond, gaps, overlaps
from geofences.district import District
from geofences.files.findings import Finding, GeofenceError
from geofences.files.load import examine
from geofences.files.nesting import siblings
from geofences.files.rules import unknown_cells
from geofences.files.warn_cells import QUARTER, KnownCells
from geofences.overlap.tangles import REMEDY, are_tangled_together

_DRAW_ONCE = "draw the shared border once (QGIS: topological editing), or clean it with: warnsys geofences import"

# Another city's land inside ours is at least a few hundred metres wide; what two drawings leave open is narrower.
_ENCLAVE_M2, _ENCLAVE_WIDTH_M = 100_000.0, 100.0


def check(
    path: Path,
    *,
    city: str | None = None,
    warn_cells: Sequence[str] = (),
    known_cells: Collection[str] | None = None,
    tolerance: Tolerance | None = None,
) -> list[Finding]:
    """All findings in the order of the features; `load` refuses the file if any of its own rules gave an error.

    `known_cells` is the DWD's catalogue, names by cell or cells alone; without it cells are checked by their form only.
    A district with an error of its own takes no part in the search for overlaps and gaps.
    """
    try:
        districts, findings = examine(path, city=city, warn_cells=warn_cells)
    except GeofenceError as error:
        return list(error.findings)
    known = None if known_cells is None else KnownCells(known_cells)
    for index, district in districts.items():
        own = [*_of_names(district), *_of_sources(district)]
        own += [] if known is None else [finding for _, finding in unknown_cells(district.warn_cells, known)]
        findings += [finding.at(index, district.id) for finding in own]
    findings += _names_twice(districts)
    findings += [] if known is None else _quarters_left_out(districts, known)
    findings += _borders(districts, tolerance or Tolerance())
    return sorted(findings, key=lambda finding: -1 if finding.feature is None else finding.feature)


def _of_names(district: District) -> Iterator[Finding]:
    if len(district.short_name) > names.LENGTH:
        yield Finding(
            "short-name-long",
            f"short name {district.short_name!r} has {len(district.short_name)} characters",
            f"shorten it to {names.LENGTH}, for SMS",
            "warning",
        )


def _of_sources(district: District) -> Iterator[Finding]:
    low, high = district.ground_min_m, district.ground_max_m
    if not district.ground_is_surveyed:
        if district.ground_source.strip().casefold() in ("", "unknown") and (low, high) != (None, None):
            yield Finding(
                "height-source",
                "heights without a source, so they never spare this district",
                'name their terrain model in ground_source, or say "approximate"',
                "warning",
            )
    elif low is None or high is None:
        yield Finding(
            "height-missing",
            f"ground_source names {district.ground_source!r}, but a height is missing",
            "give ground_min_m and ground_max_m, or leave out the source",
            "warning",
        )
    elif low == high:
        yield Finding(
            "height-flat",
            f"lowest and highest ground are both {low:g} m, by {district.ground_source}",
            "look whether the terrain model was read, or this is a default",
            "warning",
        )


def _names_twice(districts: Mapping[int, District]) -> Iterator[Finding]:
    first_of: dict[tuple[str, str], District] = {}
    for index, district in districts.items():
        other = first_of.setdefault((district.city, district.short_name), district)
        if other is not district:
            yield Finding(
                "name-twice",
                f"short name {district.short_name!r} is also that of {other.id}",
                "give residents names that they can tell apart",
                "warning",
            ).at(index, district.id)


def _quarters_left_out(districts: Mapping[int, District], known: KnownCells) -> Iterator[Finding]:
    listed = {cell for district in districts.values() for cell in district.warn_cells}
    for key in sorted({known.key_of(cell) for cell in listed if cell.startswith(QUARTER) and cell in known}):
        if missing := [cell for cell in known.quarters(key) if cell not in listed]:
            yield Finding(
                "quarters-left-out",
                f"no district has {known.told(missing)}, which the same city has, so nobody is warned for it",
                "give it to the districts that lie there, or leave it so where the city warns a part of itself only",
                "warning",
            )


def _borders(districts: Mapping[int, District], tolerance: Tolerance) -> Iterator[Finding]:
    if are_tangled_together(district.geometry for district in districts.values()):
        says = "the outlines cross each other too often to be compared, so overlaps and gaps are not known"
        yield Finding("borders-tangled", says, REMEDY)
        return
    by_id = {district.id: district for district in districts.values()}
    for group in siblings(districts):
        shapes = [districts[index].geometry for index in group]
        ids = [districts[index].id for index in group]
        for piece in overlaps(shapes, tolerance):
            first, second = piece.areas
            says = f"overlaps {ids[first]} by {_size(piece)}"
            yield Finding("overlap", says, _DRAW_ONCE, position=piece.position).at(group[second], ids[second])
        for piece in gaps(shapes, tolerance):
            yield _of_gap(piece, [ids[area] for area in piece.areas]).at(group[piece.areas[0]], ids[piece.areas[0]])
    for index, district in districts.items():
        parent = by_id.get(district.parent or "")
        if parent and (outside := beyond(district.geometry, parent.geometry, tolerance)):
            yield Finding(
                "outside-parent",
                f"lies outside its parent {parent.id} by {_size(outside)}",
                "give the right parent, or draw their common border once",
                position=outside.position,
            ).at(index, district.id)


def _of_gap(piece: Piece, around: Sequence[str]) -> Finding:
    says = f"{_size(piece)} {'between' if len(around) > 1 else 'inside'} {' and '.join(around)} belong to no district"
    if piece.area_m2 > _ENCLAVE_M2 and piece.width_m > _ENCLAVE_WIDTH_M:
        remedy = "leave it so if it is another city's land, else draw the district that is missing"
        return Finding("hole", says, remedy, "warning", piece.position)
    return Finding("gap", says, _DRAW_ONCE, position=piece.position)


def _size(piece: Piece) -> str:
    return f"{piece.area_m2:.0f} m² ({piece.width_m:.1f} m wide)"

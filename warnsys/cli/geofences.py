"""`warnsys geofences …`: check, import and draw the districts of a city."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import shapely
import typer

from geofences import District, Finding, check, load
from geofences.authoring.coverage import Tolerance
from geofences.files.load import boundary, described, save
from geofences.files.warn_cells import KnownCells
from warnsys.cap.cells import CatalogueError, catalogue
from warnsys.cap.cells import read as read_catalogue
from warnsys.cli.common import fail, refusing, say, to_write
from warnsys.disk import disk_says

KnownCellsOption = Annotated[
    Path | None,
    typer.Option(
        "--known-cells",
        help="A catalogue of warn cells instead of the bundled one: the DWD's CSV, or JSON with the cells as keys.",
    ),
]

app = typer.Typer(help="The districts of a city as a file: check, import, show.", no_args_is_help=True)


@app.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(help="GeoJSON of districts.")],
    city: Annotated[str | None, typer.Option(help="The city of features that name none; others are left out.")] = None,
    cell: Annotated[list[str] | None, typer.Option(help="A warn cell of districts without their own.")] = None,
    width_m: Annotated[float, typer.Option(min=0, help="Overlaps and gaps up to this mean width are let pass.")] = 1.0,
    area_m2: Annotated[float, typer.Option(min=0, help="… and those up to this size.")] = 100.0,
    known_cells: KnownCellsOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as one JSON list.")] = False,
) -> None:
    """Say everything that is wrong with a file of districts, and what to do; exit code 1 if anything must be mended."""
    known, tolerance = _known(known_cells), Tolerance(width_m, area_m2)
    findings = check(file, city=city, warn_cells=cell or (), known_cells=known, tolerance=tolerance)
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        _show(file, findings)
    if _refused(findings):
        raise typer.Exit(1)


@app.command("import")
def import_areas(
    source: Annotated[str, typer.Argument(help="GeoJSON, GeoPackage, Shapefile, or the address of a WFS.")],
    city: Annotated[str, typer.Option(help="The city's name; or a template such as {gen} where there are several.")],
    id_field: Annotated[str, typer.Option(help="Field of a key that never changes, or a template.")],
    name_field: Annotated[str, typer.Option(help="Field of the name that residents use, or a template.")],
    cell: Annotated[list[str], typer.Option(help="Warn cell, or a template such as 8{ags}; may be repeated.")],
    file: Annotated[Path, typer.Option("--out", callback=to_write, help="The GeoJSON to write.")],
    short_name_field: Annotated[str | None, typer.Option(help="Field of a name of at most 14 characters.")] = None,
    parent_field: Annotated[str | None, typer.Option(help="Field of the key of the area that it is a part of.")] = None,
    simplify: Annotated[
        float | None, typer.Option(min=0, help="Leave out what is smaller than the square of these metres.")
    ] = None,
    close: Annotated[float, typer.Option(min=0.001, help="Close gaps of up to this width in metres.")] = 2.0,
    heights: Annotated[Path | None, typer.Option(help="A terrain model in metres: GeoTIFF, ASC, VRT.")] = None,
    heights_source: Annotated[str | None, typer.Option(help="The terrain model's name; else that of its file.")] = None,
    heights_crs: Annotated[str | None, typer.Option(help="Its coordinate system, where it does not say.")] = None,
    layer: Annotated[str | None, typer.Option(help="The layer, where there are several.")] = None,
    crs: Annotated[str | None, typer.Option(help="The source's coordinate system, where it does not say.")] = None,
    known_cells: KnownCellsOption = None,
) -> None:
    """Make a file of districts from official borders: WGS 84, mended, without gaps, simplified on common borders.

    Needs the extra gis. Nothing is written where a finding must be mended first (exit code 1).
    """
    from geofences.authoring.importing import Attributes, districts_of, fitted, with_heights, with_quarters
    from geofences.authoring.sources import read

    known = _known(known_cells)
    attributes = Attributes(id_field, name_field, city, cell, short_name_field, parent_field)
    with refusing():
        districts = districts_of(read(source, layer=layer, crs=crs), attributes, source)
        districts, findings = with_quarters(districts, KnownCells(known))
        if heights:
            districts, of_heights = with_heights(
                districts, heights, source=heights_source or heights.stem, crs=heights_crs
            )
            findings += of_heights
        before = _points(districts)
        districts, changed = fitted(districts, gap_m=close, simplify_m=simplify)
        accuracy = f"simplified to {simplify:g} m" if simplify else "as in the source"
        draft = file.with_name(f"{file.name}.draft")
        save(draft, districts, description=f"Imported by warnsys from {Path(source).name}.", accuracy=accuracy)
    findings += changed + check(draft, known_cells=known)
    _show(file, findings)
    if _refused(findings):
        draft.unlink()
        raise typer.Exit(1)
    draft.replace(file)
    after = _points(districts)
    say(f"{file}: {len(districts)} districts, {before} points made {after} ({after / before:.0%})")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(help="GeoJSON of districts.")],
    html: Annotated[
        Path | None, typer.Option(callback=to_write, help="Write a page: map and table, without script or network.")
    ] = None,
    png: Annotated[Path | None, typer.Option(callback=to_write, help="Write an image; needs the extra gis.")] = None,
    city: Annotated[str | None, typer.Option(help="The city of features that name none; others are left out.")] = None,
    cell: Annotated[list[str] | None, typer.Option(help="A warn cell of districts without their own.")] = None,
    beside: Annotated[Path | None, typer.Option(help="GeoJSON of a boundary, dashed upon it for comparison.")] = None,
    title: Annotated[str | None, typer.Option(help="The heading; else the city's id.")] = None,
) -> None:
    """Draw the districts with their names, cells and heights."""
    from geofences.drawing.image import image
    from geofences.drawing.page import page
    from geofences.drawing.picture import picture

    if not (html or png):
        raise typer.BadParameter("say what to write: --html FILE, --png FILE, or both")
    with refusing():
        districts = load(file, city=city, warn_cells=cell or ())
        drawn = picture(districts, boundary(beside) if beside else None)
        heading = title or ", ".join(sorted({district.city for district in districts})[:3]).title()
        if html:
            text = page(drawn, title=heading, source=described(file), boundary=beside.name if beside else "")
            html.write_text(text, "utf-8")
        if png:
            image(drawn, png, title=heading, source=described(file))
    told = "" if drawn.agreement is None else f", {drawn.agreement:.1%} of the area is that of {beside}"
    written = " and ".join(str(path) for path in (html, png) if path)
    say(f"{written}: {len(districts)} districts{told}")


def _points(districts: Sequence[District]) -> int:
    return int(shapely.get_num_coordinates([district.geometry for district in districts]).sum())


def _known(path: Path | None) -> Collection[str]:
    """The catalogue that `warnsys cells` shows, where no other is named."""
    if path is None:
        return catalogue()
    try:
        if path.read_bytes().lstrip().startswith((b"{", b"[")):
            found = json.loads(path.read_bytes())
            if not isinstance(found, dict) or not found:
                fail(f"{path}: no JSON object with the cells as keys; give one, or the DWD's CSV")
            return {cell: str(name) for cell, name in found.items()}
        return read_catalogue(path)
    except CatalogueError as error:
        fail(str(error))
    except OSError as error:
        fail(disk_says(error, path))
    except (ValueError, RecursionError) as error:
        fail(f"{path}: cannot be read ({error}); give the DWD's CSV, or a JSON object with cells as keys")


def _show(file: Path, findings: Sequence[Finding]) -> None:
    for finding in findings:
        where = "" if finding.position is None else f" (at {finding.position[1]:.5f} N, {finding.position[0]:.5f} E)"
        line = f"{finding.severity} {finding.code}: {finding}{where}"
        say(line, style="red" if finding.severity == "error" else "yellow")
    errors = sum(finding.severity == "error" for finding in findings)
    say(f"{file}: errors: {errors}, warnings: {len(findings) - errors}")


def _refused(findings: Sequence[Finding]) -> bool:
    return any(finding.severity == "error" for finding in findings)

"""`warnsys geofences …`: check, import and draw the districts of a city."""

import json
from collections.abc import Collection, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from geofences import Finding, check
from geofences.coverage import Tolerance

app = typer.Typer(help="The districts of a city as a file: check, import, show.", no_args_is_help=True)


@app.command("check")
def check_file(
    file: Annotated[Path, typer.Argument(help="GeoJSON of districts.")],
    city: Annotated[str | None, typer.Option(help="The city of features that name none; others are left out.")] = None,
    cell: Annotated[list[str] | None, typer.Option(help="A warn cell of districts without their own.")] = None,
    width_m: Annotated[float, typer.Option(min=0, help="Overlaps and gaps up to this mean width are let pass.")] = 1.0,
    area_m2: Annotated[float, typer.Option(min=0, help="… and those up to this size.")] = 100.0,
    as_json: Annotated[bool, typer.Option("--json", help="The findings as one JSON list.")] = False,
) -> None:
    """Say everything that is wrong with a file of districts, and what to do; exit code 1 if anything must be mended."""
    findings = check(
        file, city=city, warn_cells=cell or (), known_cells=_known_cells(), tolerance=Tolerance(width_m, area_m2)
    )
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], ensure_ascii=False))
    else:
        _show(file, findings)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _show(file: Path, findings: Sequence[Finding]) -> None:
    from warnsys.cli import out

    for finding in findings:
        where = "" if finding.position is None else f" (at {finding.position[1]:.5f} N, {finding.position[0]:.5f} E)"
        line = f"{finding.severity} {finding.code}: {finding}{where}"
        out.print(
            line, style="red" if finding.severity == "error" else "yellow",
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip
    errors = sum(finding.severity == "error" for finding in findings)
    out.print(f"{file}: {errors} errors, {len(findings) - errors} warnings", highlight=False, soft_wrap=True)


def _known_cells() -> Collection[str] | None:
    """The DWD's catalogue."""
    return None

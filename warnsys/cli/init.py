"""`warnsys init`: a settings file for a city."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from geofences import District, GeofenceError, bundled, load
from geofences.authoring.names import slug
from geofences.files.rules import unknown_cells
from geofences.files.warn_cells import KnownCells
from warnsys.cap.cells import catalogue, communes_named
from warnsys.cli.common import DEFAULT_SETTINGS, fail, refusing, say, to_write
from warnsys.cli.policy_table import tell_policy
from warnsys.settings import EXAMPLE, parse

TEMPLATE = """\
# Settings of warnsys. Every value of a table may also come from the environment: WARNSYS_BROKER__URL="kafka://…"

[[cities]]
{city}

[broker]
# "embedded" is for trying out only; in operation: "kafka://host:port"
url = "embedded"
partitions = 4

# Without a [[sources]] table the DWD's warnings by commune are read.

# Who is told what has defaults, which warnsys up prints. A rule stands in place of the default for its audience and
# channel only:
# [[policy.rules]]
# audience = "public"
# channel = "push"
# warnings = "Severe"

[archive]
# The DWD keeps its snapshots for two days; for replays they are kept here, in a folder beside this file.
folder = "archive"

[audit]
# What was decided and told, and why: a chain of entries that cannot be changed unseen. On a Kafka only.
folder = "audit"
"""


def init(
    city: Annotated[str | None, typer.Option(help="The city's name.")] = None,
    geofences: Annotated[
        Path | None, typer.Option(help="GeoJSON of its districts (see warnsys geofences import).")
    ] = None,
    cell: Annotated[
        list[str] | None, typer.Option(help="A warn cell of the city, nine digits; may be repeated.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the texts.")] = "Europe/Berlin",
    link: Annotated[
        str, typer.Option(help="Where a push and a stele's QR code lead; {city} and {district} are put in.")
    ] = f"https:{EXAMPLE}/district/{{district}}",
    file: Annotated[
        Path, typer.Option("--out", callback=to_write, help="The settings file to write.")
    ] = DEFAULT_SETTINGS,
    force: Annotated[bool, typer.Option("--force", help="Write over a settings file that is there.")] = False,
) -> None:
    """Write a settings file for a city; asks for what is not given."""
    if file.exists() and not force:
        fail(f"{file} is there already; name another with --out, or write over it with --force")
    name = city or _ask("City", "Solingen")
    city_id, known = slug(name), KnownCells(catalogue())
    path = geofences or _districts_of(city_id)
    with refusing():
        try:
            districts = load(path, city=city_id, warn_cells=cell or ())
        except GeofenceError as error:
            lacking = not cell and all(one.code == "no-cells" for one in error.findings)
            if not lacking or not (proposed := _proposed(name, known)):
                raise
            districts = load(path, city=city_id, warn_cells=proposed)
    if not districts:
        fail(f"{path}: no district has the city {city_id!r}; write it into each feature's property 'city'")
    cells = cell or sorted({each for district in districts for each in district.warn_cells})
    if cell is None and sys.stdin.isatty():
        cells = typer.prompt("Warn cells, apart by blanks", default=" ".join(cells)).split()
    _refuse_unknown(districts, cells, known)
    content = {
        "id": city_id, "name": name, "geofences": str(path.resolve()), "warn_cells": cells, "timezone": timezone,
        "link": link,
    }  # fmt: skip
    with refusing():
        settings = parse({"cities": [content]}, name=str(file))
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in content.items()]
    file.write_text(TEMPLATE.format(city="\n".join(lines)), "utf-8")
    say(f"{file}: {name}, {len(districts)} districts. Start with: warnsys up --settings {file}")
    tell_policy(settings.policy)


def _proposed(name: str, known: KnownCells) -> tuple[str, ...]:
    """The cells of a city, by the catalogue, for districts that list none; said to the person."""
    keys = communes_named(catalogue(), name)
    if len(keys) != 1:
        several = f"{len(keys)} communes of that name ({', '.join(keys)})" if keys else "no commune of that name"
        say(f"{name}: the catalogue of warn cells has {several}; cells are those of the districts, or of --cell")
        return ()
    found = known.proposed(keys[0])
    apart = "; districts are warned apart where each has its own of them" if known.quarters(keys[0]) else ""
    say(f"{name}: warn cells for districts without their own: {known.told(found)}{apart}")
    return found


def _districts_of(city_id: str) -> Path:
    """Those that a person names, with the bundled ones to begin with; where nobody can be asked the city's bundled."""
    try:
        found = bundled(city_id)
    except GeofenceError:
        found = None
    return (
        found if found and not sys.stdin.isatty() else Path(_ask("GeoJSON of its districts", str(found or bundled())))
    )


def _refuse_unknown(districts: Iterable[District], cells: Iterable[str], known: KnownCells) -> None:
    """End the command where a cell does not exist: no warning would ever come for it."""
    each = {district.name: district.warn_cells for district in districts}
    for name, some in [*each.items(), ("--cell", frozenset(cells))]:
        for _, one in unknown_cells(some, known):
            if one.severity == "error":
                fail(f"{name}: {one}")


def _ask(question: str, default: str) -> str:
    if not sys.stdin.isatty():
        fail(f"{question}: give it as an option, or run this in a terminal; see warnsys init --help")
    return str(typer.prompt(question, default=default))

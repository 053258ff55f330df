"""`warnsys match`: who an alert would warn, by which rule, and if nobody, why not."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.markup import escape
from rich.table import Table

from geofences import bundled, load
from warnsys.cli.common import complain, out, refusing, say
from warnsys.explain import Explained, explain


def match(
    files: Annotated[list[Path], typer.Argument(help="CAP files or ZIPs.")],
    geofences: Annotated[
        Path | None, typer.Option(help="GeoJSON of districts; Solingen's where none is given.")
    ] = None,
    at: Annotated[
        datetime | None, typer.Option(help="Judge at this time (UTC) instead of the alert's own sent.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One object a line, an alert each.")] = False,
) -> None:
    """Say which districts each alert would warn, how much, by which rule, and if not, why not."""
    with refusing():
        districts = load(geofences or bundled())
    moment = at.replace(tzinfo=UTC) if at and at.tzinfo is None else at
    failed = False
    for path in files:
        try:
            for explained in explain(path, districts, moment):
                _show(explained, as_json=as_json)
        except OSError as error:
            complain(f"{path}: {error.strerror or error}")
            failed = True
    if failed:
        raise typer.Exit(2)


def _show(explained: Explained, *, as_json: bool) -> None:
    plain = explained.plain(ZoneInfo("Europe/Berlin"))
    if as_json:
        typer.echo(json.dumps(plain, ensure_ascii=False))
        return
    style = {"matched": "bold green", "rejected": "bold red"}.get(plain["outcome"], "bold yellow")
    out.print(f"[{style}]{plain['outcome']}[/] {escape(plain['identifier'])}", highlight=False, soft_wrap=True)
    say(f"  {plain['file']}: {plain['reason']}")
    for said in plain["text"]:
        say(f"  {said}")
    table = Table(box=None, padding=(0, 2))
    for head in ("District", "", "Share", "Via", "Reason"):
        table.add_column(head)
    for found, mark in [*((m, "warned") for m in plain["matches"]), *((m, "–") for m in plain["unmatched"])]:
        share = "" if found["share"] is None else f"{found['share']:.4f}"
        table.add_row(found["name"], mark, share, found["via"] or "", found["reason"])
    if table.row_count:
        out.print(table)

"""`warnsys doctor`: what is missing and what is wrong with an installation, in one table."""

import asyncio
import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from warnsys import settings as settings_module
from warnsys.cli.common import DEFAULT_SETTINGS, BrokerOption, JsonOption, SettingsOption, broker_with, out, say
from warnsys.settings import Settings, SettingsError

if TYPE_CHECKING:
    from warnsys.doctor import CheckRow

STYLES = {"ok": "green", "note": "yellow", "wrong": "bold red"}


def doctor(
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    offline: Annotated[bool, typer.Option("--offline", help="Ask neither broker nor sources.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at Python, settings, geofences, broker, sources, clock, ports and rights; exit code 1 if one is wrong."""
    rows = list(_examined(settings, broker, offline=offline))
    if as_json:
        for row in rows:
            typer.echo(json.dumps(asdict(row), ensure_ascii=False))
    else:
        out.print(_table(rows))
        count = {health: sum(row.health == health for row in rows) for health in STYLES}
        say(f"{count['wrong']} wrong, {count['note']} to note, {count['ok']} ok")
    if any(row.health == "wrong" for row in rows):
        raise typer.Exit(1)


def _examined(file: Path, broker: str | None, *, offline: bool) -> Iterator["CheckRow"]:
    from warnsys import doctor as checks

    yield from checks.of_python()
    try:
        chosen = settings_module.load(file)
        if broker is not None:
            chosen = chosen.model_copy(update={"broker": broker_with(chosen.broker, broker)})
    except SettingsError as error:
        for said in str(error).splitlines():
            yield checks.CheckRow("settings", "wrong", said, "" if "warnsys init" in said else f"mend it in {file}")
        return
    yield checks.CheckRow(
        "settings", "ok", f"{file}: {', '.join(city.name for city in chosen.cities)}, stage {chosen.stage}"
    )
    yield from checks.of_cities(chosen)
    if not offline:
        from streams.processes.checkup import of_broker

        yield from of_broker(chosen)
        yield from asyncio.run(_of_sources(chosen))
    yield from checks.of_ports(chosen)
    yield from checks.of_folders(chosen)
    yield from checks.of_operators(chosen)


async def _of_sources(settings: Settings) -> list["CheckRow"]:
    """With the machine's proxies, as the feed asks."""
    import httpx

    from warnsys import doctor as checks

    async with httpx.AsyncClient() as client:
        asked = [checks.of_source(source, client, lambda: datetime.now(UTC)) for source in settings.sources]
        found = [row for rows in await asyncio.gather(*asked) for row in rows]
    if not any(row.what == "clock" for row in found):
        said = "no server said its time, so nobody is there to compare with"
        found.append(checks.CheckRow("clock", "note", said, checks.SET_CLOCK))
    return found


def _table(rows: Iterable["CheckRow"]) -> Table:
    """Made for 80 columns, too: the remedy stands below what it mends."""
    table = Table(box=None, padding=(0, 1), expand=True)
    table.add_column(max_width=24, overflow="fold")
    table.add_column()
    table.add_column("what was found, and what to do", ratio=1, overflow="fold")
    for row in rows:
        says = Text(row.says)
        if row.remedy and row.health != "ok":
            says.append(f"\n→ {row.remedy}", style="bold")
        table.add_row(Text(row.what), Text(row.health, style=STYLES[row.health]), says)
    return table

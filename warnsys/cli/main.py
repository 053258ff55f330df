"""The command `warnsys`. Every other module leaves the terminal, signals and exit codes to this one."""

import asyncio
import json
import signal
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, NoReturn, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from benchmarks import __main__ as cli_bench
from geofences import GeofenceError, bundled, load
from geofences.authoring.names import slug
from warnsys import settings as settings_module
from warnsys.cli import archive as cli_archive
from warnsys.cli import audit as cli_audit
from warnsys.cli import canary as cli_canary
from warnsys.cli import cells as cli_cells
from warnsys.cli import check as cli_check
from warnsys.cli import dead_letters as cli_rejected
from warnsys.cli import feed as cli_feed
from warnsys.cli import geofences as cli_geofences
from warnsys.cli import replay as cli_replay
from warnsys.cli import scenario as cli_scenario
from warnsys.cli import topics as cli_topics
from warnsys.explain import Explained
from warnsys.explain import explain as explain_file
from warnsys.logs import log_to_stderr
from warnsys.renewal import Renewed
from warnsys.settings import Broker, Settings, SettingsError
from warnsys.supervisor import ENDED_TO_RENEW

app = typer.Typer(
    help="Severe-weather warnings for the districts of a city.", no_args_is_help=True, add_completion=False,
    pretty_exceptions_enable=False,
)  # fmt: skip
app.add_typer(cli_topics.app, name="topics")
app.add_typer(cli_bench.app, name="bench")
app.add_typer(cli_geofences.app, name="geofences")
app.add_typer(cli_archive.app, name="archive")
app.add_typer(cli_cells.app, name="cells")
app.add_typer(cli_scenario.app, name="scenario")
app.add_typer(cli_audit.app, name="audit")
app.add_typer(cli_rejected.app, name="rejected")
app.command()(cli_replay.replay)
app.command("serve-feed")(cli_feed.serve_feed)
app.command()(cli_check.check)
app.command()(cli_canary.canary)
out, err = Console(), Console(stderr=True)

T = TypeVar("T")
DEFAULT_SETTINGS = Path("warnsys.toml")
SettingsOption = Annotated[Path, typer.Option("--settings", help="The city's settings file.")]
BrokerOption = Annotated[
    str | None,
    typer.Option("--broker", help="kafka://host:port[,…], or embedded; instead of the settings' broker."),
]


class Channel(StrEnum):
    STELE = "stele"
    PUSH = "push"
    SMS = "sms"


@app.command()
def demo(
    headless: Annotated[bool, typer.Option("--headless", help="Play without a terminal, as fast as it goes.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write a summary (with --headless).")] = None,
    scenario: Annotated[str, typer.Option(help="Name of a bundled scenario, or a YAML file.")] = "storm",
    speed: Annotated[float, typer.Option(min=0.1, max=10_000, help="How many times as fast as the story.")] = 60,
    broker: Annotated[str, typer.Option(help="embedded, or kafka://host:port.")] = "embedded",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the pages in a browser; 0 takes a free one.")] = 8080,
) -> None:
    """Play a storm over Solingen through the whole pipeline: an exercise."""
    from streams.processes import demo as player
    from warnsys.simulation.scenario import ScenarioError
    from warnsys.simulation.scenario import load as load_scenario

    if json_file and not headless:
        _fail("--json needs --headless")
    try:
        story = load_scenario(scenario)
    except ScenarioError as error:
        _fail(str(error))
    if not headless:
        _run(player.play_live(story, broker, speed, port, out))
        return
    summary = _run(player.play_headless(story, broker, err))
    if summary is None:
        raise typer.Exit(130)
    if json_file:
        json_file.write_text(json.dumps(summary, ensure_ascii=False, indent=1) + "\n", "utf-8")
    counts = {channel: len(notices) for channel, notices in summary["notices"].items()}
    out.print(f"ÜBUNG – {story.title}: alerts {summary['alerts']}, notices {counts}", highlight=False, soft_wrap=True)


@app.command()
def init(
    city: Annotated[str | None, typer.Option(help="The city's name.")] = None,
    geofences: Annotated[
        Path | None, typer.Option(help="GeoJSON of its districts (see warnsys geofences import).")
    ] = None,
    cell: Annotated[
        list[str] | None, typer.Option(help="A warn cell of the city, nine digits; may be repeated.")
    ] = None,
    timezone: Annotated[str, typer.Option(help="Time zone of the texts.")] = "Europe/Berlin",
    link: Annotated[str, typer.Option(help="Where a push leads; {city} and {district} are put in.")] = (
        "https://example.org/warnungen/{city}/{district}"
    ),
    file: Annotated[Path, typer.Option("--out", help="The settings file to write.")] = DEFAULT_SETTINGS,
    force: Annotated[bool, typer.Option("--force", help="Write over a settings file that is there.")] = False,
) -> None:
    """Write a settings file for a city; asks for what is not given."""
    if file.exists() and not force:
        _fail(f"{file} is there already; name another with --out, or write over it with --force")
    name = city or _ask("City", "Solingen")
    path = geofences or Path(_ask("GeoJSON of its districts", str(bundled())))
    city_id = slug(name)
    with refusing():
        districts = load(path, city=city_id, warn_cells=cell or ())
    if not districts:
        _fail(f"{path}: no district has the city {city_id!r}; write it into each feature's property 'city'")
    cells = cell or sorted({each for district in districts for each in district.warn_cells})
    if cell is None and sys.stdin.isatty():
        cells = typer.prompt("Warn cells, apart by blanks", default=" ".join(cells)).split()
    content = {
        "id": city_id, "name": name, "geofences": str(path.resolve()), "warn_cells": cells, "timezone": timezone,
        "link": link,
    }  # fmt: skip
    with refusing():
        settings_module.parse({"cities": [content]}, name=str(file))
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}" for key, value in content.items()]
    file.write_text(_TEMPLATE.format(city="\n".join(lines)), "utf-8")
    out.print(f"{file}: {name}, {len(districts)} districts. Start with: warnsys up --settings {file}", highlight=False)


_TEMPLATE = """\
# Settings of warnsys. Every value of a table may also come from the environment: WARNSYS_BROKER__URL="kafka://…"

[[cities]]
{city}

[broker]
# "embedded" is for trying out only; in operation: "kafka://host:port"
url = "embedded"
partitions = 4

# Without a [[sources]] table the DWD's warnings by commune are read.

[archive]
# The DWD keeps its snapshots for two days; for replays they are kept here, in a folder beside this file.
folder = "archive"

[audit]
# What was decided and told, and why: a chain of entries that cannot be changed unseen. On a Kafka only.
folder = "audit"
"""


@app.command()
def up(
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    supervised: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run everything in one process against the live feed; on a Kafka it is started again when it ends itself."""
    from streams.processes import live
    from warnsys.supervisor import supervise

    chosen = _settings(settings, broker)
    if chosen.broker.embedded or supervised:
        _run(live.up(chosen, out))
    else:
        raise typer.Exit(supervise([sys.executable, "-m", "warnsys", *sys.argv[1:], "--supervised"]))


@app.command()
def worker(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Run the agents alone, on a Kafka."""
    from streams.processes import live

    _run(live.worker(_on_kafka(_settings(settings, broker), "worker")))


@app.command()
def feed(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Run the feeds alone, onto a Kafka."""
    from streams.processes import live

    _run(live.feed(_on_kafka(_settings(settings, broker), "feed")))


@app.command()
def web(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Serve the operators' and the public pages alone, from a Kafka."""
    from streams.processes import web as pages

    _run(pages.web(_on_kafka(_settings(settings, broker), "web")))


@app.command("hash-password")
def hash_password() -> None:
    """Ask for an operator's password, and say what to write for it under [web.operators]."""
    from warnsys.web.security import hashed

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    out.print(f'NAME = "{hashed(password)}"', markup=False, highlight=False, soft_wrap=True)


@app.command()
def tail(
    channel: Channel,
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest record.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One record a line, as it stands on the topic.")] = False,
) -> None:
    """Follow a channel's topic in readable form."""
    from streams.processes import live
    from warnsys.view import line

    chosen = _on_kafka(_settings(settings, broker), "tail")
    zone = chosen.cities[0].timezone

    def show(notice: Any) -> None:
        out.print(
            notice.model_dump_json(exclude_none=True) if as_json else line(notice, zone),
            markup=False, highlight=False, soft_wrap=True,
        )  # fmt: skip

    _run(live.tail(chosen, channel.value, show, from_start=from_start))


@app.command()
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
            for explained in explain_file(path, districts, moment):
                _show(explained, as_json=as_json)
        except OSError as error:
            err.print(f"{path}: {error.strerror or error}", style="red", markup=False, soft_wrap=True)
            failed = True
    if failed:
        raise typer.Exit(2)


def _show(explained: Explained, *, as_json: bool) -> None:
    plain = explained.plain(ZoneInfo("Europe/Berlin"))
    if as_json:
        typer.echo(json.dumps(plain, ensure_ascii=False))
        return
    style = {"matched": "bold green", "rejected": "bold red"}.get(plain["outcome"], "bold yellow")
    out.print(f"[{style}]{plain['outcome']}[/] {escape(plain['identifier'])}", highlight=False)
    out.print(f"  {plain['file']}: {plain['reason']}", markup=False, highlight=False, soft_wrap=True)
    for said in plain["text"]:
        out.print(f"  {said}", markup=False, highlight=False, soft_wrap=True)
    table = Table(box=None, padding=(0, 2))
    for head in ("District", "", "Share", "Via", "Reason"):
        table.add_column(head)
    for found, mark in [*((m, "warned") for m in plain["matches"]), *((m, "–") for m in plain["unmatched"])]:
        share = "" if found["share"] is None else f"{found['share']:.4f}"
        table.add_row(found["name"], mark, share, found["via"] or "", found["reason"])
    if table.row_count:
        out.print(table)


# -- what the commands share ----------------------------------------------------------------------------------------


def _settings(path: Path, broker: str | None) -> Settings:
    with refusing():
        chosen = settings_module.load(path)
        if broker is not None:
            chosen = chosen.model_copy(update={"broker": _broker(chosen.broker, broker)})
    log_to_stderr(chosen.log_level)
    return chosen


def _broker(broker: Broker, url: str) -> Broker:
    found = settings_module.parse(
        {"cities": [{"id": "x", "name": "x", "geofences": "x"}], "broker": {**broker.model_dump(), "url": url}},
        name="--broker",
    )
    return found.broker


def _on_kafka(settings: Settings, command: str) -> Settings:
    if settings.broker.embedded:
        _fail(f"warnsys {command} needs a Kafka: give --broker kafka://host:port; for everything in one: warnsys up")
    return settings


@contextmanager
def refusing() -> Iterator[None]:
    """Settings or geofences that cannot be used end the command with their message and exit code 2."""
    try:
        yield
    except (SettingsError, GeofenceError) as error:
        _fail(str(error))


def _run(work: Coroutine[Any, Any, T]) -> T | None:
    """Run until done, or until Ctrl-C or SIGTERM, which both end everything in order."""

    async def main() -> T:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - this is a task
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await work

    renewed: BaseException | None = None
    refused: BaseException | None = None
    try:
        with suppress(KeyboardInterrupt, asyncio.CancelledError):
            return asyncio.run(main())
    except* Renewed as group:
        renewed = group.exceptions[0]
    except* (SettingsError, GeofenceError) as refusals:
        refused = refusals
    while isinstance(refused, BaseExceptionGroup):
        refused = refused.exceptions[0]
    if refused:
        _fail(str(refused))
    if renewed:
        err.print(str(renewed), markup=False, highlight=False, soft_wrap=True)
        raise typer.Exit(ENDED_TO_RENEW)
    return None


def _ask(question: str, default: str) -> str:
    if not sys.stdin.isatty():
        _fail(f"{question}: give it as an option, or run this in a terminal; see warnsys init --help")
    return str(typer.prompt(question, default=default))


def _fail(message: str) -> NoReturn:
    err.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(2)


def main() -> None:
    app()

"""`warnsys replay …`: what a city would have been told of a storm gone by."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from warnsys.cap.document import ZONE
from warnsys.cli.common import (
    LocalOption,
    broker_with,
    complain,
    complete_stories,
    err,
    fail,
    load_settings,
    moment_of,
    out,
    refuse_taken,
    refusing,
    run,
    say,
    to_write,
)
from warnsys.cli.policy_table import tell_policy
from warnsys.disk import disk_says
from warnsys.replay.beside import side_by_side
from warnsys.replay.compare import NoticeDifference, as_lines, differences, versions_differ
from warnsys.replay.narrate import Narrator
from warnsys.replay.read import DEFAULT_SOURCE, Material, ReplayError, find
from warnsys.replay.report import Report
from warnsys.replay.run import STAGE, Arrival, Replay, ReplayEvent, settings_of
from warnsys.replay.tape import Line, Tape, read_tape
from warnsys.settings import Settings
from warnsys.simulation.scenario import ScenarioError

MOST_SHOWN = 50
MOST_ON_PAGE = 2000


def replay(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="PATH…",
            help="Folders of dated ZIPs, single ZIPs, or a scenario's name.",
            autocompletion=complete_stories,
        ),
    ],
    settings: Annotated[Path | None, typer.Option(help="Cities and policy; Solingen's where none is given.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day or time (UTC): 2027-07-14[T12:00].")] = None,
    end: Annotated[str | None, typer.Option("--to", "--until", help="Last day or time (UTC), included.")] = None,
    out: Annotated[
        Path | None, typer.Option(callback=to_write, help="Write the notices there, one JSON line each.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="With the whole records, wording and all.")] = False,
    expect: Annotated[
        Path | None, typer.Option(help="Compare with the notices of another replay; 1 if unlike.")
    ] = None,
    than: Annotated[
        Path | None, typer.Option(help="Other settings: say what these would have told otherwise; 1 if unlike.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(callback=to_write, help="Write a page to read: timeline, messages and reasons.")
    ] = None,
    local: LocalOption = False,
    tell: Annotated[bool, typer.Option("--tell", help="Print what happened, and each channel's words.")] = False,
    stage: Annotated[str, typer.Option(help="Name of the exercise.")] = STAGE,
    broker: Annotated[
        str | None, typer.Option(help="Play through a broker instead: embedded, or kafka://host:port.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1e6, help="Times as fast as it was (with --broker).")] = 60,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the pages in a browser (with --broker).")] = 8080,
) -> None:
    """Play a storm again at its own time, offline or as an exercise through a broker; nobody live sees it."""
    given = load_settings(settings, broker) if settings else None
    material = material_of(paths, given, start, end, local=local)
    with refusing():
        try:
            chosen = settings_of(given, material.sources, stage)
        except ValueError as error:
            fail(str(error))
    tell_policy(chosen.policy)
    if broker:
        if out or expect or than or report or tell:
            written = "--out, --expect, --than, --report and --tell are written offline, without it"
            fail(f"--broker plays through a broker; {written}")
        _through_broker(chosen, broker, material, speed, port)
        return
    if expect and than:
        fail("compare with one thing at a time: --expect FILE, or --than SETTINGS")
    before = _told_with(than, material, stage) if than else None
    play_offline(
        chosen, material, out=out, full=full or than is not None, expect=expect, before=before, report=report, tell=tell
    )


def material_of(
    paths: list[str], settings: Settings | None, start: str | None, end: str | None, *, local: bool = False
) -> Material:
    """What is to be replayed, or the end of the command with a sentence."""
    sources = [source.name for source in settings.sources] if settings else [DEFAULT_SOURCE]
    zone: tzinfo = (settings.cities[0].timezone if settings else ZONE) if local else UTC
    try:
        material = find(paths, sources)
        if start or end:
            material = material.between(moment_of(start, last=False, zone=zone), moment_of(end, last=True, zone=zone))
    except (ReplayError, ScenarioError) as error:
        fail(str(error))
    except OSError as error:
        fail(disk_says(error, " ".join(paths)))
    return material


def play_offline(
    settings: Settings,
    material: Material,
    *,
    out: Path | None = None,
    full: bool = False,
    expect: Path | None = None,
    before: "Told | None" = None,
    report: Path | None = None,
    tell: bool = False,
) -> None:
    """Through the pure functions; writes and compares what is asked for. Ends with 1 where it is not as expected."""
    before = _read_expected(expect) if expect else before
    lines: list[str] = []
    with refusing():
        player = Replay(settings, lambda event: hear(event))
    header = player.header(material)
    tape = Tape(header, lines.append, full=full)
    page = Report(header, settings.policy) if report else None
    counts = {"snapshots": 0, "refused": 0}
    narrator = Narrator(header["cities"], say) if tell else None
    with ExitStack() as stack:
        bar = stack.enter_context(Progress(console=err, transient=True, disable=tell))
        task = bar.add_task(f"Replay – {material.title}", total=len(material.shots))

        def hear(event: ReplayEvent) -> None:
            for hears in (tape, page, narrator):
                if hears:
                    hears(event)
            if isinstance(event, Arrival):
                counts["refused" if event.error else "snapshots"] += 1
                bar.advance(task)
                if event.error:
                    complain(f"{event.shot.name}: {event.error}")

        player.play(material)
    tape.close()
    if narrator:
        narrator.close()
    if out:
        out.write_text("".join(lines), "utf-8")
    found = differences(before.lines, read_tape("".join(lines))[1]) if before else []
    if report and page:
        comparison = side_by_side(before.name, before.header, header, found[:MOST_ON_PAGE]) if before else None
        report.write_text(page.html(comparison), "utf-8")
    told = len(lines) - 1
    say(f"{material.title}: {counts['snapshots']} snapshots, {counts['refused']} refused, {told} notices")
    if before:
        _compare(before, header, found)


@dataclass(frozen=True, slots=True)
class Told:
    """What another replay told."""

    name: str
    header: Line
    lines: list[Line]


def _told_with(settings: Path, material: Material, stage: str) -> Told:
    """By other settings, of the same material."""
    with refusing():
        chosen = settings_of(load_settings(settings), material.sources, stage)
        player = Replay(chosen, lambda event: tape(event))
    lines: list[str] = []
    tape = Tape(player.header(material), lines.append, full=True)
    player.play(material)
    tape.close()
    return Told(str(settings), *read_tape("".join(lines)))


def _compare(before: Told, header: Line, found: list[NoticeDifference]) -> None:
    for said in versions_differ(before.header, header) if found else ():
        say(said)
    for line in as_lines(found[:MOST_SHOWN], header):
        say(line)
    if len(found) > MOST_SHOWN:
        say(f"… and {len(found) - MOST_SHOWN} more")
    say(f"{len(found)} difference{'s' if len(found) > 1 else ''}" if found else "as expected")
    if found:
        raise typer.Exit(1)


def _read_expected(path: Path) -> Told:
    try:
        return Told(path.name, *read_tape(path.read_text("utf-8")))
    except OSError as error:
        fail(f"{disk_says(error, path)}, or write it first with: warnsys replay … --out {path}")
    except ValueError as error:
        fail(f"{path}: {error}; take a file that this command wrote: warnsys replay … --out FILE")


def _through_broker(settings: Settings, broker: str, material: Material, speed: float, port: int) -> None:
    from streams.processes import replay as player

    refuse_taken(port)
    chosen = settings.model_copy(update={"broker": broker_with(settings.broker, broker)})
    run(player.play(chosen, material, speed, port, out))

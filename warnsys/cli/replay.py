"""`warnsys replay …`: what a city would have been told of a storm gone by."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from warnsys.cli.common import broker_with, complain, err, fail, load_settings, moment_of, out, refusing, run, say
from warnsys.replay.compare import as_lines, differences, versions_differ
from warnsys.replay.read import DEFAULT_SOURCE, Material, ReplayError, find
from warnsys.replay.report import Report
from warnsys.replay.run import STAGE, Arrival, Replay, ReplayEvent, settings_of
from warnsys.replay.tape import Tape, read_tape
from warnsys.settings import Settings
from warnsys.simulation.scenario import ScenarioError

MOST_SHOWN = 50


def replay(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH…", help="Folders of dated ZIPs, single ZIPs, or a scenario's name.")
    ],
    settings: Annotated[Path | None, typer.Option(help="Cities and policy; Solingen's where none is given.")] = None,
    start: Annotated[str | None, typer.Option("--from", help="First day or time (UTC): 2027-07-14[T12:00].")] = None,
    end: Annotated[str | None, typer.Option("--to", "--until", help="Last day or time (UTC), included.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the notices there, one JSON line each.")] = None,
    full: Annotated[bool, typer.Option("--full", help="With the whole records, wording and all.")] = False,
    expect: Annotated[
        Path | None, typer.Option(help="Compare with the notices of another replay; 1 if unlike.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write a page to read: timeline, messages and reasons.")] = None,
    stage: Annotated[str, typer.Option(help="Name of the exercise.")] = STAGE,
    broker: Annotated[
        str | None, typer.Option(help="Play through a broker instead: embedded, or kafka://host:port.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, max=1e6, help="Times as fast as it was (with --broker).")] = 60,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Of the pages in a browser (with --broker).")] = 8080,
) -> None:
    """Play a storm again at its own time, offline or as an exercise through a broker; nobody live sees it."""
    given = load_settings(settings, broker) if settings else None
    material = material_of(paths, given, start, end)
    with refusing():
        try:
            chosen = settings_of(given, material.sources, stage)
        except ValueError as error:
            fail(str(error))
    if broker:
        if out or expect or report:
            fail("--broker plays through a broker; --out, --expect and --report are written offline, without it")
        _through_broker(chosen, broker, material, speed, port)
        return
    play_offline(chosen, material, out=out, full=full, expect=expect, report=report)


def material_of(paths: list[str], settings: Settings | None, start: str | None, end: str | None) -> Material:
    """What is to be replayed, or the end of the command with a sentence."""
    sources = [source.name for source in settings.sources] if settings else [DEFAULT_SOURCE]
    try:
        material = find(paths, sources)
        if start or end:
            material = material.between(moment_of(start, last=False), moment_of(end, last=True))
    except (ReplayError, ScenarioError) as error:
        fail(str(error))
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}")
    return material


def play_offline(
    settings: Settings,
    material: Material,
    *,
    out: Path | None = None,
    full: bool = False,
    expect: Path | None = None,
    report: Path | None = None,
) -> None:
    """Through the pure functions; writes and compares what is asked for. Ends with 1 where it is not as expected."""
    before = _read_expected(expect) if expect else None
    lines: list[str] = []
    with refusing():
        player = Replay(settings, lambda event: hear(event))
    header = player.header(material)
    tape = Tape(header, lines.append, full=full)
    page = Report(header, settings.policy) if report else None
    counts = {"snapshots": 0, "refused": 0}
    with ExitStack() as stack:
        bar = stack.enter_context(Progress(console=err, transient=True))
        task = bar.add_task(f"Replay – {material.title}", total=len(material.shots))

        def hear(event: ReplayEvent) -> None:
            tape(event)
            if page:
                page(event)
            if isinstance(event, Arrival):
                counts["refused" if event.error else "snapshots"] += 1
                bar.advance(task)
                if event.error:
                    complain(f"{event.shot.name}: {event.error}")

        player.play(material)
    tape.close()
    if out:
        _write(out, "".join(lines))
    if report and page:
        _write(report, page.html())
    told = len(lines) - 1
    say(f"{material.title}: {counts['snapshots']} snapshots, {counts['refused']} refused, {told} notices")
    if before:
        _compare(before, read_tape("".join(lines)))


def _compare(
    before: tuple[dict[str, object], list[dict[str, object]]], after: tuple[dict[str, object], list[dict[str, object]]]
) -> None:
    found = differences(before[1], after[1])
    for said in versions_differ(before[0], after[0]) if found else ():
        say(said)
    for line in as_lines(found[:MOST_SHOWN], after[0]):
        say(line)
    if len(found) > MOST_SHOWN:
        say(f"… and {len(found) - MOST_SHOWN} more")
    say(f"{len(found)} differences" if found else "as expected")
    if found:
        raise typer.Exit(1)


def _read_expected(path: Path) -> tuple[dict[str, object], list[dict[str, object]]]:
    try:
        return read_tape(path.read_text("utf-8"))
    except OSError as error:
        fail(f"{path}: {error.strerror}; write it first with: warnsys replay … --out {path}")
    except ValueError as error:
        fail(f"{path}: {error}")


def _through_broker(settings: Settings, broker: str, material: Material, speed: float, port: int) -> None:
    from streams.processes import replay as player

    chosen = settings.model_copy(update={"broker": broker_with(settings.broker, broker)})
    run(player.play(chosen, material, speed, port, out))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        fail(f"{path}: {error.strerror}; name a file in a folder that can be written to")

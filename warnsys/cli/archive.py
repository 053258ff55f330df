"""`warnsys archive …`: what the feeds kept, for people who replay a storm or look one up."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from warnsys.archive.index import ArchivedSnapshot, Contents
from warnsys.archive.store import MB, Archive, archive_for
from warnsys.cli.common import (
    DEFAULT_SETTINGS,
    FolderOption,
    FromOption,
    JsonOption,
    LocalOption,
    SettingsOption,
    fail,
    load_settings,
    moment_of,
    out,
    refusing,
    say,
)
from warnsys.disk import disk_says
from warnsys.feeds.names import file_name
from warnsys.settings import Settings

app = typer.Typer(help="The snapshots that were kept: list, show, verify, prune, export.", no_args_is_help=True)
ToOption = Annotated[str | None, typer.Option("--to", help="Last day or time (UTC), included.")]
SourceOption = Annotated[str | None, typer.Option(help="Name of the source, where there are several.")]
CityOption = Annotated[str | None, typer.Option(help="Id of a city: only what touches it.")]
LevelOption = Annotated[int, typer.Option(min=0, max=4, help="Only from this level on: 1 to 4 (with --city, there).")]


@app.command("list")
def list_kept(
    settings: SettingsOption = DEFAULT_SETTINGS,
    folder: FolderOption = None,
    start: FromOption = None,
    end: ToOption = None,
    local: LocalOption = False,
    source: SourceOption = None,
    city: CityOption = None,
    level: LevelOption = 0,
    as_json: JsonOption = False,
) -> None:
    """The snapshots by their stamps: how many messages, when these were sent, the worst level, the cities touched."""
    archive, chosen = _open(settings, folder)
    found = _select(archive, chosen, start, end, source, city, level, local=local)
    if as_json:
        for one in found:
            typer.echo(json.dumps(_plain(archive, one), ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 1))
    for head in ("stamp (UTC)", "source", "messages", "sent (UTC)", "level", "cities"):
        table.add_column(head, no_wrap=head != "cities")
    for one in found:
        held = one.contents
        bad = f" ({held.unreadable} bad)" if held.unreadable else ""
        cities = ", ".join(f"{name} {worst}" for name, worst in held.cities.items())
        table.add_row(
            _clock(one.stamp), one.source, f"{len(held.ids)}{bad}", _range(held), str(held.worst or "–"), cities
        )  # fmt: skip
    out.print(table)
    days = len({one.stamp.date() for one in found})
    size = sum({one.sha256: one.contents.bytes for one in found}.values()) / MB
    say(f"{len(found)} snapshots of {days} days, {size:.1f} MB")


@app.command()
def show(
    stamp: Annotated[str, typer.Argument(help="A time (UTC): the snapshot that held then.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
    folder: FolderOption = None,
    source: SourceOption = None,
    local: LocalOption = False,
) -> None:
    """The snapshot that a source had at a time: its file, and what each message in it is decided to be."""
    from warnsys.cap import read_bundle
    from warnsys.records import AlertHeaders

    archive, chosen = _open(settings, folder)
    found = _select(archive, chosen, None, stamp, source, None, 0, local=local)
    if not found:
        fail(f"{archive.folder}: nothing was kept up to {stamp}; see: warnsys archive list")
    one = found[-1]
    path = archive.path((one.source, one.stamp, one.sha256))
    say(f"{_clock(one.stamp)} {one.source}")
    say(str(path))
    with _disk(archive):
        members = read_bundle(path.read_bytes())
    for member in members:
        headers = AlertHeaders(stage="live", source=one.source, id=member.stem, seen=one.stamp)
        decision = archive.matcher.decide_bytes(member.body, headers)
        headline = decision.alert.infos[0].headline if decision.alert and decision.alert.infos else ""
        said = f"{decision.outcome.decided:<11} {member.stem}  {headline}  [{decision.outcome.reason}]"
        say(said)


@app.command()
def verify(settings: SettingsOption = DEFAULT_SETTINGS, folder: FolderOption = None) -> None:
    """Hold the files against their names and the index against the files, mend the index; exit code 1 for a loss."""
    archive, _ = _open(settings, folder)
    with _disk(archive):
        found = archive.verify()
    styles = {"mended": "yellow", "lost": "red", "strange": "magenta"}
    for one in found:
        say(f"{one.kind}: {one.place}: {one.what}", style=styles[one.kind])
    say(f"{archive.folder}: {len(archive.files())} snapshots are whole, and in the index")
    if any(one.kind == "lost" for one in found):
        raise typer.Exit(1)


@app.command()
def prune(
    settings: SettingsOption = DEFAULT_SETTINGS,
    folder: FolderOption = None,
    keep_days: Annotated[int | None, typer.Option(min=1, help="Instead of the settings' number of days.")] = None,
    max_mb: Annotated[float | None, typer.Option(min=0, help="Instead of the settings' size.")] = None,
) -> None:
    """Remove the days that the settings' limits no longer allow; the feed does so once a day."""
    archive, chosen = _open(settings, folder)
    size = chosen.archive.max_mb if max_mb is None else max_mb
    with _disk(archive):
        removed = archive.prune(keep_days=keep_days or chosen.archive.keep_days, max_bytes=int(size * MB))
    for day in removed:
        say(f"{day}: removed")
    say(f"{len(removed)} days removed")


@app.command()
def export(
    to_folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is empty, or not there yet.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
    folder: FolderOption = None,
    start: FromOption = None,
    end: ToOption = None,
    local: LocalOption = False,
    source: SourceOption = None,
    city: CityOption = None,
    level: LevelOption = 0,
) -> None:
    """Copy snapshots into a folder as the ZIPs that DWD dates, for: warnsys replay FOLDER."""
    archive, chosen = _open(settings, folder)
    with _disk(archive):
        found = _select(archive, chosen, start, end, _one_source(archive, source), city, level, local=local)
        if to_folder.exists() and any(to_folder.iterdir()):
            fail(f"{to_folder}: there are files already; name an empty folder")
        to_folder.mkdir(parents=True, exist_ok=True)
        for one in found:
            target = to_folder / file_name(one.stamp)
            if target.exists():  # other bytes under the same stamp
                target = target.with_name(f"{target.stem}_{one.sha256[:8]}.zip")
            shutil.copyfile(archive.path((one.source, one.stamp, one.sha256)), target)
    say(f"{to_folder}: {len(found)} snapshots; play them with: warnsys replay {to_folder}")


# -- what the commands share ----------------------------------------------------------------------------------------


def _open(settings: Path, folder: Path | None) -> tuple[Archive, Settings]:
    chosen = load_settings(settings)
    if folder is not None:
        chosen = chosen.model_copy(update={"archive": chosen.archive.model_copy(update={"folder": folder})})
    with refusing():
        archive = archive_for(chosen)
    if not archive.folder.is_dir():
        says = "it comes with the first snapshot that a feed keeps; name another with --folder"
        fail(f"{archive.folder}: no such folder; {says}")
    return archive, chosen


def _select(
    archive: Archive, settings: Settings, start: str | None, end: str | None, source: str | None, city: str | None,
    level: int, *, local: bool,
) -> list[ArchivedSnapshot]:  # fmt: skip
    if city is not None and city not in (known := [one.id for one in settings.cities]):
        fail(f"--city {city}: the settings have {', '.join(known)}")
    with _disk(archive), archive.index() as index:
        zone = settings.cities[0].timezone if local else UTC
        begin, last = moment_of(start, last=False, zone=zone), moment_of(end, last=True, zone=zone)
        found = index.select(source=source, start=begin, end=last)
    return [
        one
        for one in found
        if (city is None or city in one.contents.cities)
        and (one.contents.worst if city is None else one.contents.cities[city]) >= level
    ]


def _one_source(archive: Archive, source: str | None) -> str | None:
    with archive.index() as index:
        known = index.sources()
    if source is None and len(known) > 1:
        fail(f"{archive.folder}: there are several sources; name one with --source: {', '.join(known)}")
    if source is not None and source not in known:
        fail(f"--source {source}: the archive has {', '.join(known) or 'none'}")
    return source


@contextmanager
def _disk(archive: Archive) -> Iterator[None]:
    """What the disk does not do ends the command with a sentence."""
    try:
        yield
    except sqlite3.Error as error:
        fail(f"{archive.folder}: the index cannot be read ({error}); mend it with: warnsys archive verify")
    except OSError as error:
        fail(disk_says(error, archive.folder))


def _plain(archive: Archive, one: ArchivedSnapshot) -> dict[str, Any]:
    held = one.contents
    return {
        "source": one.source,
        "stamp": one.stamp.isoformat(),
        "sha256": one.sha256,
        "file": str(archive.path((one.source, one.stamp, one.sha256))),
        "bytes": held.bytes,
        "ids": held.ids,
        "unreadable": held.unreadable,
        "sent_first": held.sent_first.isoformat() if held.sent_first else None,
        "sent_last": held.sent_last.isoformat() if held.sent_last else None,
        "worst": held.worst,
        "cities": dict(held.cities),
    }


def _range(held: Contents) -> str:
    if held.sent_first is None or held.sent_last is None:
        return "–"
    return f"{held.sent_first.astimezone(UTC):%d. %H:%M} … {held.sent_last.astimezone(UTC):%d. %H:%M}"


def _clock(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if moment else "–"

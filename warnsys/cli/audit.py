"""`warnsys audit …`: what was decided, told, held back, acknowledged and stopped, written down so that it stays."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from warnsys.audit.chain import AuditError, ChainAnchor, Entry, entries_of, verify
from warnsys.audit.entries import plain_line
from warnsys.cli.common import (
    DEFAULT_SETTINGS,
    BrokerOption,
    FolderOption,
    SettingsOption,
    fail,
    load_settings,
    on_kafka,
    refusing,
    run,
    say,
)

app = typer.Typer(help="The audit: run, verify, show.", no_args_is_help=True)


@app.command("run")
def run_audit(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Write the audit, from a Kafka; exactly one process of a stage does. `up` includes it."""
    from streams.processes import audit

    run(audit.audit(on_kafka(load_settings(settings, broker), "audit run")))


@app.command("verify")
def verify_chain(
    settings: SettingsOption = DEFAULT_SETTINGS,
    folder: FolderOption = None,
    head: Annotated[str, typer.Option(help="The newest hash as it was noted earlier: it must still be there.")] = "",
    broker: BrokerOption = None,
) -> None:
    """Hold every entry against its hash, the one before it, and the heads anchored on the broker; exit code 1 where
    something was changed."""
    place = _folder(settings, folder)
    anchors = _anchors(settings, broker)
    found = verify(place, head, anchors or ())
    for wrong in found.wrong:
        say(wrong)
    older = f", from number {found.first} on: older files are elsewhere" if found.first else ""
    say(f"{place}: {found.entries} entries{older}; the newest has the hash {found.head}")
    if anchors:
        say(f"{found.anchored} of {len(anchors)} anchors on the broker are in it")
    elif not head:
        say(
            "held against itself only: whoever wrote all of it anew is not found without an anchor on the broker, or a "
            "noted --head"
        )
    if found.wrong:
        raise typer.Exit(1)


@app.command()
def show(
    settings: SettingsOption = DEFAULT_SETTINGS,
    folder: FolderOption = None,
    what: Annotated[
        list[str] | None,
        typer.Option(
            help="decided, told, shown, removed, stopped, resumed, applied, acknowledged, rejected, gap; may repeat."
        ),
    ] = None,
    about: Annotated[str, typer.Option(help="Only entries with this in them: an id, a district, a channel.")] = "",
    start: Annotated[str, typer.Option("--from", help="From this time on (UTC): 2027-07-14[T12:00].")] = "",
    end: Annotated[str, typer.Option("--to", help="Up to this time (UTC), not included.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The entries as they stand there.")] = False,
) -> None:
    """The entries in the order in which they were written; within a topic's partition that is the topic's order."""
    try:
        for entry in _chosen(_folder(settings, folder), what or [], about, start, end):
            say(json.dumps(entry, ensure_ascii=False) if as_json else plain_line(entry))
    except AuditError as error:
        fail(str(error))


def _chosen(folder: Path, what: list[str], about: str, start: str, end: str) -> Iterator[Entry]:
    for _, entry in entries_of(folder):
        if (
            (entry["what"] in what if what else entry["what"] != "opened")
            and (not start or entry["at"] >= start)
            and (not end or entry["at"] < end)
            and (not about or about in json.dumps(entry, ensure_ascii=False))
        ):
            yield entry


def _folder(settings: Path, folder: Path | None) -> Path:
    from streams.processes import audit

    if folder is None:
        chosen = load_settings(settings)
        with refusing():
            folder = audit.folder_of(chosen)
    if not folder.is_dir():
        fail(f"{folder}: no such folder; it comes with the first entry; name another with --folder")
    return folder


def _anchors(settings: Path, broker: str | None) -> list[ChainAnchor] | None:
    """None where no Kafka is named, or none answers, which is said."""
    from aiokafka.errors import KafkaError

    from streams.processes import audit

    if broker is None and not settings.is_file():
        return None
    chosen = load_settings(settings, broker)
    if chosen.broker.embedded:
        return None
    try:
        return asyncio.run(audit.anchors(chosen))
    except (KafkaError, OSError, TimeoutError) as error:
        say(f"the anchors at {chosen.broker.url} cannot be read: {error!r}")
        return None

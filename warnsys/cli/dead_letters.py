"""`warnsys dead-letters …`: what could not be understood, and a second chance for it after a fix."""

import asyncio
import json
from collections.abc import Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.table import Table

from warnsys.cli.common import (
    DEFAULT_SETTINGS,
    BrokerOption,
    JsonOption,
    SettingsOption,
    fail,
    load_settings,
    on_kafka,
    out,
    refusing,
    say,
    to_write,
)

if TYPE_CHECKING:
    from streams.processes.dead_letters import DeadLetter, DeadLetters

app = typer.Typer(help="Rejected records: list, show, and try them again after a fix.", no_args_is_help=True)
T = TypeVar("T")
SHOWN_BYTES = 2_000


@app.command("list")
def list_cases(
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only what was not understood since.")] = False,
    as_json: JsonOption = False,
) -> None:
    """What was rejected: the same bytes are one case, however often they came; and how it was decided since."""
    found = [case for case in _cases(_rejections(settings, broker)).values() if not (open_only and case.decided)]
    if as_json:
        for case in found:
            typer.echo(json.dumps(_plain(case), ensure_ascii=False))
        return
    table = Table(box=None, padding=(0, 1))
    for head in ("case", "first (UTC)", "last (UTC)", "times", "tries", "agent", "id", "reason", "since"):
        table.add_column(head, overflow="fold", no_wrap=head not in ("id", "reason", "since"))
    for case in found:
        table.add_row(
            case.id, _clock(case.first), _clock(case.record.timestamp), str(case.times), str(len(case.history)),
            case.history[-1].agent, case.listed_id or "–", case.history[-1].reason, case.decided or "open",
        )  # fmt: skip
    out.print(table)
    waiting = sum(not case.decided for case in found)
    say(f"{len(found)} cases, {waiting} open; after a fix: warnsys dead-letters retry CASE")


@app.command()
def show(
    case: Annotated[str, typer.Argument(help="As `list` names it.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    to_file: Annotated[
        Path | None, typer.Option("--out", callback=to_write, help="Write its bytes there, for: warnsys check.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """One case: its headers, every refusal before, and its bytes as they came."""
    found = _chosen(_cases(_rejections(settings, broker)), [case])[0]
    if to_file:
        to_file.write_bytes(found.record.value)
    if as_json:
        typer.echo(json.dumps({**_plain(found), "headers": found.record.headers}, ensure_ascii=False))
        return
    for name, value in found.record.headers.items():
        if name != "history":
            say(f"{name}: {value}")
    for past in found.history:
        say(f"refused {past.at} by {past.agent}, {past.place}: {past.reason}")
    say(f"since: {found.decided or 'open'}")
    text = found.record.value[:SHOWN_BYTES].decode("utf-8", "backslashreplace")
    say(
        "\n"
        + "".join(letter if letter.isprintable() or letter == "\n" else "\N{REPLACEMENT CHARACTER}" for letter in text)
    )
    if (more := len(found.record.value) - SHOWN_BYTES) > 0:
        say(f"… and {more} bytes more; all of it with --out FILE")


@app.command()
def retry(
    cases: Annotated[list[str] | None, typer.Argument(help="As `list` names them.")] = None,
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    everything: Annotated[bool, typer.Option("--all", help="All that are open.")] = False,
    patience_s: Annotated[float, typer.Option("--wait", min=0, help="Seconds until they must be handled.")] = 30,
) -> None:
    """Send them through the agents again, judged as of now; exit code 1 where one was not understood."""
    if bool(cases) == everything:
        fail("name cases, or take all that are open with --all")
    rejections = _rejections(settings, broker)
    found = _cases(rejections)
    chosen = [case for case in found.values() if not case.decided] if everything else _chosen(found, cases or [])
    said = _retried(rejections, chosen, patience_s)
    for case, became in said.items():
        say(f"{case}: {became or f'not handled within {patience_s:g} s; does a worker run?'}")
    if any(not became or became.startswith(("rejected", "stays")) for became in said.values()):
        raise typer.Exit(1)
    say(f"{len(said)} cases went through again")


# -- what the commands share ----------------------------------------------------------------------------------------


def _rejections(settings: Path, broker: str | None) -> "DeadLetters":
    from streams.kafka import rights
    from streams.processes.dead_letters import DeadLetters

    chosen = on_kafka(load_settings(settings, broker), "dead-letters")
    with refusing():
        rights.check(chosen, "operator")
    return DeadLetters(chosen)


def _cases(rejections: "DeadLetters") -> dict[str, "DeadLetter"]:
    return _answered(rejections.cases())


def _retried(rejections: "DeadLetters", chosen: "list[DeadLetter]", patience_s: float) -> dict[str, str]:
    """What became of each; what must not go back stays."""
    stays = {case.id: f"stays out: {why}" for case in chosen if (why := rejections.why_not(case))}
    going = [case for case in chosen if case.id not in stays]
    return {**stays, **(_answered(rejections.retry(going, patience_s)) if going else {})}


def _answered(work: Coroutine[Any, Any, T]) -> T:
    """Raises nothing that a broker may say: it ends the command with a sentence."""
    from aiokafka.errors import KafkaError
    from confluent_kafka import KafkaException

    from streams.kafka.records import SendError

    try:
        return asyncio.run(work)
    except (SendError, KafkaError, KafkaException, OSError) as error:
        fail(f"broker.url: no Kafka answers as it should ({error}); see: warnsys topics check")


def _chosen(found: dict[str, "DeadLetter"], wanted: list[str]) -> "list[DeadLetter]":
    if missing := [case for case in wanted if case not in found]:
        fail(f"{', '.join(missing)}: no such case; see: warnsys dead-letters list")
    return [found[case] for case in dict.fromkeys(wanted)]


def _plain(case: "DeadLetter") -> dict[str, Any]:
    return {
        "case": case.id,
        "topic": case.topic,
        "id": case.listed_id,
        "source": case.record.headers.get("source", ""),
        "bytes": len(case.record.value),
        "first": datetime.fromtimestamp(case.first, UTC).isoformat(timespec="seconds"),
        "times": case.times,
        "decided": case.decided,
        "history": [past.plain() for past in case.history],
    }


def _clock(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%m-%d %H:%M:%S}"

"""`warnsys topics`: make the topics of a stage, hold them against what must be, show them, and say who needs what."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from warnsys.cli.common import (
    DEFAULT_SETTINGS,
    BrokerOption,
    SettingsOption,
    load_settings,
    on_kafka,
    out,
    refusing,
    say,
)
from warnsys.settings import Settings

if TYPE_CHECKING:
    from streams.kafka.admin import Admin

app = typer.Typer(help="The topics on a Kafka: make, check, show them.", no_args_is_help=True)
ListOption = Annotated[bool, typer.Option("--json", help="As one JSON list.")]


@app.command()
def create(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Make the topics that are missing; one that is there is never changed (see: warnsys topics check)."""
    chosen = on_kafka(load_settings(settings, broker), "topics")
    with refusing():
        made = _admin(chosen).create()
    for name in made:
        say(f"{name}: made")
    if not made:
        say("all topics are there; hold them against what must be with: warnsys topics check")


@app.command()
def check(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Name each difference between the broker's topics and what must be, with its remedy; exit code 1 if any."""
    chosen = on_kafka(load_settings(settings, broker), "topics")
    with refusing():
        differences = _admin(chosen).differences()
    for each in differences:
        say(str(each), style="red" if each.fatal else "yellow")
    if differences:
        raise typer.Exit(1)
    say("all topics are as they must be")


@app.command()
def describe(
    settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None, as_json: ListOption = False
) -> None:
    """Show the stage's topics as the broker has them."""
    chosen = on_kafka(load_settings(settings, broker), "topics")
    with refusing():
        found = _admin(chosen).found()
    rows = [
        {
            "topic": name,
            "partitions": topic.partitions,
            "replication": topic.replication,
            **{key: topic.config.get(key) for key in SHOWN},
        }
        for name, topic in found.items()
    ]
    if as_json:
        typer.echo(json.dumps(rows))
        return
    table = Table(box=None, padding=(0, 1))
    for head in ("topic", "partitions", "replication", *SHOWN):
        table.add_column(
            head.replace(".", " "), justify="left" if head == "topic" else "right", no_wrap=head == "topic"
        )
    for row in rows:
        table.add_row(*(_readable(key, value) for key, value in row.items()))
    out.print(table)


SHOWN = (
    "cleanup.policy", "retention.ms", "segment.ms", "max.message.bytes", "compression.type", "min.insync.replicas",
    "message.timestamp.type",
)  # fmt: skip


@app.command()
def acls(
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    as_json: ListOption = False,
    as_commands: Annotated[bool, typer.Option("--commands", help="As calls of kafka-acls.sh.")] = False,
) -> None:
    """What each process must be allowed on the broker, a user each; nothing is asked or changed there."""
    from streams.kafka import acl
    from streams.kafka.topics import topics_for

    chosen = on_kafka(load_settings(settings, broker), "topics")
    rows = [(process, rule) for process, rules in acl.rules(topics_for(chosen)).items() for rule in rules]
    if as_json:
        typer.echo(json.dumps([{"process": process, **asdict(rule)} for process, rule in rows]))
        return
    if as_commands:
        for process, rule in rows:
            typer.echo(acl.command(_bootstrap(chosen), process, rule))
        return
    table = Table(box=None, padding=(0, 1))
    for head in ("process", "resource", "name", "operations", "why"):
        table.add_column(head)
    for process, rule in rows:
        name = rule.name + ("*" if rule.prefixed else "")
        table.add_row(process, rule.resource, name, ", ".join(rule.operations), rule.why)
    out.print(table)


def _readable(key: str, value: Any) -> str:
    if value is None:
        return "–"
    if key.endswith(".ms") and value != "-1":
        return f"{int(value) / 3_600_000:g} h"
    if key.endswith(".bytes"):
        return f"{int(value) / 1_048_576:g} MiB"
    return str(value)


def _bootstrap(settings: Settings) -> str:
    return settings.broker.url.removeprefix("kafka://")


def _admin(settings: Settings) -> "Admin":
    from streams.kafka import credentials as security
    from streams.kafka.admin import Admin
    from streams.kafka.topics import topics_for

    login = security.for_librdkafka(settings.broker)
    return Admin(_bootstrap(settings), topics_for(settings), settings.broker.replication, login)

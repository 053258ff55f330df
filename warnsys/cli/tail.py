"""`warnsys tail`: a channel's notices as they come."""

from typing import Annotated

import typer

from warnsys import registry
from warnsys.cli.common import DEFAULT_SETTINGS, BrokerOption, SettingsOption, load_settings, on_kafka, run, say
from warnsys.nearest import did_you_mean
from warnsys.records import Notice
from warnsys.view import line


def _channels(incomplete: str) -> list[str]:
    return [name for name in registry.CHANNELS.names() if name.startswith(incomplete)]


def _channel(name: str) -> str:
    if name not in (names := registry.CHANNELS.names()):
        raise typer.BadParameter(f"{name!r} is no channel{did_you_mean(name, names)}; take {', '.join(names)}")
    return name


def tail(
    channel: Annotated[
        str, typer.Argument(help="Whose notices: stele, push, sms, …", callback=_channel, autocompletion=_channels)
    ],
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    from_start: Annotated[bool, typer.Option("--from-start", help="Begin with the oldest record.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One record a line, as it stands on the topic.")] = False,
) -> None:
    """Follow a channel's topic in readable form."""
    from streams.processes import live

    chosen = on_kafka(load_settings(settings, broker), "tail")
    zone = chosen.cities[0].timezone

    def show(notice: Notice) -> None:
        say(notice.model_dump_json(exclude_none=True) if as_json else line(notice, zone))

    run(live.tail(chosen, channel, show, from_start=from_start))

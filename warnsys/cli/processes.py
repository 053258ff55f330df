"""`warnsys up`, `worker`, `feed`, `web`: the processes of an operation, together or each alone."""

import sys
from typing import Annotated

import typer

from warnsys.cli.common import DEFAULT_SETTINGS, BrokerOption, SettingsOption, load_settings, on_kafka, out, run
from warnsys.cli.policy_table import tell_policy
from warnsys.supervisor import supervise


def up(
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    supervised: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run everything in one process against the live feed; on a Kafka it is started again when it ends itself."""
    from streams.processes import live

    chosen = load_settings(settings, broker)
    if not supervised:  # the process that supervises has said it
        tell_policy(chosen.policy)
    if chosen.broker.embedded or supervised:
        run(live.up(chosen, out))
    else:
        raise typer.Exit(supervise([sys.executable, "-m", "warnsys", *sys.argv[1:], "--supervised"]))


def worker(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Run the agents alone, on a Kafka."""
    from streams.processes import live

    run(live.worker(on_kafka(load_settings(settings, broker), "worker")))


def feed(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Run the feeds alone, onto a Kafka."""
    from streams.processes import live

    run(live.feed(on_kafka(load_settings(settings, broker), "feed")))


def web(settings: SettingsOption = DEFAULT_SETTINGS, broker: BrokerOption = None) -> None:
    """Serve the operators' and the public pages alone, from a Kafka."""
    from streams.processes import web as pages

    run(pages.web(on_kafka(load_settings(settings, broker), "web")))

"""`warnsys gateway NAME`: brings the notices of a channel to their receivers."""

from typing import Annotated

import typer

from warnsys.cli.common import DEFAULT_SETTINGS, BrokerOption, SettingsOption, load_settings, on_kafka, run


def gateway(
    name: Annotated[str, typer.Argument(help="Which one: [gateways.NAME] of the settings.")],
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
) -> None:
    """Bring the notices of a channel to their receivers, from a Kafka."""
    from streams.processes import gateway as process

    run(process.gateway(on_kafka(load_settings(settings, broker), "gateway"), name, settings.parent))

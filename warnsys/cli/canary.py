"""`warnsys canary`: an exercise message through the whole pipeline and back, by hand or every few minutes."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.table import Table

from warnsys.cli.common import (
    DEFAULT_SETTINGS,
    BrokerOption,
    SettingsOption,
    complain,
    load_settings,
    on_kafka,
    out,
    run,
    say,
)


def canary(
    settings: SettingsOption = DEFAULT_SETTINGS,
    broker: BrokerOption = None,
    every_s: Annotated[
        float, typer.Option("--every", min=0, help="Seconds between runs, for ever: as a service. 0: one run.")
    ] = 0,
    patience_s: Annotated[float, typer.Option("--wait", min=1, help="Seconds after which it is lost.")] = 60,
) -> None:
    """Send an exercise message the whole way and back, and tell each step's time; exit code 1 where it is lost."""
    from streams.processes import canary as bird

    chosen = on_kafka(load_settings(settings, broker), "canary")
    if every_s:
        run(bird.for_ever(chosen, every_s, patience_s))
        return
    flight = run(bird.once(chosen, patience_s))
    if flight is None:
        raise typer.Exit(130)
    if flight.missing:
        complain(f"lost: {flight.missing}")
        raise typer.Exit(1)
    table = Table(box=None, padding=(0, 2))
    for head in ("step", "after ms", "in all ms"):
        table.add_column(head, justify="left" if head == "step" else "right")
    for step, seconds in flight.steps.items():
        table.add_row(step, f"{seconds * 1000:.1f}", f"{flight.passed[step] * 1000:.1f}")
    say(f"ÜBUNG, {datetime.fromtimestamp(flight.started, UTC):%Y-%m-%d %H:%M:%S} UTC")
    out.print(table)

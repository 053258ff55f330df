"""`warnsys canary`: an exercise message through the whole pipeline and back, by hand or every few minutes."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

DEFAULT_SETTINGS = Path("warnsys.toml")


def canary(
    settings: Annotated[Path, typer.Option("--settings", help="The city's settings file.")] = DEFAULT_SETTINGS,
    broker: Annotated[
        str | None, typer.Option("--broker", help="kafka://host:port; instead of the settings' broker.")
    ] = None,
    every_s: Annotated[
        float, typer.Option("--every", min=0, help="Seconds between runs, for ever: as a service. 0: one run.")
    ] = 0,
    patience_s: Annotated[float, typer.Option("--wait", min=1, help="Seconds after which it is lost.")] = 60,
) -> None:
    """Send an exercise message the whole way and back, and tell each stage's time; exit code 1 where it is lost."""
    from streams.processes import canary as bird
    from warnsys.cli import main as cli

    chosen = cli._on_kafka(cli._settings(settings, broker), "canary")
    if every_s:
        cli._run(bird.for_ever(chosen, every_s, patience_s))
        return
    run = cli._run(bird.once(chosen, patience_s))
    if run is None:
        raise typer.Exit(130)
    if run.missing:
        cli.err.print(f"lost: {run.missing}", style="red", markup=False, highlight=False)
        raise typer.Exit(1)
    table = Table(box=None, padding=(0, 2))
    for head in ("stage", "after ms", "in all ms"):
        table.add_column(head, justify="left" if head == "stage" else "right")
    for stage, seconds in run.stages.items():
        table.add_row(stage, f"{seconds * 1000:.1f}", f"{run.passed[stage] * 1000:.1f}")
    cli.out.print(f"ÜBUNG, {datetime.fromtimestamp(run.started, UTC):%Y-%m-%d %H:%M:%S} UTC", highlight=False)
    cli.out.print(table)

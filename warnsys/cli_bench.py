"""`warnsys bench …`: how fast, beside the plain method, in one run."""

import asyncio
import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

app = typer.Typer(help="Measure, side by side with the plain method.", no_args_is_help=True)
out, err = Console(), Console(stderr=True)


@app.callback()
def bench() -> None:
    """Measure, side by side with the plain method."""


@app.command()
def pipeline(
    files: Annotated[list[Path], typer.Argument(help="CAP files; each is sent as a chain of updates.")],
    broker: Annotated[str | None, typer.Option(help="kafka://host:port; without it one is started.")] = None,
    count: Annotated[int, typer.Option(min=30, help="Messages of each file.")] = 200,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
) -> None:
    """From cap.alerts to a reader of warn.stele, and bare librdkafka over as many hops with the same bytes."""
    from streams.bench import Times, floor, ours
    from streams.kafka import LocalKafka
    from warnsys.cap import read_bundle

    def measure(bootstrap: str) -> dict[str, dict[str, Times]]:
        found = {}
        for path in files:
            content = path.read_bytes()
            body = read_bundle(content)[0].body if content.startswith(b"PK") else content
            err.print(f"{path.name}: {count} messages of {len(body)} bytes …", highlight=False)
            found[path.name] = {
                "warnsys": asyncio.run(ours(bootstrap, body, count)),
                "librdkafka": asyncio.run(floor(bootstrap, body, count)),
            }
        return found

    if broker:
        measured = measure(broker.removeprefix("kafka://"))
    else:
        with LocalKafka() as kafka:
            measured = measure(kafka.bootstrap)
    table = Table(title="cap.alerts → warn.stele, milliseconds")
    for head in ("file", "", "p50", "p90", "p99", "p50 ratio"):
        table.add_column(head, justify="left" if head in ("file", "") else "right")
    for name, runs in measured.items():
        for who, times in runs.items():
            ratio = f"{times.p50 / runs['librdkafka'].p50:.1f}"
            table.add_row(name, who, f"{times.p50}", f"{times.p90}", f"{times.p99}", ratio)
    out.print(table)
    if json_file:
        plain = {name: {who: asdict(times) for who, times in runs.items()} for name, runs in measured.items()}
        json_file.write_text(json.dumps(plain, indent=1) + "\n", "utf-8")

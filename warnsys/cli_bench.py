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
def parse(
    files: Annotated[list[Path], typer.Argument(help="CAP files; of a ZIP its largest member.")],
    rounds: Annotated[int, typer.Option(min=10, help="Readings of each file.")] = 200,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
) -> None:
    """Reading a message whole, and bare lxml building a tree of the same bytes."""
    from warnsys.bench_parse import compare
    from warnsys.cap import read_bundle

    table = Table(title="reading a message, medians in milliseconds")
    for head in ("file", "bytes", "infos", "lxml", "warnsys", "ratio"):
        table.add_column(head, justify="left" if head == "file" else "right")
    measured = {}
    for path in files:
        content = path.read_bytes()
        body = max((m.body for m in read_bundle(content)), key=len) if content.startswith(b"PK") else content
        found = measured[path.name] = compare(body, rounds)
        figures = (f"{found.lxml_ms:.2f}", f"{found.warnsys_ms:.2f}", f"{found.ratio:.2f}")
        table.add_row(path.name, str(found.size), str(found.infos), *figures)
    out.print(table)
    if json_file:
        json_file.write_text(
            json.dumps({name: asdict(one) for name, one in measured.items()}, indent=1) + "\n", "utf-8"
        )


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

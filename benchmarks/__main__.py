"""`python -m benchmarks …`: how fast, beside the plain method, in one run. Nothing of it is shipped."""

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
BAR = 20
"""Characters of the longest bar."""


@app.command()
def parse(
    files: Annotated[list[Path], typer.Argument(help="CAP files; of a ZIP its largest member.")],
    rounds: Annotated[int, typer.Option(min=10, help="Readings of each file.")] = 200,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
) -> None:
    """Reading a message whole, checking it, and bare lxml building a tree of the same bytes."""
    from benchmarks.parse import compare
    from warnsys.cap import read_bundle

    table = Table(title="reading a message, medians in milliseconds of processor time")
    for head in ("file", "bytes", "infos", "lxml", "warnsys", "ratio", "check", "check a MB"):
        table.add_column(head, justify="left" if head == "file" else "right")
    measured = {}
    for path in files:
        content = path.read_bytes()
        body = max((m.body for m in read_bundle(content)), key=len) if content.startswith(b"PK") else content
        found = measured[path.name] = compare(body, rounds)
        figures = (f"{found.lxml_ms:.2f}", f"{found.warnsys_ms:.2f}", f"{found.ratio:.2f}")
        checked = (f"{found.check_ms:.2f}", f"{found.check_ms_a_mb:.0f}")
        table.add_row(path.name, str(found.size), str(found.infos), *figures, *checked)
    out.print(table)
    if json_file:
        json_file.write_text(
            json.dumps({name: asdict(one) for name, one in measured.items()}, indent=1) + "\n", "utf-8"
        )


@app.command()
def match(
    files: Annotated[list[Path] | None, typer.Argument(help="CAP files whose outlines are matched, too.")] = None,
    communes: Annotated[Path | None, typer.Option(help="GeoJSON of real borders for the CAP files.")] = None,
    counts: Annotated[str, typer.Option(help="Numbers of fences.")] = "5,100,1000,10000,100000",
    points: Annotated[int, typer.Option(min=4, help="Points of a fence.")] = 100,
    postgis: Annotated[bool, typer.Option("--postgis", help="Also a private PostGIS, in a temporary folder.")] = False,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Draw cost over number of fences (SVG; extra gis).")] = None,
) -> None:
    """Which fences an outline covers, and how much: a plain loop, a tree with overlays, PostGIS, and ours."""
    from benchmarks.match import STEPS, measure, plot_rows

    found = measure(files or [], communes, [int(count) for count in counts.split(",")], points, postgis=postgis)
    ways = [*found.rows[0].median_us]
    table = Table(title="which fences are covered, and how much: medians in microseconds, and as ratios to ours")
    for head in ("fences", "scene", "warned", *ways, *(f"÷ {way}" for way in ways if way != "ours")):
        table.add_column(head, justify="left" if head == "scene" else "right", no_wrap=head != "scene")
    for row in found.rows:
        ours = row.median_us["ours"]
        figures = [*row.median_us.values(), *(row.median_us[way] / ours for way in ways if way != "ours")]
        scene = row.scene if row.fences == "made" else f"{row.scene} on {row.fences}"
        table.add_row(str(row.count), scene, str(row.warned), *(f"{figure:.1f}" for figure in figures))
    out.print(table)
    for built in found.built:
        out.print(f"index of {built.count} fences, {built.vertices} points: {built.seconds:.2f} s, {built.mib:.0f} MiB")
    for one in found.profiles:
        steps = ", ".join(f"{step} {getattr(one, step)[0]}/{getattr(one, step)[1]}" for step in STEPS)
        out.print(f"{one.message} ({one.size} bytes) on Solingen, p50/p99 in µs: {steps}")
    if json_file:
        json_file.write_text(json.dumps(asdict(found), indent=1) + "\n", "utf-8")
    if plot:
        plot_rows(found.rows, plot)


@app.command()
def files(
    count: Annotated[int, typer.Option(min=1, help="Number of fences.")] = 11_000,
    points: Annotated[int, typer.Option(min=4, help="Points of a fence.")] = 300,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
) -> None:
    """Reading geofences from GeoJSON and GeoPackage, and building their index: seconds and memory."""
    from benchmarks.files import measure

    table = Table(title=f"{count} fences of some {points} points")
    for head in ("step", "seconds", "peak MiB", "file MB"):
        table.add_column(head, justify="left" if head == "step" else "right")
    steps = measure(count, points)
    for step in steps:
        table.add_row(step.name, f"{step.seconds:.2f}", f"{step.peak_mib:.0f}", f"{step.file_mb:.0f}")
    out.print(table)
    if json_file:
        json_file.write_text(
            json.dumps({"count": count, "points": points, "steps": [asdict(step) for step in steps]}, indent=1) + "\n",
            "utf-8",
        )


@app.command()
def burst(
    file: Annotated[Path, typer.Argument(help="A CAP file; its message is sent many times over, each a new one.")],
    broker: Annotated[str | None, typer.Option(help="kafka://host:port; without it one is started.")] = None,
    count: Annotated[int, typer.Option(min=20, help="Messages in one ZIP.")] = 500,
    queue: Annotated[int, typer.Option(min=1, help="Minor messages before an Extreme one.")] = 5_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often; the medians are told.")] = 3,
) -> None:
    """A burst over one city, first and last notice; and an Extreme warning behind a queue of Minor ones."""
    from statistics import median

    from benchmarks.burst import burst as measure
    from benchmarks.burst import overtaking
    from tools.local_kafka import LocalKafka

    def told(bootstrap: str) -> None:
        body = file.read_bytes()
        bursts = [asyncio.run(measure(bootstrap, body, count)) for _ in range(rounds)]
        published, first, last = (
            median(getattr(one, name) for one in bursts) for name in ("published", "first_extreme", "last")
        )
        out.print(
            f"{count} at once: first Extreme push after {first * 1000:.0f} ms, all published after {published:.2f} s, "
            f"all shown after {last:.2f} s"
        )
        for many in (1, queue):
            found = [asyncio.run(overtaking(bootstrap, body, many)) for _ in range(rounds)]
            out.print(
                f"Extreme behind {median(one.queued for one in found):.0f} that wait of {many} Minor: "
                f"{median(one.seconds for one in found) * 1000:.0f} ms; the rest took "
                f"{median(one.rest for one in found):.1f} s"
            )

    if broker:
        told(broker.removeprefix("kafka://"))
    else:
        with LocalKafka() as kafka:
            told(kafka.bootstrap)


@app.command()
def scale(
    broker: Annotated[str | None, typer.Option(help="kafka://host:port; without it one is started.")] = None,
    workers: Annotated[str, typer.Option(help="Numbers of workers, each for itself.")] = "1,3",
    cities: Annotated[int, typer.Option(min=1, help="Made-up cities.")] = 200,
    districts: Annotated[int, typer.Option(min=1, help="Districts of all cities together.")] = 10_000,
    burst: Annotated[int, typer.Option(min=1, help="Messages at once.")] = 2_000,
    partitions: Annotated[int, typer.Option(min=1, help="Partitions of each topic.")] = 12,
    paced: Annotated[int, typer.Option(min=30, help="Messages at an even pace.")] = 300,
    a_second: Annotated[float, typer.Option(min=0.1, help="The pace.")] = 10.0,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
) -> None:
    """A thunderstorm day over many cities: throughput, latency, and what a killed worker costs."""
    from benchmarks.scale import scale as measure
    from tools.local_kafka import LocalKafka

    counts = [int(count) for count in workers.split(",")]

    def told(bootstrap: str) -> None:
        def say(what: str) -> None:
            err.print(what, highlight=False)

        day = measure(bootstrap, counts, cities, districts, burst, paced, say, partitions, a_second)
        found = asyncio.run(day)
        heads = ("workers", "ready s", "a second", "", "stored", "p50 ms", "p90", "p99", "longest with a kill s")
        places = f"{districts} districts of {cities} cities on {partitions} partitions"
        table = Table(title=f"{places}; a burst, then {a_second:g} messages a second")
        for head in heads:
            table.add_column(head, justify="left" if not head else "right")
        most = max(one.burst_a_second for one in found)
        for one in found:
            times, bar = one.latency, "█" * round(BAR * one.burst_a_second / most)
            figures = (f"{one.workers}", f"{one.ready_s}", f"{one.burst_a_second}", bar, f"{one.written} ×")
            table.add_row(*figures, f"{times.p50}", f"{times.p90}", f"{times.p99}", f"{one.killed_s}")
        out.print(table)
        if json_file:
            json_file.write_text(json.dumps([asdict(one) for one in found], indent=1) + "\n", "utf-8")

    if broker:
        told(broker.removeprefix("kafka://"))
    else:
        with LocalKafka() as kafka:
            told(kafka.bootstrap)


@app.command()
def pipeline(
    files: Annotated[list[Path], typer.Argument(help="CAP files; each is sent as a chain of updates.")],
    broker: Annotated[str | None, typer.Option(help="kafka://host:port; without it one is started.")] = None,
    count: Annotated[int, typer.Option(min=30, help="Messages of each file.")] = 200,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the figures.")] = None,
) -> None:
    """From cap.alerts to a reader of warn.stele, and bare librdkafka over as many hops with the same bytes."""
    from benchmarks.pipeline import Times, floor, ours, warm_up
    from tools.local_kafka import LocalKafka
    from warnsys.cap import read_bundle

    steps: dict[str, dict[str, dict[str, float]]] = {}

    def body_of(path: Path) -> bytes:
        content = path.read_bytes()
        return read_bundle(content)[0].body if content.startswith(b"PK") else content

    def measure(bootstrap: str) -> dict[str, dict[str, Times]]:
        err.print("warming up …")
        asyncio.run(warm_up(bootstrap, body_of(files[0])))
        found = {}
        for path in files:
            body = body_of(path)
            err.print(f"{path.name}: {count} messages of {len(body)} bytes …", highlight=False)
            times, steps[path.name] = asyncio.run(ours(bootstrap, body, count))
            found[path.name] = {"warnsys": times, "librdkafka": asyncio.run(floor(bootstrap, body, count))}
        return found

    if broker:
        measured = measure(broker.removeprefix("kafka://"))
    else:
        with LocalKafka() as kafka:
            measured = measure(kafka.bootstrap)
    table = Table(title="cap.alerts → warn.stele, milliseconds")
    for head in ("file", "", "p50", "p90", "p99", "p50 ratio", "p50 to p99"):
        table.add_column(head, justify="left" if head in ("file", "", "p50 to p99") else "right")
    longest = max(times.p99 for runs in measured.values() for times in runs.values())
    for name, runs in measured.items():
        for who, times in runs.items():
            ratio = f"{times.p50 / runs['librdkafka'].p50:.1f}"
            shorter, longer = (round(BAR * ms / longest) for ms in (times.p50, times.p99))
            bar = "█" * shorter + "░" * (longer - shorter)
            table.add_row(name, who, f"{times.p50}", f"{times.p90}", f"{times.p99}", ratio, bar)
    out.print(table)
    for name, by_step in steps.items():
        where = ", ".join(f"{step} {ms['p50']}" for step, ms in by_step.items())
        out.print(f"{name}, medians by step: {where}", soft_wrap=True)
    if json_file:
        plain = {name: {who: asdict(times) for who, times in runs.items()} for name, runs in measured.items()}
        json_file.write_text(json.dumps(plain, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    app(prog_name="python -m benchmarks")

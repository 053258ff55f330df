"""Writes docs/reference/matching.md and its drawing from the figures of `python -m benchmarks match` and `… files`.

python -m tools.docs.matching docs/reference/matching.md --match RUN.json --match … --files FILES.json --note "machine"
"""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.match import STEPS, Row, plot_rows

app = typer.Typer()

_WAYS = ("loop", "tree", "postgis", "ours")

_HEAD = """# What matching costs

Which fences does an outline cover by at least 1 %, and how much of each? Four ways answer, in turns, in one run, on the
same fences, and have to decide alike or the run ends:

* **loop**: shapely, one fence by one, area on the sphere;
* **tree**: shapely's STRtree, `intersection` of all that it finds, area in square degrees;
* **PostGIS**: a GiST index, `ST_Intersection`, area in square degrees, with the round trip over a local socket;
* **ours**: `GeofenceIndex.match`, from area blocks to the districts that are warned, area on the sphere (right within
  0.03 %).

Made fences are a Voronoi coverage with wavy borders of some 100 points each, neighbours sharing every vertex; real ones
are the communes of a state, matched with real DWD messages whose warn cells were taken away, so that outlines decide.
Medians in microseconds.

    python -m benchmarks match CAP-FILE… --communes COMMUNES.geojson --postgis --json RUN.json --plot DRAWING.svg
    python -m benchmarks files --count 11000 --points 300 --json FILES.json
    python -m tools.docs.matching docs/reference/matching.md --match RUN.json --files FILES.json --note "…"
"""


@app.command()
def write(
    page: Annotated[Path, typer.Argument(help="The page to write; its drawing stands beside it, as SVG.")],
    match: Annotated[list[Path], typer.Option(help="Figures of `python -m benchmarks match`, a file a run.")],
    files: Annotated[list[Path], typer.Option(help="Figures of `python -m benchmarks files`.")],
    note: Annotated[str, typer.Option(help="When and where that was.")],
) -> None:
    """Write the page."""
    runs = [json.loads(run.read_text("utf-8")) for run in match]
    drawing = page.with_suffix(".svg")
    made = {(row["count"], row["scene"]): Row(**row) for run in runs for row in run["rows"] if row["fences"] == "made"}
    plot_rows(sorted(made.values(), key=lambda row: row.count), drawing)
    lines = [_HEAD, note, "", f"![Cost over number of fences, log-log, a panel a scene]({drawing.name})", ""]
    for number, run in enumerate(runs, 1):
        lines += [f"## Run {number}", "", *_scenes(run["rows"]), "", *_messages(run["profiles"])]
    lines += ["## Reading and building", "", *_steps(files)]
    page.write_text("\n".join(lines).rstrip() + "\n", "utf-8")


def _scenes(rows: list[dict[str, Any]]) -> Iterator[str]:
    ways = [way for way in _WAYS if way in rows[0]["median_us"]]
    yield from _table(
        "fences", "outline", "warned", *(f"{way} µs" for way in ways), *(f"{way} ÷ ours" for way in ways[:-1])
    )
    for row in rows:
        took = row["median_us"]
        scene = row["scene"] if row["fences"] == "made" else f"{row['scene']}, real communes"
        ratios = (f"{took[way] / took['ours']:.1f}" for way in ways[:-1])
        yield _line(f"{row['count']:,}", scene, f"{row['warned']:,}", *(f"{took[way]:,.1f}" for way in ways), *ratios)


def _messages(profiles: list[dict[str, Any]]) -> Iterator[str]:
    if not profiles:
        return
    yield "From the bytes of a message to its matches on Solingen's districts, p50 / p99 in microseconds: *parse* reads"
    yield "all languages, *areas* makes areas of one, *decide* finds who is warned, *shares* also how much of each."
    yield ""
    yield from _table("message", "bytes", *STEPS)
    for one in profiles:
        yield _line(one["message"], f"{one['size']:,}", *("{:,} / {:,}".format(*one[step]) for step in STEPS))
    yield ""


def _steps(files: Iterable[Path]) -> Iterator[str]:
    yield from _table("fences", "points of each", "step", "seconds", "MiB at its highest", "file MB")
    for found in (json.loads(file.read_text("utf-8")) for file in files):
        for step in found["steps"]:
            figures = (step["name"], f"{step['seconds']:.2f}", f"{step['peak_mib']:.0f}", f"{step['file_mb']:.0f}")
            yield _line(f"{found['count']:,}", str(found["points"]), *figures)


def _table(*heads: str) -> Iterator[str]:
    yield _line(*heads)
    yield "|---" * len(heads) + "|"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    app()

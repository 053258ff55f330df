"""How fast the districts of an alert are found, beside what one would write first: same fences, same outlines, one run.

Each way answers which fences are covered by at least 1 %, and how much. The plain loop measures on the sphere, as we
do; tree and PostGIS measure square degrees, which is quicker and near enough to decide alike.
"""

import json
import os
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray

from benchmarks.postgis import Ask, cluster
from benchmarks.scenes import BenchScene, coverage, districts, scenes
from geofences import GeofenceIndex, bundled, load
from geofences.overlap.sphere import sphere_area
from warnsys.cap import read_alert, read_bundle
from warnsys.warning.areas import areas_of

MIN_SHARE = 0.01
_BUDGET_S = 3.0  # for one way on one scene
_TURNS, _A_TURN = 12, 8

Way = Callable[[BenchScene], set[int]]
"""The fences that a scene warns, by position."""


@dataclass(frozen=True)
class Row:
    """One scene on one set of fences: medians in microseconds by way, with how many fences were warned."""

    fences: str
    count: int
    scene: str
    warned: int
    median_us: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Built:
    """What an index costs: seconds, and MiB of memory that stay (without the fences themselves)."""

    fences: str
    count: int
    vertices: int
    seconds: float
    mib: float


@dataclass(frozen=True)
class Profile:
    """What one message costs on the bundled districts, microseconds: p50 and p99 of each step.

    `areas` makes areas of the message, `decide` says whom it warns, `shares` also how much of each it covers.
    """

    message: str
    size: int
    parse: tuple[float, float]
    areas: tuple[float, float]
    decide: tuple[float, float]
    shares: tuple[float, float]


STEPS = ("parse", "areas", "decide", "shares")


@dataclass(frozen=True)
class Measured:
    """All that one run found."""

    rows: list[Row]
    built: list[Built]
    profiles: list[Profile]


def measure(
    files: Sequence[Path], communes: Path | None, counts: Sequence[int], points: int, *, postgis: bool
) -> Measured:
    """All scenes on so many fences of so many points, and CAP messages on real borders and on Solingen.

    Raises ValueError where two ways decide differently, RuntimeError without PostGIS, `CapError`.
    """
    found = Measured([], [], [])
    messages = [(path.name, _largest(path.read_bytes())) for path in files]
    with cluster() if postgis else nullcontext() as server:

        def take(name: str, fences: NDArray[np.object_], asked: Sequence[BenchScene]) -> None:
            index, built = _build(name, fences)
            found.built.append(built)
            found.rows.extend(_compare(name, fences, index, asked, server(fences) if server else None))

        if communes:
            features = json.loads(communes.read_text())["features"]
            borders = shapely.make_valid([shapely.geometry.shape(feature["geometry"]) for feature in features])
            take(communes.stem, borders, [_real_scene(*message) for message in messages])
        for count in counts:
            take("made", coverage(count, points), scenes(count))
    solingen = GeofenceIndex(load(bundled("solingen")))
    found.profiles.extend(_profile(*message, solingen) for message in messages)
    return found


def _largest(content: bytes) -> bytes:
    return max((member.body for member in read_bundle(content)), key=len) if content.startswith(b"PK") else content


def _build(name: str, fences: NDArray[np.object_]) -> tuple[GeofenceIndex, Built]:
    """The index of fences, whose ids are their positions."""
    all_districts = list(districts(fences))
    before, start = _resident_mib(), time.perf_counter()
    index = GeofenceIndex(all_districts)
    took, grown = time.perf_counter() - start, _resident_mib() - before
    return index, Built(name, len(fences), int(shapely.get_num_coordinates(fences).sum()), took, max(grown, 0.0))


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _compare(
    name: str, fences: NDArray[np.object_], index: GeofenceIndex, asked: Iterable[BenchScene], postgis: Ask | None
) -> list[Row]:
    """Measure all ways on all scenes, taking turns. Raises ValueError where they decide differently."""
    ways: dict[str, Way] = {"loop": _loop(fences), "tree": _tree(fences), "ours": _ours(index)}
    if postgis is not None:
        ways["postgis"] = _postgis(postgis)
    rows = []
    for scene in asked:
        warned = _agreed(name, scene, fences, {way: ask(scene) for way, ask in ways.items()})
        rows.append(Row(name, len(fences), scene.name, len(warned), _medians_us(ways, scene)))
    return rows


def _loop(fences: NDArray[np.object_]) -> Way:
    sizes = [sphere_area(fence) for fence in fences]

    def ask(scene: BenchScene) -> set[int]:
        shape = scene.shape
        shares = (
            sphere_area(shapely.intersection(fence, shape)) / size for fence, size in zip(fences, sizes, strict=True)
        )
        return {number for number, share in enumerate(shares) if share >= MIN_SHARE}

    return ask


def _tree(fences: NDArray[np.object_]) -> Way:
    tree, sizes = shapely.STRtree(fences), shapely.area(fences)

    def ask(scene: BenchScene) -> set[int]:
        shape = scene.shape
        near = tree.query(shape, predicate="intersects")
        shares = shapely.area(shapely.intersection(fences[near], shape)) / sizes[near]
        return set(near[shares >= MIN_SHARE].tolist())

    return ask


def _postgis(server: Ask) -> Way:
    return lambda scene: {number for number, share in server(scene.shape) if share >= MIN_SHARE}


def _ours(index: GeofenceIndex) -> Way:
    def ask(scene: BenchScene) -> set[int]:
        return set(index.match(scene.areas, min_share=MIN_SHARE).warned_at)

    return ask


def _agreed(name: str, scene: BenchScene, fences: NDArray[np.object_], answers: Mapping[str, set[int]]) -> set[int]:
    ours = answers["ours"]
    for way, theirs in answers.items():
        for number in theirs ^ ours:
            share = sphere_area(shapely.intersection(fences[number], scene.shape)) / sphere_area(fences[number])
            if abs(share - MIN_SHARE) > MIN_SHARE / 100:
                raise ValueError(f"{name}, {scene.name}: {way} and ours differ on fence {number}, share {share:.6f}")
    return ours


def _medians_us(ways: Mapping[str, Way], scene: BenchScene) -> dict[str, float]:
    took: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(_TURNS):
        for way, ask in ways.items():
            for _ in range(_A_TURN):
                if sum(took[way]) < _BUDGET_S:
                    start = time.perf_counter()
                    ask(scene)
                    took[way].append(time.perf_counter() - start)
    return {way: round(statistics.median(times) * 1e6, 1) for way, times in took.items()}


def _real_scene(name: str, body: bytes) -> BenchScene:
    """A message's outlines, without its warn cells: so that shares decide. Raises `CapError`."""
    areas = [areas_of(info) for info in read_alert(body).infos[:1]]
    return BenchScene(name, tuple(replace(area, cells=(), floor_m=None, ceiling_m=None) for area in chain(*areas)))


def _profile(name: str, body: bytes, index: GeofenceIndex, rounds: int = 500) -> Profile:
    """From the bytes of a message to its matches, step by step. Raises `CapError`."""
    (info, *_) = read_alert(body).infos
    areas = areas_of(info)
    return Profile(
        name,
        len(body),
        parse=_p50_p99(lambda: read_alert(body), min(rounds, 100)),
        areas=_p50_p99(lambda: areas_of(info), rounds),
        decide=_p50_p99(lambda: index.match(areas).warned_at, rounds),
        shares=_p50_p99(lambda: [match.share for match in index.match(areas).concerned], rounds),
    )


def _p50_p99(step: Callable[[], object], rounds: int) -> tuple[float, float]:
    took = []
    for _ in range(rounds + 10):
        start = time.perf_counter()
        step()
        took.append(time.perf_counter() - start)
    cuts = statistics.quantiles(took[10:], n=100)
    return round(cuts[49] * 1e6, 1), round(cuts[98] * 1e6, 1)


def plot_rows(rows: Sequence[Row], file: Path) -> None:
    """Cost over number of fences, both logarithmic, one picture a scene, as SVG; needs the extra gis."""
    import matplotlib
    from matplotlib.figure import Figure

    rows = [row for row in rows if row.fences == "made"]
    names = list(dict.fromkeys(row.scene for row in rows))
    figure = Figure(figsize=(3.2 * len(names), 3.6), layout="constrained")
    axes = figure.subplots(1, len(names), sharey=True, squeeze=False)[0]
    for axis, scene in zip(axes, names, strict=True):
        here = [row for row in rows if row.scene == scene]
        for way, marker in zip(here[0].median_us, "osD^", strict=False):
            costs = [row.median_us[way] for row in here]
            axis.loglog([row.count for row in here], costs, marker=marker, markersize=4, label=way)
        axis.set(title=scene, xlabel="fences")
        axis.grid(visible=True, which="major", alpha=0.3)
    axes[0].set_ylabel("median, µs")
    axes[0].legend()
    # Text stays text, and the same figures give the same file.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "warnsys"}):
        figure.savefig(file, metadata={"Date": None})

"""How long it takes until a country's geofences can be asked: reading the file that a user has, building the index.

Each step runs in a process of its own, so that the memory it needed at its highest can be told.
"""

import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import shapely

from benchmarks.scenes import coverage, districts
from geofences import GeofenceIndex, load
from geofences.authoring.sources import needs_gis, read
from geofences.files.load import save

_Done = TypeVar("_Done")


@dataclass(frozen=True)
class Cost:
    """Seconds, and MiB by which the process grew at its highest; `file_mb` is the size of the file that was read."""

    name: str
    seconds: float
    peak_mib: float
    file_mb: float


def measure(count: int, points: int) -> list[Cost]:
    """Made fences, written as GeoJSON and GeoPackage, read, and indexed. Needs the extra gis."""
    with tempfile.TemporaryDirectory() as folder:
        fences = coverage(count, points)
        geojson, package = Path(folder, "fences.geojson"), Path(folder, "fences.gpkg")
        named = (
            replace(one, name=one.id, short_name=one.id, city="made", warn_cells=frozenset({f"8{one.id:>08}"}))
            for one in districts(fences)
        )
        save(geojson, named, description="made to measure", accuracy="none")
        ids = np.array([f"{number:06}" for number in range(count)], dtype=object)
        needs_gis("pyogrio.raw").write(
            str(package), shapely.to_wkb(fences), [ids], ["id"], geometry_type="Polygon", crs="EPSG:4326", driver="GPKG"
        )
        del fences
        return [step for work, file in ((_geojson, geojson), (_package, package)) for step in _alone(work, file)]


def _alone(work: Callable[[Path], list[Cost]], file: Path) -> list[Cost]:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(work, file).result()


def _geojson(file: Path) -> list[Cost]:
    fences, reading = _timed("read GeoJSON", file, lambda: load(file))
    _, building = _timed("build the index", file, lambda: GeofenceIndex(fences))
    return [reading, building]


def _package(file: Path) -> list[Cost]:
    return [_timed("read GeoPackage", file, lambda: read(str(file)))[1]]


def _timed(name: str, file: Path, work: Callable[[], _Done]) -> tuple[_Done, Cost]:
    before, start = _peak_mib(), time.perf_counter()
    done = work()
    took, grown = time.perf_counter() - start, _peak_mib() - before
    return done, Cost(name, round(took, 2), round(grown), round(file.stat().st_size / 1e6))


def _peak_mib() -> float:
    """Of this program alone: what `getrusage` tells begins with the memory of the process that started it."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

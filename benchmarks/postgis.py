"""PostGIS to measure against: a private cluster in a temporary folder, gone afterwards.

It needs Debian's postgresql-15 and postgresql-15-postgis-3. As root, the server runs as the user postgres.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

_BIN = Path("/usr/lib/postgresql/15/bin")
_EXTENSION = Path("/usr/share/postgresql/15/extension/postgis.control")
_ASK = """
  select number, ST_Area(ST_Intersection(outline, asked.it)) / area
  from fences, (select ST_GeomFromWKB(%b) as it) as asked
  where ST_Intersects(outline, asked.it)
"""

Ask = Callable[[BaseGeometry], list[tuple[int, float]]]
"""Number and share of the fences that an outline touches, with the round trip to the server."""


@contextmanager
def cluster() -> Iterator[Callable[[NDArray[np.object_]], Ask]]:
    """A server that takes fences and answers about them. Raises RuntimeError where PostGIS is not installed."""
    import psycopg

    if not _EXTENSION.exists() or not (_BIN / "initdb").exists():
        raise RuntimeError("no PostGIS: install Debian's postgresql-15-postgis-3, or leave --postgis out")
    with tempfile.TemporaryDirectory() as folder:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _run("initdb", "-D", f"{folder}/data", "-U", "bench", "-A", "trust", "-E", "UTF8", "--no-sync")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=1GB -c jit=off"
        _run("pg_ctl", "-D", f"{folder}/data", "-l", f"{folder}/log", "-w", "-o", options, "start")
        try:
            with psycopg.connect(f"host={folder} user=bench dbname=postgres", autocommit=True) as server:
                server.execute("create extension postgis")

                def load(fences: NDArray[np.object_]) -> Ask:
                    server.execute("drop table if exists fences")
                    server.execute("create table fences (number int, outline geometry, area float8)")
                    with server.cursor().copy("copy fences (number, outline) from stdin") as copy:
                        for number, wkb in enumerate(shapely.to_wkb(fences, hex=True)):
                            copy.write_row((number, wkb))
                    server.execute("update fences set area = ST_Area(outline)")
                    server.execute("create index on fences using gist (outline)")
                    server.execute("vacuum analyze fences")
                    return lambda outline: server.execute(_ASK, [shapely.to_wkb(outline)], prepare=True).fetchall()

                yield load
        finally:
            _run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")


def _run(program: str, *arguments: str) -> None:
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_user, str(_BIN / program), *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    if done.returncode:
        raise RuntimeError(f"{program} failed: {done.stderr.strip()}")

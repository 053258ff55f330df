"""Writes three snapshots into an archive again and again: each time the disk fails one step later.

    python -m tests.feeds.archive_writer FOLDER kill|full

A step is a call that changes something on the disk, of `os` or of SQLite. There the writing process dies, or the disk
is full and stays so. Leaves a folder a step, named by number and step.
"""

import errno
import io
import os
import signal
import sqlite3
import sys
import zipfile
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from geofences import GeofenceIndex
from tests.feeds.test_dwd import cap
from warnsys.archive.store import Archive
from warnsys.warning.matching import Matcher

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
STEPS = ("mkdir", "open", "write", "fsync", "replace", "link", "unlink", "rename")


class Disk:
    """Counts the steps, and lets one of them fail."""

    def __init__(self, fault: str, at: int) -> None:
        self.fault, self.at, self.taken = fault, at, list[str]()

    def step(self, name: str, error: Callable[[], Exception]) -> None:
        self.taken.append(name)
        if len(self.taken) < self.at:
            return
        if self.fault == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if len(self.taken) == self.at or name in ("write", "sql"):  # full it stays, for all that needs room
            raise error()


def watch(disk: Disk) -> None:
    def watched(name: str) -> Callable[..., Any]:
        call = getattr(os, name)

        def step(*arguments: Any, **more: Any) -> Any:
            if name != "open" or arguments[1] & os.O_CREAT:
                disk.step(name, lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))
            if name == "write":  # never all at once, so that a later step finds a half-written file
                return call(arguments[0], arguments[1][: len(arguments[1]) - 100 if len(arguments[1]) > 100 else None])
            return call(*arguments, **more)

        return step

    for name in STEPS:
        setattr(os, name, watched(name))

    class Watched(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if not sql.startswith(("SELECT", "PRAGMA")):
                disk.step("sql", lambda: sqlite3.OperationalError("database or disk is full"))
            return super().execute(sql, *arguments)

        def executescript(self, sql: str) -> sqlite3.Cursor:
            disk.step("sql", lambda: sqlite3.OperationalError("database or disk is full"))
            return super().executescript(sql)

        def __exit__(self, *raised: Any) -> Any:
            if not raised[0]:
                disk.step("sql", lambda: sqlite3.OperationalError("database or disk is full"))
            return super().__exit__(*raised)

    connect = sqlite3.connect
    sqlite3.connect = lambda *arguments, **more: connect(*arguments, factory=Watched, **more)  # type: ignore[assignment]


def snapshots() -> list[tuple[datetime, bytes]]:
    """Two contents; the first comes back a day later."""
    first, second = _zip({"a.xml": cap("Minor")}), _zip({"a.xml": cap("Minor"), "b.xml": cap("Severe")})
    return [(NOON, first), (NOON + timedelta(minutes=5), second), (NOON + timedelta(days=1), first)]


def _zip(members: dict[str, bytes]) -> bytes:
    """The same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as bundle:
        for name, body in members.items():
            bundle.writestr(zipfile.ZipInfo(name), body)
    return packed.getvalue()


def write(folder: Path, disk: Disk) -> None:
    archive = Archive(folder, Matcher(index=GeofenceIndex([])))
    watch(disk)
    for stamp, content in snapshots():
        with suppress(OSError, sqlite3.Error):
            archive.keep("dwd", stamp, content)


def main(folder: Path, fault: str) -> None:
    def rehearse() -> None:
        disk = Disk(fault, sys.maxsize)
        write(folder / "rehearsal", disk)
        (folder / "steps").write_text(" ".join(disk.taken))

    child(rehearse)
    steps = (folder / "steps").read_text().split()
    (folder / "steps").unlink()
    for number, name in enumerate(steps, 1):
        done = child(partial(write, folder / f"{number:02d}-{name}", Disk(fault, number)))
        assert done == (fault == "full"), f"{fault} at step {number}, {name}: the writer did not end as it should"


def child(work: Callable[[], object]) -> bool:
    """Do it in a process of its own; whether that lived to its end."""
    if process := os.fork():
        return os.waitpid(process, 0)[1] == 0
    code = 1
    try:
        work()
        code = 0
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

"""Machines whose wall clock is set wrong while their processes run; their other clocks and timeouts stay right.

`wrong_clock.c`, preloaded into each process of a machine, reads by how much from a file. Linux with a C compiler.
"""

import mmap
import os
import re
import shutil
import struct
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from tests.cap.test_bundle import packed
from tests.kafka.guard import guarding
from tests.kafka.house import House, free_port, until
from warnsys.simulation.standin import StandIn

SOURCE = Path(__file__).with_name("wrong_clock.c")
PROCESSES = ("feed", "worker-1", "worker-2", "web")
OFF = re.compile(r'^warnsys_(?:clock_off_seconds\{city="[^"]+",clock|feed_clock_off\{source)="([^"]+)"\} (\S+)$', re.M)
JAVA = '#!/bin/sh\nLD_PRELOAD="{library}" WRONG_CLOCK="{file}" exec "{java}" "$@"\n'


def library(folder: Path) -> Path:
    """What is preloaded, built; without a compiler the test is left out, except with CI=true, where it fails."""
    compiler, built = shutil.which("cc"), folder / "wrong_clock.so"
    if (compiler is None or sys.platform != "linux") and not os.environ.get("CI"):
        pytest.skip("wrong clocks need Linux and a C compiler (Debian: gcc libc6-dev)")
    assert compiler, "no cc: install a C compiler (Debian: gcc libc6-dev)"
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(built), str(SOURCE)], check=True)
    return built


class MachineClock:
    """The wall clock of a machine."""

    def __init__(self, library: Path, folder: Path, name: str) -> None:
        self._library, self._file = library, folder / f"{name}.clock"
        self._file.write_bytes(bytes(8))

    def is_off(self, seconds: int) -> None:
        """From now on, for all of its processes."""
        with self._file.open("r+b") as file, mmap.mmap(file.fileno(), 8) as off:
            off[:] = struct.pack("q", seconds)

    @property
    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": str(self._library), "WRONG_CLOCK": str(self._file)}

    def java(self, folder: Path) -> Path:
        """A JAVA_HOME on that machine."""
        home = os.environ.get("JAVA_HOME")
        java = shutil.which("java", path=str(Path(home) / "bin") if home else None)
        program = folder / "bin" / "java"
        program.parent.mkdir(parents=True)
        program.write_text(JAVA.format(library=self._library, file=self._file, java=java), "utf-8")
        program.chmod(0o755)
        return folder


@dataclass
class ClockedHouse(House):
    """A whole operation, each of whose processes is on a machine of its own."""

    clocks: dict[str, MachineClock] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)
    """Of the figures of feed and workers."""
    server_off: timedelta = timedelta(0)

    def environment(self, user: str, name: str = "") -> dict[str, str]:
        usual, machine = super().environment(user, name), name or user
        port = {"WARNSYS_METRICS__PORT": str(self.ports[machine])} if machine in self.ports else {}
        return {**usual, **port, **self.clocks[machine].environment}

    def off(self) -> dict[str, float]:
        """By clock the seconds by which workers say that it is off; by source 1 where its feed says so."""
        found: dict[str, float] = {}
        for port in self.ports.values():
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
                found |= {clock: float(seconds) for clock, seconds in OFF.findall(answer.read().decode())}
        return found

    def alarms(self, clock: str, seconds: int, within: float) -> float:
        return until(
            f"{clock} {seconds:+d} is told, not {self.off()}",
            lambda: abs(self.off().get(clock, 0) - seconds) <= abs(seconds) / 100, within,
        )  # fmt: skip

    def extreme(self, group: str) -> str:
        """Publishes an Extreme message; gives its key."""
        key = group.lower().replace("_", "-")
        self.warn(key, group)
        return key

    def server_is_off(self, seconds: int) -> None:
        """Its `Date` and the stamps of what it publishes, from now on."""
        if timedelta(seconds=seconds) != self.server_off:
            self.server_off, self._stamp = timedelta(seconds=seconds), datetime(2000, 1, 1, tzinfo=UTC)
        self.publish()

    def publish(self) -> None:
        now = datetime.now(UTC).replace(microsecond=0) + self.server_off
        self._stamp = max(self._stamp + timedelta(seconds=1), now)
        self.server.publish(self._stamp, packed(self.messages))

    def server_date(self, timestamp: float | None = None) -> str:
        """In place of the server's own."""
        at = datetime.now(UTC) if timestamp is None else datetime.fromtimestamp(timestamp, UTC)
        return format_datetime(at + self.server_off, usegmt=True)

    def districts(self) -> dict[tuple[str, str], str]:
        """What the newest record of each says."""
        return {(one["city"], one["district"]): one["status"] for one in self.read("warn.stele") if "status" in one}

    def false_clears(self, since: int) -> list[dict[str, Any]]:
        """Whatever calls a district anything but warned from that record of `warn.stele` on, and ends of a warning."""
        steles = [one for one in self.read("warn.stele")[since:] if one.get("status") != "warned"]
        return steles + [one for name in ("push", "sms") for one in self.read(f"warn.{name}") if one["kind"] == "ended"]


@contextmanager
def clocked_house(folder: Path) -> Iterator[ClockedHouse]:
    """Up and running, with a clock for each process, one for the broker, and the server's."""
    shared = library(folder)
    clocks = {name: MachineClock(shared, folder, name) for name in (*PROCESSES, "broker")}
    with pytest.MonkeyPatch.context() as patched, StandIn() as server:
        patched.setenv("JAVA_HOME", str(clocks["broker"].java(folder / "java")))
        with guarding("live") as guard:
            ports = {name: free_port() for name in PROCESSES if name != "web"}
            home = ClockedHouse(guard, folder, server, clocks=clocks, ports=ports)
            patched.setattr(BaseHTTPRequestHandler, "date_time_string", home.server_date)
            try:
                home.publish()
                home.start(*PROCESSES)
                home.up()
                yield home
            finally:
                home.close()

"""The workers of a run, as processes: each gets a name and a log, and one that ends by itself is started again.

As a supervisor would: whatever ended a worker (a kill point, the watchdog), the next one starts at once.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Self

from tests.crash.points import STRUCK

READY = "READY"
"""What a worker says once it has partitions."""
START_S = 40.0
STOP_S = 30.0
LOOK_EVERY_S = 0.1
ROOT = Path(__file__).parent.parent.parent


async def until(condition: Callable[[], bool], seconds: float) -> None:
    """Returns when it holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - what other processes do sets no event here
            await asyncio.sleep(LOOK_EVERY_S / 5)


class NotReady(RuntimeError):
    """A worker did not come up; its log is quoted."""


@dataclass(frozen=True)
class Strike:
    """What took a worker its partitions, or may have."""

    at: float
    """Seconds since 1970."""
    who: str
    how: str
    """KILL, TERM, STOP or CUT."""
    point: str = ""
    """Its name, where the worker struck itself."""


@dataclass
class Member:
    name: str
    place: int
    """In the group, from 1; a successor gets it."""
    process: subprocess.Popen[bytes]
    log: Path
    point: str
    """Where it is to strike itself, "NAME:N SIGNAL"; "" for nowhere, or when it has."""
    clock_off_s: float = 0
    """How wrong its clock is, and that of whoever follows it when it ends by itself."""
    leaving: bool = False
    """Whether it was told to end."""
    asleep: float = 0
    """Since when it has held itself stopped."""
    put_to_sleep: bool = False
    """Whether it was stopped from outside."""

    def said(self) -> list[str]:
        return self.log.with_suffix(".out").read_text("utf-8").splitlines()

    def ready(self) -> bool:
        return READY in self.said()

    def struck(self) -> Strike | None:
        """What it has done to itself."""
        for line in self.said():
            if line.startswith(STRUCK):
                point, _, how = self.point.partition(" ")
                return Strike(float(line.removeprefix(STRUCK)), self.name, how, point.partition(":")[0])
        return None

    def stopped(self) -> bool:
        """Whether SIGSTOP holds it, whoever sent it."""
        try:
            stat = Path(f"/proc/{self.process.pid}/stat").read_text("utf-8")
        except OSError:
            return False
        return stat.rpartition(")")[2].split()[0] == "T"


@dataclass
class Crew:
    """An async context: outside of it none of its processes lives."""

    settings: Path
    runner: str
    ticks: bool
    named: bool
    """Whether a successor has the name in the group of the one before it."""
    points: list[str]
    """One for a worker, one worker at a time, as long as there are any: "settle.handle:3 STOP"."""
    calm_s: float
    """How long a worker has been ready before it may come to its point."""
    sleep_s: float
    """How long a worker that stopped itself sleeps until it is woken."""
    by_way: Callable[[int], str] | None = None
    """The brokers' address by a member's place, from 0, where it is not that of the settings."""
    members: list[Member] = field(default_factory=list)
    strikes: list[Strike] = field(default_factory=list)
    own_ends: list[str] = field(default_factory=list)
    """Workers that ended though nobody had told them to, with the reason that their log ends with."""
    leave_s: list[float] = field(default_factory=list)
    outage_s: float = 0.0
    """The longest for which a broker was away."""
    """How long each SIGTERM took."""
    _started: int = 0

    async def __aenter__(self) -> Self:
        self._watching = asyncio.create_task(self._supervise())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._watching.cancel()
        for member in self.members:
            member.process.kill()
            member.process.wait()

    @property
    def struck(self) -> int:
        """How many points were reached."""
        return sum(bool(strike.point) for strike in self.strikes)

    def start(self, clock_off_s: float = 0) -> Member:
        self._started += 1
        name = f"w{self._started}"
        log = self.settings.parent / f"{name}.log"
        taken = self.points.pop(0) if self.points and not any(member.point for member in self.members) else ""
        point, _, how = taken.partition(" ")
        taken_places = {member.place for member in self.members}
        place = next(n for n in count(1) if n not in taken_places)
        command = [sys.executable, "-m", "tests.crash.worker", str(self.settings), "--name", name]
        command += ["--instance", f"place-{place}"] if self.named else []
        command += ["--bootstrap", self.by_way(place - 1)] if self.by_way else []
        command += ["--clock-off", str(clock_off_s)] if clock_off_s else []
        command += ["--runner", self.runner, *(["--ticks"] if self.ticks else [])]
        command += ["--at", point, "--signal", how, "--calm", str(self.calm_s)] if point else []
        with log.open("wb") as errors, log.with_suffix(".out").open("wb") as said:
            process = subprocess.Popen(command, cwd=ROOT, stdout=said, stderr=errors)
        member = Member(name, place, process, log, taken, clock_off_s)
        self.members.append(member)
        return member

    async def ready(self, members: Sequence[Member]) -> None:
        try:
            await until(lambda: all(m.ready() or m.process.poll() is not None for m in members), START_S)
        except TimeoutError:
            quoted = "\n".join(f"{m.name}: {_last_line(m.log)}" for m in members if not m.ready())
            raise NotReady(f"no partitions within {START_S:g} s:\n{quoted}") from None

    async def kill(self, member: Member) -> None:
        member.leaving = True
        self.strikes.append(Strike(time.time(), member.name, "KILL"))
        member.process.kill()
        await self._gone(member)

    async def terminate(self, member: Member) -> None:
        """SIGTERM, as in a rolling restart."""
        member.leaving, begun = True, time.time()
        self.strikes.append(Strike(begun, member.name, "TERM"))
        member.process.terminate()
        await self._gone(member)
        self.leave_s.append(time.time() - begun)
        unready = member.process.returncode == -signal.SIGTERM and not member.ready()  # it had not begun to listen yet
        if member.process.returncode != 0 and not unready:
            self.own_ends.append(f"{member.name} left with {member.process.returncode}: {_last_line(member.log)}")

    async def sleep(self, member: Member, seconds: float) -> None:
        member.put_to_sleep = True
        self.strikes.append(Strike(time.time(), member.name, "STOP"))
        member.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(seconds)
        member.process.send_signal(signal.SIGCONT)
        member.put_to_sleep = False

    async def _gone(self, member: Member) -> None:
        try:
            await until(lambda: member.process.poll() is not None, STOP_S)
        except TimeoutError:
            self.own_ends.append(f"{member.name} did not end within {STOP_S:g} s of the signal")
            member.process.kill()
            member.process.wait()
        self._remove(member)

    async def _supervise(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for member in list(self.members):
                if member.point and not member.put_to_sleep and member.stopped():
                    self._wake(member)
                elif not member.leaving and member.process.poll() is not None:
                    self._replace(member)
            if self.points and self.members and not any(member.point for member in self.members):
                await self.terminate(self.members[0])  # whoever slept lives on: somebody has to take the next
                self.start()

    def _wake(self, member: Member) -> None:
        member.asleep = member.asleep or time.time()
        if time.time() - member.asleep > self.sleep_s:
            self._note(member)
            os.kill(member.process.pid, signal.SIGCONT)

    def _replace(self, member: Member) -> None:
        if not (self._note(member) and member.process.returncode in (0, -signal.SIGKILL)):
            code = member.process.returncode
            self.own_ends.append(f"{member.name} ended by itself with {code}: {_last_line(member.log)}")
        self._remove(member)
        self.start(member.clock_off_s)

    def _note(self, member: Member) -> bool:
        """Whether it has struck at its point, which then is done with."""
        strike = member.struck() if member.point else None
        if strike:
            self.strikes.append(strike)
            member.point = ""
        return strike is not None

    def _remove(self, member: Member) -> None:
        """The point that it has not come to is another one's."""
        self.members.remove(member)
        if member.point:
            self.points.insert(0, member.point)


def _last_line(log: Path) -> str:
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else "(empty log)"

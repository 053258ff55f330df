"""Tries a decision in a trial process, within limits, before the worker makes it itself.

The worker does this with a record on which a worker ended before. `python -m streams.worker.trial` is the trial
process: it says that it is ready, reads the parts, and prints the number of each part that is done. A part fails if it
takes too long, takes too much memory, or ends the process. A part that raises an exception passes: the worker will meet
the same exception and charge it.
"""

import asyncio
import contextlib
import importlib
import logging
import math
import os
import pickle
import resource
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

log = logging.getLogger(__name__)
READY_WITHIN_S = 60.0
"""A trial process that is not ready after so long is given up, and nothing is tried."""
MOST_CULPRITS = 3
NOT_TRIED = "not tried"
"""The reason of a part behind `MOST_CULPRITS` others begins so."""
"""After so many parts that fail, the remaining parts are not tried and count as failed."""
LOOK_S = 0.25
"""How often the worker looks whether the trial process sleeps."""
_READY, _BEGUN, _MEMORY = "ready", "begun", "memory"


class TrialPart(NamedTuple):
    """A part of a decision, tried by itself. `name` is the city, or "" if the decision has only one part."""

    name: str
    decide: Callable[..., object]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Limits:
    """What each part of a trial may use."""

    seconds: float = 2.0
    """Processor time, because a good record needs no more of it on a busy machine."""
    asleep: float = 1.0
    """Seconds asleep without a break. A decision waits for nothing, so one that sleeps would sleep for ever."""
    longest: float = 15.0
    """Seconds in all, waiting included: the last resort where the system does not tell whether the process sleeps."""
    bytes: int = 512 * 1024 * 1024
    """Memory in addition to what the process has when it begins to try."""


class Trials:
    """Runs trials, one at a time. A spare process takes over when a decision ends the trial process."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._children: deque[asyncio.subprocess.Process] = deque()
        """The first one tries decisions, the others are spare."""
        self._ready: set[int] = set()
        """Ids of the processes that have said that they are ready."""
        self._one_by_one = asyncio.Lock()
        self._starting = asyncio.Lock()

    async def warm(self, count: int = 1) -> None:
        """Starts processes until there are `count`. A start takes two seconds. If none can start, everything passes."""
        async with self._starting:
            try:
                while len(self._children) < count:
                    self._children.append(await self._start())
            except OSError:
                log.exception("no trial process can be started, so suspect records are processed untried")

    async def tried(self, parts: Iterable[TrialPart]) -> dict[str, str]:
        """Gives, by name, why a part fails. A part that passes has no entry; parts that cannot be tried pass."""
        left, found = list(parts), dict[str, str]()
        async with self._one_by_one:
            if left:
                await self.warm(2)
            while left:
                done, why = await self._run(left)
                left = left[done:]
                if not why or not left:
                    break
                found[left.pop(0).name] = why
                if len(found) == MOST_CULPRITS:
                    found |= {part.name: f"{NOT_TRIED} after {MOST_CULPRITS} others: {why}" for part in left}
                    break
            while len(self._children) > 1:
                await self._end(self._children[-1])
        return found

    async def close(self) -> None:
        while self._children:
            await self._end(self._children[-1])

    async def _end(self, child: asyncio.subprocess.Process) -> None:
        if child in self._children:
            self._children.remove(child)
        self._ready.discard(child.pid)
        await _end(child)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.worker.trial",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def _begin(self, parts: Sequence[TrialPart]) -> asyncio.subprocess.Process | None:
        """Gives the process that has begun to try the parts; None if they cannot be tried."""
        try:
            given = pickle.dumps((self._limits, parts))
            await self.warm()
            if not self._children or (child := self._children[0]).stdin is None:
                return None
            async with asyncio.timeout(READY_WITHIN_S):
                if child.pid not in self._ready and await _line(child) != _READY:
                    raise ConnectionError("the trial process ended before it was ready")
                self._ready.add(child.pid)
                child.stdin.write(len(given).to_bytes(8) + given)
                await child.stdin.drain()
                if await _line(child) != _BEGUN:
                    raise ConnectionError("the trial process ended before it began to try")
        except Exception:
            log.exception("a suspect record cannot be tried, so it is processed untried")
            await self.close()
            return None
        return child

    async def _run(self, parts: Sequence[TrialPart]) -> tuple[int, str]:
        """Gives how many parts were done, and why the next one fails ("" if all were done)."""
        child, done, why = await self._begin(parts), 0, ""
        if child is None:
            return len(parts), ""
        try:
            while done < len(parts):
                said = await _next_line(child, self._limits)
                if said != str(done):
                    break
                done += 1
            else:
                return done, ""
            if said == _MEMORY:
                why = f"it took more than {self._limits.bytes >> 20} MiB of memory"
            else:
                async with asyncio.timeout(self._limits.longest):
                    code = await child.wait()
                why = f"it ended its process ({_how(code)})"
                if code == -signal.SIGPROF:
                    why = f"it took more than {self._limits.seconds:g} s of processor time"
        except AsleepError:
            why = f"it slept for {self._limits.asleep:g} s"
        except TimeoutError:
            why = f"it took more than {self._limits.longest:g} s"
        await self._end(child)
        await self.warm(2)
        return done, why


def _how(code: int) -> str:
    """Gives the name of the signal that ended a process, or its exit code."""
    with contextlib.suppress(ValueError):
        if code < 0:
            return signal.Signals(-code).name
    return f"exit code {code}"


class AsleepError(TimeoutError):
    """The trial process sleeps, although no decision has to wait for anything."""


async def _next_line(child: asyncio.subprocess.Process, limits: Limits) -> str:
    """Gives the next line of the process. Raises `AsleepError` if it sleeps, `TimeoutError` if it takes too long."""
    said, asleep = asyncio.create_task(_line(child)), 0.0
    try:
        async with asyncio.timeout(limits.longest):
            while not (await asyncio.wait({said}, timeout=LOOK_S))[0]:
                asleep = asleep + LOOK_S if _sleeps(child.pid) else 0.0
                if asleep >= limits.asleep:
                    raise AsleepError
            return said.result()
    finally:
        said.cancel()


def _sleeps(pid: int) -> bool:
    """Says whether a process sleeps. Says no if it runs, is ready to run, or waits for a disk."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text("ascii", "replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] == "S"


async def _line(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    return (await child.stdout.readline()).decode().strip()


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await child.wait()
    child._transport.close()  # type: ignore[attr-defined]  # else its pipes stay open for some time


# -- the other process ----------------------------------------------------------------------------------------------


def main() -> None:
    importlib.import_module("warnsys.pipeline")  # imports nearly everything that a decision needs
    say = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a decision that prints must not answer for us
    print(_READY, file=say, flush=True)
    while head := sys.stdin.buffer.read(8):
        _try(say, *pickle.loads(sys.stdin.buffer.read(int.from_bytes(head))))  # noqa: S301 - from our own parent
        signal.alarm(0)
    os._exit(0)


def _try(say: TextIO, limits: Limits, parts: Sequence[TrialPart]) -> None:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + limits.bytes, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(_BEGUN, file=say, flush=True)
    for number, part in enumerate(parts):
        signal.alarm(math.ceil(limits.longest) + 5)  # ends this process if its worker is gone
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)  # ends this process when its time is used up
        try:
            part.decide(*part.arguments)
        except Exception as error:
            if isinstance(error, MemoryError) or "bad_alloc" in str(error):
                print(_MEMORY, file=say, flush=True)
                os._exit(1)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(number, file=say, flush=True)


if __name__ == "__main__":
    from streams.worker.trial import main as as_module  # so that unpickling finds the same classes

    as_module()

"""Tries a decision in a trial process, within limits, before the worker makes it itself.

The worker does this with a suspect: a record on which a worker ended before. A decision has one part for each city. A
part fails if it takes too long, takes too much memory, or ends the process. A part that raises an exception passes: the
worker will meet the same exception and charge it.

`python -m streams.worker.trial` is the trial process. It prints that it is ready, reads parts from its input, prints
that it begins, and then prints the number of each part that is done.
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
"""After so many parts that fail, the remaining parts are not tried and count as failed."""
NOT_TRIED = "not tried"
"""The reason of a part that was not tried begins with these words."""
LOOK_S = 0.25
"""How often the worker looks whether the trial process sleeps."""
_READY, _BEGUN, _MEMORY = "ready", "begun", "memory"


class TrialPart(NamedTuple):
    """A part of a decision, which is tried by itself. `name` is the city, or "" if the decision has one part only."""

    name: str
    decide: Callable[..., object]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Limits:
    """What each part of a trial may use."""

    seconds: float = 2.0
    """Processor time. A harmless record needs no more of it on a busy machine than on an idle one."""
    asleep: float = 1.0
    """Seconds asleep without a break. A decision waits for nothing, so one that sleeps would sleep for ever."""
    longest: float = 15.0
    """Seconds in all, with waiting. This limit acts where the system does not tell whether the process sleeps."""
    bytes: int = 512 * 1024 * 1024
    """Memory in addition to what the process has when it begins to try."""


class Trials:
    """Runs trials, one at a time. When a part ends the trial process, a spare process goes on with the next part."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._children: deque[asyncio.subprocess.Process] = deque()
        """The first process tries decisions, the others are spare."""
        self._ready: set[int] = set()
        """Ids of the processes that have said that they are ready."""
        self._one_by_one = asyncio.Lock()
        self._starting = asyncio.Lock()

    async def warm(self, count: int = 1) -> None:
        """Starts processes until there are `count`. A start takes two seconds. If none can start, every part passes."""
        async with self._starting:
            try:
                while len(self._children) < count:
                    self._children.append(await self._start())
            except OSError:
                log.exception("no trial process can be started, so suspect records are processed untried")

    async def tried(self, parts: Iterable[TrialPart]) -> dict[str, str]:
        """Tries parts. Gives, by name, why a part fails; a part that passes or cannot be tried has no entry."""
        left, failed = list(parts), dict[str, str]()
        async with self._one_by_one:
            if left:
                await self.warm(2)
            while left:
                done, why = await self._run(left)
                left = left[done:]
                if not why or not left:
                    break
                failed[left.pop(0).name] = why
                if len(failed) == MOST_CULPRITS:
                    failed |= {part.name: f"{NOT_TRIED} after {MOST_CULPRITS} others: {why}" for part in left}
                    break
            while len(self._children) > 1:
                await self._end(self._children[-1])
        return failed

    async def close(self) -> None:
        """Ends all trial processes."""
        while self._children:
            await self._end(self._children[-1])

    async def _end(self, child: asyncio.subprocess.Process) -> None:
        if child in self._children:
            self._children.remove(child)
        self._ready.discard(child.pid)
        await _kill(child)

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.worker.trial",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def _begin(self, parts: Sequence[TrialPart]) -> asyncio.subprocess.Process | None:
        """Has a process begin to try parts, and gives that process. Gives None if the parts cannot be tried."""
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
        """Tries parts until one fails. Gives how many passed, and why the next one fails ("" if all passed)."""
        child, passed = await self._begin(parts), 0
        if child is None:
            return len(parts), ""
        try:
            while passed < len(parts):
                line = await _next_line(child, self._limits)
                if line != str(passed):
                    why = await self._why_ended(child, line)
                    break
                passed += 1
            else:
                return passed, ""
        except AsleepError:
            why = f"it slept for {self._limits.asleep:g} s"
        except TimeoutError:
            why = f"it took more than {self._limits.longest:g} s"
        await self._end(child)
        await self.warm(2)
        return passed, why

    async def _why_ended(self, child: asyncio.subprocess.Process, last_line: str) -> str:
        """Says why a part has ended its process. Raises `TimeoutError` if the process goes on all the same."""
        if last_line == _MEMORY:
            return f"it took more than {self._limits.bytes >> 20} MiB of memory"
        async with asyncio.timeout(self._limits.longest):
            code = await child.wait()
        if code == -signal.SIGPROF:
            return f"it took more than {self._limits.seconds:g} s of processor time"
        return f"it ended its process ({_how(code)})"


def _how(code: int) -> str:
    """Gives the name of the signal that ended a process, or its exit code."""
    with contextlib.suppress(ValueError):
        if code < 0:
            return signal.Signals(-code).name
    return f"exit code {code}"


class AsleepError(TimeoutError):
    """The trial process sleeps, although a decision has nothing to wait for."""


async def _next_line(child: asyncio.subprocess.Process, limits: Limits) -> str:
    """Gives the next line of the process. Raises `AsleepError` if it sleeps, `TimeoutError` if it takes too long."""
    line, asleep = asyncio.create_task(_line(child)), 0.0
    try:
        async with asyncio.timeout(limits.longest):
            while not (await asyncio.wait({line}, timeout=LOOK_S))[0]:
                asleep = asleep + LOOK_S if _sleeps(child.pid) else 0.0
                if asleep >= limits.asleep:
                    raise AsleepError
            return line.result()
    finally:
        line.cancel()


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


async def _kill(child: asyncio.subprocess.Process) -> None:
    """Ends a process at once, and closes its pipes."""
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await child.wait()
    child._transport.close()  # type: ignore[attr-defined]  # else the pipes stay open for some time


# -- the trial process ----------------------------------------------------------------------------------------------


def main() -> None:
    """Tries what the parent sends, until the parent closes the pipe."""
    importlib.import_module("warnsys.pipeline")  # imports nearly everything that a decision needs
    output = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a decision that prints must not answer for us
    print(_READY, file=output, flush=True)
    while head := sys.stdin.buffer.read(8):
        _try(output, *pickle.loads(sys.stdin.buffer.read(int.from_bytes(head))))  # noqa: S301 - from our own parent
        signal.alarm(0)
    os._exit(0)


def _try(output: TextIO, limits: Limits, parts: Sequence[TrialPart]) -> None:
    """Tries parts within limits, and prints what comes of it. A part that exceeds a limit ends this process."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + limits.bytes, hard))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(_BEGUN, file=output, flush=True)
    for number, part in enumerate(parts):
        signal.alarm(math.ceil(limits.longest) + 5)  # ends this process if the worker is gone
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)  # ends this process when the part has used up its time
        try:
            part.decide(*part.arguments)
        except Exception as error:
            if isinstance(error, MemoryError) or "bad_alloc" in str(error):
                print(_MEMORY, file=output, flush=True)
                os._exit(1)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(number, file=output, flush=True)


if __name__ == "__main__":
    from streams.worker.trial import main as as_module  # so that unpickling finds the same classes

    as_module()

"""Tries a decision in a process of its own, within limits, before the worker puts it into its own hands.

`python -m streams.worker.trial` is that process: it says that it is ready, reads what it is given, and names each part
that is done. An exception is no end: the worker will meet it, too, and charge it. What takes too long, or too much
memory, or ends the process, has not passed.
"""

import asyncio
import contextlib
import logging
import math
import os
import pickle
import resource
import signal
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TextIO

log = logging.getLogger(__name__)
READY_WITHIN_S = 20.0
MOST_CULPRITS = 3
_READY, _BEGUN, _MEMORY = "ready", "begun", "memory"


class TrialPart(NamedTuple):
    """A piece of a decision, to be tried by itself; `name` is "" where there is one only."""

    name: str
    decide: Callable[..., object]
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Limits:
    """What each part may take; the memory beyond what the process has."""

    seconds: float = 2.0
    """Of processor time: on a machine that is busy a good record takes no more of it."""
    longest: float = 15.0
    """On the wall, waiting included: the last resort, for what waits for ever."""
    bytes: int = 512 * 1024 * 1024


class Trials:
    """One process at a time tries one decision after the other; where one ends it, the next one begins meanwhile."""

    def __init__(self, limits: Limits = Limits()) -> None:
        self._limits = limits
        self._child: asyncio.subprocess.Process | None = None
        self._ready = False
        self._one_by_one = asyncio.Lock()
        self._starting = asyncio.Lock()

    async def warm(self) -> None:
        """Have a process ready: it takes a second to begin. Without one, everything passes."""
        async with self._starting:
            if self._child is None:
                try:
                    self._child, self._ready = await self._start(), False
                except OSError:
                    log.exception("no process to try in what a process ended with in hand")

    async def tried(self, parts: Iterable[TrialPart]) -> dict[str, str]:
        """By name the parts that do not pass, and why. What cannot be tried passes."""
        left, found = list(parts), dict[str, str]()
        async with self._one_by_one:
            while left:
                done, why = await self._run(left)
                left = left[done:]
                if not why or not left:
                    break
                found[left.pop(0).name] = why
                if len(found) == MOST_CULPRITS:
                    found |= {part.name: f"not tried after {MOST_CULPRITS} others: {why}" for part in left}
                    break
        return found

    async def close(self) -> None:
        if self._child is not None:
            await _end(self._child)
            self._child = None

    async def _start(self) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            sys.executable, "-m", "streams.worker.trial",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip

    async def _begin(self, parts: Sequence[TrialPart]) -> asyncio.subprocess.Process | None:
        """The process, which has begun with them."""
        try:
            given = pickle.dumps((self._limits, parts))
            await self.warm()
            if (child := self._child) is None or child.stdin is None:
                return None
            async with asyncio.timeout(READY_WITHIN_S):
                if not self._ready and await _line(child) != _READY:
                    raise ConnectionError("the trial ended before it was ready")
                self._ready = True
                child.stdin.write(len(given).to_bytes(8) + given)
                await child.stdin.drain()
                if await _line(child) != _BEGUN:
                    raise ConnectionError("the trial ended before it began")
        except Exception:
            log.exception("what a process ended with in hand cannot be tried")
            await self.close()
            return None
        return child

    async def _run(self, parts: Sequence[TrialPart]) -> tuple[int, str]:
        """How many of them were done, and why no more."""
        child, done, why = await self._begin(parts), 0, ""
        if child is None:
            return len(parts), ""
        try:
            while done < len(parts):
                async with asyncio.timeout(self._limits.longest):
                    said = await _line(child)
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
        except TimeoutError:
            why = f"it took more than {self._limits.longest:g} s"
        await self.close()
        await self.warm()
        return done, why


def _how(code: int) -> str:
    with contextlib.suppress(ValueError):
        if code < 0:
            return signal.Signals(-code).name
    return f"exit code {code}"


async def _line(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None  # noqa: S101 - it is a pipe
    return (await child.stdout.readline()).decode().strip()


async def _end(child: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        child.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await child.wait()
    child._transport.close()  # type: ignore[attr-defined]  # its pipes would be closed some time later


# -- the other process ----------------------------------------------------------------------------------------------


def main() -> None:

    say = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what is tried may print
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
        signal.alarm(math.ceil(limits.longest) + 5)  # where nobody is left to end this process
        signal.setitimer(signal.ITIMER_PROF, limits.seconds)  # ends it, whatever it is doing
        try:
            part.decide(*part.arguments)
        except Exception as error:
            if isinstance(error, MemoryError) or "bad_alloc" in str(error):
                print(_MEMORY, file=say, flush=True)
                os._exit(1)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(number, file=say, flush=True)


if __name__ == "__main__":
    from streams.worker.trial import main as as_module  # so that what is unpickled is the same class

    as_module()

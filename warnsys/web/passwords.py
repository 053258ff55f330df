"""Checking passwords: never on the way of a page, slower with each wrong one, and no officer is ever locked out.

A hash costs some 50 ms, so it is made in a thread of its own, at most so many wait for it, and a right one is
remembered for some minutes, as a wrong one is: a browser or a script that goes on with an old one costs nothing more.
Wrong ones are counted by name: from the fourth on each waits longer before it is looked at, up to four seconds. They
are counted by address, too, which has ten tries and one more every ten seconds: without one left, its passwords for a
name are looked at one after the other, four seconds each. So an operations centre behind one address, where somebody
mistypes, locks nobody out: who knows the password gets in after some of these waits, at once where he got in before.
"""

import asyncio
import hmac
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TypeVar

from starlette.exceptions import HTTPException

Key = TypeVar("Key")
Value = TypeVar("Value")
FORGIVEN, FIRST_S, LONGEST_S = 3, 0.25, 4.0
"""Wrong passwords of a name that cost nothing; the wait after them, doubled with each; and the longest."""
FORGOTTEN_S = 600.0
"""After so long without a wrong password a name begins anew."""
KEPT_S = 900.0
"""How long a right password is remembered."""
MOST_WAITING = 200
"""Hashes in the queue: ten seconds."""
MOST_KEPT = 10_000
MOST_IN_LANE = 5
"""Passwords for one name that wait at an address without tries: twenty seconds."""


@dataclass
class PasswordQueue:
    """One name at one address that has no tries left: one password at a time."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    waiting: int = 0


@dataclass
class Passwords:
    """`check` says whether a password is right; `take` and `left` are the tries of an address."""

    check: Callable[[str, str], bool]
    left: Callable[[str], bool]
    take: Callable[[str], bool]
    elapsed: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    _key: bytes = field(default_factory=lambda: os.urandom(32))
    _right: dict[bytes, float] = field(default_factory=dict)
    _refused: dict[bytes, float] = field(default_factory=dict)
    _lanes: dict[tuple[str, str], PasswordQueue] = field(default_factory=dict)
    """By address, and by what stands in the settings for the name: all unknown names share one."""
    _wrong: dict[str, tuple[int, float]] = field(default_factory=dict)
    _friends: dict[tuple[str, str], None] = field(default_factory=dict)
    """Name and address of who got in before: they pass no queue of strangers."""
    _checking: dict[bytes, "asyncio.Future[bool]"] = field(default_factory=dict)
    _waiting: int = 0
    _strangers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "passwords"))
    _known: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "passwords-known"))

    async def right(self, name: str, password: str, kept: str, client: str) -> bool:
        """Whether it is, within some seconds. Raises HTTPException 429 where too many wait already."""
        said = f"{len(name)}:{name}{len(password)}:{password}{kept}".encode("utf-8", "surrogatepass")
        digest = hmac.digest(self._key, said, "sha256")
        if self._right.get(digest, -1.0) > self.elapsed():
            return True
        if self._refused.get(digest, -1.0) > self.elapsed():
            return False
        if (running := self._checking.get(digest)) is None:  # a page asks for twelve things at once
            running = self._checking[digest] = asyncio.ensure_future(self._tried(name, password, kept, client))
            running.add_done_callback(lambda _: self._checking.pop(digest, None))
        found = await asyncio.shield(running)
        _put(self._right if found else self._refused, digest, self.elapsed() + KEPT_S)
        return found

    @asynccontextmanager
    async def _lane(self, client: str, kept: str) -> AsyncIterator[None]:
        lane = self._lanes.setdefault((client, kept), PasswordQueue())
        if lane.waiting >= MOST_IN_LANE:
            raise _too_many()
        lane.waiting += 1
        try:
            async with lane.turn:
                yield
        finally:
            lane.waiting -= 1
            if not lane.waiting:
                self._lanes.pop((client, kept), None)

    def wait_s(self, name: str, client: str) -> float:
        """How long a stranger who gives this name at this address waits."""
        if not self.left(client):
            return LONGEST_S
        wrong, at = self._wrong.get(name, (0, 0.0))
        if wrong <= FORGIVEN or self.elapsed() - at > FORGOTTEN_S:
            return 0.0
        return min(LONGEST_S, FIRST_S * float(2 ** min(wrong - FORGIVEN - 1, 10)))

    async def _tried(self, name: str, password: str, kept: str, client: str) -> bool:
        friend = (name, client) in self._friends
        if not friend and self._waiting >= MOST_WAITING:
            raise _too_many()
        self._waiting += not friend
        try:
            async with nullcontext() if friend or self.left(client) else self._lane(client, kept):
                if not friend and (wait := self.wait_s(name, client)):
                    await self.sleep(wait)
                pool = self._known if friend else self._strangers
                found = await asyncio.get_running_loop().run_in_executor(pool, self.check, password, kept)
        finally:
            self._waiting -= not friend
        if found:
            _put(self._friends, (name, client), None)
            self._wrong.pop(name, None)
        else:
            self.take(client)
            if friend and not self.left(client):
                self._friends.pop((name, client), None)
            before, at = self._wrong.get(name, (0, 0.0))
            forgotten = self.elapsed() - at > FORGOTTEN_S
            _put(self._wrong, name, (1 if forgotten else before + 1, self.elapsed()))
        return found


def _put(kept: dict[Key, Value], key: Key, value: Value) -> None:
    """As the newest; the oldest goes where there are too many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MOST_KEPT:
        del kept[next(iter(kept))]


def _too_many() -> HTTPException:
    """A new one each time: one that is raised again keeps the frames of all times before."""
    return HTTPException(429, "too many passwords tried; wait a minute", {"Retry-After": "10"})

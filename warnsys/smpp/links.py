"""Links to carriers: each comes back by itself, keeps its carrier's rate, and stands aside while its centre is ill.

`Links` sends by the first that can, in the order in which they are given; another one takes over where a message was
refused, or could not leave in time. It never sends again what may have arrived: that is the caller's to decide.
"""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from warnsys.smpp.carrier import Carrier, Mode
from warnsys.smpp.session import Declined, Incoming, NotBound, Session, Submitted, Taken, Unanswered

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 60.0
"""Between attempts to connect, and of a link that stands aside: doubled from one failure to the next."""
FAILURES = 3
"""One after the other, then a link stands aside."""
TAKE_OVER_S = 5.0
"""How long a message waits for a link's window, rate and throttling while there is another link."""
LOOK_EVERY_S = 0.2
"""While no link can send."""

Take = Callable[[str, Incoming], Awaitable[None]]
"""Stores what a carrier, by its name, sent. It is acknowledged when this returns, and comes again if this raises."""


@dataclass(frozen=True)
class World:
    """Time and chance, as tests replace them: a clock in seconds that never goes back, one that tells the date."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    chance: Callable[[], float] = random.random
    """From 0 up to 1."""


class BackOff:
    """Ever longer pauses, in seconds, each shortened by up to a half by chance: not all come back at once."""

    def __init__(self, world: World, first_s: float = FIRST_PAUSE_S, longest_s: float = LONGEST_PAUSE_S) -> None:
        self._chance, self._first_s, self._longest_s = world.chance, first_s, longest_s
        self.reset()

    def reset(self) -> None:
        self._next_s = self._first_s

    def next(self) -> float:
        pause, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        return pause * (1 - self._chance() / 2)


class Breaker:
    """Stops the use of a link after some failures in a row; after a pause one message tries, and decides."""

    def __init__(self, world: World, failures: int = FAILURES) -> None:
        self._clock, self._limit = world.clock, failures
        self._pauses = BackOff(world)
        self._failures, self._closed_until = 0, float("-inf")

    @property
    def is_open(self) -> bool:
        return self._failures >= self._limit

    def admits(self, within_s: float) -> bool:
        """Whether a message may try now. While it does, `within_s` at most, others may not where failures are many."""
        if self._clock() < self._closed_until:
            return False
        if self.is_open:
            self._closed_until = self._clock() + within_s
        return True

    def succeeded(self) -> None:
        self._failures, self._closed_until = 0, float("-inf")
        self._pauses.reset()

    def failed(self) -> None:
        self._failures += 1
        if self.is_open:
            self._closed_until = self._clock() + self._pauses.next()


class Rate:
    """Hands out turns, evenly spaced: no burst, whatever waited before."""

    def __init__(self, per_s: float, clock: Callable[[], float]) -> None:
        self._every_s, self._clock, self._next = 1 / per_s, clock, float("-inf")

    def turn(self, patience_s: float) -> float | None:
        """Takes the next turn, and tells in how many seconds it is; None, and none taken, where that is too late."""
        now = self._clock()
        at = max(now, self._next)
        if at - now > patience_s:
            return None
        self._next = at + self._every_s
        return at - now


@dataclass(frozen=True)
class Sms:
    """A text to one number. Nothing of it is sent after `valid_until`, nor delivered by a centre that heeds it."""

    to: str
    text: str
    valid_until: datetime
    reference: int
    """The caller's key, 0 to 65535: `Carrier.messages`."""


@dataclass(frozen=True)
class Attempt:
    """What became of a text at one carrier."""

    carrier: str
    ids: tuple[str, ...]
    """Of the parts that were accepted, in their order: receipts name them, whatever the outcome of the others."""
    outcome: Submitted
    """That of the last part that was tried: `Taken` where all were."""


class Link:
    """A session with one carrier that is opened again whenever it ends."""

    def __init__(
        self,
        carrier: Carrier,
        world: World | None = None,
        connect: Callable[[Carrier], Awaitable[Session]] = Session.open,
    ) -> None:
        self.carrier, self._world, self._connect = carrier, world or World(), connect
        self._session: Session | None = None
        self._rate = Rate(carrier.rate_per_s, self._world.clock)
        self.breaker = Breaker(self._world)
        self.down_because: str | None = "not connected yet"
        """Why there is no session; None while there is one."""
        self.login_refused = False
        """The carrier refuses the login: somebody has to change the settings."""

    @property
    def is_up(self) -> bool:
        return self._session is not None and self._session.is_up

    async def run(self, take: Take) -> None:
        """Keeps the link up until it is cancelled. What `take` raises ends it."""
        pauses = BackOff(self._world)
        while True:
            began = self._world.clock()
            try:
                session = await self._connect(self.carrier)
            except NotBound as error:
                self.down_because, self.login_refused = str(error), error.permanent
            else:
                self.down_because, self.login_refused = None, False
                self.down_because = await self._stay(session, take)
            log.warning("%s: %s", self.carrier.name, self.down_because)
            if self._world.clock() - began > LONGEST_PAUSE_S:  # one that is lost at once counts as a failure
                pauses.reset()
            await self._world.sleep(LONGEST_PAUSE_S if self.login_refused else pauses.next())

    async def _stay(self, session: Session, take: Take) -> str:
        self._session = session
        try:
            async for item in session.incoming():
                await take(self.carrier.name, item)
            return await session.ended()
        finally:
            self._session = None
            await session.close()

    async def send(self, sms: Sms, patience_s: float) -> Attempt:
        """Sends the parts of a text one after the other, up to the first that is not accepted. Raises `ValueError`."""
        ids: list[str] = []
        outcome: Submitted = Declined(None, False, "no parts")
        for message in self.carrier.messages(sms.to, sms.text, sms.reference):
            wait = self._rate.turn(patience_s)
            if wait is None:
                outcome = Declined(None, False, f"its turn at {self.carrier.rate_per_s:g} a second is too late")
                break
            await self._world.sleep(wait)
            session, left_s = self._session, (sms.valid_until - self._world.now()).total_seconds()
            if session is None:
                outcome = Declined(None, False, f"the link is down: {self.down_because}")
                break
            outcome = await session.submit(message, valid_s=left_s, patience_s=patience_s)
            if not isinstance(outcome, Taken):
                break
            ids.append(outcome.message_id)
        if isinstance(outcome, Unanswered) or (isinstance(outcome, Declined) and not outcome.permanent):
            self.breaker.failed()
        else:
            self.breaker.succeeded()
        return Attempt(self.carrier.name, tuple(ids), outcome)


class Links:
    """All links of a sender, the preferred one first."""

    def __init__(self, links: Sequence[Link], world: World | None = None) -> None:
        if not links:
            raise ValueError("no link at all; give at least one carrier")
        self.links, self._world = tuple(links), world or World()

    async def run(self, take: Take) -> None:
        """Keeps all links up until it is cancelled. What `take` raises ends it."""
        async with asyncio.TaskGroup() as tasks:
            for link in self.links:
                tasks.create_task(link.run(take))

    async def send(self, sms: Sms) -> tuple[Attempt, ...]:
        """All attempts, in order; the last one tells the outcome. None were made where no link was up until the end.

        A link that refuses, or lets the text wait for `TAKE_OVER_S`, is followed by the next. One whose outcome is
        unknown is not. Raises `ValueError` for a text or number that no carrier can take.
        """
        attempts: list[Attempt] = []
        waiting = [link for link in self.links if link.carrier.mode is not Mode.RECEIVER]
        while waiting and (left_s := (sms.valid_until - self._world.now()).total_seconds()) > 0:
            patience_s = min(left_s, TAKE_OVER_S) if len(waiting) > 1 else left_s
            link = next((each for each in waiting if each.is_up and each.breaker.admits(patience_s)), None)
            if link is None:
                await self._world.sleep(LOOK_EVERY_S)
                continue
            waiting.remove(link)
            attempts.append(await link.send(sms, patience_s))
            if not isinstance(attempts[-1].outcome, Declined):
                break
        return tuple(attempts)

"""The outbox of one target: what is sent next, and when. It knows no clock, no chance, no network and no store."""

import heapq
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from warnsys.delivery.gate import Gate, back_off, failed
from warnsys.delivery.notices import Precedence, ends, makes_needless, precedence, subject, valid_until
from warnsys.delivery.target import Accepted, CallResult, Unanswered
from warnsys.records import Notice

State = Literal["waiting", "sending", "accepted", "delivered", "failed", "expired", "stopped", "unknown"]
Final = Literal["accepted", "failed", "expired", "stopped", "unknown"]
NOT_ARRIVED: frozenset[State] = frozenset({"failed", "expired", "stopped"})
BACK_S = 1.0
"""Who is set back by more than this has another clock."""


@dataclass(eq=False, slots=True)
class Delivery:
    """One notice for one recipient of one target, that has yet to be sent."""

    number: int
    """In the ledger; deliveries are numbered in the order in which they were taken."""
    notice: Notice
    appended: float
    """When the broker stamped the notice, in seconds since 1970."""
    recipient: str = ""
    calls: int = 0
    doubtful: bool = False
    """Whether a call was made that nobody answered: it may have arrived."""
    due: float = 0.0
    until: float = 0.0
    precedence: Precedence = field(init=False)
    line: str = field(init=False)
    """Deliveries of one line go out one after the other."""

    def __post_init__(self) -> None:
        self.until = self.until or valid_until(self.notice).timestamp()
        self.precedence = precedence(self.notice)
        self.line = f"{subject(self.notice)}/{self.recipient}"

    def final(self, state: Final) -> Final:
        """Gives how it ends: what may have arrived is never said not to have."""
        return "unknown" if self.doubtful and state in NOT_ARRIVED else state


@dataclass(eq=False, slots=True)
class _Line:
    waiting: deque[Delivery] = field(default_factory=deque)
    """The oldest first."""
    in_flight: Delivery | None = None
    precedence: Precedence = (True, True, 0)
    """Of the worst that waits: what stands before an Extreme notice in its line is as urgent."""


class Outbox:
    """Holds what waits, and gives it out: the worst first, each line in its order, nothing that is too old.

    Whoever takes a delivery out calls the target and brings the answer back.
    """

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self._lines: dict[str, _Line] = {}
        self._ready: list[tuple[Precedence, int, str]] = []
        self._later: list[tuple[float, str]] = []
        self._ends: list[tuple[float, int, Delivery]] = []
        self._now = 0.0

    def __len__(self) -> int:
        """How many wait or are in flight."""
        return sum(1 for _ in self.all())

    def all(self) -> Iterator[Delivery]:
        for line in self._lines.values():
            if line.in_flight:
                yield line.in_flight
            yield from line.waiting

    def put(self, new: Delivery, now: float) -> list[Delivery]:
        """Takes in a delivery that is newer than all of its line. Gives those that it replaces: they wait no more."""
        line = self._lines.setdefault(new.line, _Line())
        replaced = [old for old in line.waiting if makes_needless(new.notice, old.notice)]
        for old in replaced:
            line.waiting.remove(old)
        for old in line.waiting:
            if ends(new.notice, old.notice) and new.until < old.until:
                old.until = new.until
                self._watch(old)
        if line.waiting and new.precedence < line.precedence:
            line.waiting[0].due = now
        line.waiting.append(new)
        self._watch(new)
        self._offer(new.line, now)
        return replaced

    def take(self, now: float) -> list[Delivery]:
        """Gives all that is to be sent now, the worst first. Call `expired` first."""
        self._tick(now)
        found = []
        while self._ready and self.gate.room(now) > 0:
            offered, number, name = heapq.heappop(self._ready)
            line = self._lines.get(name)
            if not line or line.in_flight or not line.waiting:
                continue
            head = line.waiting[0]
            if head.number != number or line.precedence != offered or head.due > now or head.until <= now:
                continue  # it was offered anew, or is left to `expired`
            line.waiting.popleft()
            line.in_flight = head
            head.calls += 1
            self.gate.began(now)
            found.append(head)
        return found

    def put_back(self, delivery: Delivery, now: float) -> None:
        """Takes back what was taken out and not sent."""
        self.gate.put_back()
        delivery.calls -= 1
        self._return(delivery, now)

    def answered(self, delivery: Delivery, answer: CallResult, now: float) -> State:
        """Takes the answer to a call. Gives the delivery's state; if that is `waiting` it will be sent again."""
        if self.gate.answered(answer, now):
            self._all_due(now)
        if failed(answer):
            delivery.doubtful |= isinstance(answer, Unanswered)
            delivery.due = max(now + back_off(delivery.calls, self.gate.chance), self.gate.closed_until)
            self._return(delivery, now)
            return "waiting"
        self._lines[delivery.line].in_flight = None
        self._offer(delivery.line, now)
        return "accepted" if isinstance(answer, Accepted) else delivery.final("failed")

    def expired(self, now: float) -> list[Delivery]:
        """Gives those that waited until it was too late; they wait no more."""
        self._tick(now)
        found = []
        while self._ends and self._ends[0][0] <= now:
            until, _, delivery = heapq.heappop(self._ends)
            if until == delivery.until and self._drop(delivery, now):
                found.append(delivery)
        return found

    def stop(self, which: Callable[[Delivery], bool], now: float) -> list[Delivery]:
        """Gives those that wait and are to be stopped; they wait no more. What is in flight is left to its answer."""
        found = [each for line in self._lines.values() for each in line.waiting if which(each)]
        for delivery in found:
            self._drop(delivery, now)
        return found

    def wakes(self, now: float) -> float:
        """Gives when there may be something to do: infinity where only news or an answer can bring it."""
        begins = float("inf")
        if self._ready or self._later:
            begins = max(self.gate.opens(now), now if self._ready else self._later[0][0])
        return min(begins, self._ends[0][0] if self._ends else float("inf"))

    def _tick(self, now: float) -> None:
        """Moves on to now. If the clock was set back, nothing waits by what it said before."""
        if now < self._now - BACK_S:
            self.gate.closed_until = min(self.gate.closed_until, now)
            self._all_due(now)
        self._now = now
        while self._later and self._later[0][0] <= now:
            self._offer(heapq.heappop(self._later)[1], now)

    def _all_due(self, now: float) -> None:
        for name, line in self._lines.items():
            for delivery in line.waiting:
                delivery.due = min(delivery.due, now)
            self._offer(name, now)

    def _offer(self, name: str, now: float) -> None:
        """Puts a line where `take` finds it, now or once its first delivery is due. An empty line goes."""
        line = self._lines[name] if name in self._lines else _Line()
        if not line.waiting:
            if not line.in_flight:
                self._lines.pop(name, None)
            return
        line.precedence = min(each.precedence for each in line.waiting)
        head = line.waiting[0]
        if line.in_flight:
            return
        if head.due > now:
            heapq.heappush(self._later, (head.due, name))
        else:
            heapq.heappush(self._ready, (line.precedence, head.number, name))

    def _watch(self, delivery: Delivery) -> None:
        heapq.heappush(self._ends, (delivery.until, delivery.number, delivery))

    def _return(self, delivery: Delivery, now: float) -> None:
        """Puts what was in flight before all else of its line."""
        line = self._lines[delivery.line]
        line.in_flight = None
        line.waiting.appendleft(delivery)
        self._watch(delivery)
        self._offer(delivery.line, now)

    def _drop(self, delivery: Delivery, now: float) -> bool:
        line = self._lines.get(delivery.line)
        if not line or delivery not in line.waiting:
            return False
        line.waiting.remove(delivery)
        self._offer(delivery.line, now)
        return True

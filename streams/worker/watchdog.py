"""Ends a worker that no longer makes progress, at once and without a commit; its supervisor starts it again.

Runs in a thread of its own, so that it also sees an event loop that hangs. The reasons: a record has been in hand for
too long; there are records but the position does not move, though the agent has nothing else to do; a rebalance does
not end; the loop does not answer; and the process has slept (SIGSTOP, a frozen machine) for longer than the broker
keeps its partitions: others have them now.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from streams.kafka.ending import end_at_once

LIMIT_S = 30.0
REBALANCE_LIMIT_S = 90.0
"""A rebalance waits for silent members, so it may rightly take longer than a record."""
LOOK_EVERY_S = 0.5

Partition = TypeVar("Partition")


@dataclass
class Vitals(Generic[Partition]):
    """What the event loop reports, and what follows from it; all times in monotonic seconds."""

    session_s: float
    """How long the broker keeps the partitions of a worker that is silent."""
    limit_s: float = LIMIT_S
    beat: float = 0.0
    """When the loop last reported."""
    looked: float = 0.0
    in_hand: Mapping[Partition, float] = field(default_factory=dict)
    """Since when a record has been worked on."""
    stuck: dict[Partition, tuple[int, float]] = field(default_factory=dict)
    """Where there is lag: the position, and for how long it has stood there while its agent was not at work."""

    unready: float = 0.0
    """Since when the worker has not been consuming; 0 while it is."""

    def report(
        self,
        now: float,
        *,
        ready: bool,
        in_hand: Mapping[Partition, float],
        lagging: Mapping[Partition, int],
        busy: Collection[Partition] = (),
    ) -> None:
        """`lagging` has the position of each partition that has records beyond it, `busy` those whose agent is at work.

        An agent works through what was fetched of one partition before it comes to another: who waits in that queue
        waits rightly, however long it is.
        """
        passed = now - self.beat
        self.beat, self.in_hand = now, dict(in_hand)
        self.unready = 0.0 if ready else self.unready or now
        stuck = {}
        for partition, position in lagging.items():
            before, waited = self.stuck.get(partition, (None, 0.0))
            waited += 0.0 if partition in busy else passed
            stuck[partition] = position, waited if before == position else 0.0
        self.stuck = stuck

    def slept(self, now: float) -> str:
        """Why this process may send nothing any more, or "".

        To be asked before each send: a process that is woken may get there before the watchdog's thread does.
        """
        passed = now - (self.looked or now)
        if passed > self.session_s:
            return f"this process slept for {passed:.0f} s, its partitions are others' now"
        return ""

    def verdict(self, now: float) -> str:
        """Why to end, or ""."""
        slept, self.looked = self.slept(now), now
        if slept:
            return slept
        if self.beat and now - self.beat > self.limit_s:
            return f"the event loop has not answered for {now - self.beat:.0f} s"
        if self.unready and now - self.unready > REBALANCE_LIMIT_S:
            return f"the worker has not been consuming for {now - self.unready:.0f} s"
        for partition, since in self.in_hand.items():
            if now - since > self.limit_s:
                return f"a record of {partition} has been in hand for {now - since:.0f} s"
        for partition, (position, waited) in self.stuck.items():
            if waited > self.limit_s:
                return f"{partition} has records but stands at {position} for {waited:.0f} s, with nothing else to do"
        return ""


class Watchdog:
    """The thread; a context manager."""

    def __init__(self, vitals: Vitals[Any], end: Callable[[str], None] = end_at_once) -> None:
        self._vitals, self._end = vitals, end
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(LOOK_EVERY_S):
            if reason := self._vitals.verdict(time.monotonic()):
                self._end(reason)
                return

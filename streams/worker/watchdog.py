"""Ends a worker that makes no progress, at once and without a commit. A supervisor starts the worker again.

The watchdog runs in a thread of its own, so it also sees an event loop that hangs. It ends the worker if

* an agent has worked on one record for too long;
* a partition has records and its position does not move, although its agent has nothing else to do;
* a rebalance does not end;
* the event loop does not answer;
* the process has slept (SIGSTOP, a frozen machine) for longer than the broker keeps its partitions. Other workers have
  them now.
"""

import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from streams.kafka.ending import end_at_once

LIMIT_S = 30.0
"""A record, a position and the event loop may stand still for so long."""
REBALANCE_LIMIT_S = 90.0
"""A rebalance may take so long. It waits for members that are silent, so it may rightly take longer than a record."""
LOOK_EVERY_S = 0.5
"""How often the watchdog looks."""

Partition = TypeVar("Partition")


@dataclass
class Vitals(Generic[Partition]):
    """What the event loop reports, and what follows from it. All times are in monotonic seconds."""

    session_s: float
    """How long the broker keeps the partitions of a worker that is silent."""
    limit_s: float = LIMIT_S
    beat: float = 0.0
    """When the event loop last reported."""
    looked: float = 0.0
    """When the watchdog last looked."""
    in_hand: Mapping[Partition, float] = field(default_factory=dict)
    """By partition, when its agent began to work on the record that it has in hand."""
    stuck: dict[Partition, tuple[int, float]] = field(default_factory=dict)
    """By partition with lag, its position, and for how long it has stood there while its agent had nothing to do."""
    unready: float = 0.0
    """When the worker stopped consuming; 0 while it consumes."""

    def report(
        self,
        now: float,
        *,
        ready: bool,
        in_hand: Mapping[Partition, float],
        lagging: Mapping[Partition, int],
        busy: Collection[Partition] = (),
    ) -> None:
        """Takes the report of the event loop.

        `lagging` has the position of each partition with records beyond it. `busy` has the partitions whose agent works
        on a record. An agent processes all records that were fetched of one partition before it comes to another. So a
        partition may rightly wait for as long as its agent is busy.
        """
        passed = now - self.beat
        self.beat, self.in_hand = now, dict(in_hand)
        self.unready = 0.0 if ready else self.unready or now
        stuck = {}
        for partition, position in lagging.items():
            before, stood = self.stuck.get(partition, (None, 0.0))
            stood += 0.0 if partition in busy else passed
            stuck[partition] = position, stood if before == position else 0.0
        self.stuck = stuck

    def slept(self, now: float) -> str:
        """Says why this process may send nothing any more; "" if it may.

        The sender asks before each send, because a process that wakes may send before the watchdog's thread looks.
        """
        passed = now - (self.looked or now)
        if passed > self.session_s:
            return f"this process slept for {passed:.0f} s, so other workers have its partitions now"
        return ""

    def verdict(self, now: float) -> str:
        """Says why the worker has to end; "" if it lives."""
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
        for partition, (position, stood) in self.stuck.items():
            if stood > self.limit_s:
                return f"{partition} has records but stands at {position} for {stood:.0f} s, with nothing else to do"
        return ""


class Watchdog:
    """Watches in a thread of its own, while its context is entered."""

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

"""Named points of a worker's way at which it kills or stops itself, the n-th time that it comes by.

    match.handle   match.before-send   match.mid-send   match.after-send     an outcome, to every partition
    settle.handle  settle.before-send  settle.mid-send  settle.after-send    the notices
                   state.before-send   state.mid-send   state.after-send     what is remembered
    commit.before  commit.after                                              the offsets

At a mid-send the first half of a batch has been acknowledged and the other half never sent. Empty batches pass by. When
it strikes, it first says so on stdout: `STRUCK`, and the time in seconds since 1970.
"""

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any

from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender
from streams.worker.match import MatchAgent
from streams.worker.settle import SettleAgent

STRUCK = "STRUCK"
NAMES = (
    "match.handle", "match.before-send", "match.mid-send", "match.after-send",
    "settle.handle", "settle.before-send", "settle.mid-send", "settle.after-send",
    "state.before-send", "state.mid-send", "state.after-send",
    "commit.before", "commit.after",
)  # fmt: skip


@dataclass
class Points:
    """`at` is a name and a number, such as "settle.mid-send:17", or "" for none."""

    at: str = ""
    how: signal.Signals = signal.SIGKILL
    since: float = 0
    """In monotonic seconds; who came by before does not count."""
    _passed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._name, _, number = self.at.partition(":")
        self._number = int(number or 1)
        if self._name and self._name not in NAMES:
            raise ValueError(f"{self._name!r} is no point; there are: {', '.join(NAMES)}")

    def comes(self, name: str) -> bool:
        """Counts; whether this is the time."""
        if time.monotonic() < self.since:
            return False
        self._passed[name] += 1
        return name == self._name and self._passed[name] == self._number

    def reach(self, name: str) -> None:
        if self.comes(name):
            self.strike()

    def strike(self) -> None:
        print(STRUCK, time.time(), flush=True)
        os.kill(os.getpid(), self.how)


class PointedSender:
    def __init__(self, sender: Sender, points: Points, who: str) -> None:
        self._sender, self._points, self._who = sender, points, who

    async def begin(self, records: Sequence[ProducerRecord]) -> Awaitable[None]:
        return asyncio.ensure_future(self.send(records))

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        if not records:
            return
        self._points.reach(f"{self._who}.before-send")
        if len(records) > 1 and self._points.comes(f"{self._who}.mid-send"):
            half = len(records) // 2
            await self._sender.send(records[:half])
            self._points.strike()
            records = records[half:]  # it was only stopped, and somebody woke it; or it has a moment to end in order
        await self._sender.send(records)
        self._points.reach(f"{self._who}.after-send")


class PointedMatch(MatchAgent):
    points: Points

    async def handle(self, record: ConsumedRecord) -> None:
        self.points.reach("match.handle")
        await super().handle(record)


class PointedSettle(SettleAgent):
    points: Points

    async def handle(self, record: ConsumedRecord) -> None:
        self.points.reach("settle.handle")
        await super().handle(record)


def watch_commits(consumer: Any, points: Points) -> None:
    """Of an aiokafka consumer, whoever calls it."""
    commit = consumer.commit

    async def watched(*args: Any, **kwargs: Any) -> None:
        points.reach("commit.before")
        await commit(*args, **kwargs)
        points.reach("commit.after")

    consumer.commit = watched


def watching_commits(transport: type[Any], points: Points) -> type[Any]:
    """A Faust transport whose consumer's commits are watched, at the last step before the broker."""

    class Consumer(transport.Consumer):  # type: ignore[misc,name-defined]
        def _new_consumer_thread(self) -> Any:
            thread = super()._new_consumer_thread()
            create = thread._create_worker_consumer

            def created(transport: Any) -> Any:
                consumer = create(transport)
                watch_commits(consumer, points)
                return consumer

            thread._create_worker_consumer = created
            return thread

    return type("Watched", (transport,), {"Consumer": Consumer})

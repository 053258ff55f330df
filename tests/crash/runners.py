"""Ways to bring records to the same two agents: strict Faust, stock Faust, and a plain aiokafka loop.

Strict is the project's. Stock has Faust's own acknowledgements: for the comparison only. Plain is the yardstick: take a
record, let the agent handle it, commit, take the next. Lossy is plain that passes over some: the oracle has to see it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import KafkaError
from faust.transport.drivers import aiokafka as driver

from streams.kafka.ending import end_at_once
from streams.kafka.records import ConsumedRecord, Progress, Sender, read_headers
from streams.kafka.topics import Topic, Topics
from streams.worker.app import SESSION_S, Agent, Worker
from streams.worker.failures import Charge, charge, error_reason, rejection
from streams.worker.hand import Hand
from streams.worker.match import MatchAgent
from streams.worker.offsets import OffsetTracker
from streams.worker.settle import SettleAgent
from streams.worker.transport import StrictTransport
from streams.worker.watchdog import Vitals
from tests.crash.points import Points, watch_commits, watching_commits
from warnsys.metrics import Metrics

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kit:
    """What every runner is given."""

    bootstrap: str
    topics: Topics
    match: MatchAgent
    settle: SettleAgent
    sender: Sender
    points: Points
    instance: str
    vitals: Vitals[Any]
    hand: Hand


class Runner(Protocol):
    def partitions(self) -> set[int]:
        """Those of `warn.impacts` that are this worker's now."""

    def running(self) -> AbstractAsyncContextManager[object]: ...


def strict(kit: Kit) -> Runner:
    return _faust(kit, StrictTransport)


def stock(kit: Kit) -> Runner:
    return _faust(kit, StockTransport)


def _faust(kit: Kit, transport: type[Any]) -> Worker:
    return Worker(
        kit.bootstrap, kit.topics, kit.match, kit.settle, kit.sender, Metrics(), Progress(),
        embedded=False, instance=kit.instance, vitals=kit.vitals, transport=watching_commits(transport, kit.points),
        hand=kit.hand,
    )  # fmt: skip


class StockConsumer(driver.Consumer):
    """Faust's own; to what `Worker` asks of a strict one it says yes, and does nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker: OffsetTracker[Any] = OffsetTracker()
        self.working: dict[Any, float] = {}
        self.jumps = self.restarts = self.skipped = self.holes = 0

    async def take(self, message: Any) -> bool:
        return True

    def processed(self, message: Any) -> None: ...

    def handled(self, message: Any) -> None: ...

    def put_back(self, message: Any) -> None: ...

    def at_work(self, tp: Any) -> bool:
        return False


class StockTransport(driver.Transport):
    Consumer = StockConsumer


class Plain:
    """Two aiokafka consumers, each in a group of its own."""

    def __init__(self, kit: Kit, lost_of: int = 0) -> None:
        self._kit = kit
        self._loops = (
            _Loop(kit, kit.settle, kit.topics.impacts, lost_of),
            *(_Loop(kit, kit.match, topic) for topic in kit.topics.messages),
        )

    def partitions(self) -> set[int]:
        return self._loops[0].partitions()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Plain"]:
        tasks = [asyncio.create_task(loop.run()) for loop in self._loops]
        for task in tasks:
            task.add_done_callback(_end_unless_cancelled)
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _end_unless_cancelled(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        end_at_once(f"a loop ended: {task.exception()!r}")


class _Loop(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(self, kit: Kit, agent: Agent, topic: Topic, lost_of: int = 0) -> None:
        self._kit, self._agent, self._topic, self._lost_of = kit, agent, topic, lost_of
        self._in_hand = asyncio.Lock()
        self._ours: set[int] = set()

    def partitions(self) -> set[int]:
        return set(self._ours)

    async def on_partitions_revoked(self, revoked: Iterable[Any]) -> None:
        async with self._in_hand:  # what is in hand is finished and committed first
            self._ours.clear()
            self._kit.settle.forget()

    async def on_partitions_assigned(self, assigned: Iterable[Any]) -> None:
        self._kit.settle.forget()
        self._ours = {place.partition for place in assigned}

    async def run(self) -> None:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kit.bootstrap,
            group_id=f"{group_prefix(self._kit.topics)}-{self._topic.name}",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            session_timeout_ms=SESSION_S * 1000,
            heartbeat_interval_ms=1000,
            max_poll_interval_ms=60_000,
            max_partition_fetch_bytes=self._kit.topics.rejected.max_bytes,
            max_poll_records=1,
        )
        watch_commits(consumer, self._kit.points)
        consumer.subscribe([self._topic.name], listener=self)
        await consumer.start()
        try:
            async for record in consumer:
                async with self._in_hand:
                    if record.partition in self._ours:
                        if not self._lost_of or record.offset % self._lost_of:
                            await self._take(record)
                        await _commit(consumer, record)
        finally:
            await consumer.stop()

    async def _take(self, message: Any) -> None:
        record = ConsumedRecord(
            message.topic, message.partition, message.offset, message.key or b"", message.value or b"",
            read_headers(message.headers), message.timestamp / 1000,
        )  # fmt: skip
        try:
            await self._agent.handle(record)
            await self._agent.flush(record)
        except Exception as error:
            if charge(error) is Charge.INFRASTRUCTURE:
                raise
            await self._kit.sender.send([rejection(self._kit.topics, record, self._agent.name, error_reason(error))])


async def _commit(consumer: Any, record: Any) -> None:
    try:
        await consumer.commit({TopicPartition(record.topic, record.partition): record.offset + 1})
    except KafkaError as error:
        log.warning("no commit, so whoever has the partition now reads again: %r", error)


def group_prefix(topics: Topics) -> str:
    return f"warnsys-{topics.stage}"


COMPARED: dict[str, Callable[[Kit], Runner]] = {"strict": strict, "stock": stock, "plain": Plain}


def lossy(kit: Kit) -> Runner:
    return Plain(kit, lost_of=40)


RUNNERS = {**COMPARED, "lossy": lossy}


def groups(runner: str, topics: Topics) -> dict[str, str]:
    """By input topic the group that commits it."""
    prefix = group_prefix(topics)
    own = runner in ("plain", "lossy")
    return {topic.name: f"{prefix}-{topic.name}" if own else prefix for topic in topics.inputs}

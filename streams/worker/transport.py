"""Faust transports whose consumer never commits past a record that no agent has processed.

Faust 0.15.3 loses records at rebalances. It throws away what it has fetched but not handed to an agent. The next record
then has a higher offset; `_drain_messages` takes that jump for a hole of compaction and commits across it. Faust also
counts a record as acknowledged when its agent is cancelled in mid-work.

Many places in Faust can do this, so the check stands at the end, where an agent takes a record (`take`):

* An agent works on a record only if it is the next one of its partition.
* At a jump the consumer reads the partition again, from the record that is to be processed next.
* The offset tracker alone decides what is committed. Faust's own acknowledgements are ignored.

Agents read topics without holes (neither compacted nor transactional), so a jump always means lost records.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from typing import Any, NamedTuple, cast

from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from streams.worker.offsets import OffsetTracker, Sequence

log = logging.getLogger(__name__)

WRITTEN_FOR = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}
FETCH_WAIT_MS = 50
"""How long a fetch waits for new records. A higher value delays records: aiokafka has one fetch per broker under way,
which leaves out partitions of which it still holds records; their new records wait until it ends (Faust: 1.5 s)."""
EMBEDDED_FETCH_WAIT_MS = 10
"""The same for the embedded broker, where each record waits so long: it does not wake a waiting fetch."""
SEEK_AGAIN_S = 5.0
"""For so long after a seek no second one follows: records that were queued before the seek still look like jumps."""
QUIET_S = 1.0
"""How often partitions without records are checked for jumps."""
BELIEVED_AFTER = 3
"""When so many readings give the same later record instead of the next one, the offsets in between count as empty."""
LAST_COMMIT_S = 2.0
"""A rebalance waits for the last commit, for so long at most."""


def refuse_other_than(expected: Mapping[str, str], found: Callable[[str], str] = version) -> None:
    """Raises ImportError for other versions: this module overrides internals, which may change without notice."""
    for package, wanted in expected.items():
        if found(package) != wanted:
            raise ImportError(
                f"the strict transport overrides internals of {package} {wanted}, found {found(package)}; "
                f"install {wanted}, or go through every override in streams/worker/transport.py with the crash tests"
            )


refuse_other_than(WRITTEN_FOR)


class _Unread(dict[TP, int | None]):
    """Hides from Faust which offset it has read last. Faust would drop lower offsets, and take a jump for a hole."""

    def __getitem__(self, _: TP) -> None:
        return None

    def __setitem__(self, *_: Any) -> None: ...


class PartitionOffsets(NamedTuple):
    """What the broker has of a partition: the group's offset, if any, and the log's first and its end."""

    committed: int | None
    first: int
    end: int


class _ShortFetchThread(driver.AIOKafkaConsumerThread):
    """Makes aiokafka's consumer with our fetch wait, which Faust does not let us set."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = cast(StrictConsumer, self.consumer).fetch_wait_ms
        return consumer


class StrictConsumer(driver.Consumer):
    """Lets an agent process only the next record of a partition, and commits only what the agent has processed."""

    fetch_wait_ms = FETCH_WAIT_MS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker: OffsetTracker[TP] = OffsetTracker()
        self.jumps = 0
        """How often a partition was read again because Faust had thrown records away."""
        self.skipped = 0
        """Records that retention deleted before an agent processed them: no consumer can mend this loss."""
        self.restarts = 0
        """How often a log ended before the next offset (cut, or made anew) and was read again from its start."""
        self.holes = 0
        """Offsets that hold no record for an agent: transactions and compaction leave such holes."""
        self.working: dict[TP, float] = {}
        """By partition with a record in work: when the agent took that record, in monotonic seconds."""
        self._read_offset = _Unread()
        self._seeking: dict[TP, float] = {}
        """Until when no further seek is made, in monotonic seconds."""
        self._came_instead: dict[TP, int] = {}
        """The lowest offset that has come instead of the next one since the last seek."""
        self._gaps: dict[TP, tuple[int, int, int]] = {}
        """The next offset, the one that came instead, and how many readings in a row gave this pair."""
        self._generation: int | None = None

    def _new_consumer_thread(self) -> _ShortFetchThread:
        return _ShortFetchThread(self, loop=self.loop, beacon=self.beacon)

    # -- the agents' side -------------------------------------------------------------------------------------------

    async def take(self, message: Any) -> bool:
        """Says whether a record is the next one to be processed. An agent asks this before it does anything else."""
        if message.generation_id != self.app.consumer_generation_id:
            return False
        verdict = self.tracker.judge(message.tp, message.offset)
        if verdict is Sequence.JUMP:
            lowest = self._came_instead.get(message.tp, message.offset)
            self._came_instead[message.tp] = min(message.offset, lowest)
            await self._read_again(message.tp)
        if verdict is not Sequence.NEXT:
            return False
        self._seeking.pop(message.tp, None)
        self.working[message.tp] = time.monotonic()
        return True

    def taken(self, message: Any) -> None:
        """Notes that the results of a record are published. Its state will be stored with that of a later record."""
        self.working.pop(message.tp, None)
        self.tracker.taken(message.tp, message.offset)

    def handled(self, message: Any) -> None:
        """Notes that a record and all before it are done: their results are published, their state is stored."""
        self.working.pop(message.tp, None)
        self.tracker.handled(message.tp, message.offset)

    async def _read_again(self, tp: TP) -> None:
        """Reads a partition again from the next record; if the log does not have it, from where `_start` says."""
        now = time.monotonic()
        if now < self._seeking.get(tp, 0) or tp not in self.tracker.next:
            return
        self._seeking[tp] = now + SEEK_AGAIN_S
        self.jumps += 1
        try:
            place = (await self._places({tp}))[tp]
        except (TimeoutError, KafkaError) as error:
            log.warning("%s/%d: the broker does not say from where to read again: %r", tp.topic, tp.partition, error)
            return
        if (here := self.tracker.next.get(tp)) is None:
            return
        start = self._start(tp, here, place)
        instead = self._came_instead.pop(tp, None)
        if start == here and instead is not None and self._is_hole(tp, here, instead):
            self.holes += instead - here
            log.critical(
                "%s/%d: the log has no records %d to %d, after %d tries; it may be neither compacted nor transactional",
                tp.topic, tp.partition, here, instead - 1, BELIEVED_AFTER,
            )  # fmt: skip
            start = instead
        if start != here:
            self.tracker.move(tp, start)
        log.warning("%s/%d: reading again from %d", tp.topic, tp.partition, start)
        try:
            await self.seek_wait({tp: start})
        except (TimeoutError, KafkaError) as error:
            log.warning("%s/%d: the seek failed and will be tried again: %r", tp.topic, tp.partition, error)

    def _is_hole(self, tp: TP, here: int, instead: int) -> bool:
        """Says whether the log is empty from `here` to `instead`, by counting how many readings have met this gap.

        Within one generation Faust does not throw away the same records twice. A hole is met at each reading.
        """
        *known, times = self._gaps.get(tp, (here, instead, 0))
        times = times + 1 if known == [here, instead] else 1
        self._gaps[tp] = (here, instead, times)
        return times >= BELIEVED_AFTER

    @Service.task
    async def _notice_jumps_on_quiet_topics(self) -> None:
        """Finds jumps by the fetch position, on topics where no further record comes that would show them."""
        before: dict[TP, int] = {}
        while not self.should_stop:
            await self.sleep(QUIET_S)
            idle = {tp: offset for tp, offset in self.tracker.next.items() if self._has_nothing(tp)}
            for tp, offset in idle.items():
                if before.get(tp) == offset and self.flow_active and await self._position_differs(tp, offset):
                    await self._read_again(tp)
            before = idle

    def _has_nothing(self, tp: TP) -> bool:
        """Says whether a partition has no record with an agent and, as far as is known, none in its queue."""
        return not self.at_work(tp) and tp not in self._buffered_partitions

    def at_work(self, tp: TP) -> bool:
        """Says whether the agent of this topic works on a record. While it works on one partition, the others wait."""
        return any(busy.topic == tp.topic for busy in self.working)

    async def _position_differs(self, tp: TP, offset: int) -> bool:
        """Says whether the fetch position is not the next offset: beyond it after a jump, before it in a cut log.

        Says no if the next offset has changed from `offset` meanwhile.
        """
        try:
            async with asyncio.timeout(QUIET_S):
                position = await self.position(tp)
        except (TimeoutError, KafkaError):
            return False
        return position not in (None, offset) and self.tracker.next.get(tp) == offset

    # -- queues -----------------------------------------------------------------------------------------------------

    def on_buffer_full(self, tp: TP) -> None:
        """Pauses all partitions of a topic, because they share one queue.

        Faust would pause only the partitions whose records are in the queue, and the others would fill it. A full queue
        holds up all topics.
        """
        for other in self.assignment():
            if other.topic == tp.topic:
                super().on_buffer_full(other)

    def on_buffer_drop(self, tp: TP) -> None:
        for other in [other for other in self._buffered_partitions if other.topic == tp.topic]:
            super().on_buffer_drop(other)

    # -- assignment -------------------------------------------------------------------------------------------------

    def _inputs(self) -> set[TP]:
        return {tp for tp in self.assignment() if self.app.topics.acks_enabled_for(tp.topic)}

    async def perform_seek(self) -> None:
        """Seeks to the record to be processed next: by the tracker within a generation, else by the committed offsets.

        Faust calls this after each rebalance, before records flow.
        """
        generation = self.app.consumer_generation_id
        inputs = self._inputs()
        if not inputs:
            self.tracker.assign({})
            return
        places = await self._places(inputs)
        known = self.tracker.done if generation == self._generation else {}
        starts = {tp: self._start(tp, known.get(tp, place.committed), place) for tp, place in places.items()}
        await self.seek_wait(starts)
        if generation != self.app.consumer_generation_id:
            return  # another rebalance came in between; Faust calls this method again for it
        self._generation = generation
        self._seeking.clear()
        self._came_instead.clear()
        self._gaps.clear()
        self.tracker.assign(starts)

    async def _places(self, tps: Iterable[TP]) -> dict[TP, PartitionOffsets]:
        tps = list(tps)
        committed = await self._thread.call_thread(self._fetch_committed, tps)
        first, end = await asyncio.gather(self.earliest_offsets(*tps), self.highwaters(*tps))
        return {tp: PartitionOffsets(committed[tp], first[tp], end[tp]) for tp in tps}

    async def _fetch_committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        consumer = self._thread._ensure_consumer()
        return {tp: await consumer.committed(self._new_topicpartition(tp.topic, tp.partition)) for tp in tps}

    def _start(self, tp: TP, here: int | None, place: PartitionOffsets) -> int:
        """Gives the offset to continue at: `here` if the log has it, else the first offset of the log."""
        if here is None:
            return place.first
        if here < place.first:
            self.skipped += place.first - here
            log.critical(
                "%s/%d: retention deleted %d records that nobody had handled (%d to %d); "
                "raise the topic's retention and publish everything current again",
                tp.topic, tp.partition, place.first - here, here, place.first - 1,
            )  # fmt: skip
            return place.first
        if here > place.end:
            self.restarts += 1
            log.critical(
                "%s/%d: the log ends at %d, but %d was handled already: the log was cut or made anew, and is read from "
                "its start; check the broker's disk, and whether the topic has replicas",
                tp.topic, tp.partition, place.end, here - 1,
            )  # fmt: skip
            return place.first
        return here

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        try:
            async with asyncio.timeout(LAST_COMMIT_S):
                await self.commit()
        except TimeoutError:
            log.warning("no time to commit before the rebalance; a few records will be handled twice")
        for tp in revoked:
            self.tracker.revoke(tp)
            self.working.pop(tp, None)
        self._generation = None
        await super().on_partitions_revoked(revoked)

    # -- commits ----------------------------------------------------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Ignores Faust's own acknowledgement: Faust gives it for cancelled records, too."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002 - Faust's signature
        """Commits the offsets that the tracker gives. A commit that fails is tried again at the next interval.

        It also clears Faust's notes of its own acknowledgements. Faust clears them in its own commit, which this one
        replaces; they would grow by 200 bytes with each record.
        """
        self._acked.clear()
        self._acked_index.clear()
        offsets = self.tracker.to_commit()
        if not offsets or not await self._thread.call_thread(self._commit_in_thread, offsets):
            return False
        self.tracker.committed(offsets)
        return True

    async def _commit_in_thread(self, offsets: Mapping[TP, int]) -> bool:
        consumer = self._thread._ensure_consumer()
        ours = self._thread.assignment()
        asked = {
            self._new_topicpartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in ours
        }
        try:
            if asked:
                await consumer.commit(asked)
        except KafkaError as error:
            log.warning("the commit failed and will be tried again: %s", error)
            return False
        return len(asked) == len(offsets)

    async def verify_all_partitions_active(self) -> None:
        """Does nothing: Faust would log a partition that stands still, and our watchdog ends the worker."""


class StrictTransport(driver.Transport):
    Consumer = StrictConsumer


class EmbeddedConsumer(StrictConsumer):
    fetch_wait_ms = EMBEDDED_FETCH_WAIT_MS


class EmbeddedTransport(driver.Transport):
    Consumer = EmbeddedConsumer

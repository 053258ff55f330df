"""Faust transports whose consumer never commits past a record that no agent has handled.

Faust 0.15.3 loses records at rebalances. It throws away what it has fetched but not handed to an agent. The next record
then has a higher offset. `_drain_messages` assumes that compaction removed the records between, so the next commit goes
across this jump. Faust also counts a record as acknowledged when its agent is cancelled in mid-work.

Many places in Faust can lose a record in this way. So the check runs last, when an agent takes a record (`take`):

* An agent works on a record only if it is the next one of its partition.
* At a jump the consumer reads the partition again, from the record that is to be processed next.
* The offset tracker alone decides what is committed. The consumer ignores Faust's own acknowledgements.

At a **jump** a record arrives although an earlier one is next. The offsets between are the **gap**. If the log has no
records there, the gap is a **hole**. The agents' topics should have none, because they are neither compacted nor
transactional. So the consumer takes a gap for lost records and reads again. If several readings in a row meet the same
gap, it takes the gap for a hole, and goes on at the first record after it (`_count_reading`). Records that retention
deleted are gone: they are counted, and the consumer goes on at the log's first record.
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

from streams.worker.offsets import OffsetOrder, OffsetTracker

log = logging.getLogger(__name__)

WRITTEN_FOR = {"faust-streaming": "0.15.3", "aiokafka": "0.14.0"}
"""The releases whose internals this module overrides. The module refuses any other."""
FETCH_WAIT_MS = 50
"""How long a fetch waits for new records (Faust: 1.5 s). aiokafka has one fetch per broker under way. A fetch that
waits on an empty partition holds up records of that broker's other partitions. So it must be short."""
EMBEDDED_FETCH_WAIT_MS = 10
"""The same on the embedded broker. There a new record does not wake a fetch, so each waits up to this long."""
SEEK_AGAIN_S = 5.0
"""Minimum time between two attempts to read a partition again, unless the expected record came meanwhile. Without it,
records that were queued before the seek would arrive and start the next attempt."""
QUIET_S = 1.0
"""Every so many seconds the consumer compares the fetch position of each idle partition with the next offset. It waits
as long for the answer."""
HOLE_AFTER_READINGS = 3
"""After so many readings in a row that meet the same gap, the consumer takes the gap for a hole of the log. A reading
goes from a seek to the next jump."""
LAST_COMMIT_S = 2.0
"""A rebalance waits at most so long for the last commit."""


def refuse_other_than(expected: Mapping[str, str], found: Callable[[str], str] = version) -> None:
    """Raises `ImportError` for other versions. This module overrides internals, which may change without notice."""
    for package, wanted in expected.items():
        if found(package) != wanted:
            raise ImportError(
                f"the strict transport overrides internals of {package} {wanted}, found {found(package)}; "
                f"install {wanted}, or go through every override in streams/worker/transport.py with the crash tests"
            )


refuse_other_than(WRITTEN_FOR)


class _NothingRead(dict[TP, int | None]):
    """Tells Faust that it has read nothing yet. Otherwise Faust would drop records below the last offset that it read,
    and take a jump for a hole."""

    def __getitem__(self, _: TP) -> None:
        return None

    def __setitem__(self, *_: Any) -> None: ...


class OffsetGap(NamedTuple):
    """A gap in a partition: the record at `came` arrived although `expected` was the next one."""

    expected: int
    came: int
    readings: int
    """How many readings in a row have met it."""


class PartitionOffsets(NamedTuple):
    """The offsets that the broker gives for a partition: committed by the group (if any), first and end of the log."""

    committed: int | None
    first: int
    end: int


class _ShortFetchThread(driver.AIOKafkaConsumerThread):
    """Gives aiokafka's consumer our fetch wait, for which Faust has no setting."""

    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = cast(StrictConsumer, self.consumer).fetch_wait_ms
        return consumer


class StrictConsumer(driver.Consumer):
    """Lets an agent process only the next record of a partition, and commits only what the agent has handled."""

    fetch_wait_ms = FETCH_WAIT_MS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker: OffsetTracker[TP] = OffsetTracker()
        self.jumps = 0
        """How often the consumer tried to read a partition again: a record came that was not the next one but a later
        one, or the fetch position was not the next offset."""
        self.skipped = 0
        """How many records retention deleted before an agent handled them. No consumer can mend this loss."""
        self.restarts = 0
        """How often a log ended before the next offset (cut, or made anew) and was read again from its start."""
        self.holes = 0
        """How many offsets hold no record for an agent. Transactions and compaction leave such holes."""
        self.working: dict[TP, float] = {}
        """When the agent took the record that it works on, in monotonic seconds, by the record's partition."""
        self._read_offset = _NothingRead()
        """Faust's note of the offset that it has read last."""
        self._no_seek_before: dict[TP, float] = {}
        """By partition, the time before which no further attempt is made to read it again, in monotonic seconds."""
        self._came_instead: dict[TP, int] = {}
        """By partition, the lowest offset that came although an earlier record was expected. It is forgotten when the
        partition is read again, and when the expected record is taken."""
        self._last_gap: dict[TP, OffsetGap] = {}
        self._generation: int | None = None
        """The generation of the group for which `perform_seek` last set the tracker's offsets. None after a
        revocation."""

    def _new_consumer_thread(self) -> _ShortFetchThread:
        return _ShortFetchThread(self, loop=self.loop, beacon=self.beacon)

    # -- the agents' side -------------------------------------------------------------------------------------------

    async def take(self, message: Any) -> bool:
        """Claims a record for its agent, and says whether the agent may process it: whether it is the next one.

        The worker calls this before an agent processes a record. At a jump this method reads the partition again. It
        ignores records of an older generation of the group.
        """
        if message.generation_id != self.app.consumer_generation_id:
            return False
        order = self.tracker.compare(message.tp, message.offset)
        if order is OffsetOrder.JUMP:
            lowest = self._came_instead.get(message.tp, message.offset)
            self._came_instead[message.tp] = min(message.offset, lowest)
            await self._read_again(message.tp)
        if order is not OffsetOrder.NEXT:
            return False
        self._no_seek_before.pop(message.tp, None)
        self._came_instead.pop(message.tp, None)
        self.working[message.tp] = time.monotonic()
        return True

    def processed(self, message: Any) -> None:
        """Notes that the results of a record are sent. It is committed once it, or a later record, is handled."""
        self.working.pop(message.tp, None)
        self.tracker.processed(message.tp, message.offset)

    def handled(self, message: Any) -> None:
        """Notes that the results of a record, and of all before it, are acknowledged and their state is stored."""
        self.working.pop(message.tp, None)
        self.tracker.handled(message.tp, message.offset)

    def put_back(self, message: Any) -> None:
        """Notes that the agent gives up a record that it has taken. The tracker does not move on, so the record comes
        again."""
        self.working.pop(message.tp, None)

    async def _read_again(self, tp: TP) -> None:
        """Reads a partition again from the next record. If the log lacks it, `_start_after_jump` gives where to start.

        Does nothing within `SEEK_AGAIN_S` after the last attempt, unless the expected record came meanwhile.
        """
        now, expected = time.monotonic(), self.tracker.next.get(tp)
        if now < self._no_seek_before.get(tp, 0) or expected is None:
            return
        self._no_seek_before[tp] = now + SEEK_AGAIN_S
        self.jumps += 1
        try:
            found = (await self._offsets_of({tp}))[tp]
        except (TimeoutError, KafkaError) as error:
            log.warning(
                "%s/%d: the broker does not say which offsets it has; the next try is in %g s at the earliest: %r",
                tp.topic, tp.partition, SEEK_AGAIN_S, error,
            )  # fmt: skip
            return
        if self.tracker.next.get(tp) != expected:
            return  # the record came meanwhile, so what the broker said is old; or the partition was revoked
        start = self._start_after_jump(tp, expected, found)
        if start != expected:
            self.tracker.move(tp, start)
        log.warning("%s/%d: the worker reads again from offset %d", tp.topic, tp.partition, start)
        try:
            await self.seek_wait({tp: start})
        except (TimeoutError, KafkaError) as error:
            log.warning(
                "%s/%d: the seek failed; the next try is in %g s at the earliest: %r",
                tp.topic, tp.partition, SEEK_AGAIN_S, error,
            )  # fmt: skip

    def _start_after_jump(self, tp: TP, expected: int, found: PartitionOffsets) -> int:
        """Gives the offset to read from after a jump: `expected`, if the log has it.

        If the gap is a hole, this is the first offset after it (`_count_reading`). If retention deleted the record, or
        the log ends before it, this is the log's first offset (`_offset_to_continue_at`).
        """
        start, came = self._offset_to_continue_at(tp, expected, found), self._came_instead.pop(tp, None)
        if start != expected or came is None or not self._count_reading(tp, expected, came):
            return start
        self.holes += came - expected
        log.critical(
            "%s/%d: the log has no records %d to %d, as %d readings show, and the worker goes on at the next one; "
            "configure the topic as neither compacted nor transactional",
            tp.topic, tp.partition, expected, came - 1, HOLE_AFTER_READINGS,
        )  # fmt: skip
        return came

    def _count_reading(self, tp: TP, expected: int, came: int) -> bool:
        """Counts a reading that met the gap from `expected` up to `came`, and says whether it is a hole of the log: if
        this is the `HOLE_AFTER_READINGS`th reading in a row that met it.

        Within one generation Faust does not throw away the same records twice. So a gap that every reading meets is a
        hole. Two readings would do; a third is for what we do not know of Faust.
        """
        last = self._last_gap.get(tp)
        readings = last.readings + 1 if last and (last.expected, last.came) == (expected, came) else 1
        self._last_gap[tp] = OffsetGap(expected, came, readings)
        return readings >= HOLE_AFTER_READINGS

    @Service.task
    async def _notice_jumps_on_quiet_topics(self) -> None:
        """Detects jumps that no further record shows: compares the fetch position with the next offset."""
        idle_before: dict[TP, int] = {}
        while not self.should_stop:
            await self.sleep(QUIET_S)
            idle = {tp: offset for tp, offset in self.tracker.next.items() if self._is_idle(tp)}
            for tp, offset in idle.items():
                if idle_before.get(tp) == offset and self.flow_active and await self._position_differs(tp, offset):
                    await self._read_again(tp)
            idle_before = idle

    def _is_idle(self, tp: TP) -> bool:
        """Says whether the agent of a partition's topic is idle, and no full queue holds the partition back."""
        return not self.at_work(tp) and tp not in self._buffered_partitions

    def at_work(self, tp: TP) -> bool:
        """Says whether the agent of a partition's topic works on a record. The topic's other partitions wait then."""
        return any(busy.topic == tp.topic for busy in self.working)

    async def _position_differs(self, tp: TP, offset: int) -> bool:
        """Says whether the fetch position is not `offset`: it is higher after a jump, and lower in a log that was cut.

        Says no if Faust does not tell the position, if `offset` is no longer the next one, or if the partition is no
        longer idle.
        """
        try:
            async with asyncio.timeout(QUIET_S):
                position = await self.position(tp)
        except (TimeoutError, KafkaError):
            return False
        return position not in (None, offset) and self.tracker.next.get(tp) == offset and self._is_idle(tp)

    # -- queues -----------------------------------------------------------------------------------------------------

    def on_buffer_full(self, tp: TP) -> None:
        """Pauses all partitions of a topic, because they share one queue.

        Faust would pause only the partition whose record meets a nearly full queue, and the others would fill it. A
        full queue holds up every topic.
        """
        for other in self.assignment():
            if other.topic == tp.topic:
                super().on_buffer_full(other)

    def on_buffer_drop(self, tp: TP) -> None:
        """Resumes all partitions of a topic that `on_buffer_full` has paused."""
        for other in [other for other in self._buffered_partitions if other.topic == tp.topic]:
            super().on_buffer_drop(other)

    # -- assignment -------------------------------------------------------------------------------------------------

    def _input_partitions(self) -> set[TP]:
        """Gives the assigned partitions of the topics that agents read."""
        return {tp for tp in self.assignment() if self.app.topics.acks_enabled_for(tp.topic)}

    async def perform_seek(self) -> None:
        """Seeks to the first record that is not handled.

        Faust calls this on two occasions. One is a rebalance, before records flow again: then it starts at the
        committed offset. The other is that Faust has fetched records although its flow is stopped: the group's
        generation is then that of the last seek, and it starts at the tracker's `done`.
        """
        generation = self.app.consumer_generation_id
        inputs = self._input_partitions()
        if not inputs:
            self.tracker.assign({})
            return
        found = await self._offsets_of(inputs)
        known = self.tracker.done if generation == self._generation else {}
        starts = {
            tp: self._offset_to_continue_at(tp, known.get(tp, offsets.committed), offsets)
            for tp, offsets in found.items()
        }
        await self.seek_wait(starts)
        if generation != self.app.consumer_generation_id:
            return  # another rebalance came in between, and Faust calls this method again for it
        self._generation = generation
        self._no_seek_before.clear()
        self._came_instead.clear()
        self._last_gap.clear()
        committed = {  # a group without a commit begins at the first offset, so a start there needs no commit
            tp: offsets.first if offsets.committed is None else offsets.committed for tp, offsets in found.items()
        }
        self.tracker.assign(starts, committed)

    async def _offsets_of(self, tps: Iterable[TP]) -> dict[TP, PartitionOffsets]:
        """Asks the broker for the offsets of partitions."""
        tps = list(tps)
        committed = await self._thread.call_thread(self._fetch_committed, tps)
        first, end = await asyncio.gather(self.earliest_offsets(*tps), self.highwaters(*tps))
        return {tp: PartitionOffsets(committed[tp], first[tp], end[tp]) for tp in tps}

    async def _fetch_committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        consumer = self._thread._ensure_consumer()
        return {tp: await consumer.committed(self._new_topicpartition(tp.topic, tp.partition)) for tp in tps}

    def _offset_to_continue_at(self, tp: TP, wanted: int | None, found: PartitionOffsets) -> int:
        """Gives the offset to continue at: `wanted` if it is not before the log's first offset and not after its end;
        else the first offset."""
        if wanted is None:
            return found.first
        if wanted < found.first:
            self.skipped += found.first - wanted
            log.critical(
                "%s/%d: retention deleted %d records that nobody had handled (%d to %d); "
                "raise the topic's retention and publish everything current again",
                tp.topic, tp.partition, found.first - wanted, wanted, found.first - 1,
            )  # fmt: skip
            return found.first
        if wanted > found.end:
            self.restarts += 1
            log.critical(
                "%s/%d: the log ends at %d, but %d was processed already, so it was cut or made anew, and the worker "
                "reads it from its start; check the broker's disk, and whether the topic has replicas",
                tp.topic, tp.partition, found.end, wanted - 1,
            )  # fmt: skip
            return found.first
        return wanted

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Commits a last time, or waits for a commit under way, and forgets the partitions that this process loses."""
        try:
            async with asyncio.timeout(LAST_COMMIT_S):
                await self.commit()
        except TimeoutError:
            log.warning(
                "the last commit before the rebalance took longer than %g s; a few records will be handled twice",
                LAST_COMMIT_S,
            )
        for tp in revoked:
            self.tracker.revoke(tp)
            self.working.pop(tp, None)
        self._generation = None
        await super().on_partitions_revoked(revoked)

    # -- commits ----------------------------------------------------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Ignores Faust's own acknowledgement, because Faust gives it for cancelled records, too.

        Faust's Cython `StreamIterator` does not call this method: it writes to `_acked` directly. `force_commit` clears
        that.
        """
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002 - Faust's signature
        """Commits the offsets that the tracker gives. The next interval repeats a commit that fails.

        It also clears Faust's own notes (`_acked`), as Faust's method does, because Faust's Cython code adds to them.
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
        still_ours = {
            self._new_topicpartition(tp.topic, tp.partition): OffsetAndMetadata(offset, "")
            for tp, offset in offsets.items()
            if tp in ours
        }
        try:
            if still_ours:
                await consumer.commit(still_ours)
        except KafkaError as error:
            log.warning("the commit of %s failed and will be tried again: %r", dict(offsets), error)
            return False
        # If a partition was lost meanwhile, no offset counts as committed, and the next interval tries all again.
        return len(still_ours) == len(offsets)

    async def verify_all_partitions_active(self) -> None:
        """Does nothing. Faust would only log a partition that stands still; our watchdog ends the worker."""


class StrictTransport(driver.Transport):
    """The transport for a Kafka."""

    Consumer = StrictConsumer


class EmbeddedConsumer(StrictConsumer):
    """A strict consumer of the embedded broker."""

    fetch_wait_ms = EMBEDDED_FETCH_WAIT_MS


class EmbeddedTransport(driver.Transport):
    """The transport for the embedded broker."""

    Consumer = EmbeddedConsumer

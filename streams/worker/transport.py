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
"""How long a fetch waits for new records; a higher value delays records. aiokafka has one fetch a broker under way, and
leaves out partitions of which it still holds records. New records there wait for that fetch to end (Faust: 1.5 s)."""
EMBEDDED_FETCH_WAIT_MS = 10
"""The same for librdkafka's mock cluster, which does not wake a waiting fetch: each record waits this long."""
SEEK_AGAIN_S = 5.0
"""After a seek no second one follows for so long: records that were queued before it come first and look like jumps."""
QUIET_S = 1.0
"""How often partitions without records are checked for jumps."""
BELIEVED_AFTER = 3
"""After so many readings with the same later record in place of the next one, the offsets between count as empty."""
LAST_COMMIT_S = 2.0
"""A rebalance waits at most so long for the last commit."""


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
    """Hides from Faust which offset it read last: it would drop records below, and call a jump above a hole."""

    def __getitem__(self, _: TP) -> None:
        return None

    def __setitem__(self, *_: Any) -> None: ...


class PartitionOffsets(NamedTuple):
    """What the broker has of a partition: the group's offset, if any, and the log's first and its end."""

    committed: int | None
    first: int
    end: int


class _ImpatientThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = cast(StrictConsumer, self.consumer).fetch_wait_ms
        return consumer


class StrictConsumer(driver.Consumer):
    fetch_wait_ms = FETCH_WAIT_MS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tracker: OffsetTracker[TP] = OffsetTracker()
        self.jumps = 0
        """How often a partition was read again because Faust had thrown records away."""
        self.skipped = 0
        """Records that retention deleted before an agent processed them: no consumer can mend this loss."""
        self.restarts = 0
        """How often a log was shorter than the next offset (cut, or made anew), so that it was read from its start."""
        self.holes = 0
        """Offsets without a record for us, as transactions and compaction leave them."""
        self.working: dict[TP, float] = {}
        """Since when the agent of a partition works on a record, in monotonic seconds."""
        self._read_offset = _Unread()
        self._seeking: dict[TP, float] = {}
        self._instead: dict[TP, int] = {}  # the first record that came in the next one's place since the last seek
        self._met: dict[TP, tuple[int, int, int]] = {}  # next offset, the one that came instead, in how many readings
        self._generation: int | None = None

    def _new_consumer_thread(self) -> _ImpatientThread:
        return _ImpatientThread(self, loop=self.loop, beacon=self.beacon)

    # -- the agents' side -------------------------------------------------------------------------------------------

    async def take(self, message: Any) -> bool:
        """Says whether a record is the next one to be processed. An agent asks this before it does anything else."""
        if message.generation_id != self.app.consumer_generation_id:
            return False
        verdict = self.tracker.judge(message.tp, message.offset)
        if verdict is Sequence.JUMP:
            self._instead[message.tp] = min(message.offset, self._instead.get(message.tp, message.offset))
            await self._read_again(message.tp)
        if verdict is not Sequence.NEXT:
            return False
        self._seeking.pop(message.tp, None)
        self.working[message.tp] = time.monotonic()
        return True

    def taken(self, message: Any) -> None:
        """Notes that the result of a record is published, and that its state is stored with that of a later record."""
        self.working.pop(message.tp, None)
        self.tracker.taken(message.tp, message.offset)

    def handled(self, message: Any) -> None:
        """Notes that a record, and all before it, are done: results published, state stored."""
        self.working.pop(message.tp, None)
        self.tracker.handled(message.tp, message.offset)

    async def _read_again(self, tp: TP) -> None:
        """Reads a partition again from the record to be processed next, or from the nearest that the log has."""
        now = time.monotonic()
        if now < self._seeking.get(tp, 0) or tp not in self.tracker.next:
            return
        self._seeking[tp] = now + SEEK_AGAIN_S
        self.jumps += 1
        try:
            place = (await self._places({tp}))[tp]
        except (TimeoutError, KafkaError) as error:
            log.warning("%s/%d: no answer where to read again: %r", tp.topic, tp.partition, error)
            return
        if (here := self.tracker.next.get(tp)) is None:
            return
        start = self._start(tp, here, place)
        instead = self._instead.pop(tp, None)
        if start == here and instead is not None and self._is_hole(tp, here, instead):
            self.holes += instead - here
            log.critical(
                "%s/%d: no records %d to %d, asked %d times; a topic of agents is neither compacted nor transactional",
                tp.topic, tp.partition, here, instead - 1, BELIEVED_AFTER,
            )  # fmt: skip
            start = instead
        if start != here:
            self.tracker.move(tp, start)
        log.warning("%s/%d: reading again from %d", tp.topic, tp.partition, start)
        try:
            await self.seek_wait({tp: start})
        except (TimeoutError, KafkaError) as error:
            log.warning("%s/%d: not read again yet, to be tried again: %r", tp.topic, tp.partition, error)

    def _is_hole(self, tp: TP, here: int, instead: int) -> bool:
        """Says whether the offsets from `here` to `instead` are empty.

        Within one generation Faust does not throw away the same records twice, but a hole stays where it is.
        """
        *known, times = self._met.get(tp, (here, instead, 0))
        times = times + 1 if known == [here, instead] else 1
        self._met[tp] = (here, instead, times)
        return times >= BELIEVED_AFTER

    @Service.task
    async def _notice_jumps_on_quiet_topics(self) -> None:
        """Finds jumps on topics where no further record comes: there the fetch position shows them."""
        before: dict[TP, int] = {}
        while not self.should_stop:
            await self.sleep(QUIET_S)
            idle = {tp: offset for tp, offset in self.tracker.next.items() if self._has_nothing(tp)}
            for tp, offset in idle.items():
                if before.get(tp) == offset and self.flow_active and await self._elsewhere(tp, offset):
                    await self._read_again(tp)
            before = idle

    def _has_nothing(self, tp: TP) -> bool:
        """Says whether a partition has no record with an agent and, as far as is known, none in its queue."""
        return not self.at_work(tp) and tp not in self._buffered_partitions

    def at_work(self, tp: TP) -> bool:
        """Says whether the agent of a topic works. It reads all partitions: while it works on one, the others wait."""
        return any(busy.topic == tp.topic for busy in self.working)

    async def _elsewhere(self, tp: TP, offset: int) -> bool:
        """Says whether the fetch position is beyond the next offset, or before it (where the log was cut)."""
        try:
            async with asyncio.timeout(QUIET_S):
                position = await self.position(tp)
        except (TimeoutError, KafkaError):
            return False
        return position is not None and position != self.tracker.next.get(tp, position) == offset

    # -- queues -----------------------------------------------------------------------------------------------------

    def on_buffer_full(self, tp: TP) -> None:
        """Pauses all partitions of a topic, because they share one queue.

        Faust would pause only those that have sent records, and fill the queue from the others. A full queue holds up
        all topics.
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
            return  # another rebalance came in between, and will seek for itself
        self._generation = generation
        self._seeking.clear()
        self._instead.clear()
        self._met.clear()
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
        """Gives the offset to read on from: `here` where the log has it, else the start of the log."""
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
                "%s/%d: the log ends at %d, and %d was handled already: it was cut or made anew, and is read from its "
                "start; look after the broker's disk, and whether the topic has replicas",
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
        """Commits what the tracker says. A commit that fails is tried again at the next interval.

        It also clears the notes that Faust's compiled stream makes of its own acknowledgements: only Faust's commit
        would clear them, and each record would take 200 bytes for ever.
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
            log.warning("commit failed, to be tried again: %s", error)
            return False
        return len(asked) == len(offsets)

    async def verify_all_partitions_active(self) -> None:
        """Left to the watchdog, which ends the worker instead of writing a log."""


class StrictTransport(driver.Transport):
    Consumer = StrictConsumer


class EmbeddedConsumer(StrictConsumer):
    fetch_wait_ms = EMBEDDED_FETCH_WAIT_MS


class EmbeddedTransport(driver.Transport):
    Consumer = EmbeddedConsumer

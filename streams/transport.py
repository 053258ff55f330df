"""Faust transports whose consumer never commits past a record that no agent has called handled.

Faust 0.15.3 loses records at rebalances: what was fetched but not handed on is thrown away, the next record stands
further on, and `_drain_messages` takes the jump for a compacted hole and commits across it. A record whose agent is
cancelled in mid-work counts as acknowledged, too. Faust has many places where that can happen, so the check stands at
the end of the way, in the agent's hand (`take`): a record is worked on only if it is the next one of its partition; at
a jump the partition is read again from where handling stopped. Only the ledger says what is committed; Faust's own
acknowledgements are not asked. Agents read topics without holes (neither compacted nor transactional), so a jump is
never innocent.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from typing import Any

from aiokafka.errors import KafkaError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as driver
from faust.types import TP
from mode import Service

from streams.ledger import Ledger, Verdict

log = logging.getLogger(__name__)

WRITTEN_FOR = "0.15.3"
EMBEDDED_FETCH_WAIT_MS = 10
"""The mock cluster does not wake a waiting fetch, and Faust asks for one of 1.5 s."""
SEEK_AGAIN_S = 5.0
"""After a seek back the records that were already queued come first, and are no reason for another."""
QUIET_S = 1.0
LAST_COMMIT_S = 2.0


def refuse_other_than(expected: str, found: str) -> None:
    """Raises ImportError: what is overridden here are internals, which change without a word."""
    if found != expected:
        raise ImportError(
            f"the strict transport overrides internals of faust-streaming {expected}, found {found}; "
            f"install {expected}, or go through every override in streams/transport.py with the crash tests"
        )


refuse_other_than(WRITTEN_FOR, version("faust-streaming"))


class _Unread(dict[TP, int | None]):
    """Faust drops a record below the offset it read last, and calls a jump above it a hole: so it is never told."""

    def __getitem__(self, _: TP) -> None:
        return None

    def __setitem__(self, *_: Any) -> None: ...


class StrictConsumer(driver.Consumer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.ledger: Ledger[TP] = Ledger()
        self.jumps = 0
        """How often a partition was read again because records had been thrown away."""
        self.skipped = 0
        """Records that retention deleted before anybody handled them: the one loss that no consumer can mend."""
        self.working: dict[TP, float] = {}
        """By partition since when its agent has a record in hand, in monotonic seconds."""
        self._read_offset = _Unread()
        self._seeking: dict[TP, float] = {}
        self._generation: int | None = None

    # -- the agents' side -------------------------------------------------------------------------------------------

    async def take(self, message: Any) -> bool:
        """Whether this record is the next one to be handled; an agent asks before it does anything with it."""
        if message.generation_id != self.app.consumer_generation_id:
            return False
        verdict = self.ledger.judge(message.tp, message.offset)
        if verdict is Verdict.JUMP:
            await self._read_again(message.tp)
        if verdict is not Verdict.NEXT:
            return False
        self._seeking.pop(message.tp, None)
        self.working[message.tp] = time.monotonic()
        return True

    def handled(self, message: Any) -> None:
        """An agent's last word on a record: its outcome is published, its state remembered."""
        self.working.pop(message.tp, None)
        self.ledger.handled(message.tp, message.offset)

    async def _read_again(self, tp: TP) -> None:
        now = time.monotonic()
        if now < self._seeking.get(tp, 0) or tp not in self.ledger.next:
            return
        self._seeking[tp] = now + SEEK_AGAIN_S
        self.jumps += 1
        log.warning("%s/%d: records were dropped; reading again from %d", tp.topic, tp.partition, self.ledger.next[tp])
        await self.seek_wait({tp: self.ledger.next[tp]})

    @Service.task
    async def _notice_jumps_on_quiet_topics(self) -> None:
        """Where no further record comes to show the jump, the fetch position shows it."""
        before: dict[TP, int] = {}
        while not self.should_stop:
            await self.sleep(QUIET_S)
            idle = {tp: offset for tp, offset in self.ledger.next.items() if not self._at_work(tp)}
            for tp, offset in idle.items():
                if before.get(tp) == offset and self.flow_active and await self._beyond(tp, offset):
                    await self._read_again(tp)
            before = idle

    def _at_work(self, tp: TP) -> bool:
        """One agent reads all partitions of a topic: while it works on one, the others wait."""
        return any(busy.topic == tp.topic for busy in self.working)

    async def _beyond(self, tp: TP, offset: int) -> bool:
        try:
            position = await self.position(tp)
        except (TimeoutError, KafkaError):
            return False
        return position is not None and position > self.ledger.next.get(tp, position) == offset

    # -- assignment -------------------------------------------------------------------------------------------------

    def _inputs(self) -> set[TP]:
        return {tp for tp in self.assignment() if self.app.topics.acks_enabled_for(tp.topic)}

    async def perform_seek(self) -> None:
        """Begin where handling stopped: by the ledger within a generation, else by the committed offsets.

        Faust calls this after every rebalance before it lets records flow.
        """
        generation = self.app.consumer_generation_id
        inputs = self._inputs()
        if not inputs:
            self.ledger.assign({})
            return
        committed = await self._thread.call_thread(self._fetch_committed, inputs)
        earliest = await self.earliest_offsets(*inputs)
        starts = {tp: self._start(tp, committed[tp], earliest[tp]) for tp in inputs}
        if generation == self._generation:
            starts = {tp: max(offset, self.ledger.next.get(tp, 0)) for tp, offset in starts.items()}
        await self.seek_wait(starts)
        if generation != self.app.consumer_generation_id:
            return  # another rebalance came in between, and will seek for itself
        self._generation = generation
        self._seeking.clear()
        self.ledger.assign(starts)

    async def _fetch_committed(self, tps: Iterable[TP]) -> dict[TP, int | None]:
        consumer = self._thread._ensure_consumer()
        return {tp: await consumer.committed(self._new_topicpartition(tp.topic, tp.partition)) for tp in tps}

    def _start(self, tp: TP, committed: int | None, earliest: int) -> int:
        if committed is not None and 0 <= committed < earliest:
            self.skipped += earliest - committed
            log.critical(
                "%s/%d: retention deleted %d records that nobody had handled (%d to %d); "
                "raise the topic's retention and publish everything current again",
                tp.topic, tp.partition, earliest - committed, committed, earliest - 1,
            )  # fmt: skip
        return earliest if committed is None else max(committed, earliest)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        try:
            async with asyncio.timeout(LAST_COMMIT_S):
                await self.commit()
        except TimeoutError:
            log.warning("no time to commit before the rebalance; a few records will be handled twice")
        for tp in revoked:
            self.ledger.revoke(tp)
            self.working.pop(tp, None)
        self._generation = None
        await super().on_partitions_revoked(revoked)

    # -- commits ----------------------------------------------------------------------------------------------------

    def ack(self, message: Any) -> bool:
        """Faust's own acknowledgement says nothing here: it comes for cancelled records, too."""
        message.acked = True
        self._unacked_messages.discard(message)
        return True

    async def force_commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002 - Faust's signature
        """Commit what the ledger says; what fails stays to be committed, and is asked for at the next interval."""
        offsets = self.ledger.to_commit()
        if not offsets or not await self._thread.call_thread(self._commit_in_thread, offsets):
            return False
        self.ledger.committed(offsets)
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


class _ImpatientThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: driver.Transport) -> Any:
        consumer: Any = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = EMBEDDED_FETCH_WAIT_MS
        return consumer


class EmbeddedConsumer(StrictConsumer):
    def _new_consumer_thread(self) -> _ImpatientThread:
        return _ImpatientThread(self, loop=self.loop, beacon=self.beacon)


class EmbeddedTransport(driver.Transport):
    Consumer = EmbeddedConsumer

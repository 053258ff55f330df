"""Faust transports whose consumer never commits past a record that no agent has called handled.

Faust 0.15.3 loses records at rebalances: what was fetched but not handed on is thrown away, the next record stands
further on, and `_drain_messages` takes the jump for a compacted hole and commits across it. A record whose agent is
cancelled in mid-work counts as acknowledged, too. Agents here read only topics that are neither compacted nor
transactional, so their offsets have no holes: a jump always means "read again from where I stopped", and only what an
agent has called `handled` is committed. Faust's own acknowledgements are not asked.
"""

from collections import defaultdict
from collections.abc import AsyncIterator
from importlib.metadata import version
from typing import Any

from faust.transport.drivers import aiokafka as driver

WRITTEN_FOR = "0.15.3"
EMBEDDED_FETCH_WAIT_MS = 10
"""The mock cluster does not wake a waiting fetch, and Faust asks for one of 1.5 s."""

if (found := version("faust-streaming")) != WRITTEN_FOR:
    raise ImportError(
        f"the strict transport overrides internals of faust-streaming {WRITTEN_FOR}, found {found}; "
        f"install {WRITTEN_FOR}, or go through every override in streams/transport.py with the crash tests"
    )


class StrictConsumer(driver.Consumer):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.jumps = 0
        """How often records were read again because some had been thrown away."""
        self._expected: dict[Any, int] = {}  # the offset to hand on next
        self._unfinished: dict[Any, int] = {}  # the first offset that is not known to be handled
        self._handled: defaultdict[Any, set[int]] = defaultdict(set)  # offsets from there on that are

    def handled(self, message: Any) -> None:
        """An agent's last word on a record: it may be committed."""
        if message.offset >= self._unfinished.get(message.tp, message.offset + 1):
            self._handled[message.tp].add(message.offset)

    def _is_input(self, tp: Any) -> bool:
        return bool(self.app.topics.acks_enabled_for(tp.topic))

    async def perform_seek(self) -> None:
        """Start again from the committed offsets; where there is none, from the start of the log."""
        await super().perform_seek()
        start = {tp: self._committed_offset[tp] or 0 for tp in self.assignment() if self._is_input(tp)}
        never = [tp for tp, offset in start.items() if not offset]
        if never:  # aiokafka's seek_to_committed leaves these where they stand
            earliest = dict(await self.earliest_offsets(*never))
            await self.seek_wait(earliest)
            start.update(earliest)
        self._expected, self._unfinished = dict(start), start
        self._handled.clear()

    async def on_partitions_revoked(self, revoked: Any) -> None:
        for tp in revoked:
            self._expected.pop(tp, None)
            self._unfinished.pop(tp, None)
            self._handled.pop(tp, None)
        await super().on_partitions_revoked(revoked)

    def resume_flow(self) -> None:
        """Queues were cleared: what was handed on but not handled has to come again."""
        self._expected = {tp: self._next_unhandled(tp) for tp in self._unfinished}
        super().resume_flow()

    def _next_unhandled(self, tp: Any) -> int:
        offset = self._unfinished[tp]
        while offset in self._handled[tp]:
            offset += 1
        return offset

    async def getmany(self, timeout: float) -> AsyncIterator[tuple[Any, Any]]:  # noqa: ASYNC109 - Faust's signature
        quiet = True
        async for tp, message in super().getmany(timeout):
            if self._is_input(tp):
                quiet = False
                expected = self._expected.get(tp)
                if expected is None or message.offset != expected:
                    if expected is not None and message.offset > expected:
                        self.jumps += 1
                        await self._seek(tp, expected)
                    continue
                self._expected[tp] = expected + 1
                self._read_offset[tp] = None  # or what is read again would be dropped as old
            yield tp, message
        if quiet and self.flow_active:
            for tp, expected in list(self._expected.items()):
                position = await self.position(tp)
                if position is not None and position > self._expected.get(tp, position):
                    self.jumps += 1
                    await self._seek(tp, expected)

    async def _add_gap(self, tp: Any, offset_from: int, offset_to: int) -> None:
        """There are no holes to step over."""

    def _new_offset(self, tp: Any) -> int | None:
        first = self._unfinished.get(tp)
        self._acked[tp].clear()
        self._acked_index[tp].clear()
        if first is None:
            return None
        new = self._next_unhandled(tp)
        self._handled[tp] = {offset for offset in self._handled[tp] if offset >= new}
        self._unfinished[tp] = new
        return new if new > first else None


class StrictTransport(driver.Transport):
    Consumer = StrictConsumer


class _ImpatientThread(driver.AIOKafkaConsumerThread):
    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        consumer._fetch_max_wait_ms = EMBEDDED_FETCH_WAIT_MS
        return consumer


class EmbeddedConsumer(StrictConsumer):
    def _new_consumer_thread(self) -> _ImpatientThread:
        return _ImpatientThread(self, loop=self.loop, beacon=self.beacon)


class EmbeddedTransport(driver.Transport):
    Consumer = EmbeddedConsumer

"""Each hole of the stock consumer, closed: against a consumer thread of ours that does what Kafka's would."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import Any

import faust
import pytest
from aiokafka.errors import KafkaError
from faust.types import TP
from mode import Service
from yarl import URL

from streams.worker.transport import (
    HOLE_AFTER_READINGS,
    WRITTEN_FOR,
    StrictConsumer,
    StrictTransport,
    refuse_other_than,
)

P, Q = TP("in", 0), TP("in", 1)


@dataclass(eq=False)
class Message:
    tp: TP
    offset: int
    generation_id: int
    acked: bool = False


class FakeThread(Service):
    """A broker and a fetcher that remember what they were asked."""

    def __init__(self) -> None:
        super().__init__()
        self.owned: set[TP] = {P, Q}
        self.committed_offsets: dict[TP, int | None] = {P: None, Q: None}
        self.log_start: dict[TP, int] = {P: 0, Q: 0}
        self.log_end: dict[TP, int] = {P: 20, Q: 20}
        self.positions: dict[TP, int] = {}
        self.seeks: list[dict[TP, int]] = []
        self.commits: list[dict[TP, int]] = []
        self.commit_error: Exception | None = None
        self.sought = asyncio.Event()
        self.during_seek: Callable[[], None] = lambda: None

    async def call_thread(self, function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
        return await function(*arguments)

    def _ensure_consumer(self) -> "FakeThread":
        return self

    async def committed(self, tp: Any) -> int | None:
        return self.committed_offsets[TP(tp.topic, tp.partition)]

    async def commit(self, offsets: Mapping[Any, Any]) -> None:
        if self.commit_error:
            raise self.commit_error
        self.commits.append({TP(tp.topic, tp.partition): meta.offset for tp, meta in offsets.items()})
        self.committed_offsets.update(self.commits[-1])

    async def earliest_offsets(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.log_start[tp] for tp in tps}

    async def highwaters(self, *tps: TP) -> dict[TP, int]:
        return {tp: self.log_end[tp] for tp in tps}

    async def seek_wait(self, offsets: Mapping[TP, int]) -> None:
        self.during_seek()
        self.seeks.append(dict(offsets))
        self.sought.set()
        self.positions.update(offsets)

    def seek(self, *_: Any) -> None:
        raise AssertionError("a seek outside the consumer's thread")

    async def position(self, tp: TP) -> int | None:
        return self.positions.get(tp)

    def assignment(self) -> set[TP]:
        return self.owned


class ConsumerOnFake(StrictConsumer):
    def _new_consumer_thread(self) -> Any:
        return FakeThread()


class Bench:
    def __init__(self, consumer: StrictConsumer, thread: FakeThread, app: Any) -> None:
        self.consumer, self.thread, self.app = consumer, thread, app

    def message(self, tp: TP, offset: int, generation: int | None = None) -> Message:
        generation_id = self.app.consumer_generation_id if generation is None else generation
        return Message(tp, offset, generation_id)

    async def handle(self, tp: TP, *offsets: int) -> list[int]:
        """What an agent works on of the records that reach it."""
        done = []
        for offset in offsets:
            message = self.message(tp, offset)
            if await self.consumer.take(message):
                done.append(offset)
                self.consumer.handled(message)
        return done

    async def rebalanced(self, owned: Iterable[TP]) -> None:
        await self.consumer.on_partitions_revoked(set(self.thread.owned))
        self.thread.owned = set(owned)
        self.app.consumer_generation_id += 1
        await self.consumer.perform_seek()


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    with TemporaryDirectory() as folder:
        app: Any = faust.App("test", broker="kafka://localhost", store="memory://", datadir=folder, autodiscover=False)
        transport = StrictTransport([URL("kafka://localhost")], app)

        async def nothing(*_: Any) -> None: ...

        consumer: Any = ConsumerOnFake(transport, nothing, nothing, nothing)
        thread = consumer._thread
        app.consumer_generation_id = 1
        monkeypatch.setattr(type(app.topics), "acks_enabled_for", lambda *_: True)
        yield Bench(consumer, thread, app)


async def test_partitions_without_a_commit_begin_at_the_start_of_the_log(bench: Bench) -> None:
    bench.thread.log_start[Q] = 3
    await bench.consumer.perform_seek()
    assert bench.thread.seeks == [{P: 0, Q: 3}]
    assert bench.consumer.skipped == 0


async def test_a_committed_offset_is_where_it_goes_on_zero_included(bench: Bench) -> None:
    bench.thread.committed_offsets = {P: 0, Q: 7}
    await bench.consumer.perform_seek()
    assert bench.consumer.tracker.next == {P: 0, Q: 7}


async def test_what_retention_deleted_unhandled_is_an_alarm_and_counted(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.thread.committed_offsets[P], bench.thread.log_start[P] = 10, 14
    with caplog.at_level(logging.CRITICAL):
        await bench.consumer.perform_seek()
    assert bench.consumer.tracker.next[P] == 14
    assert bench.consumer.skipped == 4
    assert "retention deleted 4 records" in caplog.text


async def test_a_jump_is_read_again_from_where_handling_stopped(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    assert await bench.handle(P, 0, 1, 5, 6, 7) == [0, 1]
    assert bench.thread.seeks[1:] == [{P: 2}], "one seek, however many records were already queued behind the jump"
    assert await bench.handle(P, 2, 3, 4, 5) == [2, 3, 4, 5]
    assert bench.consumer.jumps == 1


async def test_an_answer_of_the_broker_that_records_have_overtaken_makes_no_log_anew(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await bench.consumer.perform_seek()
    await bench.handle(P, *range(19))

    async def overtaken(*tps: TP) -> dict[TP, int]:
        await bench.handle(P, 19, 20, 21)
        return dict.fromkeys(tps, 0)

    monkeypatch.setattr(bench.thread, "earliest_offsets", overtaken)
    assert await bench.handle(P, 25) == []
    assert (bench.consumer.restarts, bench.consumer.tracker.next[P]) == (0, 22)


async def test_nothing_is_committed_across_a_jump(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    await bench.handle(P, 0, 1, 5, 6)
    await bench.consumer.commit()
    assert bench.thread.commits == [{P: 2}]


@pytest.mark.parametrize("why", ["hole", "retention"])
async def test_what_waits_for_its_state_is_not_committed_when_the_log_goes_on_behind_a_gap(
    bench: Bench, why: str
) -> None:
    """Killed before the state was stored, the worker went on behind what stood in no state."""
    await bench.consumer.perform_seek()
    waiting = [bench.message(P, offset) for offset in (0, 1)]
    for message in waiting:
        assert await bench.consumer.take(message)
        bench.consumer.processed(message)
    if why == "retention":
        bench.thread.log_start[P] = 9
    while bench.consumer.tracker.next[P] < 9:
        bench.consumer._no_seek_before.clear()
        assert await bench.handle(P, 9) == []
    await bench.consumer.commit()
    assert bench.thread.commits == []
    bench.consumer.handled(waiting[-1])  # its state is stored late, as no further record comes
    await bench.consumer.commit()
    assert bench.thread.commits == [{P: 9}]
    assert await bench.handle(P, 9) == [9]


async def test_a_record_that_was_cancelled_in_mid_work_is_not_committed(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    message = bench.message(P, 0)
    assert await bench.consumer.take(message)
    bench.consumer.ack(message)  # what Faust says when it cancels the agent
    await bench.consumer.commit()
    assert bench.thread.commits == []


async def test_a_failed_commit_is_sent_again_without_a_further_record(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    await bench.handle(P, 0)
    bench.thread.commit_error = KafkaError()
    assert not await bench.consumer.commit()
    bench.thread.commit_error = None
    assert await bench.consumer.commit()
    assert bench.thread.commits == [{P: 1}]
    assert not await bench.consumer.commit()


async def test_a_rebalance_commits_first_and_goes_on_from_there(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    await bench.handle(P, 0, 1, 2)
    await bench.rebalanced({P})
    assert bench.thread.commits == [{P: 3}]
    assert bench.consumer.tracker.next == {P: 3}


async def test_a_late_word_on_a_partition_that_others_went_on_with_counts_for_nothing(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    late = bench.message(P, 0)
    assert await bench.consumer.take(late)
    bench.thread.committed_offsets[P] = 9
    await bench.rebalanced({P})
    bench.consumer.handled(late)
    assert bench.consumer.tracker.next == {P: 9}
    assert not await bench.consumer.take(late)


async def test_a_record_fetched_in_an_older_generation_is_not_taken(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    old = bench.message(P, 0)
    await bench.rebalanced({P})
    assert not await bench.consumer.take(old)
    assert await bench.consumer.take(bench.message(P, 0))


async def test_a_rebalance_while_seeking_leaves_the_ledger_to_the_next_seek(bench: Bench) -> None:
    def rebalance() -> None:
        bench.app.consumer_generation_id += 1

    bench.thread.during_seek = rebalance
    await bench.consumer.perform_seek()
    assert bench.consumer.tracker.next == {}
    bench.thread.during_seek = lambda: None
    await bench.consumer.perform_seek()
    assert bench.consumer.tracker.next == {P: 0, Q: 0}


async def test_a_second_seek_within_a_generation_does_not_go_back(bench: Bench) -> None:
    """Faust seeks again when its flow was stopped in mid-fetch; handled records need not come again for that."""
    await bench.consumer.perform_seek()
    await bench.handle(P, 0, 1)
    await bench.consumer.perform_seek()
    assert bench.consumer.tracker.next[P] == 2
    assert bench.consumer.tracker.to_commit() == {P: 2}, "the broker still has to know of them"


async def test_what_was_queued_before_a_repaired_jump_does_not_delay_the_next_one(bench: Bench) -> None:
    await bench.consumer.perform_seek()
    assert await bench.handle(P, 5, 6, *range(10)) == [*range(10)]
    for _ in range(HOLE_AFTER_READINGS):
        bench.consumer._no_seek_before.clear()
        await bench.handle(P, 12)
    assert (bench.consumer.holes, bench.consumer.tracker.next[P]) == (2, 12)


async def test_records_wiped_from_the_queues_are_read_again_when_the_next_one_comes(bench: Bench) -> None:
    """Handed on after the seek, wiped before the flow resumed: only the agent's hand sees what is missing."""
    await bench.consumer.perform_seek()
    bench.thread.positions[P] = 3  # 0 to 2 were fetched, and cleared with the queues
    assert await bench.handle(P, 3) == []
    assert bench.thread.seeks[-1] == {P: 0}


async def test_a_jump_on_a_quiet_topic_is_seen_by_the_fetch_position(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.worker.transport.QUIET_S", 0.01)
    await bench.consumer.perform_seek()
    bench.thread.positions[P] = 4  # fetched and thrown away; nothing follows
    bench.thread.sought.clear()
    watching = asyncio.ensure_future(_quiet(bench.consumer))
    async with asyncio.timeout(5):
        await bench.thread.sought.wait()
    watching.cancel()
    assert bench.thread.seeks[-1] == {P: 0}


async def test_a_record_that_is_put_back_is_not_committed_and_comes_again_though_nothing_follows(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.worker.transport.QUIET_S", 0.01)
    await bench.consumer.perform_seek()
    message = bench.message(P, 0)
    assert await bench.consumer.take(message)
    bench.consumer.put_back(message)
    await bench.consumer.commit()
    assert bench.thread.commits == []
    bench.thread.positions[P] = 1
    bench.thread.sought.clear()
    watching = asyncio.ensure_future(_quiet(bench.consumer))
    async with asyncio.timeout(5):
        await bench.thread.sought.wait()
    watching.cancel()
    assert bench.thread.seeks[-1] == {P: 0}
    assert await bench.handle(P, 0) == [0]


async def test_a_topic_whose_agent_is_at_work_is_not_called_quiet(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.worker.transport.QUIET_S", 0.01)
    await bench.consumer.perform_seek()
    bench.thread.positions = {P: 4, Q: 9}
    assert await bench.consumer.take(bench.message(P, 0))
    watching = asyncio.ensure_future(_quiet(bench.consumer))
    await asyncio.sleep(0.2)
    watching.cancel()
    assert len(bench.thread.seeks) == 1


async def test_a_topic_whose_queue_is_long_is_not_called_quiet(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.worker.transport.QUIET_S", 0.01)
    await bench.consumer.perform_seek()
    bench.thread.positions = {P: 4, Q: 9}
    bench.consumer.on_buffer_full(P)
    watching = asyncio.ensure_future(_quiet(bench.consumer))
    await asyncio.sleep(0.2)
    watching.cancel()
    assert len(bench.thread.seeks) == 1


async def test_a_long_queue_stops_the_fetching_of_all_partitions_of_its_topic_and_of_no_other(bench: Bench) -> None:
    other = TP("lane", 0)
    bench.thread.owned = {P, Q, other}
    bench.consumer._set_active_tps({P, Q, other})
    bench.consumer.on_buffer_full(P)
    assert bench.consumer._get_active_partitions() == {other}
    bench.consumer.on_buffer_drop(P)
    assert bench.consumer._get_active_partitions() == {P, Q, other}


async def test_faust_is_never_told_what_it_read_so_it_drops_nothing_and_sees_no_holes(bench: Bench) -> None:
    bench.consumer._read_offset[P] = 12
    assert bench.consumer._read_offset[P] is None


@pytest.mark.parametrize("package", ["faust-streaming", "aiokafka"])
def test_another_faust_or_client_is_refused(package: str) -> None:
    refuse_other_than(WRITTEN_FOR)
    with pytest.raises(ImportError, match=f"install {WRITTEN_FOR[package]}"):
        refuse_other_than(WRITTEN_FOR, {**WRITTEN_FOR, package: "9"}.__getitem__)


async def _quiet(consumer: StrictConsumer) -> None:
    await StrictConsumer._notice_jumps_on_quiet_topics.fun(consumer)

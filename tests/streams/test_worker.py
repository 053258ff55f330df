"""The loop around the agents: nothing escapes it, whatever step fails, and what is put off is not put off for ever."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import KafkaError, RequestTimedOutError
from faust.types import TP

from streams.kafka.records import ConsumedRecord, MemorySender, ProducerRecord, Progress, SendError
from streams.kafka.topics import Topics
from streams.worker import app as app_module
from streams.worker.app import Worker
from streams.worker.hand import Hand
from streams.worker.match import MatchAgent
from streams.worker.offsets import OffsetOrder, OffsetTracker
from streams.worker.remembered import MemoryStateStore
from streams.worker.trial import NOT_TRIED, Trials
from streams.worker.watchdog import LIMIT_S, Vitals
from tests.domain.test_stop import stop
from tests.streams.pair import HERE, THERE, Pair, warning
from tests.streams.test_agents import Bench
from tests.support import tick
from warnsys.metrics import Metrics
from warnsys.records import NewerRecordError, read_impact_record

IMPACTS, ALERTS = TP("warn.impacts", 0), TP("cap.alerts", 0)


@dataclass(eq=False)
class Message:
    tp: TP
    offset: int
    value: bytes = b""
    headers: dict[str, bytes] = field(default_factory=dict)
    key: bytes = b""
    timestamp: float = 0.0
    generation_id: int = 1

    @property
    def topic(self) -> str:
        return self.tp.topic

    @property
    def partition(self) -> int:
        return self.tp.partition


class Consumer:
    """The consumer's side towards the agents, without a broker."""

    def __init__(self) -> None:
        self.tracker: OffsetTracker[TP] = OffsetTracker()
        self.tracker.assign({IMPACTS: 0, ALERTS: 0})
        self.ends = {IMPACTS: 0, ALERTS: 0}
        self.take_error: Exception | None = None
        self.crashed, self.crash_reason, self.flow_active, self.working = False, None, True, dict[TP, float]()
        self.jumps = self.restarts = self.skipped = self.holes = 0

    async def take(self, message: Message) -> bool:
        if self.take_error:
            raise self.take_error
        return True

    def processed(self, message: Message) -> None:
        self.working.pop(message.tp, None)
        self.tracker.processed(message.tp, message.offset)

    def handled(self, message: Message) -> None:
        self.working.pop(message.tp, None)
        self.tracker.handled(message.tp, message.offset)

    def put_back(self, message: Message) -> None:
        self.working.pop(message.tp, None)

    def highwater(self, tp: TP) -> int:
        return self.ends.get(tp, 0)

    def assignment(self) -> set[TP]:
        return set(self.ends)

    def at_work(self, tp: TP) -> bool:
        return False


class InOrder(Consumer):
    """It takes only the next record, as the real one does."""

    async def take(self, message: Message) -> bool:
        self.working[message.tp] = time.monotonic()
        return self.tracker.compare(message.tp, message.offset) is OffsetOrder.NEXT


class Loop:
    """A worker whose Faust is replaced; `one` is what its agent does with a message."""

    def __init__(self, match: Any = None, hand: Hand | None = None, trials: Any = None) -> None:
        self.store = MemoryStateStore()
        self.pair, self.ended, self.outdated = Pair(self.store), list[str](), list[str]()
        match = match or MatchAgent(Bench().match._matcher, (HERE,), self.pair.topics, self.pair.sender, Metrics())
        self.match = match
        self.worker = Worker(
            "localhost:1", self.pair.topics, match, self.pair.agent, self.pair.sender, self.pair.metrics, Progress(),
            embedded=True, end=self.ended.append, outdated=self.outdated.append, hand=hand, trials=trials,
        )  # fmt: skip
        self.consumer = Consumer()
        self.worker.app = SimpleNamespace(
            consumer=self.consumer,
            crashed=False,
            crash_reason=None,
            rebalancing=False,
            start=self.start,
            stop=self.stop,
        )

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def one(self, message: Message, agent: Any = None) -> None:
        agent = agent or (self.pair.agent if message.topic == "warn.impacts" else self.match)
        topic = self.pair.topics.impacts if message.topic == "warn.impacts" else self.pair.topics.alerts
        async with self.worker._at_work[topic.name]:
            await self.worker._process(agent, topic, message)

    @property
    def committed(self) -> int:
        return self.consumer.tracker.done[IMPACTS]


@pytest.fixture
async def loop() -> Loop:
    return Loop()


async def until(done: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not done():  # noqa: ASYNC110 - nothing tells
            await asyncio.sleep(0.02)


def said(offset: int, value: bytes | None = None) -> Message:
    return Message(IMPACTS, offset, value or tick(offset).to_bytes())


async def test_a_consumer_that_cannot_take_ends_the_process_and_commits_nothing(loop: Loop) -> None:
    """As when the broker is away while it reads again after a jump: it stood outside every `try`."""
    loop.consumer.take_error = RequestTimedOutError()
    with pytest.raises(KafkaError):
        await loop.one(said(0))
    assert "warn.impacts/0@0" in loop.ended[0]
    assert loop.committed == 0


async def test_back_pressure_that_fails_ends_the_process_and_commits_nothing(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(_: Worker) -> None:
        raise RuntimeError("no consumer")

    monkeypatch.setattr(Worker, "_let_settle_keep_up", fails)
    with pytest.raises(RuntimeError):
        await loop.one(Message(ALERTS, 0, b"<alert/>"))
    assert "cap.alerts/0@0" in loop.ended[0]
    assert loop.pair.sender.records == []


@pytest.mark.parametrize("step", ["handle", "reject", "remember"])
async def test_a_broker_that_fails_at_any_step_ends_the_process_and_commits_nothing(loop: Loop, step: str) -> None:
    error = SendError("not acknowledged")
    if step == "remember":

        async def fails(*_: Any) -> None:
            raise error

        loop.pair.store.save = fails  # type: ignore[assignment,method-assign]
    else:
        loop.pair.sender.error = error
    with pytest.raises(app_module.EndWithoutCommit):
        await loop.one(said(0, b"damaged") if step == "reject" else said(0))
    assert len(loop.ended) == 1
    assert "not acknowledged" in loop.ended[0]
    assert loop.committed == 0


async def test_a_record_of_a_newer_release_ends_it_with_its_own_exit_code_and_is_not_rejected(loop: Loop) -> None:
    value = b'{"kind":"evacuation","schema_version":2,"stage":"live"}'
    with pytest.raises(app_module.EndWithoutCommit):
        await loop.one(said(0, value))
    assert loop.ended == []
    assert "newer release" in loop.outdated[0]
    assert (loop.committed, loop.pair.sender.records) == (0, [])
    with pytest.raises(NewerRecordError):
        read_impact_record(value)


async def test_a_damaged_record_is_set_aside_and_the_next_one_is_taken(loop: Loop) -> None:
    await loop.one(said(0, b"damaged"))
    await loop.one(said(1))
    assert [record.value for record in loop.pair.sent("warn.rejected")] == [b"damaged"]
    assert (loop.committed, loop.ended) == (2, [])


async def test_what_is_put_off_for_a_record_that_does_not_come_is_remembered_after_a_second(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "BATCH_S", 0.2)
    loop.consumer.ends[IMPACTS] = 5  # known to the broker, and never delivered
    await loop.one(said(0))
    assert (loop.committed, loop.store.kept) == (0, {})
    late = asyncio.create_task(loop.worker._flush_late())
    await until(lambda: loop.committed)
    late.cancel()
    assert loop.committed == 1
    assert set(loop.store.kept[0].cities) == {HERE, THERE}
    assert loop.worker._batches == {}


async def test_what_is_remembered_late_is_not_what_an_agent_works_on(
    loop: Loop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app_module, "BATCH_S", 0.05)
    loop.consumer.ends[IMPACTS] = 5
    await loop.one(said(0))
    async with loop.worker._at_work["warn.impacts"]:
        late = asyncio.create_task(loop.worker._flush_late())
        await asyncio.sleep(0.3)
        assert loop.committed == 0
    late.cancel()


class Slow(MemorySender):
    """Acknowledges when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.owed: list[asyncio.Future[None]] = []

    async def begin(self, records: Any) -> Any:
        self.records.extend(records)
        self.owed.append(asyncio.get_running_loop().create_future())
        return self.owed[-1]


async def test_a_send_of_before_a_rebalance_that_failed_ends_nothing_later() -> None:
    sender, bench = Slow(), Bench()
    match = MatchAgent(bench.match._matcher, ("solingen",), Topics("live", 1), sender, Metrics())
    loop = Loop(match)
    record = bench.alert(b"<alert>broken")
    bench_sender = match._sender
    match._sender = MemorySender()
    await match.handle(record)  # so that a rejection is acknowledged
    match._sender = bench_sender
    match._unflushed.clear()
    snapshot = ConsumedRecord("cap.alerts", 0, 8, b"", b'{"kind":"snapshot","stage":"live","source":"dwd","stamp":"2027-07-14T12:00:00Z","checked":"2027-07-14T12:00:00Z","ids":[]}', {"kind": "snapshot"}, 0.0)  # fmt: skip # noqa: E501
    await match.handle(snapshot)
    assert match.has_unflushed(snapshot)
    await loop.worker._rebalanced()
    sender.owed[0].set_exception(SendError("the broker was away"))
    assert not match.has_unflushed(snapshot)
    await match.flush(snapshot)


async def test_what_was_sent_in_a_rebalance_is_waited_for_at_once() -> None:
    sender = Slow()
    match = MatchAgent(Bench().match._matcher, (HERE,), Topics("live", 1), sender, Metrics())
    begin = sender.begin

    async def rebalanced(records: list[ProducerRecord]) -> Any:
        match.forget()
        acknowledged = await begin(records)
        sender.owed[-1].set_exception(SendError("the broker was away"))
        return acknowledged

    sender.begin = rebalanced  # type: ignore[method-assign]
    value = b'{"kind":"snapshot","stage":"live","source":"dwd","stamp":"2027-07-14T12:00:00Z","checked":"2027-07-14T12:00:00Z","ids":[]}'  # noqa: E501
    with pytest.raises(SendError):
        await match.handle(ConsumedRecord("cap.alerts", 0, 0, b"", value, {"kind": "snapshot"}, 0.0))


async def test_a_reporter_that_dies_ends_the_process(loop: Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Consumer, "highwater", None)
    async with loop.worker.running():
        await until(lambda: loop.ended)
    assert "the reporter failed" in loop.ended[0]


@pytest.mark.parametrize("how", ["waits", "blocks"])
async def test_a_start_that_hangs_is_seen_by_the_watchdog(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    if how == "waits":
        monkeypatch.setattr("streams.worker.watchdog.REBALANCE_LIMIT_S", 1)
    loop = Loop()
    loop.worker._vitals = Vitals(60, limit_s=2.5 if how == "blocks" else 60)

    async def start() -> None:
        if how == "blocks":
            end = time.monotonic() + 60
            while not loop.ended and time.monotonic() < end:
                time.sleep(0.05)  # noqa: ASYNC251 - that is the fault
        else:
            await until(lambda: loop.ended)

    loop.worker.app.start = start
    async with loop.worker.running():
        pass
    assert loop.ended
    assert ("not been consuming" if how == "waits" else "not answered") in loop.ended[0]


# -- suspects -------------------------------------------------------------------------------------------------------


class Judge(Trials):
    """Says of each part whether it passes, without a process."""

    def __init__(self, says: Callable[[str], str]) -> None:
        super().__init__()
        self.says, self.tried_parts = says, list[str]()

    async def warm(self, count: int = 1) -> None: ...

    async def tried(self, parts: Any) -> dict[str, str]:
        parts = list(parts)
        self.tried_parts += [f"{part.decide.__name__} {part.name}" for part in parts]
        return {part.name: why for part in parts if (why := self.says(f"{part.decide.__name__} {part.name}"))}


def suspect(hand: Hand, message: Message, times: int = 1) -> None:
    hand._ends[f"{message.topic}/{message.partition}@{message.offset}"] = times


async def test_a_suspect_that_passes_is_handled_as_ever() -> None:
    hand, judge = Hand(), Judge(lambda _: "")
    loop, message = Loop(hand=hand, trials=judge), said(0, warning("A", HERE, THERE).to_bytes())
    suspect(hand, message)
    await loop.one(message)
    await loop.one(said(1))
    assert judge.tried_parts == ["learn ", f"settle {HERE}", f"settle {THERE}"]
    assert len(loop.pair.told(HERE)) == len(loop.pair.told(THERE)) == 1
    assert loop.pair.sent("warn.rejected") == []
    assert not hand.suspects


async def test_a_suspect_that_does_not_pass_in_one_city_is_set_aside_for_that_city() -> None:
    hand, judge = Hand(), Judge(lambda part: "it took more than 2 s" if part == f"settle {HERE}" else "")
    loop = Loop(hand=hand, trials=judge)
    await loop.one(said(0))
    message = said(1, warning("A", HERE, THERE).to_bytes())
    suspect(hand, message)
    await loop.one(message)
    await loop.one(said(2))
    (kept,) = loop.pair.sent("warn.rejected")
    assert kept.headers["city"] == HERE
    assert "ended the process: it took more than 2 s" in kept.headers["reason"]
    assert [notice.cause for notice in loop.pair.told(THERE)] == ["A"]
    assert loop.pair.stele(HERE).freshness != "fresh"
    assert (loop.committed, loop.ended) == (3, [])
    assert hand.suspicion(ConsumedRecord("warn.impacts", 0, 77, b"", message.value, {}, 0.0)) == 1, (
        "known by its content"
    )


async def test_the_same_is_not_tried_twice_in_a_row() -> None:
    hand, judge = Hand(), Judge(lambda part: "it took more than 2 s" if part == f"settle {HERE}" else "")
    loop = Loop(hand=hand, trials=judge)
    value = warning("A", HERE, THERE).to_bytes()
    await loop.one(said(0))
    suspect(hand, said(1))
    await loop.one(said(1, value))
    tried = len(judge.tried_parts)
    await loop.one(said(2, value))
    assert len(judge.tried_parts) == tried
    assert [kept.headers["city"] for kept in loop.pair.sent("warn.rejected")] == [HERE, HERE]
    assert len(loop.pair.told(THERE)) == 1


async def test_a_city_whose_state_ends_processes_begins_anew() -> None:
    hand, judge = Hand(), Judge(lambda part: "it ended its process" if part.endswith(HERE) else "")
    loop = Loop(hand=hand, trials=judge)
    await loop.one(said(0))
    message = said(1)
    suspect(hand, message)
    await loop.one(message)
    assert loop.pair.counted("state_lost_timestamp_seconds", city=HERE) > 0
    await loop.one(said(2, warning("A", HERE, THERE).to_bytes()))
    assert [notice.cause for notice in loop.pair.told(HERE)] == ["A"]


async def test_a_city_that_is_given_up_at_any_record_keeps_the_operators_stop_and_says_whose_bytes_are_kept() -> None:
    hand, judge = Hand(), Judge(lambda part: "it ended its process" if part.endswith(HERE) else "")
    loop = Loop(hand=hand, trials=judge)
    await loop.one(said(0))
    await loop.one(said(1, stop(1, 600).to_bytes()))
    message = said(2, warning("A", HERE, THERE).to_bytes())
    suspect(hand, message)
    await loop.one(message)
    state = loop.pair.agent.state(HERE)
    assert state
    assert "push" in state.stopped
    (kept,) = [one for one in loop.pair.sent("warn.rejected") if one.headers["topic"] == "warn.state"]
    assert (kept.key, kept.headers["offset"], kept.headers["city"]) == (HERE, "-1", HERE)


async def test_a_city_that_was_not_tried_keeps_its_state() -> None:
    hand, judge = Hand(), Judge(lambda part: f"{NOT_TRIED} after 3 others" if part.endswith(HERE) else "")
    loop = Loop(hand=hand, trials=judge)
    await loop.one(said(0))
    await loop.one(said(1, warning("A", HERE).to_bytes()))
    message = said(2)
    suspect(hand, message)
    await loop.one(message)
    state = loop.pair.agent.state(HERE)
    assert state
    assert "A" in state.facts
    assert loop.pair.counted("state_lost_timestamp_seconds", city=HERE) == 0


async def test_a_message_that_does_not_pass_is_rejected_and_every_city_hears_of_it() -> None:
    hand, judge = Hand(), Judge(lambda _: "it took more than 512 MiB of memory")
    loop = Loop(hand=hand, trials=judge)
    headers = {"stage": "live", "source": "dwd", "id": "A", "seen": "2027-07-14T12:00:00Z"}
    message = Message(ALERTS, 0, b"<alert/>", {key: value.encode() for key, value in headers.items()})
    suspect(hand, message)
    await loop.one(message)
    (kept,) = loop.pair.sent("warn.rejected")
    assert kept.value == b"<alert/>"
    assert "512 MiB" in kept.headers["reason"]
    (outcome,) = loop.pair.sent("warn.impacts")
    assert b'"decided":"rejected"' in (outcome.value or b"")
    assert loop.pair.counted("poison_total", agent="match", result="set aside") == 1


async def test_one_that_passes_and_ends_the_process_all_the_same_is_set_aside_in_the_end() -> None:
    hand, judge = Hand(), Judge(lambda _: "")
    loop, message = Loop(hand=hand, trials=judge), said(0, warning("A", HERE).to_bytes())
    suspect(hand, message, times=3)
    await loop.one(message)
    assert judge.tried_parts == []
    assert {kept.headers["city"] for kept in loop.pair.sent("warn.rejected")} == {HERE, THERE}
    assert loop.committed == 1


class Interrupted(Judge):
    """While the first trial lasts, a rebalance takes the partition and gives it back at the committed offset."""

    loop: Loop
    interrupted = False

    async def tried(self, parts: Any) -> dict[str, str]:
        found = await super().tried(parts)
        if not self.interrupted:
            self.interrupted, committed = True, self.loop.committed
            self.loop.consumer.tracker.revoke(IMPACTS)
            await self.loop.worker._rebalanced()
            self.loop.consumer.tracker.assign({IMPACTS: committed})
            await self.loop.worker._rebalanced()
        return found

    async def let_come(self, *values: bytes) -> Loop:
        """The last but one is a suspect. What comes before it is processed and not remembered when it is tried."""
        hand, (*_, last) = Hand(), range(len(values))
        self.loop = loop = Loop(hand=hand, trials=self)
        consumer = loop.consumer = loop.worker.app.consumer = InOrder()
        await loop.one(said(0, values[0]))
        consumer.ends[IMPACTS] = len(values)
        suspect(hand, said(last - 1))
        for offset in range(1, last):
            await loop.one(said(offset, values[offset]))
        assert consumer.working == {}, "the watchdog would end a worker that seems to work on a record for ever"
        for offset in range(loop.committed, len(values)):
            await loop.one(said(offset, values[offset]))
        return loop


async def test_what_was_not_remembered_before_a_rebalance_in_a_trial_stands_afterwards() -> None:
    """The suspect was settled on a state that lacked what came before it, and covered that."""
    values = [tick(0), warning("A", HERE), warning("B", HERE, severity="Severe", minute=0.2), tick(0.4)]
    loop = await Interrupted(lambda _: "").let_come(*(value.to_bytes() for value in values))
    assert {item.base_id for item in loop.pair.stele(HERE).items} == {"A", "B"}
    assert set(loop.store.kept[0].cities[HERE].facts) == {"A", "B"}
    assert (loop.committed, loop.ended) == (4, [])


async def test_a_suspect_that_a_rebalance_interrupts_is_tried_again_when_it_comes_again() -> None:
    """Its first trial was on a state that is forgotten: neither it nor the city is at fault for that."""
    judge = Interrupted(lambda part: "it took more than 2 s" if part.endswith(HERE) and not judge.interrupted else "")
    values = [tick(0), warning("A", HERE), warning("B", HERE, severity="Severe", minute=0.2), tick(0.4)]
    loop = await judge.let_come(*(value.to_bytes() for value in values))
    assert judge.tried_parts.count(f"settle {HERE}") == 2
    assert loop.pair.sent("warn.rejected") == []
    assert set(loop.store.kept[0].cities[HERE].facts) == {"A", "B"}
    assert loop.pair.counted("state_lost_timestamp_seconds", city=HERE) == 0


async def test_a_worker_begins_while_what_tries_its_suspects_begins_and_only_for_who_meets_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hand = Hand(tmp_path)
    hand._ends = {"warn.impacts/0@7": 1}
    bench = Bench()
    worker = Worker(
        "nowhere:1", bench.topics, bench.match, bench.settle, bench.sender, Metrics(), Progress(),
        embedded=False, hand=hand,
    )  # fmt: skip
    assert worker._suspects.trials_to_warm() == [worker._suspects.trials["settle"]]
    begun = list[str]()

    async def slow(_: Trials) -> None:
        await asyncio.sleep(60)

    async def start() -> None:
        begun.append("app")

    async def stop() -> None: ...

    monkeypatch.setattr(Trials, "warm", slow)
    monkeypatch.setattr(worker.app, "start", start)
    monkeypatch.setattr(worker, "_stop", stop)
    monkeypatch.setattr(worker, "_report", lambda: asyncio.sleep(60))
    async with asyncio.timeout(5), worker.running():
        assert begun == ["app"]


async def test_a_trial_may_last_longer_than_a_record_may_be_in_hand() -> None:
    """Whatever ends a worker in each trial of a record stops all workers for ever."""
    verdicts = list[str]()

    class Slow(Judge):
        async def tried(self, parts: Any) -> dict[str, str]:
            loop.consumer.working[message.tp] -= 2 * LIMIT_S
            loop.worker._report_once()
            verdicts.append(loop.worker._vitals.verdict(time.monotonic()))
            return await super().tried(parts)

    hand, message = Hand(), said(0, warning("A", HERE, THERE).to_bytes())
    loop = Loop(hand=hand, trials=Slow(lambda _: ""))
    loop.consumer = loop.worker.app.consumer = InOrder()
    suspect(hand, message)
    await loop.one(message)
    await loop.one(said(1))
    assert (set(verdicts), len(loop.pair.told(HERE))) == ({""}, 1)

"""A failure is charged to who caused it: a record, one city, or the infrastructure. Nothing else stops."""

import json
from dataclasses import replace

import pytest
from aiokafka.errors import KafkaError, NodeNotReadyError
from pydantic import ValidationError

from streams.kafka.records import ConsumedRecord, MemorySender, SendError, TooLargeError
from streams.worker.failures import Charge, CityError, charge, logging_failures, taken
from streams.worker.remembered import MemoryStateStore, RememberedPartition, UnreadableState
from streams.worker.settle import GIVEN_UP_AFTER, SettleAgent
from tests.streams.pair import HERE, THERE, Pair, remembered_of, warning
from tests.support import snapshot, tick
from warnsys.metrics import Metrics
from warnsys.partition import Partition
from warnsys.pipeline import CityRules, CityState, Settled, settle
from warnsys.records import ImpactRecord, NewerRecordError, Notice, Outcome, Snapshot, Tick, read_impact_record
from warnsys.warning.learned import LearnedRecord


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> list[type[ImpactRecord]]:
    """Kinds of records that the one city cannot take."""
    kinds: list[type[ImpactRecord]] = []

    def sometimes(state: CityState, learned: LearnedRecord, city: CityRules) -> Settled:
        if state.city == HERE and isinstance(learned.record, tuple(kinds)):
            raise RuntimeError("this city cannot")
        return settle(state, learned, city)

    monkeypatch.setattr("streams.worker.settle.settle", sometimes)
    return kinds


@pytest.mark.parametrize(
    ("error", "charged"),
    [
        (SendError("not acknowledged"), Charge.INFRASTRUCTURE),
        (NodeNotReadyError(), Charge.INFRASTRUCTURE),
        (KafkaError(), Charge.INFRASTRUCTURE),
        (OSError("disk"), Charge.INFRASTRUCTURE),
        (TimeoutError(), Charge.INFRASTRUCTURE),
        (MemoryError(), Charge.INFRASTRUCTURE),
        (TooLargeError("never"), Charge.RECORD),
        (ValueError("damaged"), Charge.RECORD),
        (RecursionError(), Charge.RECORD),
        (CityError("x", ValueError()), Charge.CITY),
    ],
)
def test_each_error_has_one_who_is_charged(error: Exception, charged: Charge) -> None:
    assert charge(error) is charged


NEWER_TICK = {"kind": "tick", "stage": "live", "at": "tomorrow", "schema_version": 99}


@pytest.mark.parametrize(
    "error", [ValueError("damaged"), KeyError("x"), RecursionError(), TooLargeError("never"), "a newer release"]
)
def test_a_process_that_only_reads_passes_over_what_it_cannot_read(
    error: Exception | str, caplog: pytest.LogCaptureFixture
) -> None:
    def take(record: ConsumedRecord) -> None:
        if isinstance(error, Exception):
            raise error
        read_impact_record(record.value)

    record = ConsumedRecord("live.warn.impacts", 3, 17, b"", json.dumps(NEWER_TICK).encode(), {}, 0.0)
    assert not taken(record, take)
    assert "live.warn.impacts/3@17 cannot be read" in caplog.text
    assert taken(record, lambda _: None)


@pytest.mark.parametrize("error", [SendError("not acknowledged"), KafkaError(), OSError("disk"), MemoryError()])
def test_a_process_that_only_reads_ends_for_what_no_record_caused(error: Exception) -> None:
    def take(_: ConsumedRecord) -> None:
        raise error

    with pytest.raises(type(error)):
        taken(ConsumedRecord("t", 0, 0, b"", b"", {}, 0.0), take)


async def test_a_city_that_fails_takes_no_notice_from_the_others(failing: list[type[ImpactRecord]]) -> None:
    pair = await Pair().take(tick(0))
    failing.append(Outcome)
    await pair.take(warning("A", HERE, THERE))
    assert [notice.kind for notice in pair.told(THERE)] == ["warn"]
    assert pair.told(HERE) == []


async def test_memory_that_runs_out_while_a_state_is_tested_begins_no_city_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def out_of_memory(state: CityState, learned: LearnedRecord, city: CityRules) -> Settled:
        if learned.record.kind == "tick":
            raise MemoryError
        raise RuntimeError("this city cannot")

    pair = await Pair().take(tick(0), warning("A", HERE, severity="Severe"), snapshot(0, "A"), tick(1))
    before = pair.agent.state(HERE)
    monkeypatch.setattr("streams.worker.settle.settle", out_of_memory)
    with pytest.raises(MemoryError):
        await pair.take(warning("B", HERE, minute=1))
    assert pair.agent.state(HERE) is before
    assert not pair.sent("warn.rejected")


async def test_a_city_that_fails_keeps_what_it_knew_and_shows_incomplete(failing: list[type[ImpactRecord]]) -> None:
    pair = await Pair().take(tick(0), warning("A", HERE, severity="Severe"), snapshot(0, "A"), tick(1))
    assert (pair.stele(HERE).status, pair.stele(HERE).freshness) == ("warned", "fresh")
    failing.append(Outcome)
    await pair.take(warning("B", HERE, THERE, minute=1))
    assert (pair.stele(HERE).status, pair.stele(HERE).freshness) == ("warned", "incomplete")
    assert (pair.stele(THERE).status, pair.stele(THERE).freshness) == ("warned", "fresh")
    assert [item.base_id for item in pair.stele(HERE).items] == ["A"]


async def test_a_city_that_fails_shows_nothing_clear(failing: list[type[ImpactRecord]]) -> None:
    pair = await Pair().take(tick(0), snapshot(0), tick(1))
    assert pair.stele(HERE).status == "clear"
    failing.append(Outcome)
    await pair.take(warning("A", HERE))
    assert pair.stele(HERE).status == "no_data"


@pytest.mark.parametrize("kind", [Outcome, Snapshot, Tick])
async def test_what_a_city_cannot_take_is_kept_for_it_and_counted(
    failing: list[type[ImpactRecord]], kind: type[ImpactRecord]
) -> None:
    pair = await Pair().take(tick(0))
    failing.append(kind)
    all_kinds: list[ImpactRecord] = [warning("A", HERE), snapshot(0, "A"), tick(1)]
    said = next(one for one in all_kinds if isinstance(one, kind))
    await pair.take(said)
    (kept,) = pair.sent("warn.rejected")
    assert kept.value == said.to_bytes()
    assert kept.headers["city"] == HERE
    assert kept.headers["reason"] == f"city: {HERE}: RuntimeError: this city cannot"
    assert kept.headers["offset"] == str(pair.offset)
    assert pair.counted("rejected_total", agent="settle", code="city") == 1
    failing.clear()
    failing.append(Outcome)
    await pair.take(warning("B", HERE), tick(2))
    assert pair.counted("city_troubles", city=HERE) >= 1
    assert pair.counted("city_not_fresh", city=HERE) == 1


async def test_what_the_ledger_cannot_learn_is_set_aside_by_all_cities_for_that_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pair = await Pair().take(tick(0), warning("A", HERE, severity="Severe"), snapshot(0, "A"), tick(1))

    bad, learn = warning("B", HERE, minute=1), Partition.learn

    def sometimes(self: Partition, record: ImpactRecord) -> LearnedRecord:
        if record == bad:
            raise RuntimeError("the ledger cannot")
        return learn(self, record)

    monkeypatch.setattr(Partition, "learn", sometimes)
    await pair.take(bad)
    reasons = {kept.headers["city"]: kept.headers["reason"] for kept in pair.sent("warn.rejected")}
    assert reasons == {city: f"city: {city}: unlearned: RuntimeError: the ledger cannot" for city in (HERE, THERE)}
    assert (pair.stele(HERE).status, pair.stele(HERE).freshness) == ("warned", "incomplete")
    await pair.take(tick(2))
    assert pair.stele(THERE).status == "no_data"


async def test_a_city_is_whole_again_when_it_decides_right(failing: list[type[ImpactRecord]]) -> None:
    pair = await Pair().take(tick(0), snapshot(0), tick(1))
    failing.append(Outcome)
    await pair.take(warning("A", HERE, minute=2), snapshot(2, "A"), tick(3))
    assert pair.stele(HERE).freshness == "incomplete"
    failing.clear()
    await pair.take(warning("A", HERE, minute=2), snapshot(3, "A"), tick(4))
    assert (pair.stele(HERE).status, pair.stele(HERE).freshness) == ("warned", "fresh")
    assert [notice.kind for notice in pair.told(HERE)] == ["warn"]
    assert pair.counted("city_troubles", city=HERE) == 0


async def test_while_a_message_that_failed_is_listed_nothing_ends_and_nothing_is_clear(
    failing: list[type[ImpactRecord]],
) -> None:
    pair = await Pair().take(tick(0), warning("A", HERE, severity="Moderate"), snapshot(0, "A"), tick(1))
    failing.append(Outcome)
    await pair.take(warning("B", HERE, minute=2))
    failing.clear()
    await pair.take(*(said for minute in range(2, 30) for said in (snapshot(minute, "B"), tick(minute))))
    assert [notice.kind for notice in pair.told(HERE)] == ["warn"], "one whose successor cannot be read does not end"
    assert (pair.stele(HERE).status, pair.stele(HERE).freshness) == ("warned", "incomplete")


async def test_a_city_that_cannot_take_the_time_begins_anew_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else nothing would ever be told there again, until somebody looks."""
    pair = await Pair().take(tick(0), warning("A", HERE, severity="Severe"), snapshot(0, "A"))

    def damaged(state: CityState, learned: LearnedRecord, city: CityRules) -> Settled:
        if "A" in state.facts and not isinstance(learned.record, Outcome):
            raise RuntimeError("what is remembered makes no sense")
        return settle(state, learned, city)

    monkeypatch.setattr("streams.worker.settle.settle", damaged)
    await pair.take(*(tick(minute) for minute in range(1, GIVEN_UP_AFTER + 1)))
    assert pair.counted("state_lost_timestamp_seconds", city=HERE) > 0
    assert any(record.headers["topic"] == "warn.state" for record in pair.sent("warn.rejected"))
    await pair.take(tick(5), warning("B", HERE, minute=5))
    assert [notice.cause for notice in pair.told(HERE)] == ["A", "B"]


# -- what is remembered ---------------------------------------------------------------------------------------------


class Damaged(MemoryStateStore):
    """One whose record for a city cannot be read; the next save replaces it."""

    def __init__(self, city: str) -> None:
        super().__init__()
        self.city: str | None = city

    async def load(self, partition: int) -> RememberedPartition:
        found = await super().load(partition)
        if not self.city:
            return found
        record = ConsumedRecord("warn.state", partition, 4, f"{self.city}/w".encode(), b"\x00damaged", {}, 0.0)
        return replace(found, unreadable={self.city: UnreadableState(record, f"state: {self.city}: damaged")})

    async def save(self, partition: int, remembered: RememberedPartition) -> None:
        await super().save(partition, remembered)
        self.city = None


async def test_a_state_that_cannot_be_read_takes_no_record_with_it() -> None:
    store = Damaged(HERE)
    store.kept[0] = remembered_of(THERE, tick(0), warning("A", THERE, severity="Severe"), snapshot(0, "A"))
    pair = Pair(store)
    await pair.take(tick(1), warning("E", HERE, THERE, minute=1))
    assert [(notice.kind, notice.cause) for notice in pair.told(THERE)] == [("update", "E")], "it knows what it told"
    assert [(notice.kind, notice.cause) for notice in pair.told(HERE)] == [("warn", "E")]
    assert pair.counted("state_lost_timestamp_seconds", city=HERE) > 0


async def test_the_bytes_of_a_state_that_cannot_be_read_are_kept_once() -> None:
    pair = await Pair(Damaged(HERE)).take(tick(0))
    for minute in range(1, 4):
        pair.restarted()
        await pair.take(tick(minute))
    (kept,) = pair.sent("warn.rejected")
    assert (kept.value, kept.key) == (b"\x00damaged", "x/w")
    assert kept.headers["topic"] == "warn.state"
    assert kept.headers["city"] == HERE
    assert kept.headers["reason"].startswith("state: x")


async def test_a_city_whose_state_was_lost_is_never_clear_before_all_that_is_listed_came_again() -> None:
    pair = await Pair(Damaged(HERE)).take(tick(0), snapshot(0, "A"), tick(0.5))
    assert pair.stele(HERE).status == "no_data"
    await pair.take(tick(3))
    assert pair.stele(HERE).status == "no_data"
    await pair.take(warning("A", HERE), tick(4))
    assert (pair.stele(HERE).status, pair.stele(HERE).freshness) == ("warned", "fresh")


async def test_a_store_that_cannot_tell_one_city_from_another_takes_no_record_with_it() -> None:
    class Broken(MemoryStateStore):
        async def load(self, partition: int) -> RememberedPartition:
            raise ValueError("a state is neither JSON nor packed")

    pair = await Pair(Broken()).take(tick(0), warning("A", HERE, THERE))
    assert len(pair.told(HERE)) == len(pair.told(THERE)) == 1
    assert pair.counted("state_lost_timestamp_seconds", city=THERE) > 0


async def test_a_broker_that_does_not_give_the_states_is_the_infrastructures() -> None:
    class Away(MemoryStateStore):
        async def load(self, partition: int) -> RememberedPartition:
            raise NodeNotReadyError

    with pytest.raises(KafkaError) as raised:
        await Pair(Away()).take(tick(0))
    assert charge(raised.value) is Charge.INFRASTRUCTURE


# -- newer releases -------------------------------------------------------------------------------------------------

NEWER = [
    b'{"kind":"evacuation","schema_version":2,"stage":"live"}',
    b'{"kind":"outcome","schema_version":2,"stage":"live","decided":"postponed"}',
    b'{"kind":"snapshot","schema_version":99,"stage":"live"}',
    b'{"kind":"tick","schema_version":2,"stage":"live","at":{"utc":0}}',
]


@pytest.mark.parametrize("value", NEWER)
async def test_what_a_newer_release_wrote_and_this_one_cannot_read_is_the_infrastructures(value: bytes) -> None:
    with pytest.raises(NewerRecordError, match="newer release") as raised:
        read_impact_record(value)
    assert charge(raised.value) is Charge.INFRASTRUCTURE


@pytest.mark.parametrize(
    "value",
    [
        *(value.replace(b"2,", b"1,").replace(b"99,", b"1,") for value in NEWER),
        NEWER[0][:-1], b"", b"\xff", b"[]", b'"x"', b'{"kind":"tick","schema_version":"2"}',
    ],
)  # fmt: skip
def test_what_is_damaged_and_of_this_release_is_the_records(value: bytes) -> None:
    with pytest.raises(ValidationError) as raised:
        read_impact_record(value)
    assert charge(raised.value) is Charge.RECORD


# -- listeners ------------------------------------------------------------------------------------------------------


async def test_a_listener_that_fails_changes_nothing() -> None:
    def view(_: Notice) -> None:
        raise OSError("the terminal is gone")

    pair = Pair()
    pair.agent = SettleAgent(pair.cities, pair.topics, pair.sender, pair.store, Metrics(), view)
    await pair.take(tick(0), warning("A", HERE))
    assert len(pair.told(HERE)) == 1
    logging_failures(view)(pair.told(HERE)[0])


async def test_a_notice_that_no_topic_takes_is_that_citys(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = await Pair().take(tick(0), snapshot(0), tick(1))
    monkeypatch.setattr("streams.worker.settle.HEADER_RESERVE", 2**30)
    await pair.take(warning("A", HERE))
    assert pair.sent("warn.push") == []
    assert any("TooLargeError" in record.headers["reason"] for record in pair.sent("warn.rejected"))


def test_a_sender_that_fails_is_the_infrastructures_also_for_one_city() -> None:
    assert charge(SendError("x")) is Charge.INFRASTRUCTURE
    assert MemorySender().records == []


# -- a state at fault -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("was", "damaged"),
    [(b"public/sms/RAIN", b"public"), (b'"base_id":"S"', b'"base_id":"T"'), (b'"listed_as":["S"]', b'"listed_as":[]')],
)
async def test_a_message_that_meets_a_state_that_is_at_fault_is_told_with_the_next_tick(
    was: bytes, damaged: bytes
) -> None:
    """Such a state can be read, and no record can be settled on it: it is given up at once, not after three ticks."""
    found = remembered_of(HERE, tick(0), warning("S", HERE, severity="Severe"), snapshot(0, "S"), tick(1))
    whole = found.cities[HERE].to_bytes()
    assert was in whole
    store = MemoryStateStore()
    store.kept[0] = replace(found, cities={HERE: CityState.from_bytes(whole.replace(was, damaged))})
    pair = Pair(store)
    await pair.take(warning("E", HERE, THERE, minute=2), tick(2))
    assert [one.cause for one in pair.told(HERE)] == ["E"]
    assert len([one for one in pair.sent("warn.rejected") if "state: " in one.headers["reason"]]) == 1

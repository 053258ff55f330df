"""The order of effects: publish, remember, and only then handled. Nothing that comes in is lost."""

import json
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from geofences import bundled
from streams.kafka.records import ConsumedRecord, MemorySender, ProducerRecord
from streams.kafka.topics import Topics
from streams.worker.failures import Charge, charge, error_reason, rejection
from streams.worker.match import MatchAgent
from streams.worker.remembered import MemoryStateStore, RememberedPartition
from streams.worker.settle import SettleAgent
from tests.like_dwd import DwdMessages
from tests.support import NOON, at
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules, CityState, ForeignStageError, Settled, cities_for, matcher_for, settle
from warnsys.records import ImpactRecord, Snapshot, SteleRecord, Tick, read_impact_record
from warnsys.settings import Settings, parse
from warnsys.warning.learned import LearnedRecord

ELSEWHERE = "remscheid"
"""A city with districts of its own, on another partition; a third partition has no city."""
ID = "2.49.0.1.276.0.DWD.PVW.1548604620000.f431e879-0f99-4722-a76b-1c3bb1cbd3ac"


def settings(stage: str = "live") -> Settings:
    city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}
    return parse({"stage": stage, "cities": [city]})


class Bench:
    """Both agents on a sender and a store that keep everything."""

    def __init__(self, stage: str = "live", partitions: int = 3) -> None:
        chosen = settings(stage)
        matcher = matcher_for(chosen)
        self.cities = cities_for(chosen, matcher)
        self.topics, self.sender, self.store = Topics(stage, partitions), MemorySender(), MemoryStateStore()
        self.match = MatchAgent(matcher, (*self.cities, ELSEWHERE), self.topics, self.sender, Metrics())
        self.settle = self.new_settle()
        self.partition = self.topics.partition_of("solingen")

    def new_settle(self) -> SettleAgent:
        return SettleAgent(self.cities, self.topics, self.sender, self.store, Metrics())

    def sent(self, topic: str) -> list[ProducerRecord]:
        return [record for record in self.sender.records if record.topic == topic]

    def alert(self, body: bytes, **headers: str) -> ConsumedRecord:
        said = {"kind": "alert", "stage": "live", "source": "dwd", "id": ID, "seen": at(0).isoformat(), **headers}
        return ConsumedRecord("cap.alerts", 0, 7, b"", body, said, 0.0)

    def impact(self, value: bytes, offset: int = 0, timestamp: datetime = NOON) -> ConsumedRecord:
        return ConsumedRecord("warn.impacts", self.partition, offset, b"", value, {}, timestamp.timestamp())


def tick(minutes: float) -> bytes:
    return Tick(stage="live", at=at(minutes)).to_bytes()


async def test_each_partition_that_has_a_city_sees_an_alert_whole_or_not_at_all(dwd_messages: DwdMessages) -> None:
    bench = Bench()
    await bench.match.handle(bench.alert(dwd_messages.snow))
    impacts = bench.sent("warn.impacts")
    districts = {record.partition: len(json.loads(record.value or b"")["meanings"]) for record in impacts}
    assert districts == {bench.partition: 1, bench.topics.partition_of(ELSEWHERE): 0}


async def test_what_cannot_be_understood_keeps_its_bytes_and_every_city_hears_of_it() -> None:
    bench = Bench()
    body = b"<alert>\xff\x00 broken"
    await bench.match.handle(bench.alert(body))
    (kept,) = bench.sent("warn.rejected")
    assert kept.value == body
    assert kept.headers["agent"] == "match"
    assert kept.headers["reason"].startswith("not-xml")
    assert (kept.headers["topic"], kept.headers["offset"], kept.headers["id"]) == ("cap.alerts", "7", ID)
    decided = [getattr(read_impact_record(record.value or b""), "decided", "") for record in bench.sent("warn.impacts")]
    assert decided == ["rejected"] * 2


async def test_a_snapshot_goes_to_every_partition_that_has_a_city() -> None:
    bench = Bench()
    snapshot = Snapshot(stage="live", source="dwd", stamp=at(0), checked=at(0), ids=(ID,))
    record = ConsumedRecord("cap.alerts", 0, 0, b"", snapshot.to_bytes(), {"kind": "snapshot"}, 0.0)
    await bench.match.handle(record)
    said = {sent.partition: read_impact_record(sent.value or b"") for sent in bench.sent("warn.impacts")}
    assert said == {bench.partition: snapshot, bench.topics.partition_of(ELSEWHERE): snapshot}


async def test_a_record_of_another_stage_is_refused() -> None:
    bench = Bench()
    with pytest.raises(ForeignStageError):
        await bench.match.handle(bench.alert(b"<alert/>", stage="exercise"))
    with pytest.raises(ForeignStageError):
        await bench.settle.handle(bench.impact(Tick(stage="exercise", at=at(0)).to_bytes()))
    assert bench.sender.records == []


async def test_notices_are_sent_before_the_state_is_remembered() -> None:
    bench = Bench()
    bench.sender.error = ConnectionError("broker gone")
    with pytest.raises(ConnectionError):
        await bench.settle.handle(bench.impact(tick(0)))
    assert bench.store.kept == {}
    bench.sender.error = None
    await bench.settle.handle(bench.impact(tick(0)))
    assert len(bench.sent("warn.stele")) == 5
    assert bench.store.kept == {}
    assert bench.settle.has_unflushed(bench.impact(b""))
    await bench.settle.flush(bench.impact(b""))
    assert not bench.settle.has_unflushed(bench.impact(b""))
    assert set(bench.store.kept[bench.partition].cities) == {"solingen"}


async def test_after_a_rebalance_the_state_is_read_again_before_the_next_record() -> None:
    bench = Bench()
    await bench.settle.handle(bench.impact(tick(0)))
    await bench.settle.flush(bench.impact(b""))
    other = bench.new_settle()
    await other.handle(bench.impact(tick(0), 1))
    assert len(bench.sent("warn.stele")) == 5, "the present is known, nothing is sent twice"
    bench.settle.forget()
    assert bench.settle.state("solingen") is None
    await bench.settle.handle(bench.impact(tick(0), 1))
    await bench.settle.flush(bench.impact(b""))
    assert bench.settle.state("solingen") == bench.store.kept[bench.partition].cities["solingen"]


async def test_what_came_of_several_records_is_remembered_at_once_as_of_the_last() -> None:
    bench = Bench()
    for offset in range(3):
        await bench.settle.handle(bench.impact(tick(offset), offset, at(offset)))
    saved: list[int] = []
    save = bench.store.save

    async def noted(partition: int, remembered: RememberedPartition) -> None:
        saved.append(remembered.covers)
        await save(partition, remembered)

    bench.store.save = noted  # type: ignore[method-assign]
    await bench.settle.flush(bench.impact(b""))
    await bench.settle.flush(bench.impact(b""))
    assert saved == [2]
    assert bench.store.kept[bench.partition].ledger.now == at(2)


async def test_what_the_state_covers_is_passed_over_when_it_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that came again looked at what had come after it, and told that under other ids than at its own time."""
    bench = Bench()
    for offset in range(2):
        await bench.settle.handle(bench.impact(tick(offset), offset, at(offset)))
    await bench.settle.flush(bench.impact(b""))
    settled: list[ImpactRecord] = []

    def counted(state: CityState, learned: LearnedRecord, city: CityRules) -> Settled:
        settled.append(learned.record)
        return settle(state, learned, city)

    monkeypatch.setattr("streams.worker.settle.settle", counted)
    other = bench.new_settle()
    for offset in range(2):
        await other.handle(bench.impact(tick(offset), offset, at(offset)))
    assert (settled, other.has_unflushed(bench.impact(b""))) == ([], False)
    await other.handle(bench.impact(tick(5), 0, at(5)))
    assert len(settled) == 1, "the log was made anew, and its offsets begin again"


async def test_what_was_not_remembered_is_forgotten_with_the_partition() -> None:
    bench = Bench()
    await bench.settle.handle(bench.impact(tick(0)))
    bench.settle.forget()
    assert not bench.settle.has_unflushed(bench.impact(b""))
    await bench.settle.handle(bench.impact(tick(0)))
    ids = [record.headers["id"] for record in bench.sent("warn.stele")]
    assert ids[5:] == ids[:5], "it comes again, under the same ids"


async def test_a_stele_record_says_which_input_it_covers() -> None:
    bench = Bench()
    await bench.settle.handle(bench.impact(tick(0), offset=41))
    assert {record.headers["covers"] for record in bench.sent("warn.stele")} == {"41"}
    assert {record.key for record in bench.sent("warn.stele")} == {f"solingen-{n}" for n in range(1, 6)}


async def test_in_a_live_stage_the_brokers_clock_is_one_of_several() -> None:
    bench = Bench()
    value = Tick(stage="live", at=at(9999), appended=at(9999)).to_bytes()
    assert b"appended" not in value
    forged = value.replace(b'"kind"', b'"appended":"2030-01-01T00:00:00Z","kind"')
    await bench.settle.handle(bench.impact(forged, timestamp=at(3)))
    assert SteleRecord.from_bytes(bench.sent("warn.stele")[0].value or b"").issued == at(3)


async def test_in_a_live_stage_the_earlier_clock_counts_at_first() -> None:
    bench = Bench()
    await bench.settle.handle(bench.impact(tick(9999), timestamp=at(3)))
    assert SteleRecord.from_bytes(bench.sent("warn.stele")[0].value or b"").issued == at(3)


async def test_in_an_exercise_the_tick_itself_says_it() -> None:
    bench = Bench("exercise")
    value = Tick(stage="exercise", at=at(9999)).to_bytes()
    await bench.settle.handle(bench.impact(value, timestamp=datetime.now(UTC)))
    (first, *_) = bench.sent("exercise.warn.stele")
    record = SteleRecord.from_bytes(first.value or b"")
    assert record.issued == at(9999)
    assert record.exercise
    assert record.summary["de"].startswith("ÜBUNG – ")


def test_a_rejection_says_where_the_record_stood_and_why() -> None:
    record = ConsumedRecord("warn.impacts", 2, 5, b"k", b"bytes", {}, 0.0)
    kept = rejection(Topics("live", 3), record, "settle", "why")
    assert (kept.topic, kept.key, kept.value) == ("warn.rejected", "k", b"bytes")
    assert kept.headers == {
        "agent": "settle", "reason": "why", "topic": "warn.impacts", "partition": "2", "offset": "5"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["id", "source", "stage", "stamp", "seen", "doubt", "kind"])
async def test_a_header_longer_than_any_real_one_is_refused_with_a_reason_and_the_bytes_are_kept(name: str) -> None:
    bench = Bench()
    record = bench.alert(b"<alert/>", **{name: "ä" * 1_000_000})
    with pytest.raises(ValueError, match=rf"header {name} of 1000000 characters, at most 500") as refused:
        await bench.match.handle(record)
    kept = rejection(bench.topics, record, "match", error_reason(refused.value))
    assert charge(refused.value) is Charge.RECORD
    assert kept.value == record.value
    assert len(kept.key) <= 500
    assert sum(len(one) for pair in kept.headers.items() for one in pair) < 5_000


async def test_thousands_of_headers_do_not_keep_a_message_from_being_set_aside() -> None:
    bench = Bench()
    more = {f"x-{n}": "y" * 5_000 for n in range(5_000)}
    await bench.match.handle(bench.alert(b"no message", **more))
    (kept,) = bench.sent(bench.topics.rejected.name)
    assert kept.value == b"no message"
    assert sum(len(one) for pair in kept.headers.items() for one in pair) < 50_000


def test_a_reason_is_one_line() -> None:
    with pytest.raises(ValidationError) as raised:
        read_impact_record(b'{"kind": "tick"}')
    assert error_reason(raised.value) == "record: tick.stage: Field required"


def test_sizes_rise_along_the_way() -> None:
    from warnsys.cap.read import MAX_BYTES

    topics = Topics("live", 1)
    assert MAX_BYTES < topics.alerts.max_bytes < topics.impacts.max_bytes < topics.rejected.max_bytes


def test_an_exercise_has_topics_of_its_own() -> None:
    live, exercise = Topics("live", 1).all(), Topics("storm", 1).all()
    assert {topic.name for topic in live}.isdisjoint(topic.name for topic in exercise)
    assert all(topic.name.startswith("storm.") for topic in exercise)


def test_what_agents_read_is_not_compacted() -> None:
    topics = Topics("live", 1)
    assert not topics.alerts.compacted
    assert not topics.impacts.compacted


async def test_a_message_that_passes_its_second_trial_is_decided(dwd_messages: DwdMessages) -> None:
    bench = Bench()
    alert = bench.alert(dwd_messages.snow)
    bench.match.convict(alert, {"": "it ended the process"})
    bench.match.convict(alert, {})
    await bench.match.handle(alert)
    assert bench.sent("warn.rejected") == []

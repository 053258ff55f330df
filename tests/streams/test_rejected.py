"""Cases of rejected records, and what goes back: the bytes as they were, their headers, and their history."""

import json

import pytest

from streams.kafka.records import ConsumedRecord
from streams.kafka.topics import Topics
from streams.processes.dead_letters import MAX_HISTORY, again, cases, earlier
from streams.worker.failures import rejection
from tests.support import live_tick
from warnsys.headers import PUBLISHED

TOPICS = Topics("live", 2)
HEADERS = {"kind": "alert", "stage": "live", "source": "dwd", "id": "a", PUBLISHED: "1.0"}


def rejected(record: ConsumedRecord, reason: str, at: float, offset: int = 0) -> ConsumedRecord:
    sent = rejection(TOPICS, record, "match", reason)
    return ConsumedRecord(sent.topic, sent.partition, offset, sent.key.encode(), sent.value or b"", sent.headers, at)


def alert(offset: int = 0, body: bytes = b"<a", **headers: str) -> ConsumedRecord:
    return ConsumedRecord("cap.alerts", 1, offset, b"a", body, {**HEADERS, **headers}, 0.0)


def test_the_same_bytes_are_one_case_however_often_they_were_refused() -> None:
    found = cases([rejected(alert(n), "not-xml", 10.0 + n, n) for n in range(3)])
    (case,) = found.values()
    assert (case.times, case.first, case.record.timestamp) == (3, 10.0, 12.0)
    assert case.history[-1].place == "cap.alerts/1@2"
    assert len(cases([rejected(alert(), "x", 1), rejected(alert(body=b"<b"), "x", 2)])) == 2


def test_what_goes_back_is_the_record_as_it_was_with_its_history() -> None:
    (case,) = cases([rejected(alert(7), "not-xml at line 1", 10.0, 3)]).values()
    back = again(case, TOPICS, now=20.0)
    assert (back.topic, back.partition, back.key, back.value) == ("cap.alerts", 1, "a", b"<a")
    history = json.loads(back.headers.pop("history"))
    assert back.headers == {**HEADERS, PUBLISHED: "20.0"}, "its latency begins now"
    assert history == [
        {
            "at": "1970-01-01T00:00:10+00:00", "agent": "match", "reason": "not-xml at line 1",
            "place": "cap.alerts/1@7", "rejected": f"{case.record.partition}@3",
        }
    ]  # fmt: skip


def test_a_history_grows_with_every_retry_and_keeps_its_first() -> None:
    record, at = alert(), 0.0
    for n in range(MAX_HISTORY + 5):
        (case,) = cases([rejected(record, f"reason {n}", at, n)]).values()
        assert len(case.history) == min(n, MAX_HISTORY) + 1
        back = again(case, TOPICS, now=at)
        record = ConsumedRecord(back.topic, back.partition, n, b"a", back.value or b"", back.headers, at)
    reasons = [past.reason for past in earlier(record.headers)]
    assert (len(reasons), reasons[0], reasons[-1]) == (MAX_HISTORY, "reason 0", f"reason {MAX_HISTORY + 4}")


def test_what_is_older_than_its_topic_keeps_records_stays_out() -> None:
    (case,) = cases([rejected(alert(), "x", 0.0)]).values()
    again(case, TOPICS, now=48 * 3600.0)
    with pytest.raises(ValueError, match="48 hours"):
        again(case, TOPICS, now=48 * 3600.0 + 1)


def test_a_record_of_no_input_stays_out() -> None:
    foreign = ConsumedRecord("exercise.cap.alerts", 0, 0, b"", b"x", {}, 0.0)
    (case,) = cases([rejected(foreign, "x", 0.0)]).values()
    with pytest.raises(ValueError, match="no input of this stage"):
        again(case, TOPICS, now=1.0)


def test_a_history_that_cannot_be_read_is_none() -> None:
    for broken in ("{", "[1]", '[{"at": "x"}]', '"text"'):
        assert earlier({"history": broken}) == ()


def test_what_one_city_refused_goes_back_as_it_was() -> None:
    sent = rejection(TOPICS, alert(), "settle", "x", "solingen")
    record = ConsumedRecord(sent.topic, sent.partition, 0, sent.key.encode(), sent.value or b"", sent.headers, 1.0)
    (case,) = cases([record]).values()
    assert "city" not in again(case, TOPICS, now=2.0).headers


def test_a_tick_stays_out_because_its_time_is_over() -> None:
    tick = ConsumedRecord("warn.impacts", 1, 0, b"", live_tick(0).to_bytes(), {}, 0.0)
    (case,) = cases([rejected(tick, "city: x", 0.0)]).values()
    with pytest.raises(ValueError, match="a tick, whose time is over"):
        again(case, TOPICS, now=1.0)

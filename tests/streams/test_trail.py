"""Each notice can be asked how long each step took; nothing hangs on it, and what cannot be read is left out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import ConsumedRecord, MemorySender
from streams.kafka.trail import HEADER, TraceHeader
from tests.like_dwd import DwdMessages
from tests.streams.test_agents import ID, Bench
from tests.support import NOON
from warnsys.metrics import STEPS
from warnsys.records import AlertHeaders

WHOLE = (
    TraceHeader()
    .at("sent", 90).at("seen", 99).at("published", 100).at("match", 100.5).at("settle", 101.25)
    .took("parsed", 0.125).took("decided", 0.0625).took("settled", 0.25)
)  # fmt: skip


def test_the_steps_of_a_whole_way_follow_one_another_and_add_up() -> None:
    steps = WHOLE.steps(102)
    assert tuple(steps) == STEPS
    assert steps["total"] == 2
    assert sum(steps.values()) == steps["feed"] + 2 * steps["total"]
    assert (steps["to match"], steps["to settle"], steps["to channel"]) == (0.5, 0.5625, 0.5)


def test_of_what_is_not_known_nothing_is_said() -> None:
    assert TraceHeader().steps(102) == {}
    assert TraceHeader().header() == {}
    assert set(TraceHeader().at("published", 100).steps(102)) == {"total"}


@pytest.mark.parametrize("seen", [100 + 19_685_530, 101, 100 - 19_685_530, 100 - 3_600])
def test_a_feeds_time_by_a_storys_clock_or_of_what_it_publishes_again_is_not_told(seen: float) -> None:
    steps = WHOLE.at("seen", seen).steps(102)
    assert tuple(steps) == STEPS[1:]
    assert steps["total"] == 2


@pytest.mark.parametrize("name", ["published", "match", "settle"])
def test_where_clocks_contradict_each_other_no_stage_is_told(name: str) -> None:
    assert WHOLE.at(name, 102.125).steps(102) == {}


names = st.from_regex(r"[a-z]{1,12}", fullmatch=True)
seconds = st.integers(0, 10**15).map(lambda micro: micro / 10**6)


@given(st.dictionaries(names, seconds, max_size=10), st.dictionaries(names, seconds, max_size=10))
def test_a_header_is_read_as_it_was_written(moments: dict[str, float], durations: dict[str, float]) -> None:
    written = TraceHeader(moments, durations)
    read = TraceHeader.read(written.header())
    assert read.moments == pytest.approx(moments, abs=1e-6)
    assert read.durations == pytest.approx(durations, abs=1e-6)


@given(st.text())
def test_any_header_is_read(text: str) -> None:
    TraceHeader.read({HEADER: text})


async def test_a_notice_tells_the_whole_way_of_its_message(dwd_messages: DwdMessages) -> None:
    bench, feed = Bench(), MemorySender()
    body = dwd_messages.snow
    headers = AlertHeaders(stage="live", source="dwd", id=ID, stamp=NOON, seen=NOON)
    await KafkaPublisher(bench.topics, feed).alert(headers, body)
    (published,) = feed.records
    await bench.settle.handle(bench.impact(b'{"kind": "tick", "stage": "live", "at": "2019-01-27T17:00:00Z"}'))
    await bench.match.handle(ConsumedRecord("cap.alerts", 0, 0, b"", body, published.headers, 0.0))
    (outcome,) = (record for record in bench.sent("warn.impacts") if record.partition == bench.partition)
    bench.sender.records.clear()
    await bench.settle.handle(
        ConsumedRecord("warn.impacts", outcome.partition, 1, b"", outcome.value or b"", outcome.headers, 0.0)
    )
    for record in bench.sent("warn.stele"):
        trail = TraceHeader.read(record.headers)
        assert set(trail.moments) == {"sent", "seen", "published", "match", "settle"}
        assert set(trail.durations) == {"parsed", "decided", "settled"}
    assert bench.sent("warn.stele")

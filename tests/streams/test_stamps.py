"""A record's timestamp that is no time is nobody's end: it is taken as not known."""

from types import SimpleNamespace

import pytest
from faust.types import TP

from streams.kafka.readers import incoming
from streams.kafka.records import ConsumedRecord
from streams.worker.app import _incoming
from streams.worker.state import StoredPart
from tests.streams.pair import HERE, Pair, warning
from tests.streams.test_worker import Message
from tests.support import NOON, tick
from warnsys.headers import COVERS, COVERS_AT

NO_TIMES = [-0.001, -1.0, -9.2e15, 9.2e15, 1e12, float("nan")]


@pytest.mark.parametrize("seconds", NO_TIMES)
async def test_a_tick_with_a_timestamp_that_is_no_time_ends_no_worker_and_the_next_warning_is_told(
    seconds: float,
) -> None:
    pair = await Pair().take(tick(0))
    said = tick(1)
    await pair.agent.handle(ConsumedRecord("warn.impacts", 0, 1, b"", said.to_bytes(), {}, seconds))
    pair.offset = 1
    await pair.take(warning("A", HERE))
    assert [notice.level for notice in pair.told(HERE)] == [4]


def aiokafkas(seconds: float, headers: tuple[tuple[str, bytes], ...] = ()) -> SimpleNamespace:
    stamp = seconds * 1000
    return SimpleNamespace(
        topic="warn.state", partition=0, offset=3, key=b"x/w", value=b"v", headers=headers, timestamp=stamp
    )


@pytest.mark.parametrize("seconds", NO_TIMES)
def test_such_a_timestamp_is_not_known_to_any_reader(seconds: float) -> None:
    assert _incoming(Message(TP("warn.impacts", 0), 1, timestamp=seconds)).timestamp == 0.0
    assert incoming(aiokafkas(seconds)).timestamp == 0.0


@pytest.mark.parametrize("seconds", NO_TIMES)
async def test_what_covers_such_a_record_can_be_read_again_and_covers_those_before_it(seconds: float) -> None:
    pair = await Pair().take(tick(0), tick(1))
    record = _incoming(Message(TP("warn.impacts", 0), 2, warning("A", HERE).to_bytes(), timestamp=seconds))
    await pair.agent.handle(record)
    await pair.agent.flush(record)
    kept = await pair.store.load(0)
    headers = ((COVERS, str(kept.covers).encode()), (COVERS_AT, repr(kept.covers_at).encode()))
    assert StoredPart(incoming(aiokafkas(1.0, headers)), "1/w", 1, 1).covers == (kept.covers, kept.covers_at)
    assert kept.covers_record(2, record.timestamp)
    assert kept.covers_record(1, NOON.timestamp())

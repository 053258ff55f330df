"""What the topics bring, of every kind: nothing ends the reader, and the pages still answer."""

import asyncio
import itertools
import json
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from streams.kafka.topics import topics_for
from streams.processes.web import HANGS_S, Reader, mind, watched
from tests.kafka import raw
from tests.support import meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk, settings
from warnsys.records import PushNotice, SmsNotice

TOPICS = ("alerts", "extreme", "impacts", "stele", "push", "sms", "rejected", "status", "actions")
NAMES = ("published_at", "covers", "covers_at", "trail", "kind", "stage", "id", "stamp", "seen", "source", "reason",
    "topic", "partition", "offset", "agent", "history")  # fmt: skip
ODD = [b"yesterday", b"NaN", b"1e400", b"abc", b"", b"\xff\xfe", b"9" * 5000, "٣".encode(), b"\0", None]
PAGES = ("/", "/lagebericht", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/api/districts", "/api/notices",
    "/api/alerts", "/api/rejected", "/api/notices.atom", "/metrics", "/api/districts/d1/situation",
    "/api/outlines.geojson", "/meldungen?q=a", "/bezirk/d1")  # fmt: skip


NAME = {topic: getattr(topics_for(settings()), topic).name for topic in TOPICS}


def desk() -> Desk:
    return Desk().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))


def reader(of: Desk) -> Reader:
    return Reader(of.settings, "nowhere:1", topics_for(of.settings), of.board)


def record(key: bytes | None, value: bytes | None, headers: Any, timestamp: int) -> Any:
    return SimpleNamespace(topic="t", partition=0, offset=0, key=key, value=value, headers=headers, timestamp=timestamp)


def right_values(of: Desk) -> list[bytes]:
    """Records as the agents write them, for every topic."""
    board = of.board
    kinds = [*board.steles.values(), *board.notices, *board.outcomes.values(), *board.feeds.values(), tick(0)]
    return [one.to_bytes() for one in kinds]


@pytest.mark.parametrize("header", NAMES)
def test_one_strange_header_blinds_nobody(header: str) -> None:
    made = desk()
    before = made.board.steles["d1"]
    later = before.model_copy(update={"issued": before.issued.replace(second=1)})
    read = reader(made)
    for topic, odd in itertools.product(TOPICS, ODD):
        for value in (later.to_bytes(), b"<alert/>", None if topic != "stele" else b"{}"):
            read._take(NAME[topic], record(b"d1", value, [(header, odd)], 1815568320000))
    read._take(NAME["stele"], record(b"d1", later.to_bytes(), [], 1815568320000))
    assert made.board.steles["d1"] == later


DESK = desk()
READER = reader(DESK)
VALUES = right_values(DESK)


@st.composite
def damaged(draw: st.DrawFn) -> bytes | None:
    """A right record with some bytes changed, or any bytes at all."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.none() | st.binary(max_size=200))
    value = bytearray(draw(st.sampled_from(VALUES)))
    for _ in range(draw(st.integers(0, 3))):
        at, gone = draw(st.integers(0, len(value))), draw(st.integers(0, 12))
        value[at : at + gone] = draw(
            st.binary(max_size=12) | st.sampled_from([b"null", b"1e400", b"9" * 30, b'"x"', b"{}", b"[]"])
        )
    return bytes(value)


ANY_HEADER = st.tuples(
    st.sampled_from(NAMES) | st.text(max_size=9), st.none() | st.binary(max_size=30) | st.sampled_from(ODD)
)


@given(
    topic=st.sampled_from(TOPICS),
    key=st.none() | st.binary(max_size=30) | st.sampled_from([b"d1", b"d2", b"A"]),
    value=damaged(),
    headers=st.lists(ANY_HEADER, max_size=6),
    timestamp=st.integers(-(2**63), 2**63 - 1) | st.sampled_from([-1, 0, 1815568320000]),
)
@examples(max_examples=400, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_whatever_stands_on_a_topic_ends_no_reader(
    topic: str, key: Any, value: Any, headers: Any, timestamp: int
) -> None:
    READER._take(NAME[topic], record(key, value, headers, timestamp))


def test_a_stele_under_another_districts_key_is_passed_over() -> None:
    """One with a later time took the place of the district's own, and every page answered 500 for good."""
    made = desk()
    before = made.board.steles["d1"]
    later = before.issued.replace(second=1)
    for district in ("d2", "nowhere", ""):
        other = before.model_copy(update={"district": district, "issued": later})
        made.put("stele", "d1", other.to_bytes())
    made.board.look()
    assert made.board.stele("d1") == before
    assert {path: made.operators.get(path, auth=LOGIN).status_code for path in PAGES} == dict.fromkeys(PAGES, 200)


@pytest.mark.parametrize("path", PAGES)
def test_the_pages_answer_after_all_that(path: str) -> None:
    assert DESK.operators.get(path, auth=("shift", "a secret")).status_code == 200


@pytest.mark.parametrize("language", ["de", "en", "tr"])
def test_a_record_in_one_language_alone_is_shown_in_that(language: str) -> None:
    made = desk()
    for stele in list(made.board.steles.values()):
        made.put("stele", stele.district, _in_one(stele.to_bytes(), language), {"covers": "999"})
    for notice in list(made.board.notices):
        value = notice.model_copy(update={"id": f"{notice.id}-2"}).to_bytes()
        made.put("push" if isinstance(notice, PushNotice) else "sms", notice.id, _in_one(value, language))
    assert any(isinstance(one, SmsNotice) for one in made.board.notices)
    for path in PAGES:
        for lang in ("de", "en"):
            made.page(f"{path}?lang={lang}")


def _in_one(value: bytes, language: str) -> bytes:
    """With all its texts in one language."""

    def walk(part: Any) -> Any:
        if isinstance(part, dict):
            if "de" in part:
                return {language: walk(part["de"])}
            return {name: walk(one) for name, one in part.items()}
        return [walk(one) for one in part] if isinstance(part, list) else part

    return json.dumps(walk(json.loads(value))).encode()


async def test_a_reader_that_dies_ends_the_process() -> None:
    ended: list[str] = []

    async def dies() -> None:
        raise LookupError("a bug")

    task = watched(dies(), "the reader", ended.append)
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert ended == ["web: the reader died (LookupError('a bug'))"]


async def test_one_that_is_cancelled_ends_nothing() -> None:
    ended: list[str] = []
    task = watched(asyncio.sleep(60), "the reader", ended.append)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert ended == []


def test_health_fails_when_the_reader_is_dead() -> None:
    made = desk()
    assert made.public.get("/health/live").status_code == 200
    made.alive = False
    assert made.public.get("/health/live").status_code == 503
    assert made.operators.get("/health/live").status_code == 503


class Consumer:
    """Gives what is on `warn.rejected` once, unpacked as aiokafka does it for us (`streams.kafka.unpack`)."""

    def __init__(self, data: bytes) -> None:
        place = TopicPartition(NAME["rejected"], 0)
        made: Any = fetcher.PartitionRecords
        batch = made(place, fetcher.MemoryRecords(data), [], 0, None, None, True, fetcher.READ_UNCOMMITTED)
        self._found = {place: list(batch)}

    async def getmany(self, *_: Any, **__: Any) -> dict[Any, list[Any]]:
        await asyncio.sleep(0.001)
        found, self._found = self._found, {}
        return found


async def test_a_record_whose_header_has_no_utf8_name_hides_none_before_or_behind_it_nor_itself() -> None:
    made, odd = Desk(), [(raw.NAME, b"x")]
    data = raw.batch_of((b"1", []), (b"2", odd), (b"3", []), (b"4", odd), (b"5", []))
    taking = asyncio.create_task(reader(made)._take_all(Consumer(data)))
    async with asyncio.timeout(10):
        while len(made.board.rejected) < 5:
            assert not taking.done(), taking.exception()
            await asyncio.sleep(0.01)
    taking.cancel()
    assert [one.value for one in made.board.rejected] == [b"5", b"4", b"3", b"2", b"1"]


async def test_a_reader_that_hangs_is_told_by_health() -> None:
    made, now = desk(), 0.0
    read = Reader(made.settings, "nowhere:1", topics_for(made.settings), made.board, lambda: now)
    consumer = SimpleNamespace(getmany=lambda timeout_ms: asyncio.sleep(0, {}))
    taking = asyncio.create_task(read._take_all(consumer))
    for _ in range(20):
        now += HANGS_S / 2
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not read.hangs()
    stuck = asyncio.Event()
    consumer.getmany = lambda timeout_ms: stuck.wait()
    await asyncio.sleep(0.01)
    now += HANGS_S + 1
    assert read.hangs()
    made.alive = not read.hangs()
    assert made.operators.get("/health/live").status_code == 503
    taking.cancel()


@pytest.mark.parametrize("how", ["fails", "returns", "was told to end"])
async def test_a_server_that_is_over_ends_the_process_unless_it_was_told_to(how: str) -> None:
    ended = list[str]()

    async def serve() -> None:
        if how == "fails":
            raise OSError("gone")

    task = asyncio.create_task(serve())
    mind(task, "the server", ended.append, lambda: how == "was told to end")
    await asyncio.wait([task])
    await asyncio.sleep(0)
    assert len(ended) == (how != "was told to end")

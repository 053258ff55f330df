"""Where the audit goes on after it was away: what it can no longer read, it says."""

from collections.abc import Iterable
from pathlib import Path

from aiokafka import TopicPartition

from streams.processes.audit import _seek
from tests.audit.story import TOPICS
from tests.support import NOON
from warnsys.audit.chain import Chain, verify
from warnsys.audit.entries import Memory

PUSH, STELE = TopicPartition(TOPICS.push.name, 0), TopicPartition(TOPICS.stele.name, 0)


class Consumer:
    """Of a broker whose partitions begin and end at these offsets."""

    def __init__(self, begin: int, end: int) -> None:
        self.begin, self.end, self.sought = begin, end, dict[TopicPartition, int]()

    async def beginning_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.begin)

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.end)

    def seek(self, place: TopicPartition, offset: int) -> None:
        self.sought[place] = offset


async def found(consumer: Consumer, at: int) -> list[dict[str, object]]:
    goes_on = {f"{place.topic}/{place.partition}": at for place in (PUSH, STELE)} if at else {}
    return await _seek(consumer, [PUSH, STELE], goes_on, TOPICS)


async def test_it_goes_on_where_its_files_end_or_where_the_topic_begins() -> None:
    consumer = Consumer(begin=5, end=90)
    assert await found(consumer, 41) == []
    assert consumer.sought == {PUSH: 41, STELE: 41}
    assert await found(consumer, 0) == []
    assert consumer.sought == {PUSH: 5, STELE: 5}


async def test_what_the_broker_no_longer_has_is_a_gap_but_for_what_is_compacted() -> None:
    consumer = Consumer(begin=60, end=90)
    (gap,) = await found(consumer, 41)
    assert (gap["line"], gap["missing_from"], gap["goes_on_at"]) == (f"{PUSH.topic}/0", 41, 60)
    assert consumer.sought == {PUSH: 60, STELE: 60}


async def test_a_topic_that_was_made_anew_is_read_from_its_start(tmp_path: Path) -> None:
    consumer = Consumer(begin=0, end=3)
    gaps = await found(consumer, 41)
    assert [gap["goes_on_at"] for gap in gaps] == [0, 0]
    assert consumer.sought == {PUSH: 0, STELE: 0}
    memory = Memory(next={f"{PUSH.topic}/0": 41})
    told = {"what": "told", "at": "", "channel": "push"}
    with Chain(tmp_path) as chain:
        chain.turn(memory.plain, NOON)
        chain.append([{**told, "place": f"{PUSH.topic}/0@40"}, *gaps, {**told, "place": f"{PUSH.topic}/0@0"}])
    assert verify(tmp_path).wrong == [], "its offsets begin anew"
    for gap in gaps:
        memory.take(gap)
    assert memory.next[f"{PUSH.topic}/0"] == 0

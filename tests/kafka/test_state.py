"""What `settle` remembers: one contract, kept in memory and on a real broker. tests/streams has what needs none."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from streams.kafka.admin import create_missing
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics
from streams.worker.remembered import MemoryStateStore, RememberedPartition, StateStore
from streams.worker.state import KafkaStateStore
from tests.domain.test_bounds import ids, wordy
from tests.streams import pair
from tests.streams.pair import remembered_of, warning
from tests.support import outcome, tick
from tools.local_kafka import LocalKafka

pytestmark = pytest.mark.kafka
TOPICS = Topics("remember", 2)
Stores = Callable[[], StateStore]
"""A store of a further worker, all on the same topic."""


@asynccontextmanager
async def on(kafka: LocalKafka, stage: str) -> AsyncIterator[Stores]:
    topics, progress = Topics(stage, TOPICS.partitions), Progress()
    create_missing(kafka.bootstrap, topics, 1)
    async with KafkaSender(kafka.bootstrap, progress) as sender:
        yield lambda: KafkaStateStore(kafka.bootstrap, topics, sender, progress)


@pytest.fixture(params=["memory", "kafka"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        store = MemoryStateStore()
        yield lambda: store
    else:
        async with on(request.getfixturevalue("kafka"), f"remember-{abs(hash(request.node.name)):x}") as found:
            yield found


async def test_nothing_is_remembered_at_first(stores: Stores) -> None:
    assert await stores().load(0) == RememberedPartition()


async def test_what_one_worker_saved_its_successor_loads_with_what_it_covers(stores: Stores) -> None:
    kept = remembered_of("x", tick(0), warning("A", "x"), covers=7, covers_at=12.5)
    await stores().save(1, kept)
    assert await stores().load(1) == kept
    assert await stores().load(0) == RememberedPartition()


async def test_the_last_that_was_saved_counts(stores: Stores) -> None:
    one = stores()
    await one.load(0)
    last = remembered_of("x", tick(0), warning("A", "x"), warning("B", "x"), covers=8, covers_at=2.0)
    await one.save(0, remembered_of("x", tick(0), warning("A", "x"), covers=7, covers_at=1.0))
    await one.save(0, last)
    assert await stores().load(0) == last


async def test_what_is_more_than_a_broker_takes_in_one_record_is_kept(stores: Stores) -> None:
    heavy = (outcome(name, wordy("Moderate", languages=4, districts=["d1"])) for name in ids(100))
    large = remembered_of("x", tick(0), *heavy, covers=1, covers_at=1.0)
    assert len(large.cities["x"].to_bytes()) > 2**21
    await stores().save(0, large)
    assert await stores().load(0) == large


async def test_a_late_write_of_one_that_covers_less_does_not_win(kafka: LocalKafka) -> None:
    async with on(kafka, "late") as stores:
        new = remembered_of("x", tick(0), warning("A", "x"), warning("B", "x"), covers=8, covers_at=2.0)
        await stores().save(0, new)
        await stores().save(0, remembered_of("x", tick(0), warning("A", "x"), covers=7, covers_at=1.0))
        assert await stores().load(0) == new


DAMAGED: dict[str, tuple[bytes, dict[str, str]]] = {
    "garbage": (b"\x00\xff" * 50, {"covers": "9", "covers_at": "9.0"}),
    "no-headers": (b"{}", {}),
    "headers-of-garbage": (b"{}", {"covers": "yesterday", "covers_at": "nan", "after": "", "tail": "x"}),
    "empty": (b"", {"covers": "9", "covers_at": "9.0", "after": "", "tail": "1"}),
}


@pytest.mark.parametrize("damage", DAMAGED)
async def test_a_record_that_is_no_change_set_takes_nothing_from_what_is_remembered(
    kafka: LocalKafka, damage: str
) -> None:
    value, headers = DAMAGED[damage]
    topics, progress = Topics(f"damaged-{damage}", 1), Progress()
    create_missing(kafka.bootstrap, topics, 1)
    async with KafkaSender(kafka.bootstrap, progress) as sender:
        told = remembered_of("y", tick(0), warning("A", "y", severity="Severe"), covers=7, covers_at=1.0)
        await KafkaStateStore(kafka.bootstrap, topics, sender, progress).save(0, told)
        await sender.send([ProducerRecord(topics.state.name, 0, "x/old", value, headers)])
        both = pair.Pair(KafkaStateStore(kafka.bootstrap, topics, sender, progress))
        both.offset = 20
        await both.take(tick(1), warning("E", "x", "y", minute=1))
        assert [(notice.kind, notice.cause) for notice in both.told("y")] == [("update", "E")]
        assert [(notice.kind, notice.cause) for notice in both.told("x")] == [("warn", "E")]

"""What `settle` remembers: one contract, kept in memory and on a real broker."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.admin import create_missing
from streams.kafka import LocalKafka
from streams.records import Progress
from streams.sender import KafkaSender
from streams.state import KafkaStateStore, Kept, MemoryStateStore, StateStore, Written, from_value, to_value
from streams.topics import MIB, Topics
from tests.support import City, meaning, outcome, snapshot, tick
from warnsys.pipeline import CityState
from warnsys.records import Text

pytestmark = pytest.mark.kafka
TOPICS = Topics("remember", 2)
Stores = Callable[[str], StateStore]
"""A store for a writer's name, all on the same topic."""


def state_of(*messages: str, texts: int = 1, city: str = "solingen") -> CityState:
    """Of a city that was warned by some messages, each in so many languages."""
    long = {f"l{n}": Text(event="e", headline="h", description=f"{n} " * 1_900, instruction="") for n in range(texts)}
    said = meaning("Severe").model_copy(update={"texts": long})
    state = City().take(tick(0), *(outcome(name, said) for name in messages)).state
    return state.model_copy(update={"city": city})


@asynccontextmanager
async def in_memory() -> AsyncIterator[Stores]:
    store = MemoryStateStore()
    yield lambda _: store


@asynccontextmanager
async def on(kafka: LocalKafka, stage: str) -> AsyncIterator[Stores]:
    topics = Topics(stage, TOPICS.partitions)
    create_missing(kafka.bootstrap, topics, 1)
    async with KafkaSender(kafka.bootstrap, Progress()) as sender:
        yield lambda writer: KafkaStateStore(kafka.bootstrap, topics, sender, writer)


@pytest.fixture(params=["memory", "kafka"])
async def stores(request: pytest.FixtureRequest) -> AsyncIterator[Stores]:
    if request.param == "memory":
        async with in_memory() as found:
            yield found
    else:
        async with on(request.getfixturevalue("kafka"), f"remember-{abs(hash(request.node.name)):x}") as found:
            yield found


async def test_nothing_is_kept_at_first(stores: Stores) -> None:
    assert await stores("one").load(0) == {}


async def test_what_one_worker_saved_its_successor_loads_with_what_it_covers(stores: Stores) -> None:
    kept = {"a": Kept(state_of("A", city="a"), 7, 12.5), "b": Kept(state_of(city="b"), 3, 1.25)}
    await stores("one").save(1, kept)
    assert await stores("two").load(1) == kept
    assert await stores("two").load(0) == {}


async def test_the_last_that_was_saved_counts(stores: Stores) -> None:
    one, last = stores("one"), Kept(state_of("A", "B"), 8, 2.0)
    await one.save(0, {"solingen": Kept(state_of("A"), 7, 1.0)})
    await one.save(0, {"solingen": last})
    assert await stores("two").load(0) == {"solingen": last}


async def test_a_state_of_more_json_than_a_broker_takes_is_kept(stores: Stores) -> None:
    large = state_of(*(f"A{n}" for n in range(600)), texts=6)
    assert len(large.to_bytes()) > TOPICS.state.max_bytes
    await stores("one").save(0, {"solingen": Kept(large, 1, 1.0)})
    assert (await stores("two").load(0))["solingen"].state == large


async def test_a_late_write_of_one_that_covers_less_does_not_win(kafka: LocalKafka) -> None:
    async with on(kafka, "late") as stores:
        new = Kept(state_of("A", "B"), 8, 2.0)
        await stores("new").save(0, {"solingen": new})
        await stores("zombie").save(0, {"solingen": Kept(state_of("A"), 7, 1.0)})
        assert await stores("next").load(0) == {"solingen": new}


def test_a_small_state_is_json_that_people_can_read() -> None:
    plain = state_of("A").to_bytes()
    assert to_value(plain) == plain


def test_a_large_state_is_packed_below_its_size() -> None:
    large = state_of(*(f"A{n}" for n in range(200)), texts=6)
    packed = to_value(large.to_bytes())
    assert len(packed) < MIB < len(large.to_bytes())
    assert from_value(packed) == large


@given(st.lists(st.tuples(st.sampled_from(("A", 'Ä"\\\u2028', "C")), st.integers(0, 3), st.booleans()), max_size=30))
def test_what_is_written_piece_by_piece_is_the_state_whole(said: list[tuple[str, int, bool]]) -> None:
    """Messages and snapshots in any order, one state after the other."""
    city, written = City().take(tick(0)), Written()
    assert written.to_bytes(city.state) == city.state.to_bytes()
    for name, minute, listed in said:
        city.take(snapshot(minute, name) if listed else outcome(name, meaning("Severe"), stamp=minute))
        assert written.to_bytes(city.state) == city.state.to_bytes()


@pytest.mark.parametrize("value", [b"", b"x\x9c broken", b"\x00"])
def test_what_is_no_state_is_said_to_be_none(value: bytes) -> None:
    with pytest.raises(ValueError, match="a state is neither JSON nor packed"):
        from_value(value)

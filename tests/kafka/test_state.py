"""What `settle` remembers: one contract, kept in memory and on a real broker."""

import zlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.admin import create_missing
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import MIB, Topics
from streams.worker.state import (
    KafkaStateStore,
    MemoryStateStore,
    StateEncoder,
    StateStore,
    StoredState,
    from_value,
    to_value,
)
from tests.streams import pair
from tests.support import City, meaning, outcome, snapshot, tick
from tools.local_kafka import LocalKafka
from warnsys.pipeline import CityState
from warnsys.records import Text

pytestmark = pytest.mark.kafka
TOPICS = Topics("remember", 2)
Stores = Callable[[str], StateStore]
"""A store for a writer's name, all on the same topic."""


def state_of(*messages: str, texts: int = 1, city: str = "solingen") -> CityState:
    """Of a city that was warned by some messages, each in so many languages: also more than this release keeps."""
    long = {f"l{n}": Text(event="e", headline="h", description=f"{n} " * 1_900, instruction="") for n in range(texts)}
    said = meaning("Severe").model_copy(update={"texts": long})
    state = City().take(tick(0), *(outcome(name, said) for name in messages[:1])).state
    same = {name: fact.model_copy(update={"base_id": name}) for fact in state.facts.facts.values() for name in messages}
    facts = state.facts.model_copy(update={"facts": same})
    return state.model_copy(update={"city": city, "facts": facts})


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
    kept = {"a": StoredState(state_of("A", city="a"), 7, 12.5), "b": StoredState(state_of(city="b"), 3, 1.25)}
    await stores("one").save(1, kept)
    assert await stores("two").load(1) == kept
    assert await stores("two").load(0) == {}


async def test_the_last_that_was_saved_counts(stores: Stores) -> None:
    one, last = stores("one"), StoredState(state_of("A", "B"), 8, 2.0)
    await one.save(0, {"solingen": StoredState(state_of("A"), 7, 1.0)})
    await one.save(0, {"solingen": last})
    assert await stores("two").load(0) == {"solingen": last}


async def test_a_state_of_more_json_than_a_broker_takes_is_kept(stores: Stores) -> None:
    large = state_of(*(f"A{n}" for n in range(600)), texts=6)
    assert len(large.to_bytes()) > TOPICS.state.max_bytes
    await stores("one").save(0, {"solingen": StoredState(large, 1, 1.0)})
    assert (await stores("two").load(0))["solingen"].state == large


async def test_a_late_write_of_one_that_covers_less_does_not_win(kafka: LocalKafka) -> None:
    async with on(kafka, "late") as stores:
        new = StoredState(state_of("A", "B"), 8, 2.0)
        await stores("new").save(0, {"solingen": new})
        await stores("zombie").save(0, {"solingen": StoredState(state_of("A"), 7, 1.0)})
        assert await stores("next").load(0) == {"solingen": new}


DAMAGED: dict[str, tuple[bytes, dict[str, str]]] = {
    "garbage": (b"\x00\xff" * 50, {"covers": "9", "covers_at": "9.0"}),
    "cut": (state_of("A", city="x").to_bytes()[:-40], {"covers": "9", "covers_at": "9.0"}),
    "packed-and-cut": (zlib.compress(state_of("A", city="x").to_bytes())[:-4], {"covers": "9", "covers_at": "9.0"}),
    "unknown-value": (
        state_of("A", city="x").to_bytes().replace(b'"Severe"', b'"Apocalyptic"'),
        {"covers": "9", "covers_at": "9.0"},
    ),
    "newer": (
        state_of("A", city="x")
        .to_bytes()
        .replace(b'"schema_version":1', b'"schema_version":2')
        .replace(b'"facts":{', b'"facts":7,"facts_v2":{', 1),
        {"covers": "9", "covers_at": "9.0"},
    ),
    "no-headers": (state_of("A", city="x").to_bytes(), {}),
    "headers-of-garbage": (state_of("A", city="x").to_bytes(), {"covers": "yesterday", "covers_at": "nan"}),
    "of-another-city": (state_of("A", city="z").to_bytes(), {"covers": "9", "covers_at": "9.0"}),
    "empty": (b"", {"covers": "9", "covers_at": "9.0"}),
}


@pytest.mark.parametrize("damage", DAMAGED)
async def test_a_state_that_cannot_be_read_takes_nothing_from_the_other_cities(kafka: LocalKafka, damage: str) -> None:
    """An Extreme message for both comes: the other city knows what it told, this one begins anew and is told, too."""
    value, headers = DAMAGED[damage]
    topics, stage = Topics(f"damaged-{damage}", 1), f"damaged-{damage}"
    create_missing(kafka.bootstrap, topics, 1)
    async with KafkaSender(kafka.bootstrap, Progress()) as sender:
        whole = StoredState(pair.state_of("y", tick(0), pair.warning("A", "y", severity="Severe")), 7, 1.0)
        await KafkaStateStore(kafka.bootstrap, topics, sender, "old").save(0, {"y": whole})
        await sender.send([ProducerRecord(topics.state.name, 0, "x/old", value, headers)])
        for writer in ("one", "two"):  # the second after a restart
            both = pair.Pair(KafkaStateStore(kafka.bootstrap, topics, sender, writer))
            both.offset = 20
            await both.take(tick(1), pair.warning("E", "x", "y", minute=1))
            told = [(notice.kind, notice.cause) for notice in both.told("y")]
            assert told == ([("update", "E")] if writer == "one" else [])
            if writer == "one":
                assert [(notice.kind, notice.cause) for notice in both.told("x")] == [("warn", "E")]
                (kept,) = both.sent("warn.rejected")
                assert (kept.value, kept.key, kept.headers["city"]) == (value, "x/old", "x")
                assert kept.headers["topic"] == f"{stage}.warn.state"
            else:
                assert both.sent("warn.rejected") == [], "it is kept once, not at every restart"


async def test_an_older_state_is_not_taken_for_one_that_cannot_be_read(kafka: LocalKafka) -> None:
    """It might say that nothing holds where something was warned since."""
    topics = Topics("damaged-newest", 1)
    create_missing(kafka.bootstrap, topics, 1)
    async with KafkaSender(kafka.bootstrap, Progress()) as sender:
        await KafkaStateStore(kafka.bootstrap, topics, sender, "older").save(
            0, {"x": StoredState(state_of(city="x"), 3, 1.0)}
        )
        await sender.send(
            [ProducerRecord(topics.state.name, 0, "x/old", b"damaged", {"covers": "9", "covers_at": "9.0"})]
        )
        found = (await KafkaStateStore(kafka.bootstrap, topics, sender, "new").load(0))["x"]
        assert found.state == CityState(city="x")
        assert found.unreadable is not None
        await sender.send(
            [ProducerRecord(topics.state.name, 0, "x/old", b"damaged", {"covers": "2", "covers_at": "9.0"})]
        )
        found = (await KafkaStateStore(kafka.bootstrap, topics, sender, "new").load(0))["x"]
        assert (found.covers, found.unreadable) == (3, None), "the newest can be read"


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
    city, written = City().take(tick(0)), StateEncoder()
    assert written.to_bytes(city.state) == city.state.to_bytes()
    for name, minute, listed in said:
        city.take(snapshot(minute, name) if listed else outcome(name, meaning("Severe"), stamp=minute))
        assert written.to_bytes(city.state) == city.state.to_bytes()


@pytest.mark.parametrize("value", [b"", b"x\x9c broken", b"\x00"])
def test_what_is_no_state_is_said_to_be_none(value: bytes) -> None:
    with pytest.raises(ValueError, match="a state is neither JSON nor packed"):
        from_value(value)

"""What a sender promises, in memory, on a real Kafka and on the embedded broker; and what a broker says of failures."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack

import pytest

from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.readers import read_once
from streams.kafka.records import (
    ConsumedRecord,
    MemorySender,
    ProducerRecord,
    Progress,
    Sender,
    SendError,
    TooLargeError,
)
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics
from streams.processes.runtime import broker_of
from tests.kafka.failing_broker import NOT_THE_LEADER, PRODUCE, FailingBroker
from tests.kafka.story import settings_of
from tools.local_kafka import LocalKafka

pytestmark = pytest.mark.kafka
Written = Callable[[], Awaitable[Sequence[tuple[str, bytes]]]]


@pytest.fixture
def topics() -> Topics:
    return Topics(f"sender-{uuid.uuid4().hex[:8]}", 1)


@pytest.fixture(params=["memory", "kafka", "embedded"])
async def sender(request: pytest.FixtureRequest, topics: Topics) -> AsyncIterator[tuple[Sender, Written]]:
    async with AsyncExitStack() as stack:
        if request.param == "memory":
            memory = MemorySender()

            async def kept() -> Sequence[tuple[str, bytes]]:
                return [(record.key, record.value or b"") for record in memory.records]

            yield memory, kept
            return
        if request.param == "kafka":
            kafka: LocalKafka = request.getfixturevalue("kafka")
            bootstrap = stack.enter_context(broker_of(settings_of(topics.stage, kafka.bootstrap)))
        else:
            broker = stack.enter_context(EmbeddedBroker())
            broker.create(tuple(topic.name for topic in topics.all()))
            bootstrap = broker.bootstrap

        async def written() -> Sequence[tuple[str, bytes]]:
            return [(record.key.decode(), record.value) for record in await read(bootstrap, topics.push.name)]

        yield await stack.enter_async_context(KafkaSender(bootstrap, Progress())), written


async def read(bootstrap: str, topic: str) -> list[ConsumedRecord]:
    return [record async for record in read_once(bootstrap, [(topic, 0)], {})]


def some(topics: Topics, *values: str) -> list[ProducerRecord]:
    return [ProducerRecord(topics.push.name, 0, f"key-{value}", value.encode()) for value in values]


async def test_what_is_sent_is_there_in_its_order(sender: tuple[Sender, Written], topics: Topics) -> None:
    to, written = sender
    values = [str(number) for number in range(500)]
    await to.send(some(topics, *values))
    assert await written() == [(f"key-{value}", value.encode()) for value in values]


async def test_what_is_begun_before_keeps_its_place_before(sender: tuple[Sender, Written], topics: Topics) -> None:
    to, written = sender
    owed = [await to.begin(some(topics, f"{number}a", f"{number}b")) for number in range(50)]
    await asyncio.gather(*owed)
    assert [key for key, _ in await written()] == [f"key-{n}{which}" for n in range(50) for which in "ab"]


@pytest.fixture
def failing() -> Iterator[FailingBroker]:
    with FailingBroker() as broker:
        broker.answers_after(50)
        yield broker


async def one_after_the_other(to: Sender, count: int) -> list[BaseException | None]:
    """What became of records that are on their way at the same time, each in a request of its own."""
    owed = []
    for number in range(count):
        owed.append(asyncio.ensure_future(to.send([ProducerRecord("failing", 0, "key", f"{number}".encode())])))
        await asyncio.sleep(0.01)
    return await asyncio.gather(*owed, return_exceptions=True)


async def test_a_declined_first_request_is_not_overtaken_by_the_next(failing: FailingBroker) -> None:
    async with KafkaSender(failing.bootstrap, Progress()) as to:
        failing.declines_the_next(PRODUCE, NOT_THE_LEADER)
        assert await one_after_the_other(to, 4) == [None] * 4
    assert [record.value for record in await read(failing.bootstrap, "failing")] == [b"0", b"1", b"2", b"3"]


async def test_what_is_acknowledged_without_an_offset_may_be_lost(failing: FailingBroker) -> None:
    """A broker that forgot the sender takes the second request although it declined the first."""
    async with KafkaSender(failing.bootstrap, Progress()) as to:
        await to.send([ProducerRecord("failing", 0, "key", b"before")])
        failing.declines_the_next(PRODUCE, NOT_THE_LEADER)
        told = await one_after_the_other(to, 4)
    there = {record.value for record in await read(failing.bootstrap, "failing")}
    taken = [error is None for error in told]
    assert taken == [f"{number}".encode() in there for number in range(4)]
    assert not all(taken)
    assert "failing, partition 0: acknowledged without an offset" in {str(error) for error in told}


async def test_nothing_to_send_is_acknowledged_at_once(sender: tuple[Sender, Written]) -> None:
    to, written = sender
    await asyncio.wait_for(to.send([]), 1)
    assert await written() == []


async def test_whoever_does_not_wait_any_more_disturbs_no_other(sender: tuple[Sender, Written], topics: Topics) -> None:
    to, written = sender
    given_up = asyncio.ensure_future(await to.begin(some(topics, "given up")))
    given_up.cancel()
    await to.send(some(topics, "waited for"))
    assert [value for _, value in await written()] == [b"given up", b"waited for"]


async def test_what_was_begun_arrives_although_the_sender_is_closed(kafka: LocalKafka, topics: Topics) -> None:
    with broker_of(settings_of(topics.stage, kafka.bootstrap)) as bootstrap:
        async with KafkaSender(bootstrap, Progress()) as to:
            await to.begin(some(topics, *"abc"))
        assert [record.value for record in await read(bootstrap, topics.push.name)] == [b"a", b"b", b"c"]


async def test_the_brokers_time_is_told_with_each_acknowledgement(kafka: LocalKafka, topics: Topics) -> None:
    stamps: list[float] = []
    with broker_of(settings_of(topics.stage, kafka.bootstrap)) as bootstrap:
        async with KafkaSender(bootstrap, Progress(), stamped=stamps.append) as sender:
            await sender.send(some(topics, "first"))
            await sender.send(some(topics, "second", "third"))
        written = [record.timestamp for record in await read(bootstrap, topics.push.name)]
    assert stamps == [written[0], written[-1]]


async def test_headers_and_what_is_cleared_arrive_as_they_were_given(kafka: LocalKafka, topics: Topics) -> None:
    progress = Progress()
    with broker_of(settings_of(topics.stage, kafka.bootstrap)) as bootstrap:
        async with KafkaSender(bootstrap, progress) as to:
            await to.send([ProducerRecord(topics.push.name, 0, "Wärme", b"\x00\xff", {"id": "7", "ort": "Höhscheid"})])
            await to.send(
                [ProducerRecord(topics.state.name, 0, "k", b"v"), ProducerRecord(topics.state.name, 0, "k", None)]
            )
        (record,) = await read(bootstrap, topics.push.name)
    assert (record.key.decode(), record.value, record.headers) == (
        "Wärme",
        b"\x00\xff",
        {"id": "7", "ort": "Höhscheid"},
    )
    assert (progress.end(topics.push.name, 0), progress.end(topics.state.name, 0)) == (1, 2)


@pytest.mark.parametrize("size", [2**20 + 1, 13 * 2**20], ids=["for its topic", "for any request"])
async def test_what_is_too_large_is_told_from_a_broker_that_fails(kafka: LocalKafka, topics: Topics, size: int) -> None:
    with broker_of(settings_of(topics.stage, kafka.bootstrap)) as bootstrap:
        async with KafkaSender(bootstrap, Progress()) as to:
            with pytest.raises(TooLargeError, match="MSG_SIZE_TOO_LARGE"):
                await to.send([ProducerRecord(topics.push.name, 0, "k", bytes(size))])
            await to.send(some(topics, "small"))
        assert [record.value for record in await read(bootstrap, topics.push.name)] == [b"small"]


async def test_a_topic_that_is_not_there_is_named(
    kafka: LocalKafka, topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.sender.SEND_TIMEOUT_MS", 2_000)
    async with KafkaSender(kafka.bootstrap, Progress()) as to:
        with pytest.raises(SendError, match=r"UNKNOWN_TOPIC|UNKNOWN_PART|TIMED_OUT"):
            await to.send(some(topics, "lost"))


async def test_a_broker_that_is_gone_is_an_error_and_not_a_silence(
    topics: Topics, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("streams.kafka.sender.SEND_TIMEOUT_MS", 10_000)
    with LocalKafka() as kafka, broker_of(settings_of(topics.stage, kafka.bootstrap)) as bootstrap:
        async with KafkaSender(bootstrap, Progress()) as to:
            await to.send(some(topics, "before"))
            kafka.kill(0)
            with pytest.raises(SendError, match="_MSG_TIMED_OUT"):
                await to.send(some(topics, "after"))


async def test_where_there_is_no_broker_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.kafka.sender.START_TIMEOUT_S", 1.0)
    with pytest.raises(SendError, match="_TRANSPORT"):
        await KafkaSender("127.0.0.1:1", Progress()).__aenter__()

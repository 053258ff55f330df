"""What a log can do to a reader: be cut, lose its beginning, have offsets without records. On a real Kafka."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import faust
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from yarl import URL

from streams.worker.transport import StrictTransport
from tools.local_kafka import LocalKafka

pytestmark = pytest.mark.kafka
RAW = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}


def make(kafka: LocalKafka, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(10)


def produce(kafka: LocalKafka, topic: str, *values: bytes, transaction: str = "") -> None:
    settings = {"bootstrap.servers": kafka.bootstrap, **({"transactional.id": transaction} if transaction else {})}
    producer = Producer(settings)
    if transaction:
        producer.init_transactions()
        producer.begin_transaction()
    for value in values:
        producer.produce(topic, value, partition=0)
    if transaction:
        producer.commit_transaction()
    producer.flush()


class Handler:
    def __init__(self) -> None:
        self.values: list[bytes] = []
        self.consumer: Any = None

    async def until(self, condition: Callable[[], bool], seconds: float = 90) -> None:
        async with asyncio.timeout(seconds):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.02)


@asynccontextmanager
async def handling(kafka: LocalKafka, topic: str, folder: Path) -> AsyncIterator[Handler]:
    """One agent, as in `streams.worker.app`."""
    app: Any = faust.App(
        f"group-{topic}", broker=f"kafka://{kafka.bootstrap}", autodiscover=False, broker_commit_interval=0.2,
        broker_heartbeat_interval=1, broker_session_timeout=6, consumer_auto_offset_reset="earliest",
        datadir=str(folder), store="memory://", stream_wait_empty=False, topic_allow_declare=False,
        topic_disable_leader=True, topic_partitions=1, web_enabled=False,
    )  # fmt: skip
    app.transport = StrictTransport([URL(f"kafka://{kafka.bootstrap}")], app)
    found = Handler()

    async def run(stream: Any) -> None:
        async for event in stream.events():
            if await app.consumer.take(event.message):
                found.values.append(event.message.value)
                app.consumer.handled(event.message)

    app.agent(app.topic(topic, **RAW), name="handle", concurrency=1)(run)
    await app.start()
    found.consumer = app.consumer
    try:
        yield found
    finally:
        await app.stop()


async def test_a_log_that_was_cut_is_read_again_from_its_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """As after a power cut without a replica: the group's offset is beyond the log's end."""
    with LocalKafka() as kafka:
        make(kafka, "cut")
        produce(kafka, "cut", *(b"old %d" % n for n in range(10)))
        async with handling(kafka, "cut", tmp_path) as first:
            await first.until(lambda: len(first.values) == 10)
            await asyncio.sleep(0.5)
        kafka.stop()
        (data,) = kafka.folder.glob("broker-0/data/cut-0")
        for file in data.iterdir():
            if file.name != "partition.metadata":
                file.unlink()
        kafka.start()
        produce(kafka, "cut", *(b"new %d" % n for n in range(5)))
        async with handling(kafka, "cut", tmp_path) as second:
            await second.until(lambda: len(second.values) == 5)
        assert second.values == [b"new %d" % n for n in range(5)]


async def test_a_log_that_is_cut_under_a_running_worker_is_read_again(tmp_path: Path) -> None:
    with LocalKafka() as kafka:
        make(kafka, "cut")
        produce(kafka, "cut", *(b"old %d" % n for n in range(10)))
        async with handling(kafka, "cut", tmp_path) as worker:
            await worker.until(lambda: len(worker.values) == 10)
            await asyncio.sleep(0.5)
            await asyncio.to_thread(kafka.stop)
            (data,) = kafka.folder.glob("broker-0/data/cut-0")
            for file in data.iterdir():
                if file.name != "partition.metadata":
                    file.unlink()
            await asyncio.to_thread(kafka.start)
            await asyncio.to_thread(produce, kafka, "cut", *(b"new %d" % n for n in range(5)))
            await worker.until(lambda: len(worker.values) == 15, 90)
        assert worker.values[10:] == [b"new %d" % n for n in range(5)]


async def test_records_deleted_before_they_were_handled_are_an_alarm_and_reading_goes_on(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    make(kafka, "short")
    produce(kafka, "short", *(b"%d" % n for n in range(4)))
    async with handling(kafka, "short", tmp_path) as first:
        await first.until(lambda: len(first.values) == 4)
        await first.until(lambda: not first.consumer.tracker.to_commit())
    produce(kafka, "short", *(b"%d" % n for n in range(4, 10)))
    delete_to(kafka, "short", 7)
    async with handling(kafka, "short", tmp_path) as second:
        await second.until(lambda: len(second.values) == 3)
        assert second.consumer.skipped == 3
    assert second.values == [b"7", b"8", b"9"]


async def test_records_deleted_under_a_running_worker_are_an_alarm_and_reading_goes_on(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    make(kafka, "shorter")
    produce(kafka, "shorter", *(b"%d" % n for n in range(10)))
    async with handling(kafka, "shorter", tmp_path) as worker:
        await worker.until(lambda: len(worker.values) == 10)
        # as if 10 to 13 had been fetched and thrown away before retention took them
        produce(kafka, "shorter", *(b"%d" % n for n in range(10, 20)))
        await worker.until(lambda: len(worker.values) == 20)
        worker.consumer.tracker.next[worker_tp("shorter")] = 3
        delete_to(kafka, "shorter", 6)
        produce(kafka, "shorter", b"20")
        await worker.until(lambda: b"20" in worker.values, 60)
        assert worker.consumer.skipped == 3


async def test_offsets_without_a_record_are_stepped_over_once_the_broker_has_proved_it(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    """Agents' topics are not written in transactions; where somebody does, the worker must not stand still for ever."""
    make(kafka, "holes")
    produce(kafka, "holes", b"a", b"b", transaction="city")
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "look"})
    while consumer.get_watermark_offsets(TopicPartition("holes", 0), timeout=60)[1] < 3:  # noqa: ASYNC110 - the marker comes later
        await asyncio.sleep(0.05)
    consumer.close()
    produce(kafka, "holes", b"c")
    async with handling(kafka, "holes", tmp_path) as worker:
        await worker.until(lambda: worker.values[-1:] == [b"c"], 90)
        assert worker.consumer.holes == 1
    assert worker.values == [b"a", b"b", b"c"]


def worker_tp(topic: str) -> Any:
    from faust.types import TP

    return TP(topic, 0)


def delete_to(kafka: LocalKafka, topic: str, offset: int) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    for future in admin.delete_records([TopicPartition(topic, 0, offset)]).values():
        future.result(10)


async def test_what_was_handled_and_committed_leaves_nothing_behind(kafka: LocalKafka, tmp_path: Path) -> None:
    """Faust notes each acknowledgement, and takes the note back only where its own commit sends it."""
    make(kafka, "tidy")
    produce(kafka, "tidy", *(b"%d" % number for number in range(500)))
    async with handling(kafka, "tidy", tmp_path) as handler:
        consumer = handler.consumer
        await handler.until(lambda: len(handler.values) == 500)
        await handler.until(lambda: not consumer.tracker.to_commit())
        left = consumer._unacked_messages, consumer._acked, consumer._acked_index
        await handler.until(lambda: not any(left), 60)

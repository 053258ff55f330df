"""Sizes rise along the way: the largest message goes through whole, and what is too large is rejected whole."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer

from streams.kafka.records import ProducerRecord, read_headers
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topic
from streams.processes.demo import Transcript
from streams.processes.runtime import Pipeline, broker_of, pipeline_on, publisher_on
from tests.kafka.story import settings_of
from tools.local_kafka import LocalKafka
from warnsys.cap.read import MAX_BYTES
from warnsys.records import AlertHeaders, PushNotice, SmsNotice, Snapshot, SteleRecord
from warnsys.simulation.message import Outline, StoryMessage, Texts, write

pytestmark = pytest.mark.kafka
START = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
CELL = "805122000"
LANGUAGES = ("de", "en", "fr", "es", "pl", "tr", "ru", "ar")
LISTED = "2.49.0.0.276.0.DWD.PVW.1815568320000.e2552890-f5a5-5c23-a2d7-ff2d0f9a5a5b"


@asynccontextmanager
async def running(kafka: LocalKafka, stage: str) -> AsyncIterator[tuple[Pipeline, Transcript]]:
    heard, settings = Transcript(), settings_of(stage, kafka.bootstrap)
    with broker_of(settings) as bootstrap:
        async with pipeline_on(settings, bootstrap, heard) as pipeline:
            yield pipeline, heard


async def publish(pipeline: Pipeline, body: bytes) -> None:
    stage = pipeline.topics.stage
    await pipeline.publisher.alert(AlertHeaders(stage=stage, source="dwd", id=LISTED, stamp=START, seen=START), body)
    snapshot = Snapshot(stage=stage, source="dwd", stamp=START, checked=START, ids=(LISTED,))
    await pipeline.publisher.snapshot(snapshot)
    await pipeline.tick(START + timedelta(minutes=1))
    await pipeline.drained()


async def read(kafka: LocalKafka, topic: Topic) -> list[Any]:
    async with AIOKafkaConsumer(
        topic.name, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest", max_partition_fetch_bytes=2**24
    ) as consumer:
        found: list[Any] = []
        ends = await consumer.end_offsets(consumer.assignment())
        while sum(ends.values()) > len(found):
            found += [record for records in (await consumer.getmany(timeout_ms=500)).values() for record in records]
        return found


# -- what is bad ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stage", "body", "reason"),
    [
        ("not-xml", b"\x00\xff" * (MAX_BYTES // 2), "not-xml"),
        ("too-large", b"<alert>" + b" " * MAX_BYTES + b"</alert>", "too-large"),
    ],
    ids=["4-mib-that-is-no-xml", "more-than-4-mib"],
)
async def test_a_bad_message_is_rejected_whole(kafka: LocalKafka, stage: str, body: bytes, reason: str) -> None:
    async with running(kafka, stage) as (pipeline, heard):
        await publish(pipeline, body)
        topics = pipeline.topics
    (rejected,) = await read(kafka, topics.rejected)
    assert rejected.value == body
    assert reason in read_headers(rejected.headers)["reason"]
    assert read_headers(rejected.headers)["topic"] == topics.alerts.name
    assert {outcome.decided for outcome in heard.outcomes} == {"rejected"}


async def test_what_fills_the_topic_and_is_no_record_of_ours_is_rejected_whole(kafka: LocalKafka) -> None:
    async with running(kafka, "full") as (pipeline, _):
        topics = pipeline.topics
        envelope = 10_000  # of the record and its headers
        bodies = {topic.name: bytes(topic.max_bytes - envelope) for topic in (topics.alerts, topics.impacts)}
        async with KafkaSender(kafka.bootstrap, pipeline.progress) as sender:
            await sender.send([ProducerRecord(name, 0, "x", body) for name, body in bodies.items()])
        await pipeline.drained()
    rejected = await read(kafka, topics.rejected)
    assert {read_headers(record.headers)["topic"]: record.value for record in rejected} == bodies


# -- what is large --------------------------------------------------------------------------------------------------


def warning(texts: int = 0, corners: int = 0) -> bytes:
    """Solingen by its cell, in eight languages, with so many characters of text or corners of an outline in each."""
    ring = ((7.0, 51.1), *((7.0 + n * 1e-6, 51.2 + n % 2 * 1e-6) for n in range(corners)), (7.2, 51.1))
    quoted = 'Böen "stark" \\ <&> ' * (texts // 19 + 1)  # grows where it is escaped
    message = StoryMessage(
        key="storm", at=0, until=60, ii="49", groups=("THUNDERSTORM",), severity="Extreme", cells=(CELL,),
        outlines=(Outline(ring=ring),) if corners else (),
        texts={
            language: Texts(event="GEWITTER", headline="WARNUNG", description=quoted[:texts], instruction="Drinnen.")
            for language in LANGUAGES
        },
    )  # fmt: skip
    return write(message, START, LISTED + ".MUL", cells={CELL: "Stadt Solingen"}, note="Übung")


def just_under_the_limit(what: str) -> bytes:
    step = 1_000
    each = (len(warning(**{what: 3 * step})) - len(warning(**{what: step}))) / (2 * step)
    count = int((MAX_BYTES - len(warning())) / each) - 20
    body = warning(**{what: count})
    assert 0.99 * MAX_BYTES < len(body) <= MAX_BYTES
    return body


@pytest.mark.parametrize("what", ["texts", "corners"])
async def test_a_message_just_under_the_limit_reaches_every_channel(kafka: LocalKafka, what: str) -> None:
    async with running(kafka, f"large-{what}") as (pipeline, heard):
        await publish(pipeline, just_under_the_limit(what))
        topics = pipeline.topics
    assert {outcome.decided for outcome in heard.outcomes} == {"matched"}
    assert await read(kafka, topics.rejected) == []
    steles = [SteleRecord.from_bytes(record.value) for record in await read(kafka, topics.stele)]
    warned = {stele.district: stele for stele in steles if stele.status == "warned"}
    assert len(warned) == 5
    for stele in warned.values():
        (item,) = stele.items
        assert item.level == 4
        assert set(item.texts) == set(LANGUAGES)
        assert all(text.shortened == (what == "texts") for text in item.texts.values())
    assert "public" in {PushNotice.from_bytes(record.value).audience for record in await read(kafka, topics.push)}
    assert "public" in {SmsNotice.from_bytes(record.value).audience for record in await read(kafka, topics.sms)}


# -- what is repeated -----------------------------------------------------------------------------------------------


async def test_messages_lie_compressed_and_what_steles_read_does_not(kafka: LocalKafka) -> None:
    body, settings = warning(texts=2_000), settings_of("packed", kafka.bootstrap)
    async with running(kafka, "packed") as (pipeline, _), publisher_on(settings, kafka.bootstrap) as feed:
        said = AlertHeaders(stage="packed", source="dwd", id=LISTED, stamp=START, seen=START)
        await feed.alert(said, body)
        await feed.snapshot(Snapshot(stage="packed", source="dwd", stamp=START, checked=START, ids=(LISTED,)))
        await pipeline.tick(START + timedelta(minutes=1))
        await pipeline.drained()
        topics = pipeline.topics
    kept = {topic.name: on_disk(kafka, topic) for topic in (topics.alerts, topics.extreme, topics.stele)}
    messages = kept[topics.alerts.name] + kept[topics.extreme.name]
    assert 0 < len(messages) < len(body) / 4
    assert b"Solingen" not in messages
    assert b"Solingen" in kept[topics.stele.name]


def on_disk(kafka: LocalKafka, topic: Topic) -> bytes:
    """The log of a topic, as its broker keeps it."""
    logs = (kafka.folder / "broker-0/data").glob(f"{topic.name}-*/*.log")
    return b"".join(log.read_bytes().rstrip(b"\0") for log in sorted(logs))

"""A record whose header's name is no UTF-8, on a real Kafka: whoever reads its topic goes on behind it."""

import asyncio
import contextlib
import time
from datetime import timedelta
from pathlib import Path

import pytest

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.readers import read_once
from streams.kafka.records import MemorySender, ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import topics_for
from streams.processes.runtime import broker_of, pipeline_on
from streams.worker.orders import Orders, follow
from streams.worker.remembered import RememberedPartition
from streams.worker.state import KafkaStateStore
from tests.kafka.raw import NAME, put
from tests.kafka.test_poison import OTHER, START, message, rejected, settings_for, told
from tests.support import NOON
from tools.local_kafka import LocalKafka
from warnsys.pipeline import CityState
from warnsys.records import AlertHeaders, ChannelPause, Tick
from warnsys.warning.facts import Ledger

pytestmark = pytest.mark.kafka
TOLD_S = 10.0


@pytest.mark.parametrize("lane", ["alerts", "extreme", "impacts"])
async def test_an_extreme_message_behind_a_record_that_the_client_cannot_unpack_is_told(
    kafka: LocalKafka, tmp_path: Path, lane: str
) -> None:
    stage = f"unpack-{lane}"
    settings = settings_for(kafka, stage, tmp_path)
    topics = topics_for(settings)
    with broker_of(settings) as bootstrap:
        async with KafkaSender(bootstrap, Progress()) as sender, pipeline_on(settings, bootstrap) as pipeline:
            async with asyncio.timeout(90):
                while not pipeline.worker.partitions():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            publisher = KafkaPublisher(topics, sender)
            await publisher.tick(Tick(stage=stage, at=START + timedelta(minutes=1)), [0])
            topic = getattr(topics, lane).name
            await put(bootstrap, topic, (b"before", []), (b"none of ours", [(NAME, b"x")]), (b"behind", []))
            began = time.monotonic()
            listed, body = message("b6b", "Extreme", "UNWETTER")
            await publisher.alert(AlertHeaders(stage=stage, source="dwd", id=listed, stamp=START, seen=START), body)
            async with asyncio.timeout(60):
                at = await told(kafka, topics, OTHER, "b6b")
            assert at - began < TOLD_S
            kept = await rejected(kafka, topics)
    assert [record.value for record in kept] == [b"before", b"none of ours", b"behind"]
    assert [record.headers["topic"] for record in kept] == [topic] * 3


async def test_an_order_behind_such_a_record_is_obeyed(kafka: LocalKafka, tmp_path: Path) -> None:
    settings = settings_for(kafka, "unpack-orders", tmp_path)
    topics = topics_for(settings)
    with broker_of(settings) as bootstrap:
        stop = ChannelPause(
            stage=topics.stage,
            channel="push",
            at=START,
            until=START + timedelta(hours=1),
            by="operator",
            reason="Probe",
        )
        await put(bootstrap, topics.actions.name, (b"none of ours", [(NAME, b"x")]), (stop.to_bytes(), []))
        orders, sender = Orders(topics, {0: ("solingen",)}), MemorySender()
        following = asyncio.create_task(follow(bootstrap, orders, sender, lambda: {0}, {}))
        async with asyncio.timeout(60):
            while not sender.records:
                assert not following.done()
                await asyncio.sleep(0.05)
        following.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await following
    assert sender.records[0].value == stop.to_bytes()


async def test_states_beside_such_a_record_are_read_and_who_reads_a_topic_once_gets_all(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    settings = settings_for(kafka, "unpack-state", tmp_path)
    topics = topics_for(settings)
    with broker_of(settings) as bootstrap:
        progress = Progress()
        async with KafkaSender(bootstrap, progress) as sender:
            store = KafkaStateStore(bootstrap, topics, sender, progress)
            kept = RememberedPartition(Ledger(now=NOON), {"solingen": CityState(city="solingen")}, 3, 1.0)
            await put(bootstrap, topics.state.name, (b"none of ours", [(NAME, b"x")]))
            await store.save(0, kept)
            async with asyncio.timeout(60):
                assert await store.load(0) == kept
            await put(bootstrap, topics.rejected.name, (b"one", [(NAME, b"x"), ("reason", b"r")]))
            await sender.send([ProducerRecord(topics.rejected.name, 0, "k", b"two")])
            async with asyncio.timeout(60):
                found = [one async for one in read_once(bootstrap, [(topics.rejected.name, 0)], {})]
    assert [one.value for one in found] == [b"one", b"two"]
    assert found[0].headers["reason"] == "r"

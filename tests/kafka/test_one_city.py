"""One city's failure on a real Kafka: an Extreme message for another city of its partition is told in time."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import topics_for
from streams.processes.runtime import broker_of, pipeline_on
from tests.kafka.poisoned import CITY
from tests.kafka.test_poison import OTHER, START, allowed_s, message, rejected, settings_for, told
from tools.local_kafka import LocalKafka
from warnsys.pipeline import CityRules, CityState, Settled, settle
from warnsys.records import AlertHeaders, Outcome, Tick
from warnsys.warning.learned import LearnedRecord

pytestmark = pytest.mark.kafka


def fails(state: CityState, learned: LearnedRecord, rules: CityRules) -> Settled:
    if state.city == CITY and isinstance(learned.record, Outcome):
        raise RuntimeError("this city cannot decide")
    return settle(state, learned, rules)


async def test_an_extreme_message_for_another_city_of_the_partition_is_told_within_five_seconds(
    kafka: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage = "one-city"
    settings = settings_for(kafka, stage, tmp_path)
    topics = topics_for(settings)
    monkeypatch.setattr("streams.worker.settle.settle", fails)
    with broker_of(settings) as bootstrap:
        async with KafkaSender(bootstrap, Progress()) as sender, pipeline_on(settings, bootstrap) as pipeline:
            async with asyncio.timeout(60):
                while not pipeline.worker.partitions():  # noqa: ASYNC110
                    await asyncio.sleep(0.05)
            publisher = KafkaPublisher(topics, sender)
            await publisher.tick(Tick(stage=stage, at=START + timedelta(minutes=1)), [0])
            for key, severity in (("a5a", "Severe"), ("b6b", "Extreme")):
                listed, body = message(key, severity, "UNWETTER")
                said = AlertHeaders(stage=stage, source="dwd", id=listed, stamp=START, seen=START)
                began = time.monotonic()
                await publisher.alert(said, body)
            async with asyncio.timeout(60):
                at = await told(kafka, topics, OTHER, "b6b")
            assert at - began < allowed_s()
            kept = await rejected(kafka, topics)
    assert {record.headers["city"] for record in kept} == {CITY}

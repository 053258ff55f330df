"""One city's failure on a real Kafka: an Extreme message for another city of its partition is told in time."""

import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import MIB, topics_for
from streams.processes.runtime import broker_of, pipeline_on
from streams.worker import state as states
from streams.worker.state import to_value
from tests.kafka.poisoned import CITY
from tests.kafka.test_poison import OTHER, START, allowed_s, message, rejected, settings_for, told
from tools.local_kafka import LocalKafka
from warnsys.pipeline import CityRules, CityState, settle
from warnsys.records import AlertHeaders, ImpactRecord, Notice, Outcome, Tick

pytestmark = pytest.mark.kafka


def fails(state: CityState, said: ImpactRecord, rules: CityRules) -> tuple[CityState, tuple[Notice, ...]]:
    if state.city == CITY and isinstance(said, Outcome):
        raise RuntimeError("this city cannot decide")
    return settle(state, said, rules)


def too_large(plain: bytes) -> bytes:
    """What one city remembers of a warning is more than any topic takes."""
    return bytes(13 * MIB) if f'"city":"{CITY}"'.encode() in plain and b"a5a" in plain else to_value(plain)


@pytest.mark.parametrize("kind", ["fails", "too large"])
async def test_an_extreme_message_for_another_city_of_the_partition_is_told_within_five_seconds(
    kafka: LocalKafka, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    stage = f"one-city-{kind.replace(' ', '-')}"
    settings = settings_for(kafka, stage, tmp_path)
    topics = topics_for(settings)
    if kind == "fails":
        monkeypatch.setattr("streams.worker.settle.settle", fails)
    else:
        monkeypatch.setattr(states, "to_value", too_large)
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
            text = pipeline.metrics.text().decode()
    if kind == "fails":
        assert {record.headers["city"] for record in kept} == {CITY}
    else:
        assert f'warnsys_state_lost_timestamp_seconds{{city="{CITY}"}}' in text
        assert f'warnsys_state_lost_timestamp_seconds{{city="{OTHER}"}}' not in text

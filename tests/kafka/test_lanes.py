"""An Extreme message passes a queue that is longer than what a worker fetches ahead; all of the queue is handled."""

import asyncio
from datetime import UTC, datetime
from typing import Literal

import pytest

from streams.processes.demo import Transcript
from streams.processes.runtime import broker_of, pipeline_on
from streams.worker.app import BUFFER
from tests.kafka.story import settings_of
from tools.local_kafka import LocalKafka
from warnsys.records import AlertHeaders, PushNotice
from warnsys.simulation.message import StoryMessage, Texts, write

pytestmark = pytest.mark.kafka
START = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
CELL = "805122000"
QUEUE = 3 * BUFFER
SAYS = Texts(event="GEWITTER", headline="WARNUNG", description="Gewitter.")


def body(name: str, severity: Literal["Minor", "Extreme"]) -> bytes:
    message = StoryMessage(
        key="storm", at=0, until=60, ii="49", groups=("THUNDERSTORM",), severity=severity, cells=(CELL,),
        texts={"de": SAYS, "en": SAYS},
    )  # fmt: skip
    return write(message, START, f"{name}.MUL", cells={CELL: "Stadt Solingen"}, note="Exercise")


async def test_an_extreme_message_passes_a_long_queue(kafka: LocalKafka) -> None:
    heard, settings = Transcript(), settings_of("lanes", kafka.bootstrap)
    with broker_of(settings) as bootstrap:
        async with pipeline_on(settings, bootstrap, heard) as pipeline, asyncio.timeout(120):
            headers = AlertHeaders(stage="lanes", source="dwd", id="x", stamp=START, seen=START)

            async def publish(name: str, severity: Literal["Minor", "Extreme"]) -> None:
                await pipeline.publisher.alert(headers.model_copy(update={"id": name}), body(name, severity))

            await pipeline.tick(START)
            await asyncio.gather(*(publish(f"2.49.0.0.276.0.DWD.PVW.{n}", "Minor") for n in range(QUEUE)))
            await publish("2.49.0.0.276.0.DWD.PVW.worst", "Extreme")
            while not any(isinstance(one, PushNotice) and one.level == 4 for one in heard.notices):  # noqa: ASYNC110 - another task fills it
                await asyncio.sleep(0.005)
            before = len(heard.outcomes)
            await pipeline.drained()
            consumer = pipeline.worker.app.consumer
    assert before < QUEUE
    assert len(heard.outcomes) == QUEUE + 1
    assert consumer.jumps == 0

"""How long from `cap.alerts` to `warn.stele`, beside the floor of the same run: bare librdkafka over as many hops.

Both send the same bytes at the same pace, wait for every acknowledgement (acks=all), and are timed where a reader of
the last topic has the record. Ratios tell more than milliseconds: machines are noisy. A broker that has just been
started compiles its code while it works, and is slower by half until then: thousands of messages go before.
"""

import asyncio
import threading
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import quantiles
from typing import Any

from confluent_kafka import Consumer, Producer
from lxml import etree

from benchmarks.feed import feeding
from geofences import bundled
from streams.kafka.admin import create_missing
from streams.kafka.sender import MAX_REQUEST_BYTES
from streams.kafka.topics import Topic, topics_for
from streams.processes.runtime import COMPRESSION, pipeline_on
from warnsys.records import SteleRecord
from warnsys.settings import Settings, parse

CELL, DISTRICTS = "805122000", 5
PACE_S = 0.05
WARM_UP = 20
COMPILED_AFTER = 3_000
BEGAN = datetime(2027, 7, 14, 12, tzinfo=UTC)
NAMESPACE = {"c": "urn:oasis:names:tc:emergency:cap:1.2"}


@dataclass(frozen=True)
class Times:
    """Milliseconds from sending to reading."""

    p50: float
    p90: float
    p99: float
    count: int

    @classmethod
    def of(cls, seconds: list[float]) -> "Times":
        cut = quantiles(seconds[WARM_UP:], n=100, method="inclusive")
        p50, p90, p99 = (round(cut[at] * 1000, 2) for at in (49, 89, 98))
        return cls(p50, p90, p99, count=len(seconds) - WARM_UP)


def settings_for(bootstrap: str) -> Settings:
    """Solingen in a stage of its own, on one partition."""
    return parse(
        {
            "stage": f"bench-{uuid.uuid4().hex[:8]}",
            "cities": [{"id": "solingen", "name": "Solingen", "geofences": str(bundled())}],
            "broker": {"url": f"kafka://{bootstrap}", "partitions": 1},
        }
    )


def as_update(body: bytes, number: int) -> bytes:
    """The message as the `number`-th of a chain of updates that warns Solingen, whatever it was."""
    return _written(_alone(body, f"bench.{number}", BEGAN + timedelta(seconds=number)), f"bench.{number - 1}")


def as_alert(body: bytes, name: str, severity: str) -> bytes:
    """The message as one that stands alone and warns Solingen, whatever it was."""
    root = _alone(body, name)
    for element in root.iterfind("c:info/c:severity", NAMESPACE):
        element.text = severity
    return _written(root)


def _written(root: etree._Element, replaces: str = "") -> bytes:
    (kind,) = root.iterfind("c:msgType", NAMESPACE)
    kind.text = "Update" if replaces else "Alert"
    if replaces:
        references = etree.SubElement(root, f"{{{NAMESPACE['c']}}}references")
        references.text = f"bench,{replaces},{BEGAN.isoformat()}"
        root.insert(list(root).index(next(root.iterfind("c:info", NAMESPACE))), references)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _alone(body: bytes, name: str, sent: datetime = BEGAN) -> etree._Element:
    root = etree.fromstring(body)

    def put(name: str, text: str) -> None:
        (element,) = root.iterfind(f"c:{name}", NAMESPACE)
        element.text = text

    put("identifier", name)
    put("sent", sent.isoformat())
    put("status", "Exercise")
    for code in root.iterfind("c:code", NAMESPACE):
        code.text = f"id:{name}"
    for element in root.iterfind("c:references", NAMESPACE):
        root.remove(element)
    for info in root.iterfind("c:info", NAMESPACE):
        for expires in info.iterfind("c:expires", NAMESPACE):
            info.remove(expires)
        for value in info.iterfind("c:eventCode/c:value", NAMESPACE):
            value.text = "51" if value.text in ("98", "99") else value.text
        cell = next(iter(info.iterfind("c:area/c:geocode[c:valueName='WARNCELLID']/c:value", NAMESPACE)))
        cell.text = CELL
    return root


async def warm_up(bootstrap: str, body: bytes) -> None:
    """Before anything is measured on a broker that has just been started."""
    await floor(bootstrap, body, COMPILED_AFTER, pace_s=0)
    await ours(bootstrap, body, COMPILED_AFTER // 5, PACE_S / 3)


async def ours(
    bootstrap: str, body: bytes, count: int, pace_s: float = PACE_S
) -> tuple[Times, dict[str, dict[str, float]]]:
    """One worker with both agents; timed at a reader of `warn.stele`. And where the time went, by stage."""
    settings = settings_for(bootstrap)
    topics = topics_for(settings)
    create_missing(bootstrap, topics, 1)
    bodies = {f"bench.{number}": as_update(body, number) for number in range(count)}
    came: list[tuple[bytes, float]] = []
    async with (
        pipeline_on(settings, bootstrap) as pipeline,
        reading(bootstrap, topics.stele.name, lambda record, moment: came.append((record.value(), moment))),
        feeding(settings) as feed,
    ):
        await pipeline.tick(datetime.now(UTC))
        await pipeline.drained()
        sent = await feed.publish_each(bodies, pace_s)
        await pipeline.drained()
        last = f'"bench.{count - 1}"'.encode()
        await _until(lambda: any(last in value for value, _ in came[-DISTRICTS:]))
    shown: dict[str, float] = {}
    for value, moment in came:
        for item in SteleRecord.from_bytes(value).items:
            shown.setdefault(item.base_id, moment)
    took = [shown[name] - began for name, began in zip(bodies, sent, strict=True)]
    return Times.of(took), pipeline.metrics.latency_ms()


async def floor(bootstrap: str, body: bytes, count: int, pace_s: float = PACE_S) -> Times:
    """The same bytes over the same three topics with bare librdkafka: produce, acknowledge, consume, and so on."""
    settings = settings_for(bootstrap)
    topics = topics_for(settings)
    create_missing(bootstrap, topics, 1)
    producer = Producer(
        {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "linger.ms": 0,
            "message.max.bytes": MAX_REQUEST_BYTES,
            "compression.type": COMPRESSION,
        }
    )
    sent: list[float] = []
    took: list[float] = []

    def send(topic: Topic, value: bytes) -> None:
        producer.produce(topic.name, value, key=CELL, partition=0)  # a compacted topic takes nothing without a key
        producer.flush()

    def arrived(_: Any, moment: float) -> None:
        took.append(moment - sent[len(took)])

    async with (
        reading(bootstrap, topics.alerts.name, lambda record, _: send(topics.impacts, record.value())),
        reading(bootstrap, topics.impacts.name, lambda record, _: send(topics.stele, record.value())),
        reading(bootstrap, topics.stele.name, arrived),
    ):
        for number in range(count):
            said = as_update(body, number)
            sent.append(time.perf_counter())
            await asyncio.to_thread(send, topics.alerts, said)
            await asyncio.sleep(pace_s)
        await _until(lambda: len(took) == count)
    return Times.of(took)


async def _until(read: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not read():  # noqa: ASYNC110 - a thread reads
            await asyncio.sleep(0.01)


@asynccontextmanager
async def reading(bootstrap: str, topic: str, read: Callable[[Any, float], None]) -> AsyncIterator[None]:
    """A bare librdkafka consumer in a thread, from the topic's start on; `read` gets its messages, and when it came."""
    consumer: Any = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": f"bench-{uuid.uuid4()}",
            "auto.offset.reset": "earliest",
            "fetch.wait.max.ms": 100,
            "fetch.message.max.bytes": MAX_REQUEST_BYTES,
        }
    )
    consumer.subscribe([topic])
    stop, ready = threading.Event(), threading.Event()

    def run() -> None:
        while not stop.is_set():
            record = consumer.poll(0.1)
            if consumer.assignment():
                ready.set()
            if record is not None and not record.error():
                read(record, time.perf_counter())
        consumer.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        await asyncio.to_thread(ready.wait, 30)
        yield
    finally:
        stop.set()
        await asyncio.to_thread(thread.join)

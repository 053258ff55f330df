"""Many cities over several workers: how many messages a second, how long each takes, and what a kill costs.

A thunderstorm day over made-up cities: each message is a storm cell on some ten districts of one to three cities. The
workers are processes, as in operation; all of them share this machine with the broker and the one that measures.
"""

import asyncio
import json
import math
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import shapely
from confluent_kafka import Consumer, TopicPartition

from benchmarks.feed import Feed, feeding
from benchmarks.pipeline import Times, reading
from benchmarks.scenes import coverage
from streams.kafka.admin import create_missing
from streams.kafka.publisher import KafkaPublisher
from streams.kafka.readers import ends_of, read_once
from streams.kafka.records import read_headers
from streams.kafka.topics import Topics, group_of, topics_for
from streams.processes.runtime import publisher_on
from warnsys.headers import published
from warnsys.records import Tick
from warnsys.settings import Settings, load
from warnsys.simulation.message import Outline, StoryMessage, Texts, write

PARTITIONS = 12
"""A multiple of two and of three workers: each gets as many as the others."""
FENCE_POINTS = 100
A_SECOND = 10.0
KILLED_FOR_S = 20.0
LIMIT_S = 300.0
TEXT = Texts(
    event="schweres GEWITTER",
    headline="Amtliche WARNUNG vor SCHWEREM GEWITTER",
    description="Von Westen ziehen Gewitter auf. Dabei gibt es Sturmböen und heftigen Starkregen. " * 4,
    instruction="Meiden Sie das Freie. Betreten Sie keine überfluteten Keller. " * 3,
)


@dataclass(frozen=True)
class Scale:
    """What so many workers do."""

    workers: int
    ready_s: float
    """From their start until all cities have been looked at."""
    burst_a_second: float
    """Messages of one burst, from its publishing until the last of them is handled by all cities."""
    written: float
    """Bytes on `warn.state` in the burst, for each byte of its messages and of the notices that they caused."""
    latency: Times
    """From publishing to a reader of `warn.stele`, at an even pace."""
    killed_s: float
    """The longest that a message took while one worker was killed and started again."""


async def scale(
    bootstrap: str,
    workers: Sequence[int],
    cities: int,
    districts: int,
    burst: int,
    paced: int,
    told: Callable[[str], None],
    partitions: int = PARTITIONS,
    a_second: float = A_SECOND,
) -> list[Scale]:
    """The same day for each number of workers, each in a stage of its own."""
    found = []
    with TemporaryDirectory(prefix="warnsys-scale-") as folder:
        told(f"{districts} districts of {cities} cities …")
        fences = coverage(districts, FENCE_POINTS)
        places = _write_cities(Path(folder), fences, cities)
        for count in workers:
            settings = _settings(Path(folder), bootstrap, places, partitions)
            found.append(await _day(settings, Path(folder), bootstrap, fences, count, burst, paced, a_second, told))
    return found


async def _day(
    settings: Settings,
    folder: Path,
    bootstrap: str,
    fences: Any,
    count: int,
    burst: int,
    paced: int,
    a_second: float,
    told: Callable[[str], None],
) -> Scale:
    topics, storm, took = topics_for(settings), _storm(fences), list[float]()
    create_missing(bootstrap, topics, 1)

    def arrived(record: Any, _: float) -> None:
        if (at := published(read_headers(record.headers()))) is not None:
            took.append(time.time() - at)

    with ExitStack() as stack:
        began = time.perf_counter()
        crew = [stack.enter_context(_worker(folder, number)) for number in range(count)]
        group = stack.enter_context(_Group.of(bootstrap, topics))
        async with (
            publisher_on(settings, bootstrap) as publisher,
            _ticking(publisher, topics),
            feeding(settings) as feed,
        ):
            await publisher.tick(_now(topics), range(topics.partitions))
            await group.drained()
            ready = time.perf_counter() - began
            told(f"{count} at work after {ready:.1f} s; {burst} messages at once …")
            named = [(topic.name, p) for topic in topics.all() for p in range(topics.partitions)]
            ends = await ends_of(bootstrap, named, {})
            began = await feed.publish(dict(next(storm) for _ in range(burst)), snapshot=True)
            await group.drained()
            rate = burst / (time.perf_counter() - began)
            read = {topic: await _bytes_since(bootstrap, topic, ends) for topic in _weighed(topics)}
            written = read.pop(topics.state.name) / sum(read.values())
            told(f"{rate:.0f} a second, {written:.1f} bytes stored for each byte; {paced} at {a_second:g} a second …")
            async with reading(bootstrap, topics.stele.name, arrived):
                await asyncio.sleep(3)
                took.clear()
                await _paced(feed, storm, paced, 1 / a_second)
                await group.drained()
                calm = Times.of(list(took))
                took.clear()
                told(f"p50 {calm.p50} ms; a worker is killed …")
                killing = asyncio.create_task(_kill(crew))
                await _paced(feed, storm, int(KILLED_FOR_S * a_second), 1 / a_second)
                await killing
                await group.drained()
    return Scale(count, round(ready, 1), round(rate, 1), round(written, 2), calm, round(max(took), 1))


def _weighed(topics: Topics) -> Iterator[str]:
    """Gives the topics of which the bytes are counted: what is stored, what came in, and what is told."""
    yield topics.state.name
    yield from (topic.name for topic in topics.messages)
    yield from (topic.name for topic in topics.channels.values())


async def _bytes_since(bootstrap: str, topic: str, ends: Mapping[tuple[str, int], int]) -> int:
    places = [place for place in ends if place[0] == topic]
    starts = {place: ends[place] for place in places}
    return sum([len(one.value) async for one in read_once(bootstrap, places, {}, starts=starts)])


def _write_cities(folder: Path, fences: Any, cities: int) -> list[dict[str, str]]:
    """Neighbouring districts make a city. Returns what stands in the settings under `cities`."""
    places = []
    each = math.ceil(len(fences) / cities)
    for number in range(cities):
        name, path = f"city{number:04}", folder / f"city{number:04}.geojson"
        features = [
            {
                "type": "Feature",
                "properties": {
                    "id": f"{name}-{at}", "name": f"Ortsteil {at}", "short_name": f"O{at}", "city": name,
                    "warn_cells": [f"8{number:05}{at:03}"], "ground_min_m": 50, "ground_max_m": 90,
                    "ground_source": "unknown", "accuracy": "made up",
                },
                "geometry": shapely.geometry.mapping(fence),
            }
            for at, fence in enumerate(fences[number * each : (number + 1) * each])
        ]  # fmt: skip
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        places.append({"id": name, "name": name.title(), "geofences": path.name})
    return places


def _settings(folder: Path, bootstrap: str, places: Sequence[dict[str, str]], partitions: int) -> Settings:
    lines = [f'stage = "scale-{uuid.uuid4().hex[:8]}"', "[broker]", f'url = "kafka://{bootstrap}"']
    lines += [f"partitions = {partitions}"]
    for place in places:
        lines += ["[[cities]]", *(f"{key} = {json.dumps(value)}" for key, value in place.items())]
    path = folder / "warnsys.toml"
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return load(path)


def _storm(fences: Any) -> Iterator[tuple[str, bytes]]:
    """Names and messages: storm cells at random places, each on some ten districts."""
    random, start, number = Random(7), datetime.now(UTC), 0
    reach = 1.8 * math.sqrt(shapely.area(fences).mean())
    while True:
        centre = shapely.centroid(fences[random.randrange(len(fences))])
        turns = [math.tau * n / 30 for n in range(30)]
        ring = tuple((centre.x + reach * math.cos(t), centre.y + reach * math.sin(t)) for t in turns)
        name = f"2.49.0.0.276.0.DWD.PVW.{number:013}.{uuid.UUID(int=number)}"
        severity = random.choice(("Minor", "Moderate", "Moderate", "Severe"))
        message = StoryMessage(
            key="cell", at=0, until=240, ii="33", groups=("THUNDERSTORM",), severity=severity,
            outlines=(Outline(ring=ring),), texts={"de": TEXT, "en": TEXT},
        )  # fmt: skip
        yield name, write(message, start, f"{name}.MUL", cells={}, note="Exercise")
        number += 1


def _now(topics: Topics) -> Tick:
    return Tick(stage=topics.stage, at=datetime.now(UTC))


@asynccontextmanager
async def _ticking(publisher: KafkaPublisher, topics: Topics) -> AsyncIterator[None]:
    """An exercise's time comes from who plays it."""

    async def tell() -> None:
        while True:
            await asyncio.sleep(10)
            await publisher.tick(_now(topics), range(topics.partitions))

    telling = asyncio.create_task(tell())
    try:
        yield
    finally:
        telling.cancel()


async def _paced(feed: Feed, storm: Iterator[tuple[str, bytes]], count: int, pace_s: float) -> None:
    began = time.perf_counter()
    for number in range(count):
        await feed.publish(dict([next(storm)]))
        await asyncio.sleep(max(began + (number + 1) * pace_s - time.perf_counter(), 0))


# -- the workers ----------------------------------------------------------------------------------------------------


class _Worker:
    """A process of `warnsys worker`; one that keeps its name takes its place in the group again."""

    def __init__(self, folder: Path, number: int) -> None:
        self._command = [sys.executable, "-m", "warnsys", "worker", "--settings", str(folder / "warnsys.toml")]
        self._env = {**os.environ, "WARNSYS_BROKER__INSTANCE": f"bench-{number}"}
        self._process = self._started()

    def _started(self) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(self._command, env=self._env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill(self) -> None:
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._process = self._started()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=30)


@contextmanager
def _worker(folder: Path, number: int) -> Iterator[_Worker]:
    worker = _Worker(folder, number)
    try:
        yield worker
    finally:
        worker.stop()


async def _kill(crew: Sequence[_Worker]) -> None:
    await asyncio.sleep(2)
    await asyncio.to_thread(crew[0].kill)


class _Group:
    """What the workers' group has committed, asked by one that is no member of it."""

    def __init__(self, consumer: Any, topics: Topics) -> None:
        self._consumer = consumer
        self._places = [
            TopicPartition(topic.name, partition) for topic in topics.inputs for partition in range(topics.partitions)
        ]

    @classmethod
    @contextmanager
    def of(cls, bootstrap: str, topics: Topics) -> Iterator["_Group"]:
        consumer: Any = Consumer({"bootstrap.servers": bootstrap, "group.id": group_of(topics)})
        try:
            yield cls(consumer, topics)
        finally:
            consumer.close()

    async def drained(self) -> None:
        """Returns when all that stands on the inputs is handled and committed. Raises TimeoutError."""
        until = time.monotonic() + LIMIT_S
        while await asyncio.to_thread(self._lag):
            if time.monotonic() > until:
                raise TimeoutError(f"the workers were not done after {LIMIT_S:g} s")
            await asyncio.sleep(0.1)

    def _lag(self) -> int:
        done = self._consumer.committed(self._places, timeout=10)
        ends = [self._consumer.get_watermark_offsets(place, timeout=10)[1] for place in self._places]
        return sum(end - max(place.offset, 0) for place, end in zip(done, ends, strict=True))

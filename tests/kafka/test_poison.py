"""A record that ends its worker ends it once: what is behind it is told, and operators see what happened."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer

from geofences import bundled
from streams.kafka.publisher import KafkaPublisher
from streams.kafka.readers import ends_of, read_once
from streams.kafka.records import ConsumedRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics, topics_for
from streams.processes.runtime import broker_of
from tests.kafka.poisoned import CITY, HANGS, READY
from tools.local_kafka import LocalKafka
from warnsys.records import AlertHeaders, PushNotice, Tick
from warnsys.settings import Settings, parse
from warnsys.simulation.message import StoryMessage, Texts, write

pytestmark = pytest.mark.kafka
START = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
CELL, OTHER = "805122000", "yburg"
AGAIN_S = 5.0
"""An Extreme message behind the poison is told within so long after the restart, on a machine that has time for it."""


def allowed_s() -> float:
    """Longer by as much as the machine is asked for more than it has: a trial is a process that has to begin."""
    return AGAIN_S * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def settings_for(kafka: LocalKafka, stage: str, folder: Path) -> Settings:
    """Two cities of the same warn cell on one partition."""
    other = folder / "other.geojson"
    other.write_text(bundled().read_text("utf-8").replace("solingen", OTHER), "utf-8")
    return parse(
        {
            "stage": stage,
            "cities": [
                {"id": CITY, "name": "Solingen", "geofences": str(bundled())},
                {"id": OTHER, "name": "Yburg", "geofences": str(other)},
            ],
            "sources": [{"name": "dwd", "url": "https://example.org/"}],
            "broker": {"url": f"kafka://{kafka.bootstrap}", "partitions": 1, "instance": "w1"},
            "runtime_folder": str(folder / "run"),
        }
    )


def message(key: str, severity: str, headline: str) -> tuple[str, bytes]:
    listed = f"2.49.0.0.276.0.DWD.PVW.1815568320000.e2552890-f5a5-5c23-a2d7-ff2d0f9a5{key}"
    text = Texts(event="GEWITTER", headline=headline, description="Text", instruction="Drinnen.")
    texts = {"de": text, "en": text}
    said = StoryMessage(
        key=key, at=0, until=60, ii="49", groups=("THUNDERSTORM",), severity=severity, cells=(CELL,), texts=texts
    )
    return listed, write(said, START, listed + ".MUL", cells={CELL: "Stadt"}, note="Übung")


@dataclass
class Supervised:
    """A worker that is started again when it ends, as systemd does, a second later."""

    settings: Path
    mark: Path
    log: Path
    ready: list[float] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    killed: int = 0

    def __post_init__(self) -> None:
        self.process = self._start()
        self._read = 0

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "tests.kafka.poisoned", str(self.settings), str(self.mark)]
        with self.log.open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    async def watch(self) -> None:
        """For ever; one that hangs is killed, as its watchdog would after 30 s."""
        while True:
            for line in self.log.read_text("utf-8", "replace").splitlines()[self._read :]:
                self._read += 1
                if line == READY:
                    self.ready.append(time.monotonic())
                if line == HANGS:
                    self.killed += 1
                    self.process.kill()
            if (code := self.process.poll()) is not None:
                self.ended.append(code)
                await asyncio.sleep(1)
                self.process = self._start()
            await asyncio.sleep(0.05)


@asynccontextmanager
async def supervised(settings: Settings, folder: Path) -> AsyncIterator[Supervised]:
    file = folder / "settings.json"
    file.write_text(settings.model_dump_json(exclude_none=True), "utf-8")
    worker = Supervised(file, folder / "mark", folder / "log")
    watching = asyncio.create_task(worker.watch())
    try:
        async with asyncio.timeout(60):
            while not worker.ready:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        yield worker
    finally:
        watching.cancel()
        worker.process.kill()
        worker.process.wait()


async def told(kafka: LocalKafka, topics: Topics, city: str, cause: str) -> float:
    """When the city's push for a message came."""
    async with AIOKafkaConsumer(
        topics.push.name, bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    ) as consumer:
        async for record in consumer:
            notice = PushNotice.from_bytes(record.value)
            if notice.city == city and cause in notice.cause and notice.level == 4:
                return time.monotonic()
    raise AssertionError


async def rejected(kafka: LocalKafka, topics: Topics) -> list[ConsumedRecord]:
    return [record async for record in read_once(kafka.bootstrap, [(topics.rejected.name, 0)], {})]


POISONS = ["match sleep", "match eat", "match abort", "settle sleep", "settle abort"]


@pytest.mark.parametrize("poison", [*POISONS, "match once", "settle once"])
async def test_poison_ends_a_worker_once_and_an_extreme_message_behind_it_is_told(
    kafka: LocalKafka, tmp_path: Path, poison: str
) -> None:
    stage = f"poison-{poison.replace(' ', '-')}"
    settings = settings_for(kafka, stage, tmp_path)
    topics = topics_for(settings)
    with broker_of(settings) as bootstrap:
        async with KafkaSender(bootstrap, Progress()) as sender, supervised(settings, tmp_path) as worker:
            publisher = KafkaPublisher(topics, sender)
            await publisher.tick(Tick(stage=stage, at=START + timedelta(minutes=1)), [0])
            for key, severity, headline in (("a5a", "Minor", f"POISON {poison}"), ("b6b", "Extreme", "UNWETTER")):
                listed, body = message(key, severity, headline)
                said = AlertHeaders(stage=stage, source="dwd", id=listed, stamp=START, seen=START)
                await publisher.alert(said, body)
            async with asyncio.timeout(60):
                at = await told(kafka, topics, OTHER, "b6b")
            assert len(worker.ended) == 1, f"ended {worker.ended}: {worker.log.read_text('utf-8')[-3000:]}"
            assert at - worker.ready[1] < allowed_s()
            await publisher.tick(Tick(stage=stage, at=START + timedelta(minutes=2)), [0])
            await _handled(kafka, topics)
            assert len(worker.ended) == 1, "it goes on behind it"
            kept = await rejected(kafka, topics)
    if poison.endswith("once"):
        assert kept == [], "who was only in hand when somebody killed the worker is decided as ever"
        return
    one = kept[0]
    assert {record.headers["reason"] for record in kept} == {one.headers["reason"]}
    assert len(kept) <= 2, "what was not committed at the kill is decided twice, and so comes twice"
    assert "ended the process" in one.headers["reason"]
    assert one.headers["agent"] == poison.split()[0]
    if poison.startswith("settle"):
        assert one.headers["city"] == CITY
        assert b"POISON settle" in one.value
    known = json.loads((tmp_path / "run" / f"{stage}-w1.known.json").read_text("utf-8"))
    assert len(known["convicted"]) == 1


async def _handled(kafka: LocalKafka, topics: Topics) -> None:
    """Returns when the group has committed all that stands on `warn.impacts`."""
    from aiokafka import TopicPartition
    from aiokafka.admin import AIOKafkaAdminClient

    place = (topics.impacts.name, 0)
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka.bootstrap)
    await admin.start()
    try:
        async with asyncio.timeout(30):
            while True:
                end = (await ends_of(kafka.bootstrap, [place], {}))[place]
                known = await admin.list_consumer_group_offsets(f"warnsys-{topics.stage}")
                if TopicPartition(*place) in known and known[TopicPartition(*place)].offset >= end:
                    return
                await asyncio.sleep(0.2)
    finally:
        await admin.close()

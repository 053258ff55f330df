"""The web process on a real Kafka: pages see through restarts of the broker and of the web process itself."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.async_api import expect

from geofences import bundled
from streams.kafka.admin import create_missing
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import topics_for
from streams.processes.web import serving
from tests.web.conftest import chromium
from tests.web.states import HEAT, SEVERE
from tools.local_kafka import LocalKafka
from warnsys.cap.cells import catalogue
from warnsys.partition import Offline
from warnsys.records import AlertHeaders, Snapshot, SteleRecord, Tick
from warnsys.settings import Settings, parse
from warnsys.simulation.message import StoryMessage, write

pytestmark = pytest.mark.kafka


def settings_for(kafka: LocalKafka) -> Settings:
    city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}
    web = {"open": True, "port": 0, "public_port": None}
    broker = {"url": f"kafka://{kafka.bootstrap}", "partitions": 2}
    return parse({"cities": [city], "stage": f"web-{uuid.uuid4().hex[:8]}", "broker": broker, "web": web})


@dataclass
class Agents:
    """What the agents would put onto the topics, without the agents."""

    settings: Settings
    sender: KafkaSender

    def __post_init__(self) -> None:
        self.pure, self.topics = Offline(self.settings), topics_for(self.settings)

    async def show(self, *messages: StoryMessage) -> None:
        now, ids = datetime.now(UTC), []
        for message in messages:
            message = message.model_copy(update={"status": "Exercise"})
            body = write(message, now, f"2.49.0.0.276.0.DWD.PVW.{message.key}.MUL", cells=catalogue(), note="made up")
            ids.append(f"2.49.0.0.276.0.DWD.PVW.{message.key}")
            headers = AlertHeaders(stage=self.settings.stage, source="dwd", id=ids[-1], stamp=now, seen=now)
            await self.pure.alert(headers, body)
        listed = Snapshot(stage=self.settings.stage, source="dwd", stamp=now, checked=now, ids=tuple(ids))
        await self.pure.snapshot(listed)
        self.pure.tick(now)
        tick = Tick(stage=self.settings.stage, at=now)
        records = [ProducerRecord(self.topics.impacts.name, 0, "", tick.to_bytes())]
        for notice in self.pure.notices:
            if isinstance(notice, SteleRecord):
                partition = self.topics.partition_of(notice.city)
                records.append(ProducerRecord(self.topics.stele.name, partition, notice.district, notice.to_bytes()))
        self.pure.notices.clear()
        await self.sender.send(records)


@asynccontextmanager
async def agents(settings: Settings, kafka: LocalKafka) -> AsyncIterator[tuple[Agents, KafkaSender]]:
    create_missing(kafka.bootstrap, topics_for(settings), 1)
    async with KafkaSender(kafka.bootstrap, Progress()) as sender:
        yield Agents(settings, sender), sender


async def test_a_page_sees_through_restarts_of_broker_and_web_process_and_catches_up() -> None:
    with LocalKafka() as kafka:
        settings = settings_for(kafka)
        async with agents(settings, kafka) as (put, sender), chromium() as browser:
            await put.show()
            await put.show()
            async with serving(settings, kafka.bootstrap, sender) as address:
                page = await browser.new_page(viewport={"width": 1920, "height": 1080})
                await page.goto(f"{address}/")
                await expect(page.get_by_text("Keine Wetterwarnung")).to_be_visible(timeout=60_000)
                await asyncio.to_thread(kafka.stop)
                await expect(page.get_by_text("Keine Daten. Diese Seite")).to_be_visible(timeout=60_000)
                await asyncio.to_thread(kafka.start)
                await expect(page.get_by_text("Keine Daten. Diese Seite")).to_be_hidden(timeout=60_000)
                await put.show(HEAT)
                await expect(page.locator(".warning").get_by_text("Stufe 1 von 4")).to_be_visible(timeout=60_000)
            await put.show(HEAT, SEVERE)  # nobody reads it
            port = int(address.rpartition(":")[2])
            again = settings.model_copy(update={"web": settings.web.model_copy(update={"port": port})})
            async with serving(again, kafka.bootstrap, sender):
                await expect(page.locator(".warning").get_by_text("Stufe 3 von 4")).to_be_visible(timeout=60_000)
                await page.close()

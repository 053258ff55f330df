"""Starts and ends, in order, what a process needs: broker, topics, sender, worker, publisher, metrics."""

import asyncio
import gc
import logging
import os
import re
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from prometheus_client import start_http_server

from streams.kafka import credentials as security
from streams.kafka import rights
from streams.kafka.admin import create_missing
from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.ending import end_at_once
from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import Progress, Sender
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics, topics_for
from streams.worker.app import SESSION_S, Worker
from streams.worker.hand import Hand
from streams.worker.match import MatchAgent
from streams.worker.orders import Orders, follow
from streams.worker.settle import SettleAgent
from streams.worker.state import KafkaStateStore
from streams.worker.watchdog import Vitals
from warnsys.clocks import live_tick
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules, cities_for, matcher_for
from warnsys.reach import Reach
from warnsys.records import FeedStatus, Notice, Outcome, Tick
from warnsys.settings import Settings, SettingsError
from warnsys.warning.situation import Situation

log = logging.getLogger(__name__)
COMPRESSION = "zstd"
"""How feeds compress what they send: 264 kB in eight languages become 6 kB in a tenth of a millisecond. Only our own
processes read that. What goes out to steles and apps is not compressed, because not every client can read it."""
Listener = Callable[[Notice | Outcome | FeedStatus], None]
"""Is told what was published."""


@contextmanager
def broker_of(settings: Settings, process: str = "") -> Iterator[str]:
    """Gives the address (host:port) of the broker. Makes sure of the stage's topics and the rights of `process` before.

    Starts the embedded broker if the settings ask for it, and ends it with the context. Raises `SettingsError` if the
    broker cannot be reached, or if a right is missing.
    """
    topics = topics_for(settings)
    if settings.broker.embedded:
        with EmbeddedBroker() as broker:
            broker.create(tuple(topic.name for topic in topics.all()))
            yield broker.bootstrap
    else:
        bootstrap = settings.broker.url.removeprefix("kafka://")
        create_missing(
            bootstrap, topics, settings.broker.replication, security.for_librdkafka(settings.broker),
            first=lambda: rights.check(settings, process) if process else None,
        )  # fmt: skip
        yield bootstrap


@dataclass(frozen=True)
class Pipeline:
    """A running worker, with its sender, its publisher and its metrics."""

    settings: Settings
    topics: Topics
    worker: Worker
    settle: SettleAgent
    sender: Sender
    publisher: KafkaPublisher
    progress: Progress
    metrics: Metrics
    cities: dict[str, CityRules]
    bootstrap: str
    reach: Reach

    async def drained(self) -> None:
        """Returns when both agents have handled everything that was published."""
        await self.progress.wait_until_handled(*(topic.name for topic in self.topics.inputs))

    async def tick(self, moment: datetime) -> None:
        """Sends an exercise's time to all cities."""
        await self.publisher.tick(Tick(stage=self.topics.stage, at=moment), range(self.topics.partitions))

    async def tick_for_ever(self) -> None:
        """Sends the live time, again and again, to the cities of the partitions that this worker owns."""
        while True:
            try:
                await self.publisher.tick(live_tick(self.topics.stage), sorted(self.worker.partitions()))
            except Exception:
                log.exception("a tick could not be sent; the next one follows in %g s", self.settings.tick_s)
            await asyncio.sleep(self.settings.tick_s)

    async def obey_for_ever(self) -> None:
        """Sends the operators' orders to the cities of the partitions that this worker owns.

        Raises `SettingsError` if the worker may not read them.
        """
        orders = Orders(self.topics, self.topics.by_partition(self.cities))
        login = security.for_aiokafka(self.settings.broker)
        await follow(self.bootstrap, orders, self.sender, self.worker.partitions, login)

    def situations(self) -> dict[str, Situation]:
        """Gives what holds, by city, for the cities of which this worker has the state."""
        found = {}
        for city in self.cities:
            if situation := self.settle.situation(city):
                found[city] = situation
        return found


def hand_of(settings: Settings) -> Hand:
    """Opens the memory of what the worker has in hand, in the settings' folder, systemd's, or a temporary one.

    With the embedded broker it remembers nothing: that broker ends with the process, so no record comes again.
    """
    if settings.broker.embedded:
        return Hand()
    named = settings.runtime_folder or os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    folder = Path(named or Path(tempfile.gettempdir()) / f"warnsys-{os.getuid()}")
    name = re.sub(r"[^A-Za-z0-9.-]", "_", f"{settings.stage}-{settings.broker.instance or 'worker'}")
    return Hand(folder, name)


@contextmanager
def metrics_served(settings: Settings, metrics: Metrics) -> Iterator[None]:
    """Serves the metrics at http://HOST:PORT/metrics, if the settings name a port.

    Raises `SettingsError` if the port is taken.
    """
    if not settings.metrics.port:
        yield
        return
    try:
        server, thread = start_http_server(settings.metrics.port, settings.metrics.host, metrics.registry)
    except OSError as error:
        place = f"{settings.metrics.host}:{settings.metrics.port}"
        says = f"metrics: cannot listen on {place} ({error.strerror}); set another metrics.port"
        raise SettingsError(says) from error
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def seldom_collecting() -> Iterator[None]:
    """Has the garbage collector skip all objects from before the context, and look less often at the others.

    A city's state is a hundred thousand objects without a cycle. By default Python walks through all of them in the
    middle of a burst. That took two fifths of the time of settling.
    """
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@asynccontextmanager
async def publisher_on(settings: Settings, bootstrap: str) -> AsyncIterator[KafkaPublisher]:
    """Runs the publisher of a feed that is a process of its own, and serves its metrics."""
    login = security.for_librdkafka(settings.broker)
    metrics = Metrics()
    async with KafkaSender(bootstrap, Progress(), compression=COMPRESSION, security=login, end=end_at_once) as sender:
        with metrics_served(settings, metrics):
            yield KafkaPublisher(topics_for(settings), sender, metrics)


@asynccontextmanager
async def pipeline_on(settings: Settings, bootstrap: str, heard: Listener = lambda _: None) -> AsyncIterator[Pipeline]:
    """Runs both agents, and serves their metrics.

    `heard` is told each outcome once it is sent, and each notice and each look of a feed once it is acknowledged.
    """
    topics, metrics, progress = topics_for(settings), Metrics(), Progress()
    matcher = matcher_for(settings)
    cities = cities_for(settings, matcher)
    vitals: Vitals[Any] = Vitals(SESSION_S)
    async with AsyncExitStack() as stack:
        login = security.for_librdkafka(settings.broker)
        sender = await stack.enter_async_context(
            KafkaSender(bootstrap, progress, security=login, slept=vitals.slept, end=end_at_once)
        )
        store = KafkaStateStore(bootstrap, topics, sender, progress, security=security.for_aiokafka(settings.broker))
        match = MatchAgent(matcher, cities, topics, sender, metrics, heard)
        settle = SettleAgent(cities, topics, sender, store, metrics, heard)
        worker = Worker(
            bootstrap, topics, match, settle, sender, metrics, progress,
            embedded=settings.broker.embedded, credentials=security.for_faust(settings.broker),
            instance=settings.broker.instance, vitals=vitals, hand=hand_of(settings),
        )  # fmt: skip
        publisher = KafkaPublisher(topics, sender, metrics, heard)
        stack.enter_context(metrics_served(settings, metrics))
        stack.enter_context(seldom_collecting())
        await stack.enter_async_context(worker.running())
        reach = Reach(matcher.index.districts, metrics)
        yield Pipeline(
            settings, topics, worker, settle, sender, publisher, progress, metrics, cities, bootstrap, reach
        )  # fmt: skip

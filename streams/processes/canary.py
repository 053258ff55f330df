"""Sends the canary's message the whole way and waits for it: served over HTTP, polled, decided, settled, read back.

The canary's stage has one partition, and agents of its own in this process. It shares with the live stage the broker,
the network, the machine's load and every line of code. A run ends what it began: it cancels the message and waits until
the district is clear again. Before it begins, it cancels a message that an earlier run left in force.
"""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka import credentials as security
from streams.kafka.readers import FETCH_BYTES, incoming
from streams.kafka.records import ConsumedRecord
from streams.kafka.topics import Topics, topics_for
from streams.kafka.trail import TraceHeader
from streams.processes.runtime import Pipeline, broker_of, metrics_served, pipeline_on
from streams.worker.failures import taken
from warnsys.channels.registry import read, tellers
from warnsys.feeds.poller import Poller
from warnsys.headers import published
from warnsys.metrics import Metrics
from warnsys.records import AlertHeaders, ChangeNotice, Outcome, SteleRecord, read_impact_record
from warnsys.settings import MetricsPort, Settings
from warnsys.simulation import canary
from warnsys.simulation.canary import Run
from warnsys.simulation.standin import StandIn
from warnsys.supervisor import tell_ready

log = logging.getLogger(__name__)
AUDIENCES = 2
"""Each channel tells so many audiences."""


async def once(settings: Settings, patience_s: float) -> Run:
    """Runs once, in a stage that only runs by hand use."""
    async with nest(settings, canary.BY_HAND) as bird:
        return await bird.run(patience_s)


async def for_ever(settings: Settings, every_s: float, patience_s: float) -> None:
    """Runs every `every_s` seconds and serves the metrics, until it is interrupted."""
    metrics = Metrics()
    async with nest(settings, canary.STAGE) as bird:
        with metrics_served(settings, metrics):
            tell_ready()
            while True:
                started = time.monotonic()
                run = await bird.run(patience_s)
                run.count(metrics)
                if run.missing:
                    log.error("the canary did not come back: %s", run.missing)
                await asyncio.sleep(max(0.0, every_s - (time.monotonic() - started)))


@asynccontextmanager
async def nest(settings: Settings, stage: str) -> AsyncIterator["Canary"]:
    """Starts and ends everything that a run needs, on the broker of these settings."""
    async with AsyncExitStack() as stack:
        server = stack.enter_context(StandIn())
        own = canary.canary_settings(settings, server.url, stage)
        bootstrap = stack.enter_context(broker_of(own, "canary"))
        quiet = own.model_copy(update={"metrics": MetricsPort()})  # an exercise's metrics would raise live alarms
        pipeline = await stack.enter_async_context(pipeline_on(quiet, bootstrap))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        feed = Poller(own.sources[0], stage, client, pipeline.publisher, lambda: datetime.now(UTC))
        back = await stack.enter_async_context(_reading(own, bootstrap, topics_for(own)))
        yield Canary(server, feed, pipeline, back)


@asynccontextmanager
async def _reading(settings: Settings, bootstrap: str, topics: Topics) -> AsyncIterator[Any]:
    """Gives a consumer of all that comes back. It reads steles from their start, to see what an earlier run left."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=10, **security.for_aiokafka(settings.broker),
    )  # fmt: skip
    await consumer.start()
    try:
        stele = TopicPartition(topics.stele.name, 0)
        others = [
            TopicPartition(one.name, 0)
            for one in (topics.alerts, topics.impacts, *(topics.channel(one.name) for one in tellers()))
        ]
        consumer.assign([stele, *others])
        await consumer.seek_to_beginning(stele)
        await consumer.seek_to_end(*others)
        yield consumer
    finally:
        await consumer.stop()


class Canary:
    """Makes one run after the other."""

    def __init__(self, server: StandIn, feed: Poller, pipeline: Pipeline, back: Any) -> None:
        self._server, self._feed, self._pipeline, self._back = server, feed, pipeline, back
        self._stamp = datetime.fromtimestamp(0, UTC)
        """The stamp of the newest snapshot that the stand-in server has."""
        self._seen = _ReadBack(pipeline.topics)

    async def run(self, patience_s: float) -> Run:
        """Makes one run. If something does not come back in time, the run says so; this method does not raise."""
        started = time.time()
        try:
            async with asyncio.timeout(patience_s):
                await self._clear()
                return await self._there_and_back()
        except TimeoutError:
            return Run(started, {}, f"{self._seen.waiting} within {patience_s:g} s")

    async def _there_and_back(self) -> Run:
        """Publishes a message, waits for it everywhere, cancels it, and waits for its end."""
        seen = self._seen
        stamp = await self._next_stamp()
        name = canary.identifier(stamp, 1)
        started = time.time()
        run = Run(started)
        await self._publish(stamp, name, canary.alert(name, stamp))
        seen.waiting = "no stele showed it"
        await self._until(lambda: seen.shows(name))
        seen.waiting = "no channel, or not every one, told it"
        await self._until(lambda: seen.told(name) and seen.matched(name))
        run.passed = {step: at - started for step, at in seen.ledger(name).items()}
        stamp = await self._next_stamp()
        ended = canary.identifier(stamp, 2)
        cancelled = time.time()
        await self._publish(stamp, ended, canary.cancel(ended, name, stamp))
        seen.waiting = "its end did not come back"
        await self._until(lambda: seen.clear and seen.told(ended))
        run.passed["ended"] = run.passed["back"] + seen.read - cancelled
        return run

    async def _clear(self) -> None:
        """Cancels what an earlier run left in force, until the district is clear."""
        seen = self._seen
        seen.waiting = "the district does not become clear"
        await self._pipeline.tick(datetime.now(UTC))
        await self._pipeline.drained()
        await self._until(lambda: seen.status != "")
        while not seen.clear:
            stamp = await self._next_stamp()
            if seen.standing:
                name = canary.identifier(stamp, 0)
                await self._publish(stamp, name, canary.cancel(name, seen.standing, stamp))
            else:
                await self._publish(stamp)
            await self._pipeline.tick(datetime.now(UTC))
            await self._pipeline.drained()
            await self._take()

    async def _publish(self, stamp: datetime, name: str = "", body: bytes = b"") -> None:
        self._server.publish(stamp, canary.bundle(name, body))
        await self._feed.look()

    async def _next_stamp(self) -> datetime:
        """Gives a stamp later than the last one. Servers' stamps have whole seconds, so this may wait for the next."""
        due = self._stamp + timedelta(seconds=1)
        await asyncio.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
        self._stamp = max(due, datetime.now(UTC).replace(microsecond=0))
        return self._stamp

    async def _until(self, came: Callable[[], bool]) -> None:
        """Reads what comes back until something has come."""
        while not came():
            await self._take()

    async def _take(self) -> None:
        for records in (await self._back.getmany(timeout_ms=100)).values():
            for record in records:
                if record.value is not None:  # `taken` skips a record that cannot be read: it is not the canary's
                    taken(incoming(record), lambda one: self._seen.take(one, time.time()))


class _ReadBack:
    """What has been read back so far."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._tellers = {topics.channel(one.name).name: one.name for one in tellers()}
        """By topic, the channel that tells people."""
        self.waiting = ""
        """What the run waits for, as the sentence to say if it does not come."""
        self.status, self.standing, self.read = "", "", 0.0
        """The district's status, the id of the message that is shown there, and when the newest record was read."""
        self._notices: dict[tuple[str, str], int] = {}
        """By channel and message that is its cause, how many notices were read."""
        self._times: dict[str, dict[str, float]] = {}
        """By message, when it passed each step."""

    @property
    def clear(self) -> bool:
        return self.status == "clear"

    def shows(self, name: str) -> bool:
        """Says whether the stele shows a message."""
        return self.status == "warned" and self.standing == name

    def told(self, cause: str) -> bool:
        """Says whether every channel has told every audience of a message."""
        return all(self._notices.get((channel, cause), 0) >= AUDIENCES for channel in self._tellers.values())

    def matched(self, name: str) -> bool:
        """Says whether the outcome of a message was read. It may come after the notices that follow from it."""
        return "on warn.impacts" in self._times.get(name, {})

    def ledger(self, name: str) -> dict[str, float]:
        """Gives when a message passed each step, in seconds since 1970, by our clock or by the broker's stamp.

        The broker stamps whole milliseconds, so a record may seem to have come one millisecond before it was sent.
        """
        return dict(sorted(self._times[name].items(), key=lambda passed: passed[1]))

    def take(self, record: ConsumedRecord, now: float) -> None:
        """Notes what a record says of a message, and when."""
        self.read = now
        topics = self._topics
        if record.topic == topics.alerts.name and record.headers.get("kind") == "alert":
            headers = AlertHeaders.model_validate(record.headers)
            self._passed(headers.id, "polled", headers.seen.timestamp())
            if (at := published(record.headers)) is not None:
                self._passed(headers.id, "published", at)
            self._passed(headers.id, "on cap.alerts", record.timestamp)
        elif record.topic == topics.impacts.name:
            content = read_impact_record(record.value)
            if isinstance(content, Outcome):
                self._passed(content.listed_id, "on warn.impacts", record.timestamp)
        elif record.topic == topics.stele.name:
            stele = SteleRecord.from_bytes(record.value)
            self.status, self.standing = stele.status, canary.own_name(stele.items[0].base_id) if stele.items else ""
            for step, at in {**TraceHeader.read(record.headers).work(), "on warn.stele": record.timestamp}.items():
                self._passed(self.standing, step, at)
            self._note_back(self.standing, now)
        elif channel := self._tellers.get(record.topic):
            notice = read(channel, record.value)
            cause = canary.own_name(notice.cause) if isinstance(notice, ChangeNotice) else ""
            self._notices[channel, cause] = self._notices.get((channel, cause), 0) + 1
            self._passed(cause, f"on warn.{channel}", record.timestamp)
            self._note_back(cause, now)

    def _note_back(self, name: str, now: float) -> None:
        """Notes that a message has come back once every channel and the stele have it, whichever is read last."""
        if self.told(name) and "on warn.stele" in self._times.get(name, {}):
            self._passed(name, "back", now)

    def _passed(self, name: str, step: str, at: float) -> None:
        """Notes when a message passed a step. The first time counts."""
        self._times.setdefault(name, {}).setdefault(step, at)

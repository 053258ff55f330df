"""Puts what a feed found onto the topics."""

import time
from collections.abc import Callable, Iterable

from streams.kafka.records import ProducerRecord, Sender
from streams.kafka.topics import Topics
from streams.kafka.trail import TraceHeader
from warnsys.headers import PUBLISHED
from warnsys.metrics import Metrics
from warnsys.records import SCHEMA_VERSION, VERSION, AlertHeaders, FeedStatus, Snapshot, Tick


class KafkaPublisher:
    """A `warnsys.feeds.publisher.Publisher` over a sender; and the ticks of an exercise."""

    def __init__(
        self,
        topics: Topics,
        sender: Sender,
        metrics: Metrics | None = None,
        heard: Callable[[FeedStatus], None] = lambda _: None,
    ) -> None:
        self._topics, self._sender, self._heard = topics, sender, heard
        self.metrics = metrics or Metrics()

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        fields = headers.model_dump(mode="json", exclude_none=True)
        partition = self._topics.partition_of(headers.id)
        now = time.time()
        trail = TraceHeader().at("seen", headers.seen.timestamp()).at("published", now)
        said = {key: str(value) for key, value in fields.items()}
        said |= {VERSION: str(SCHEMA_VERSION), PUBLISHED: repr(now), **trail.header()}
        await self._sender.send([ProducerRecord(self._topics.lane_of(body).name, partition, headers.id, body, said)])

    async def snapshot(self, snapshot: Snapshot) -> None:
        said = {"kind": "snapshot", "stage": snapshot.stage, "source": snapshot.source}
        partition = self._topics.partition_of(snapshot.source)
        record = ProducerRecord(self._topics.alerts.name, partition, snapshot.source, snapshot.to_bytes(), said)
        await self._sender.send([record])

    async def status(self, status: FeedStatus) -> None:
        name, partition = self._topics.status.name, self._topics.partition_of(status.source)
        await self._sender.send([ProducerRecord(name, partition, status.source, status.to_bytes())])
        self.metrics.looked(status)
        self._heard(status)

    async def tick(self, tick: Tick, partitions: Iterable[int]) -> None:
        """To partitions of `warn.impacts`: all of them in an exercise, a worker's own in a live stage."""
        name = self._topics.impacts.name
        await self._sender.send([ProducerRecord(name, partition, "", tick.to_bytes()) for partition in partitions])

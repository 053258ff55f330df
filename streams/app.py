"""The Faust app: hands each record to its agent, one at a time, and lets nothing escape.

The one safe shape (see docs/adr/0003): `concurrency=1`; the last statement on a record is `handled`; what an agent
cannot take goes to `warn.rejected`, bytes and all, and is acknowledged there first. If even that fails, the process
ends at once without committing, and the record comes again.
"""

import logging
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import faust
from yarl import URL

from streams.agents import MatchAgent, SettleAgent, explain, rejection
from streams.records import Incoming, Progress, Sender, read_headers
from streams.topics import Topic, Topics
from streams.transport import EmbeddedTransport, StrictTransport
from warnsys.metrics import Metrics

log = logging.getLogger(__name__)
EXIT_WITHOUT_COMMIT = 70
"""The process's exit code (EX_SOFTWARE) when a record could neither be handled nor rejected."""


class Agent(Protocol):
    name: str

    async def handle(self, record: Incoming) -> None: ...


def end_at_once() -> None:
    """Without clean-up, hence without a commit: a supervisor starts the worker again."""
    os._exit(EXIT_WITHOUT_COMMIT)


class Worker:
    """Runs both agents on a broker, in the running loop; an async context via `running`."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        match: MatchAgent,
        settle: SettleAgent,
        sender: Sender,
        metrics: Metrics,
        progress: Progress,
        *,
        embedded: bool,
        fatal: Callable[[], None] = end_at_once,
    ) -> None:
        self._topics, self._sender, self._metrics = topics, sender, metrics
        self._progress, self._settle, self._fatal = progress, settle, fatal
        self._folder = TemporaryDirectory(prefix="warnsys-")
        self.app: Any = faust.App(
            f"warnsys-{topics.stage}",
            broker=f"kafka://{bootstrap}",
            autodiscover=False,
            broker_commit_interval=0.5,
            broker_heartbeat_interval=1,
            broker_max_poll_interval=60,
            broker_session_timeout=6,
            consumer_auto_offset_reset="earliest",
            consumer_max_fetch_size=topics.rejected.max_bytes,
            datadir=self._folder.name,
            store="memory://",
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            topic_partitions=topics.partitions,
            web_enabled=False,
        )
        transport = EmbeddedTransport if embedded else StrictTransport
        self.app.transport = transport([URL(f"kafka://{bootstrap}")], self.app)
        self.app.on_partitions_assigned.connect(self._rebalanced)
        self.app.on_partitions_revoked.connect(self._rebalanced)
        self._attach(match, topics.alerts)
        self._attach(settle, topics.impacts)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Worker"]:
        """Consumes from the moment the context is entered until it is left."""
        await self.app.start()
        try:
            yield self
        finally:
            await self.app.stop()
            self._folder.cleanup()

    def partitions(self) -> set[int]:
        """Those of `warn.impacts` that this worker owns now."""
        assignment = self.app.consumer.assignment()
        owned = {tp.partition for tp in assignment if tp.topic == self._topics.impacts.name}
        return {partition for partition in owned if partition < self._topics.partitions}

    async def _rebalanced(self, *_: Any, **__: Any) -> None:
        self._settle.forget()

    def _attach(self, agent: Agent, topic: Topic) -> None:
        source = self.app.topic(
            topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

        async def run(stream: Any) -> None:
            async for event in stream.events():
                await self._take(agent, event.message)
                self.app.consumer.handled(event.message)
                self._progress.handled(event.message.topic, event.message.partition, event.message.offset)

        self.app.agent(source, name=agent.name, concurrency=1)(run)

    async def _take(self, agent: Agent, message: Any) -> None:
        record = Incoming(
            message.topic,
            message.partition,
            message.offset,
            message.key or b"",
            message.value or b"",
            read_headers(message.headers),
            message.timestamp,
        )
        try:
            await agent.handle(record)
        except Exception as error:
            log.warning("%s: %s/%d@%d rejected: %s", agent.name, record.topic, record.partition, record.offset, error)
            try:
                await self._sender.send([rejection(self._topics, record, agent.name, explain(error))])
            except Exception:
                log.critical("%s: could not reject; ending without a commit", agent.name, exc_info=True)
                self._fatal()
            self._metrics.rejected.labels(agent.name).inc()

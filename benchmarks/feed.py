"""A feed for benchmarks, in a process of its own as in operation: what it costs to publish is none of the workers'."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from typing import TYPE_CHECKING

from streams.kafka.publisher import KafkaPublisher
from streams.processes.runtime import publisher_on
from warnsys.feeds.poller import AT_ONCE
from warnsys.records import AlertHeaders, Snapshot
from warnsys.settings import Settings

MINUTE = timedelta(minutes=1)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@dataclass(frozen=True)
class Publishing:
    """Messages by their name, each batch after the one before is acknowledged; a snapshot of all; and a pause."""

    batches: Sequence[Mapping[str, bytes]]
    snapshot: bool
    pause_s: float = 0.0


class Feed:
    """Publishes what it is handed, until it is closed."""

    def __init__(self, settings: Settings) -> None:
        context = get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_publish_for_ever, args=(settings, theirs), daemon=True)
        self._process.start()
        theirs.close()

    async def publish(self, *batches: Mapping[str, bytes], snapshot: bool = False) -> float:
        """Messages by their name, each batch after the one before is acknowledged; and at last a snapshot of all.

        Each publishing is stamped a minute after the one before, as a source does it, at whatever pace they come.
        Returns when all is acknowledged; and when it began, in the machine's monotonic seconds.
        """
        self._pipe.send([Publishing(batches, snapshot=snapshot)])
        began: list[float] = await asyncio.to_thread(self._pipe.recv)
        return began[0]

    async def publish_each(self, bodies: Mapping[str, bytes], pace_s: float) -> list[float]:
        """Each message with a snapshot of its own, and so long after it; gives when each began.

        Nobody has to ask for the next one: what that costs would be none of the workers' either.
        """
        self._pipe.send([Publishing(({name: body},), snapshot=True, pause_s=pace_s) for name, body in bodies.items()])
        began: list[float] = await asyncio.to_thread(self._pipe.recv)
        return began

    def close(self) -> None:
        self._pipe.close()
        self._process.join()


@asynccontextmanager
async def feeding(settings: Settings) -> AsyncIterator[Feed]:
    feed = Feed(settings)
    try:
        await feed.publish()  # it has started
        yield feed
    finally:
        feed.close()


def _publish_for_ever(settings: Settings, pipe: "Connection") -> None:
    with suppress(EOFError):
        asyncio.run(_publishing(settings, pipe))


async def _publishing(settings: Settings, pipe: "Connection") -> None:
    stamp = datetime.now(UTC)
    async with publisher_on(settings, settings.broker.url.removeprefix("kafka://")) as publisher:
        while True:
            began = list[float]()
            for publishing in await asyncio.to_thread(pipe.recv):
                began.append(time.perf_counter())
                stamp += MINUTE
                for bodies in publishing.batches:
                    await _publish(publisher, settings.stage, bodies, stamp)
                if publishing.snapshot:
                    now, ids = datetime.now(UTC), tuple(name for bodies in publishing.batches for name in bodies)
                    snapshot = Snapshot(stage=settings.stage, source="dwd", stamp=stamp, checked=now, ids=ids)
                    await publisher.snapshot(snapshot)
                await asyncio.sleep(publishing.pause_s)
            pipe.send(began)


async def _publish(publisher: KafkaPublisher, stage: str, bodies: Mapping[str, bytes], stamp: datetime) -> None:
    named = list(bodies.items())
    for batch in (named[start : start + AT_ONCE] for start in range(0, len(named), AT_ONCE)):
        said = [
            (AlertHeaders(stage=stage, source="dwd", id=name, stamp=stamp, seen=datetime.now(UTC)), body)
            for name, body in batch
        ]
        await asyncio.gather(*(publisher.alert(headers, body) for headers, body in said))

"""How long a burst takes, and how long an Extreme warning takes while a burst waits.

A burst is published as a feed does it: worst first, in batches, then its snapshot; by a process of its own, as in
operation. The clock starts when the feed has the ZIP in hand, and stops where a reader of the channel's topic has the
notice.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from benchmarks.feed import feeding
from benchmarks.pipeline import as_alert, reading
from geofences import bundled
from streams.kafka.admin import create_missing
from streams.kafka.topics import topics_for
from streams.processes.runtime import Pipeline, pipeline_on
from warnsys.records import PushNotice, SteleRecord
from warnsys.settings import parse

PARTITIONS = 4
LIMIT_S = 180.0


@dataclass(frozen=True)
class Burst:
    """Seconds from the ZIP in hand."""

    count: int
    published: float
    first_extreme: float
    """Until its push notice is read."""
    last: float
    """Until a stele record with all of them is read."""


@dataclass(frozen=True)
class Overtaking:
    """An Extreme warning behind a queue of Minor ones, from publishing to its push notice."""

    queued: int
    """Messages that nobody had taken when it was published."""
    seconds: float
    rest: float
    """Seconds until the queue was handled."""


async def burst(bootstrap: str, body: bytes, count: int = 500, extreme: int = 10) -> Burst:
    """`count` messages that all warn Solingen; the first `extreme` of them are Extreme, the others Severe."""
    names = [f"bench.{number}" for number in range(count)]
    bodies = {name: as_alert(body, name, "Extreme" if n < extreme else "Severe") for n, name in enumerate(names)}
    told, shown = _Arrivals(), _Arrivals()
    async with _running(bootstrap) as pipeline:
        push, stele = pipeline.topics.push.name, pipeline.topics.stele.name
        async with (
            reading(bootstrap, push, lambda record, at: told.at(at, seen=_level(record) == 4)),
            reading(bootstrap, stele, lambda record, at: shown.at(at, seen=_shown(record) >= count)),
            feeding(pipeline.settings) as feed,
        ):
            batches = [{name: bodies[name] for name in batch} for batch in (names[:extreme], names[extreme:])]
            began = await feed.publish(*batches, snapshot=True)
            published = time.perf_counter()
            ends = await told.when(), await shown.when()
    return Burst(count, *(round(moment - began, 3) for moment in (published, *ends)))


async def overtaking(bootstrap: str, body: bytes, count: int) -> Overtaking:
    """`count` Minor messages that all warn Solingen, published at once; when all are, one that is Extreme."""
    bodies = {f"bench.{number}": as_alert(body, f"bench.{number}", "Minor") for number in range(count)}
    worst = {"bench.extreme": as_alert(body, "bench.extreme", "Extreme")}
    told = _Arrivals()
    async with _running(bootstrap) as pipeline:
        push = pipeline.topics.push.name
        async with (
            reading(bootstrap, push, lambda record, at: told.at(at, seen=_level(record) == 4)),
            feeding(pipeline.settings) as feed,
        ):
            await feed.publish(bodies)
            queued, began = pipeline.worker.waiting(), await feed.publish(worst)
            seconds = await told.when() - began
            while pipeline.worker.waiting():  # noqa: ASYNC110 - positions set no event
                await asyncio.sleep(0.01)
            rest = time.perf_counter() - began
    return Overtaking(queued, round(seconds, 3), round(rest, 3))


def _level(record: Any) -> int:
    return PushNotice.from_bytes(record.value()).level


def _shown(record: Any) -> int:
    """How many warnings a record shows or counts."""
    stele = SteleRecord.from_bytes(record.value())
    return len(stele.items) + stele.more


class _Arrivals:
    """When something was seen first; by a reader's thread."""

    def __init__(self) -> None:
        self._moment = 0.0

    def at(self, moment: float, *, seen: bool) -> None:
        if seen and not self._moment:
            self._moment = moment

    async def when(self) -> float:
        async with asyncio.timeout(LIMIT_S):
            while not self._moment:  # noqa: ASYNC110 - a thread fills it
                await asyncio.sleep(0.005)
        return self._moment


@asynccontextmanager
async def _running(bootstrap: str) -> AsyncIterator[Pipeline]:
    """One worker for Solingen in a stage of its own, its first tick handled."""
    city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled())}
    broker = {"url": f"kafka://{bootstrap}", "partitions": PARTITIONS}
    settings = parse({"stage": f"burst-{uuid.uuid4().hex[:8]}", "cities": [city], "broker": broker})
    create_missing(bootstrap, topics_for(settings), 1)
    async with pipeline_on(settings, bootstrap) as pipeline:
        await pipeline.tick(datetime.now(UTC))
        await pipeline.drained()
        yield pipeline

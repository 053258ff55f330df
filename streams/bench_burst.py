"""How long a burst takes, and how long an Extreme warning takes while a burst waits.

A burst is published as a feed does it: worst first, in batches, then its snapshot. The clock starts when the feed has
the ZIP in hand, and stops where a reader of the channel's topic has the notice.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from geofences import bundled
from streams.admin import create_missing
from streams.bench import as_alert, reading
from streams.runtime import Pipeline, pipeline_on
from streams.topics import topics_for
from warnsys.feeds.dwd import AT_ONCE
from warnsys.records import AlertHeaders, PushNotice, Snapshot, SteleRecord
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
    told, shown = _Seen(), _Seen()
    async with _running(bootstrap) as pipeline:
        push, stele = pipeline.topics.push.name, pipeline.topics.stele.name
        async with (
            reading(bootstrap, push, lambda value: told.at(PushNotice.from_bytes(value).level == 4)),
            reading(bootstrap, stele, lambda value: shown.at(len(SteleRecord.from_bytes(value).items) >= count)),
        ):
            began, stamp = time.perf_counter(), datetime.now(UTC)
            for batch in (names[:extreme], names[extreme:]):
                await _publish(pipeline, {name: bodies[name] for name in batch}, stamp)
            snapshot = Snapshot(
                stage=pipeline.topics.stage, source="dwd", stamp=stamp, checked=stamp, ids=tuple(names)
            )  # fmt: skip
            await pipeline.publisher.snapshot(snapshot)
            published = time.perf_counter()
            ends = await told.when(), await shown.when()
    return Burst(count, *(round(moment - began, 3) for moment in (published, *ends)))


async def overtaking(bootstrap: str, body: bytes, count: int) -> Overtaking:
    """`count` Minor messages that all warn Solingen, published at once; when all are, one that is Extreme."""
    bodies = {f"bench.{number}": as_alert(body, f"bench.{number}", "Minor") for number in range(count)}
    worst = {"bench.extreme": as_alert(body, "bench.extreme", "Extreme")}
    told = _Seen()
    async with _running(bootstrap) as pipeline:
        push = pipeline.topics.push.name
        async with reading(bootstrap, push, lambda value: told.at(PushNotice.from_bytes(value).level == 4)):
            await _publish(pipeline, bodies, datetime.now(UTC))
            queued, began = pipeline.worker.waiting(), time.perf_counter()
            await _publish(pipeline, worst, datetime.now(UTC))
            seconds = await told.when() - began
            await pipeline.settled()
            rest = time.perf_counter() - began
    return Overtaking(queued, round(seconds, 3), round(rest, 3))


class _Seen:
    """When something was seen first; by a reader's thread."""

    def __init__(self) -> None:
        self._moment = 0.0

    def at(self, seen: bool) -> None:
        if seen and not self._moment:
            self._moment = time.perf_counter()

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
        await pipeline.settled()
        yield pipeline


async def _publish(pipeline: Pipeline, bodies: Mapping[str, bytes], stamp: datetime) -> None:
    named = list(bodies.items())
    for batch in (named[start : start + AT_ONCE] for start in range(0, len(named), AT_ONCE)):
        await asyncio.gather(
            *(
                pipeline.publisher.alert(
                    AlertHeaders(stage=pipeline.topics.stage, source="dwd", id=name, stamp=stamp, seen=stamp), body
                )
                for name, body in batch
            )
        )

"""Runs the processes of live operation: worker, feed, all in one (`up`), and `tail`, which shows a channel's topic."""

import asyncio
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from datetime import UTC, datetime

import httpx
from aiokafka import AIOKafkaConsumer
from rich.console import Console
from rich.live import Live
from rich.markup import escape

from streams.kafka import credentials as security
from streams.kafka import embedded, rights
from streams.kafka.records import Sender
from streams.kafka.topics import topics_for
from streams.processes.audit import auditing
from streams.processes.runtime import Pipeline, broker_of, pipeline_on, publisher_on
from streams.processes.web import serving
from warnsys.archive.archiver import Archiver
from warnsys.archive.store import MB, archive_for
from warnsys.channels.registry import read
from warnsys.clocks import uptime
from warnsys.feeds.poller import Poller
from warnsys.feeds.publisher import Keeper, KeepsNothing, Publisher
from warnsys.metrics import Metrics
from warnsys.pipeline import matcher_for
from warnsys.reach import Reach
from warnsys.records import FeedStatus, Notice, Outcome
from warnsys.renewal import Renewed, watch
from warnsys.settings import Settings, SettingsError
from warnsys.supervisor import LIVED_S, LONGEST_PAUSE_S, tell_ready
from warnsys.view import LiveView, line

log = logging.getLogger(__name__)
REFRESH_S = 0.5
"""How often the live view is drawn."""
FETCH_BYTES = 16 * 1024 * 1024


async def up(settings: Settings, console: Console) -> None:
    """Runs feed, worker, pages and audit in one process, with a live view in a terminal, until it is interrupted."""
    zone = settings.cities[0].timezone
    names = ", ".join(city.name for city in settings.cities)
    marks = tuple(marks_of(settings))
    view = LiveView(f"Wetterwarnungen für {names}", marks, zone)

    def heard(said: Notice | Outcome | FeedStatus) -> None:
        view.heard(said)
        if not console.is_terminal and not isinstance(said, Outcome | FeedStatus):
            console.print(escape(line(said, zone)), soft_wrap=True, highlight=False)

    async with AsyncExitStack() as stack:
        bootstrap = stack.enter_context(broker_of(settings, "up"))
        if console.is_terminal:
            view.chapter = f"Broker {bootstrap}"
            stack.enter_context(Live(view, console=console, refresh_per_second=1 / REFRESH_S))
        else:
            console.print(f"{' · '.join((names, *marks))} (Broker {bootstrap})", soft_wrap=True, highlight=False)
        pipeline = await stack.enter_async_context(pipeline_on(settings, bootstrap, heard))
        shown = asyncio.Event()

        def show(address: str) -> None:
            view.address = address
            if not console.is_terminal:
                console.print(f"Lagebild im Browser: {address}/", soft_wrap=True, highlight=False)
            shown.set()

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(pages_for_ever(settings, bootstrap, pipeline.sender, show))
            await shown.wait()
            tell_ready()
            tasks.create_task(poll(settings, pipeline.publisher))
            tasks.create_task(pipeline.tick_for_ever())
            tasks.create_task(pipeline.obey_for_ever())
            tasks.create_task(kept_alive("the view", lambda: _refresh(view, pipeline)))
            tasks.create_task(kept_alive("the watch on geofences", lambda: watch(settings, reach=pipeline.reach)))
            if settings.audit.folder and not settings.broker.embedded:  # the topics of the latter begin anew
                tasks.create_task(kept_alive("the audit", lambda: _audit(settings, bootstrap, pipeline.metrics)))


async def kept_alive(what: str, work: Callable[[], Awaitable[None]], pause_s: float = 1.0) -> None:
    """Runs a task, and begins it again if it fails, later each time. So its failure ends neither feeds nor ticks."""
    wait = pause_s
    while True:
        began = time.monotonic()
        try:
            await work()
        except (Renewed, SettingsError):
            raise
        except Exception:
            log.exception("%s failed and begins again in %g s", what, wait)
        else:
            return
        await asyncio.sleep(wait)
        wait = pause_s if time.monotonic() - began > LIVED_S else min(2 * wait, LONGEST_PAUSE_S)


async def pages_for_ever(
    settings: Settings, bootstrap: str, sender: Sender, show: Callable[[str], None], pause_s: float = 1.0
) -> None:
    """Serves both sites, and begins again if they fail. Raises `SettingsError` if a port is taken at the start."""
    served = False

    async def pages() -> None:
        nonlocal served
        died = asyncio.get_running_loop().create_future()

        def end(reason: str) -> None:
            if not died.done():
                died.set_exception(RuntimeError(reason))

        try:
            async with serving(settings, bootstrap, sender, end=end) as address:
                served = True
                show(address)
                await died
        except SettingsError as error:
            if not served:
                raise
            raise OSError(str(error)) from error  # the port was ours, so it will be free again

    await kept_alive("the pages", pages, pause_s)


async def _audit(settings: Settings, bootstrap: str, metrics: Metrics) -> None:
    """Runs the audit until its chain is broken. That ends the audit and raises its alarm, but holds up no warning."""
    try:
        await auditing(settings, bootstrap, metrics)
    except SettingsError as error:
        log.error("nothing is audited: %s", error)  # noqa: TRY400 - it says all


def marks_of(settings: Settings) -> list[str]:
    """Gives the marks that every screen has to show: that this is an exercise, that the broker is embedded."""
    exercise = [f"ÜBUNG ({settings.stage})"] if settings.exercise else []
    return [*exercise, *([embedded.NOTICE] if settings.broker.embedded else [])]


async def worker(settings: Settings) -> None:
    """Runs the agents alone, until it is interrupted. In an exercise, whoever plays it sends the time."""
    with broker_of(settings, "worker") as bootstrap:
        async with pipeline_on(settings, bootstrap) as pipeline:
            tell_ready()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(kept_alive("the watch on geofences", lambda: watch(settings, reach=pipeline.reach)))
                tasks.create_task(pipeline.obey_for_ever())
                if not settings.exercise:
                    tasks.create_task(pipeline.tick_for_ever())


async def feed(settings: Settings) -> None:
    """Runs the feeds alone, until it is interrupted."""
    with broker_of(settings, "feed") as bootstrap:
        async with publisher_on(settings, bootstrap) as publisher:
            reach = Reach(matcher_for(settings).index.districts, publisher.metrics)
            tell_ready()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(kept_alive("the watch on geofences", lambda: watch(settings, reach=reach)))
                tasks.create_task(poll(settings, publisher))


async def poll(settings: Settings, publisher: Publisher) -> None:
    """Polls every source of the settings, each at its own pace."""
    with keeper_of(settings) as keeper:
        async with httpx.AsyncClient() as client, asyncio.TaskGroup() as tasks:
            for source in settings.sources:
                feed = Poller(
                    source, settings.stage, client, publisher, lambda: datetime.now(UTC), keeper=keeper, uptime=uptime
                )
                tasks.create_task(kept_alive(f"the source {source.name}", feed.run))


@contextmanager
def keeper_of(settings: Settings) -> Iterator[Keeper]:
    """Opens the archive, if the settings have one. An exercise is not archived."""
    if settings.archive.folder is None or settings.exercise:
        yield KeepsNothing()
        return
    limits = settings.archive
    with Archiver(archive_for(settings), keep_days=limits.keep_days, max_bytes=int(limits.max_mb * MB)) as archiver:
        yield archiver


async def tail(settings: Settings, channel: str, show: Callable[[Notice], None], *, from_start: bool) -> None:
    """Shows each record of a channel's topic as it comes, until it is interrupted."""
    rights.check(settings, "reader", only=[topics_for(settings).channel(channel).name])
    async for value in _values(settings, channel, from_start=from_start):
        show(read(channel, value))


async def _values(settings: Settings, channel: str, *, from_start: bool) -> AsyncIterator[bytes]:
    consumer = AIOKafkaConsumer(
        topics_for(settings).channel(channel).name,
        bootstrap_servers=settings.broker.url.removeprefix("kafka://"),
        group_id=f"warnsys-tail-{uuid.uuid4()}",
        enable_auto_commit=False,
        auto_offset_reset="earliest" if from_start else "latest",
        max_partition_fetch_bytes=FETCH_BYTES,
        fetch_max_wait_ms=100,
        **security.for_aiokafka(settings.broker),
    )
    await consumer.start()
    try:
        async for record in consumer:
            if record.value:
                yield record.value
    finally:
        await consumer.stop()


async def _refresh(view: LiveView, pipeline: Pipeline) -> None:
    while True:
        view.now, view.latency = datetime.now(UTC), pipeline.metrics.latency_ms()
        await asyncio.sleep(REFRESH_S)

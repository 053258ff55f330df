"""Replays archived snapshots through a broker, as an exercise with topics, group, state and workers of its own.

The broker gets the same steps as the offline replay, and the agents handle each step before the next. So both replays
end in the same situations. Live workers read other topics, and refuse records of another stage.
"""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from streams.kafka import credentials as security
from streams.kafka import embedded
from streams.kafka.admin import Admin
from streams.kafka.topics import topics_for
from streams.processes.keys import single_keys
from streams.processes.runtime import Listener, Pipeline, broker_of, pipeline_on
from streams.processes.web import serving
from warnsys.records import ChangeNotice, FeedStatus, Notice, Outcome
from warnsys.replay.read import Material
from warnsys.replay.run import Arrival, script
from warnsys.settings import Settings
from warnsys.view import line
from warnsys.warning.situation import Situation

KEYS = "Leertaste hält an · n ein Stand weiter · 0–9 vorwärts bis zu diesem Zehntel · q Ende"
LONGEST_WAIT_S = 0.2
"""A pressed key acts after so long at most."""


@dataclass
class Pace:
    """How fast the replay goes: `speed` times as fast as it was, halted, to the next snapshot, or straight to a time.

    Time only goes forward, because it does so in the cities' states. A jump back needs another exercise.
    """

    speed: float
    halted: bool = False
    one_more: bool = False
    jump_to: datetime | None = None
    quit: bool = False

    def key(self, key: str, material: Material) -> None:
        """Takes a key that was pressed. An unknown key does nothing."""
        if key == " ":
            self.halted = not self.halted
        elif key == "n":
            self.halted, self.one_more = True, True
        elif key.isdigit():
            self.jump_to = material.start + (material.end - material.start) * int(key) / 10
        elif key == "q":
            self.quit = True

    async def wait(self, before: datetime, moment: datetime) -> None:
        """Returns when it is time for `moment`."""
        left = (moment - before).total_seconds() / self.speed
        last = time.monotonic()
        while not self.quit and not self._at_once(moment) and (left > 0 or self.halted):
            await asyncio.sleep(min(LONGEST_WAIT_S, max(left, 0.01)))
            now = time.monotonic()
            left -= 0 if self.halted else now - last
            last = now

    def _at_once(self, moment: datetime) -> bool:
        return self.one_more or (self.jump_to is not None and moment < self.jump_to)

    def arrived(self) -> None:
        """Notes that a snapshot has arrived, so that "to the next snapshot" is over."""
        self.one_more = False


async def play(settings: Settings, material: Material, speed: float, port: int, console: Console) -> None:
    """Replays with the pages in a browser, the notices in the terminal and keys to steer."""
    settings = settings.model_copy(
        update={"web": settings.web.model_copy(update={"open": True, "port": port, "public_port": None})}
    )
    zone = settings.cities[0].timezone
    pace = Pace(speed)
    with clean_broker(settings) as bootstrap:
        async with AsyncExitStack() as stack:
            if stack.enter_context(single_keys(lambda key: pace.key(key, material))):
                console.print(KEYS, style="dim", highlight=False)
            bar = stack.enter_context(
                Progress(
                    TextColumn("{task.description}"),
                    BarColumn(),
                    TextColumn("{task.percentage:.0f} %"),
                    console=console,
                )
            )
            task = bar.add_task("ÜBUNG – startet …", total=(material.end - material.start).total_seconds())

            def heard(said: Notice | Outcome | FeedStatus) -> None:
                if isinstance(said, ChangeNotice):
                    bar.console.print(line(said, zone), markup=False, highlight=False, soft_wrap=True)

            def moved(moment: datetime) -> None:
                clock = f"{moment.astimezone(zone):%d.%m.%Y %H:%M}"
                halted = " · angehalten" if pace.halted else f" · {pace.speed:g}-fach"
                done = (moment - material.start).total_seconds()
                bar.update(task, completed=done, description=f"ÜBUNG – {material.title} · {clock}{halted}")

            pipeline = await stack.enter_async_context(pipeline_on(settings, bootstrap, heard))
            address = await stack.enter_async_context(serving(settings, bootstrap, pipeline.sender))
            marks = [embedded.NOTICE] if settings.broker.embedded else []
            bar.console.print(" · ".join([f"Lagebild: {address}/", *marks]), markup=False, highlight=False)
            await publish_all(pipeline, material, pace, moved)


@contextmanager
def clean_broker(settings: Settings) -> Iterator[str]:
    """Gives the address (host:port) of a broker from which the topics of an earlier replay are removed."""
    if not settings.broker.embedded:
        bootstrap = settings.broker.url.removeprefix("kafka://")
        login = security.for_librdkafka(settings.broker)
        Admin(bootstrap, topics_for(settings), settings.broker.replication, login).remove()
    with broker_of(settings) as bootstrap:
        yield bootstrap


async def through(
    settings: Settings, bootstrap: str, material: Material, heard: Listener = lambda _: None
) -> dict[str, Situation]:
    """Replays as fast as it goes, on a broker that runs. Gives what holds at the end."""
    async with pipeline_on(settings, bootstrap, heard) as pipeline:
        await publish_all(pipeline, material, Pace(float("inf")))
        return pipeline.situations()


async def publish_all(
    pipeline: Pipeline, material: Material, pace: Pace, moved: Callable[[datetime], None] = lambda _: None
) -> None:
    """Publishes everything from start to end, at the given pace. The agents handle each step before the next."""
    before = material.start
    for step in script(material, pipeline.settings.stage, pipeline.settings.zones):
        moment = step.at if isinstance(step, Arrival) else step
        await pace.wait(before, moment)
        if pace.quit:
            break
        if isinstance(step, Arrival):
            await _arrive(pipeline, step)
            pace.arrived()
        else:
            await pipeline.tick(step)
            await pipeline.drained()
        before = max(before, moment)
        moved(moment)
    await pipeline.drained()


async def _arrive(pipeline: Pipeline, arrival: Arrival) -> None:
    """Publishes a snapshot as the feed did: its new messages, then its list of ids, then the feed's status."""
    publisher = pipeline.publisher
    for headers, message in arrival.messages:
        await publisher.alert(headers, message.member.body)
    await pipeline.drained()
    if arrival.snapshot:
        await publisher.snapshot(arrival.snapshot)
        await pipeline.drained()
    status = FeedStatus(
        stage=pipeline.settings.stage,
        source=arrival.shot.source,
        looked=arrival.at,
        stamp=arrival.shot.stamp,
        ids=len(arrival.snapshot.ids) if arrival.snapshot else 0,
        error=arrival.error,
    )
    await publisher.status(status)

"""Plays a bundled storm through feed, broker and agents, as an exercise. A stand-in serves it as the DWD would."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx
from rich.console import Console
from rich.live import Live
from rich.progress import Progress as Bar

from geofences import bundled
from streams.kafka import embedded
from streams.kafka.admin import Admin
from streams.kafka.topics import topics_for
from streams.processes.keys import single_keys
from streams.processes.runtime import Pipeline, broker_of, pipeline_on
from streams.processes.web import serving
from warnsys.feeds.poller import Poller
from warnsys.pipeline import by_channel
from warnsys.records import FeedStatus, Notice, Outcome
from warnsys.settings import Settings, parse
from warnsys.simulation.scenario import Scenario, Step
from warnsys.simulation.standin import StandIn
from warnsys.view import LiveView
from warnsys.warning.situation import Situation

STAGE = "demo"
CITY = "solingen"
TICK = timedelta(seconds=30)
"""How often the scenario's time is sent to the cities."""
FRAMES_PER_S = 4
"""How often the terminal is drawn."""
KEYS = "r: von vorn · q oder Strg-C: Ende"
NO_KEYS = "Strg-C: Ende"


def demo_settings(url: str, broker: str, *, poll_s: float, port: int = 0) -> Settings:
    """Makes the settings of the demo: the first city, with the stand-in as its source, in a stage of its own."""
    return parse(
        {
            "stage": STAGE,
            "cities": [{"id": CITY, "name": "Solingen", "geofences": str(bundled(CITY))}],
            "sources": [{"name": "dwd", "url": url, "poll_s": poll_s}],
            "broker": {"url": broker},
            "web": {"open": True, "port": port, "public_port": None},
        },
        name="demo",
    )


@dataclass
class Transcript:
    """All outcomes and notices that went out, in their order."""

    outcomes: list[Outcome] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)

    def __call__(self, said: Notice | Outcome | FeedStatus) -> None:
        if isinstance(said, Outcome):
            self.outcomes.append(said)
        elif not isinstance(said, FeedStatus):
            self.notices.append(said)


@dataclass
class Stage:
    """The stand-in server, the scenario that it serves, and the scenario's clock."""

    scenario: Scenario
    stand_in: StandIn
    now: datetime

    def advance(self, moment: datetime) -> Step | None:
        """Sets the clock. Has the server serve the newest step whose time has come, and gives it if it is new."""
        due = [step for step in self.scenario.steps if self.now < step.at <= moment]
        self.now = moment
        if not due and moment > self.scenario.end:  # what stands, seen anew: else it would grow stale
            self.stand_in.publish(moment, self.scenario.steps[-1].bundle)
        if not due:
            return None
        self.stand_in.publish(due[-1].at, due[-1].bundle)
        return due[-1]


async def play_headless(scenario: Scenario, broker: str, console: Console) -> dict[str, Any]:
    """Plays a scenario as fast as it goes, and gives the summary. The agents handle everything before each tick."""
    heard = Transcript()
    async with AsyncExitStack() as stack:
        stage, settings, bootstrap = _set_up(stack, scenario, broker, poll_s=20)
        pipeline = await stack.enter_async_context(pipeline_on(settings, bootstrap, heard))
        feed = await _feed(stack, settings, pipeline, lambda: stage.now)
        bar = stack.enter_context(Bar(console=console, transient=True))
        task = bar.add_task(f"ÜBUNG – {scenario.title}", total=(scenario.end - scenario.start) / TICK)
        moment = scenario.start
        while moment <= scenario.end:
            await pipeline.drained()
            await pipeline.tick(moment)
            await pipeline.drained()
            if stage.advance(moment):
                await feed.look()
            bar.advance(task)
            moment += TICK
        await pipeline.drained()
        return summary(scenario, heard, pipeline.situations(), pipeline.metrics.latency_ms())


class Watching:
    """Who watches in the terminal: ends the demo with `q`, has it begin anew with `r`, each at any time."""

    def __init__(self) -> None:
        self._answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def key(self, key: str) -> None:
        if key.lower() in ("q", "r") and not self._answer.done():
            self._answer.set_result(key.lower() == "r")

    async def wait(self, seconds: float) -> bool:
        """Waits so long, or until a key ends it: then gives True."""
        await asyncio.wait([self._answer], timeout=max(0.0, seconds))
        return self._answer.done()

    @property
    def again(self) -> bool:
        return self._answer.done() and self._answer.result()


async def play_live(scenario: Scenario, broker: str, speed: float, port: int, console: Console) -> bool:
    """In the terminal and on the pages, `speed` times as fast as the story; gives whether it is to begin anew.

    After its end the story's time goes on as the clock does, so that pages and steles stay as they are until a key or a
    signal ends the demo.
    """
    async with AsyncExitStack() as stack:
        watching = Watching()
        has_keys = stack.enter_context(single_keys(watching.key))
        stage, settings, bootstrap = _set_up(stack, scenario, broker, poll_s=20 / speed, port=port)
        marks = ["ÜBUNG", *([embedded.NOTICE] if settings.broker.embedded else [])]
        view = LiveView(f"{scenario.title}, {speed:g}-fach", tuple(marks), settings.cities[0].timezone)
        view.chapter, view.keys = "startet …", KEYS if has_keys else NO_KEYS
        live = stack.enter_context(Live(view, console=console, refresh_per_second=FRAMES_PER_S))
        pipeline = await stack.enter_async_context(pipeline_on(settings, bootstrap, view.heard))
        await pipeline.tick(scenario.start)
        await pipeline.drained()  # the steles' records tell the pages the story's time before they take an order
        view.address = await stack.enter_async_context(serving(settings, bootstrap, pipeline.sender))
        feed = await _feed(stack, settings, pipeline, lambda: stage.now)
        for work in (feed.run(), pipeline.obey_for_ever()):
            stack.push_async_callback(_ended, asyncio.create_task(work))
        due, moment, over = time.monotonic(), scenario.start, False
        while True:
            if (step := stage.advance(moment)) and step.title:
                view.chapter = f"{step.title}. {step.note}"
            view.now, view.latency = moment, pipeline.metrics.latency_ms()
            await pipeline.tick(moment)
            live.refresh()
            over = over or moment >= scenario.end
            if over:
                view.chapter = "Ende der Übung; die Seiten bleiben, wie sie sind."
            moment += TICK
            due += TICK.total_seconds() / (1 if over else speed)
            if await watching.wait(due - time.monotonic()):
                return watching.again


def summary(
    scenario: Scenario, heard: Transcript, situations: dict[str, Situation], latency_ms: dict[str, dict[str, float]]
) -> dict[str, Any]:
    """Gives what went in, what went out, how fast, and what holds at the end, as plain values."""
    decided = {(outcome.listed_id, outcome.decided) for outcome in heard.outcomes}
    names = ("matched", "no_district", "not_live", "rejected")
    counts = {name: sum(how == name for _, how in decided) for name in names}
    return {
        "scenario": scenario.name,
        "exercise": True,
        "alerts": {"in": len(decided), **counts},
        "notices": {
            channel: [notice.model_dump(mode="json", exclude_none=True) for notice in notices]
            for channel, notices in by_channel(heard.notices).items()
        },
        "latency_ms": latency_ms,
        "situations": {
            district: plain_situation(situation, district)
            for situation in situations.values()
            for district in situation.districts
        },
    }


def plain_situation(situation: Situation, district: str) -> dict[str, Any]:
    """Gives what holds in a district, as plain values that can be compared."""
    state = situation.districts[district]
    return {
        "status": state.status,
        "freshness": situation.freshness,
        "as_of": situation.as_of.isoformat() if situation.as_of else None,
        "warnings": [
            {"id": one.fact.base_id, "phase": one.phase, "severity": one.meaning.severity, "group": one.meaning.group}
            for one in state.standing
        ],
    }


def _set_up(
    stack: AsyncExitStack, scenario: Scenario, broker: str, *, poll_s: float, port: int = 0
) -> tuple[Stage, Settings, str]:
    stand_in = stack.enter_context(StandIn())
    settings = demo_settings(stand_in.url, broker, poll_s=poll_s, port=port)
    if not settings.broker.embedded:  # the scenario begins anew, and so must the cities' states
        Admin(broker.removeprefix("kafka://"), topics_for(settings), settings.broker.replication).remove()
    stage = Stage(scenario, stand_in, scenario.start - TICK)
    return stage, settings, stack.enter_context(broker_of(settings))


async def _feed(stack: AsyncExitStack, settings: Settings, pipeline: Pipeline, clock: Callable[[], datetime]) -> Poller:
    client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
    return Poller(settings.sources[0], settings.stage, client, pipeline.publisher, clock)


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

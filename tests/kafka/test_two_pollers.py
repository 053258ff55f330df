"""Two pollers on one Kafka through a flood, one of them killed in the middle: nobody notices."""

from collections import Counter
from datetime import datetime, timedelta

import httpx
import pytest

from streams.processes.demo import Transcript, plain_situation
from streams.processes.runtime import broker_of, pipeline_on
from tests.kafka.story import settings_of
from tools.local_kafka import LocalKafka
from warnsys.feeds.poller import DwdFeed
from warnsys.feeds.publisher import Publisher
from warnsys.partition import Offline
from warnsys.records import Notice, SteleRecord
from warnsys.settings import Settings
from warnsys.simulation.scenario import Scenario, load
from warnsys.simulation.standin import Node, StandIn
from warnsys.warning.situation import Situation

KILLED_AT = 0.5
"""Part of the story."""


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def poller(settings: Settings, client: httpx.AsyncClient, publisher: Publisher, clock: Clock) -> DwdFeed:
    return DwdFeed(settings.sources[0], settings.stage, client, publisher, clock)


async def alone(story: Scenario, settings: Settings, server: StandIn) -> Offline:
    """One poller, and no broker."""
    city, clock = Offline(settings), Clock(story.start)
    async with httpx.AsyncClient(trust_env=False) as client:
        feed = poller(settings, client, city, clock)
        for step in story.steps:
            server.publish(step.at, step.bundle)
            clock.now = step.at
            city.tick(step.at)
            await feed.look()
    return city


def ids(notices: list[Notice]) -> Counter[str]:
    return Counter(notice.id for notice in notices if not isinstance(notice, SteleRecord))


def plain(situations: dict[str, Situation]) -> dict[str, object]:
    return {district: plain_situation(one, district) for one in situations.values() for district in one.districts}


@pytest.mark.kafka
async def test_two_pollers_on_one_broker_tell_what_one_tells_and_nothing_twice(kafka: LocalKafka) -> None:
    story, heard = load("bernd"), Transcript()
    middle = story.start + KILLED_AT * (story.end - story.start)
    with StandIn() as server:
        expected = await alone(story, settings_of("two-pollers", kafka.bootstrap, server.url), server)
    with StandIn(nodes=(Node(), Node(lag=1))) as server:
        settings, clock = settings_of("two-pollers", kafka.bootstrap, server.url), Clock(story.start)
        with broker_of(settings) as bootstrap:
            async with (
                pipeline_on(settings, bootstrap, heard) as pipeline,
                httpx.AsyncClient(trust_env=False) as client,
            ):
                pollers = [poller(settings, client, pipeline.publisher, clock) for _ in range(2)]
                for step in story.steps:
                    server.publish(step.at, step.bundle)
                    clock.now = step.at
                    await pipeline.tick(step.at)
                    for one in pollers if step.at < middle else pollers[1:]:
                        for _ in range(2):  # until both nodes were asked
                            clock.now += timedelta(seconds=5)
                            await one.look()
                    await pipeline.drained()
                found = plain(pipeline.situations())
    assert max(ids(heard.notices).values()) == 1
    assert ids(heard.notices) == ids(expected.notices)
    assert found == plain(expected.situations())

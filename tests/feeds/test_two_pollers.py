"""Two pollers side by side need no election: the same situations, and nothing is told twice."""

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

import httpx
import pytest

from geofences import bundled
from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Offline
from warnsys.records import SteleRecord
from warnsys.settings import parse
from warnsys.simulation.scenario import BUNDLED, Scenario, load
from warnsys.simulation.standin import Node, StandIn

ALIKE = (Node(), Node(lag=1))
"""What stands behind the name, taking turns: so both pollers see different files at the same time."""
APART = (Node(), Node(skew=timedelta(seconds=1)), Node(lag=1))
"""The same with stamps a second apart, which enter the ids of what a snapshot ends."""
TICK = timedelta(seconds=30)
STORIES = [name for name in ("storm", "bernd") if (BUNDLED / f"{name}.yaml").is_file()]
Holding = dict[str, tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Poller:
    """Looks some seconds after each moment of the story, until it is killed."""

    after_s: float = 0
    killed_at: float = float("inf")
    """Part of the story."""


@dataclass(frozen=True)
class Played:
    told: Counter[str]
    """Ids of pushes and SMS."""
    said: Counter[tuple[str, ...]]
    """The same by what they say."""
    holding: dict[datetime, Holding]
    """What stands in each district a moment before a change, when every poller has asked every node since the last."""


async def play(story: Scenario, *pollers: Poller, nodes: tuple[Node, ...] = ALIKE) -> Played:
    with ExitStack() as stack:
        server = stack.enter_context(StandIn(nodes=nodes))
        settings = parse(
            {
                "stage": "demo",
                "cities": [{"id": "solingen", "name": "Solingen", "geofences": str(bundled())}],
                "sources": [{"name": "dwd", "url": server.url}],
            }
        )
        city, now, steps = Offline(settings), story.start, list(story.steps)
        holding: dict[datetime, Holding] = {}
        async with httpx.AsyncClient(trust_env=False) as client:
            feeds = [
                (poller, DwdFeed(settings.sources[0], "demo", client, city, lambda: now)) for poller in pollers
            ]  # fmt: skip
            quiet = _quiet(story)
            for tick in _moments(story):
                now = tick
                if tick in quiet:
                    holding[tick] = _holding(city)
                while steps and steps[0].at <= tick:
                    server.publish(steps[0].at, steps[0].bundle)
                    steps.pop(0)
                city.tick(tick)
                for poller, feed in feeds:
                    now = tick + timedelta(seconds=poller.after_s)
                    if (tick - story.start) / (story.end - story.start) < poller.killed_at:
                        await feed.look()
        holding[story.end] = _holding(city)
    notices = [one for one in city.notices if not isinstance(one, SteleRecord)]
    said = Counter(
        (type(one).__name__, one.audience, one.kind, one.reason, one.cause, str(one.level), *one.districts)
        for one in notices
    )
    return Played(Counter(one.id for one in notices), said, holding)


def _moments(story: Scenario) -> list[datetime]:
    """Each change, and three looks after it: so that every node is asked."""
    after = {step.at + number * TICK for step in story.steps for number in range(4)}
    return sorted(moment for moment in after if moment <= story.end)


def _quiet(story: Scenario) -> set[datetime]:
    return {after.at for before, after in pairwise(story.steps) if after.at - before.at > 3 * TICK}


def _holding(city: Offline) -> Holding:
    return {
        district: (state.status, tuple(one.fact.base_id for one in state.standing))
        for situation in city.situations().values()
        for district, state in situation.districts.items()
    }


@pytest.mark.parametrize("name", STORIES)
async def test_two_pollers_of_which_one_is_killed_tell_the_same_and_nothing_twice(name: str) -> None:
    story = load(name)
    alone = await play(story, Poller())
    both = await play(story, Poller(after_s=3, killed_at=0.5), Poller(after_s=11))
    assert alone.told
    assert len(alone.holding) > 20
    assert max(both.told.values()) == 1
    assert both.told == alone.told
    assert both.holding == alone.holding


async def test_nodes_whose_stamps_are_a_second_apart_make_no_second_notice_either() -> None:
    story = load("storm")
    alone = await play(story, Poller(), nodes=APART)
    both = await play(story, Poller(after_s=3, killed_at=0.5), Poller(after_s=11), nodes=APART)
    assert max(both.told.values()) == 1
    assert both.said == alone.said
    assert both.holding == alone.holding


async def test_poller_that_is_killed_alone_leaves_what_stood_and_the_next_one_goes_on() -> None:
    story = load("storm")
    alone = await play(story, Poller())
    handed_over = await play(story, Poller(killed_at=0.4), Poller(after_s=7))
    assert handed_over.told == alone.told
    assert handed_over.holding[story.end] == alone.holding[story.end]

"""The whole job through Faust on the embedded broker: the same as through the pure functions alone."""

import io
from datetime import datetime
from typing import Any

import httpx
import pytest
from rich.console import Console

from streams.processes import demo
from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Offline
from warnsys.simulation.scenario import Scenario, load
from warnsys.simulation.standin import StandIn


@pytest.fixture(scope="module")
def storm() -> Scenario:
    return load("storm")


async def played(storm: Scenario) -> dict[str, Any]:
    return await demo.play_headless(storm, "embedded", Console(file=io.StringIO()))


async def offline(storm: Scenario) -> dict[str, Any]:
    """The same story, feed and all, without a broker."""
    heard, moment = demo.Transcript(), storm.start
    with StandIn() as stand_in:
        settings = demo.demo_settings(stand_in.url, "embedded", poll_s=20)
        pure = Offline(settings)
        stage = demo.Stage(storm, stand_in, storm.start - demo.TICK)
        async with httpx.AsyncClient(trust_env=False) as client:
            feed = DwdFeed(settings.sources[0], settings.stage, client, pure, lambda: stage.now)
            while moment <= storm.end:
                pure.tick(moment)
                if stage.advance(moment):
                    await feed.look()
                moment += demo.TICK
    heard.outcomes = [decision.outcome for decision in pure.decisions]
    heard.notices = pure.notices
    return demo.summary(storm, heard, pure.situations(), {})


async def test_the_storm_is_the_same_through_the_broker_and_through_the_pure_functions(storm: Scenario) -> None:
    through_kafka, pure = await played(storm), await offline(storm)
    for part in ("alerts", "situations"):
        assert through_kafka[part] == pure[part]
    for channel in ("stele", "push", "sms"):
        assert through_kafka["notices"][channel] == pure["notices"][channel]
    times = through_kafka["latency_ms"]
    assert times["total"]["p50"] > 0
    assert "feed" not in times, "what a story's clock says is no time of the feed"
    assert all(0 <= found[part] <= times["total"][part] for found in times.values() for part in ("p50", "p90", "p99"))


async def test_the_storm_tells_its_story(storm: Scenario) -> None:
    summary = await offline(storm)
    assert summary["alerts"] == {"in": 12, "matched": 8, "no_district": 1, "not_live": 2, "rejected": 1}
    told = [(n["kind"], n["reason"], n["level"]) for n in summary["notices"]["push"] if n["audience"] == "public"]
    assert told == [
        ("warn", "entered", 2),
        ("update", "raised", 3),
        ("update", "raised", 4),
        ("warn", "entered", 3),
        ("lowered", "lowered", 2),
        ("update", "raised", 3),
        ("ended", "withdrawn", 3),
        ("ended", "cancelled", 3),
    ]
    assert {state["status"] for state in summary["situations"].values()} == {"clear"}


async def test_everything_of_an_exercise_is_marked(storm: Scenario) -> None:
    summary = await offline(storm)
    for channel, notices in summary["notices"].items():
        assert notices
        for notice in notices:
            assert notice["exercise"] is True
            assert notice["stage"] == "demo"
            said = {
                "stele": lambda n: n["summary"]["de"],
                "push": lambda n: n["title"]["de"],
                "sms": lambda n: n["text"],
            }
            assert said[channel](notice).startswith("ÜBUNG")


async def test_a_broken_member_makes_incomplete_not_clear_and_heals_with_the_next_good_snapshot(
    storm: Scenario,
) -> None:
    summary = await offline(storm)
    history = [
        (datetime.fromisoformat(n["issued"]), n["status"], n["freshness"])
        for n in summary["notices"]["stele"]
        if n["district"] == "solingen-1"
    ]
    broken = [(status, freshness) for when, status, freshness in history if 40 <= _minute(storm, when) < 50]
    assert ("warned", "incomplete") in broken
    assert all(status == "warned" for status, _ in broken)
    after = [freshness for when, _, freshness in history if 50.5 < _minute(storm, when) < 60]
    assert set(after) == {"fresh"}


async def test_the_test_message_reaches_no_channel(storm: Scenario) -> None:
    summary = await offline(storm)
    said = str(summary["notices"])
    assert "TEST" not in said
    assert "'ii': '98'" not in said


def _minute(storm: Scenario, when: datetime) -> float:
    return (when - storm.start).total_seconds() / 60

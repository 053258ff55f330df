"""A replay through a broker ends as the offline one does, and nobody live notices."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.kafka.embedded import EmbeddedBroker
from streams.kafka.publisher import KafkaPublisher
from streams.kafka.topics import topics_for
from streams.processes import replay as player
from streams.processes.demo import plain_situation
from streams.processes.replay import Pace
from streams.processes.runtime import Pipeline, pipeline_on
from warnsys.records import FeedStatus, Notice, Outcome, Snapshot
from warnsys.replay.read import Material, of_scenario
from warnsys.replay.run import NOWHERE, Replay, script, settings_of
from warnsys.settings import Settings, Source, parse
from warnsys.simulation.scenario import load
from warnsys.warning.situation import Situation

STORY = {  # far ahead: the live stage goes by the real clock
    "title": "Once live, once replayed",
    "start": "2097-07-14T14:00:00",
    "minutes": 60,
    "cells": {805122000: "Stadt Solingen"},
    "alerts": [
        {
            "key": "storm", "at": 0, "until": 240, "ii": 42, "groups": ["THUNDERSTORM"], "severity": "Severe",
            "status": "Actual", "cells": [805122000],
            "texts": {name: {"event": "G", "headline": "G", "description": "G"} for name in ("de", "en")},
        },
        {"key": "less", "update": "storm", "at": 20, "severity": "Minor", "status": "Actual"},
        {"key": "end", "cancel": "less", "at": 40, "vanish_at": 45, "status": "Actual"},
    ],
}  # fmt: skip


@pytest.fixture
def actual(tmp_path: Path) -> Material:
    path = tmp_path / "actual.yaml"
    path.write_text(yaml.safe_dump(STORY), "utf-8")
    return of_scenario(load(path))


def plain(situations: dict[str, Situation]) -> dict[str, Any]:
    return {d: plain_situation(one, d) for one in situations.values() for d in one.districts}


def live_settings() -> Settings:
    settings = settings_of(None, ["dwd"])
    fields = {name: getattr(settings, name) for name in Settings.model_fields}
    return parse({**fields, "stage": "live", "sources": [Source(name="dwd", url=NOWHERE)]})


class Heard(list[Notice | Outcome | FeedStatus]):
    def __call__(self, said: Notice | Outcome | FeedStatus) -> None:
        self.append(said)


@pytest.mark.parametrize("name", ["storm", "flapping", "two-feeds"])
async def test_through_the_broker_a_storm_ends_in_the_same_situations_as_offline(name: str) -> None:
    material = of_scenario(load(name))
    settings = settings_of(None, material.sources)
    expected = Replay(settings, lambda _: None).play(material)
    with player.clean_broker(settings) as bootstrap:
        found = await player.through(settings, bootstrap, material)
    assert plain(found) == plain(expected)


async def test_a_replay_of_updates_and_cancels_changes_nothing_of_a_live_warning_with_the_same_ids(
    actual: Material,
) -> None:
    live, exercise = live_settings(), settings_of(None, actual.sources)
    heard = Heard()
    with EmbeddedBroker() as broker:
        for settings in (live, exercise):
            broker.create(tuple(topic.name for topic in topics_for(settings).all()))
        async with pipeline_on(live, broker.bootstrap, heard) as pipeline:
            await _first_snapshot(pipeline, actual)
            before, told = plain(pipeline.situations()), len(heard)
            assert {one["status"] for one in before.values()} == {"warned"}

            replayed = await player.through(exercise, broker.bootstrap, actual)
            await pipeline.drained()
            assert plain(pipeline.situations()) == before
            assert len(heard) == told
    assert {one["status"] for one in plain(replayed).values()} == {"clear"}


async def test_a_replays_record_on_a_live_topic_is_refused(actual: Material) -> None:
    live, heard = live_settings(), Heard()
    with EmbeddedBroker() as broker:
        broker.create(tuple(topic.name for topic in topics_for(live).all()))
        async with pipeline_on(live, broker.bootstrap, heard) as pipeline:
            await _first_snapshot(pipeline, actual)
            before, told = plain(pipeline.situations()), len(heard)
            gone_astray = KafkaPublisher(pipeline.topics, pipeline.sender, pipeline.metrics)
            cancel = next(
                step for step in reversed(list(script(actual, "replay"))) if hasattr(step, "messages") and step.messages
            )
            for headers, message in cancel.messages:
                await gone_astray.alert(headers, message.member.body)
            empty = Snapshot(stage="replay", source="dwd", stamp=actual.end, checked=actual.end, ids=())
            await gone_astray.snapshot(empty)
            await pipeline.drained()
            assert plain(pipeline.situations()) == before
            assert [said for said in heard[told:] if not isinstance(said, FeedStatus)] == []


async def _first_snapshot(pipeline: Pipeline, material: Material) -> None:
    """What stood at the start, in the live stage; only the tick is the replay's, so that the time is the story's."""
    only = replace(material, shots=material.shots[:1], end=material.start)
    await player.publish_all(pipeline, only, Pace(float("inf")))


# -- keys -----------------------------------------------------------------------------------------------------------


async def test_a_halted_replay_waits_and_n_lets_one_snapshot_pass(actual: Material) -> None:
    pace = Pace(speed=1e6)
    pace.key(" ", actual)
    assert pace.halted
    pace.key("n", actual)
    await pace.wait(actual.start, actual.end)  # does not wait
    pace.arrived()
    assert pace.halted
    assert not pace.one_more


async def test_a_digit_runs_on_to_that_tenth_without_waiting(actual: Material) -> None:
    pace = Pace(speed=0.001)
    pace.key("5", actual)
    await pace.wait(actual.start, actual.start + timedelta(minutes=29))
    assert pace.jump_to == actual.start + timedelta(minutes=30)


async def test_q_ends_the_waiting(actual: Material) -> None:
    pace = Pace(speed=0.001, halted=True)
    pace.key("q", actual)
    await pace.wait(actual.start, actual.end)
    assert pace.quit

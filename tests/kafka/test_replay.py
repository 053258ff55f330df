"""Replays through a real Kafka end as offline, also when the stage is used once more."""

from dataclasses import replace

import pytest

from streams.processes import replay as player
from streams.processes.demo import plain_situation
from tools.local_kafka import LocalKafka
from warnsys.replay.read import of_scenario
from warnsys.replay.run import Replay, settings_of
from warnsys.settings import Broker
from warnsys.simulation.scenario import load


@pytest.mark.kafka
async def test_through_kafka_a_storm_ends_in_the_same_situations_as_offline(kafka: LocalKafka) -> None:
    material = of_scenario(load("storm"))
    part = replace(material, shots=material.shots[:15], end=material.shots[14].seen)  # in mid-storm
    settings = settings_of(None, material.sources, "replay-on-kafka")
    settings = settings.model_copy(update={"broker": Broker(url=f"kafka://{kafka.bootstrap}")})
    for replayed in (material, part):
        expected = Replay(settings, lambda _: None).play(replayed)
        with player.clean_broker(settings) as bootstrap:
            found = await player.through(settings, bootstrap, replayed)
        for city, situation in expected.items():
            for district in situation.districts:
                assert plain_situation(found[city], district) == plain_situation(situation, district)

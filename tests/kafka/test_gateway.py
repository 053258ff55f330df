"""A gateway on a real Kafka: from the topic to a receiver, killed on the way, stopped by an operator."""

import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.delivery.receiver import SECRET, Receiving, receiver
from tests.kafka.gateways import Station, eventually, notice, order, station
from tools.local_kafka import LocalKafka

pytestmark = pytest.mark.kafka
AT_ONCE = 3


@pytest.fixture
def them() -> Iterator[Receiving]:
    with receiver() as found:
        yield found


def webhook(them: Receiving, stage: str, **said: object) -> str:
    more = "".join(f"{key} = {value}\n" for key, value in said.items())
    return (
        f'[gateways.staff.targets.them]\nkind = "webhook"\nurl = "{them.url}"\nstage = "{stage}"\n'
        f'audiences = ["public", "staff"]\nat_once = {AT_ONCE}\ntimeout_s = 5\n{more}'
    )


@pytest.fixture
def gateway(kafka: LocalKafka, them: Receiving, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Station]:
    stage = f"gw-{request.node.name.replace('_', '-')[5:40].strip('-')}"
    secret = {"WARNSYS_GATEWAYS__STAFF__TARGETS__THEM__SECRET": SECRET}
    with station(kafka, stage, tmp_path, webhook(them, stage), **secret) as found:
        yield found


def test_a_notice_reaches_its_receiver_and_the_topic_says_so(gateway: Station, them: Receiving) -> None:
    stage = gateway.topics.stage
    gateway.start()
    gateway.publish(notice("a", stage), notice("b", stage, "Extreme", group="WIND"))
    gateway.settled("a", "b")
    assert sorted(them.notices) == ["a", "b"]
    for one in gateway.counts().values():
        assert (one["accepted"], one["calls"], one["exercise"], one["target"]) == (1, 1, True, "them")
    (status,) = gateway.told(gateway.topics.gateways.name).values()
    assert (status["gateway"], status["stopped"], status["targets"][0]["state"]) == ("staff", False, "up")
    assert gateway.end(signal.SIGTERM) == 0, gateway.log


def test_who_is_killed_again_and_again_loses_nothing_and_repeats_only_calls_in_flight(
    gateway: Station, them: Receiving
) -> None:
    stage, chance, kills = gateway.topics.stage, random.Random(7), 4
    them.took_s = 0.1
    notices = [notice(f"n{number}", stage, group=f"G{number % 7}") for number in range(80)]
    gateway.publish(*notices[:40])
    for number in range(kills):
        gateway.start()
        before = len(them.calls)
        eventually("calls are made", lambda before=before: len(them.calls) > before + 3)  # type: ignore[misc]  # mypy gives no type to a default of a lambda
        if number == 1:
            gateway.publish(*notices[40:])
        time.sleep(chance.uniform(0, 0.3))
        gateway.end()
    gateway.start()
    gateway.settled(*(one.id for one in notices))
    assert set(them.notices) == {one.id for one in notices}
    again = Counter(them.notices)
    assert sum(count - 1 for count in again.values()) <= kills * AT_ONCE
    for group in range(7):
        line = [int(name[1:]) for name in them.notices if int(name[1:]) % 7 == group]
        assert line == sorted(line)
    assert {one["accepted"] for one in gateway.counts().values()} == {1}


def test_a_receiver_that_is_away_gets_what_is_still_valid_the_worst_first(gateway: Station, them: Receiving) -> None:
    stage = gateway.topics.stage
    them.answer = lambda _: 503
    gateway.publish(notice("short", stage, ttl_s=4), notice("minor", stage, group="A"))
    gateway.start()
    gateway.settled("short")
    gateway.publish(notice("extreme", stage, "Extreme", group="B"))
    eventually("the extreme one is tried", lambda: "extreme" in them.notices)
    tried = len(them.calls)
    them.answer = lambda _: 204
    gateway.settled("minor", "extreme")
    counts = gateway.counts()
    assert (counts["short"]["expired"], counts["minor"]["accepted"], counts["extreme"]["accepted"]) == (1, 1, 1)
    assert "short" not in them.notices[tried:]


def test_a_stop_acts_within_a_second_and_what_waits_is_not_sent_later(gateway: Station, them: Receiving) -> None:
    stage = gateway.topics.stage
    them.took_s = 0.3
    gateway.publish(*(notice(f"n{number}", stage, group=f"G{number}") for number in range(60)))
    gateway.start()
    eventually("calls are made", lambda: len(them.calls) > 3)
    gateway.publish(order(stage, 30))
    ordered = time.time()
    time.sleep(2)
    assert [call for call in them.calls if call.at > ordered + 1] == []
    gateway.publish(order(stage, 0))
    time.sleep(0.2)
    gateway.publish(notice("news", stage))
    gateway.settled("news", *(f"n{number}" for number in range(60)))
    counts = gateway.counts()
    assert counts["news"]["accepted"] == 1
    assert {one["accepted"] + one["stopped"] for one in counts.values()} == {1}
    assert sum(one["stopped"] for one in counts.values()) > 30


def test_a_second_process_stands_by_and_takes_over(gateway: Station, them: Receiving) -> None:
    stage = gateway.topics.stage
    gateway.start()
    gateway.publish(notice("a", stage))
    gateway.settled("a")
    first = gateway.process
    assert first is not None
    gateway.start()
    eventually("the second one stands by", lambda: "stands by" in gateway.log)
    first.kill()
    first.wait(30)
    gateway.publish(notice("b", stage))
    gateway.settled("b")
    assert them.notices == ["a", "b"]


def test_an_exercise_never_reaches_a_live_target(gateway: Station, them: Receiving) -> None:
    file = gateway.folder / "warnsys.toml"
    file.write_text(file.read_text().replace(f'stage = "{gateway.topics.stage}"\naudiences', "audiences"))
    gateway.publish(notice("a", gateway.topics.stage))
    gateway.start()
    assert gateway.process is not None
    assert gateway.process.wait(60) == 2
    assert "it belongs to the environment live" in gateway.log
    assert them.calls == []

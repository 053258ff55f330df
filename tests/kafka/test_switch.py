"""The emergency stop on a real Kafka, every process a user with exactly its rights: it acts before it shows."""

import re
from collections.abc import Iterator

import pytest

from tests.kafka.guard import guarding
from tests.kafka.house import House, house

pytestmark = pytest.mark.kafka


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with guarding("live") as guard, house(guard, tmp_path_factory.mktemp("house")) as running:
        yield running


def stop(home: House, channel: str = "push") -> None:
    home.order(channel, 30)
    home.shows("Push ist angehalten" if channel == "push" else "SMS ist angehalten")


def resume(home: House) -> None:
    home.order("push", 0)
    home.goes_on("Push")


def test_while_a_stop_holds_the_other_channels_tell_at_once_and_the_stopped_one_at_its_resume(home: House) -> None:
    stop(home)
    home.warn("one", "THUNDERSTORM")
    home.hears("one", "sms")
    home.silent("push", "one")
    home.order("push", 0)
    home.hears("one", "push")
    resume(home)


def test_after_stop_resume_and_sigkill_an_extreme_message_is_told_within_ten_seconds(home: House) -> None:
    stop(home)
    resume(home)
    home.kill("worker-1", "worker-2")
    home.start("worker-1", "worker-2")
    home.up()
    home.warn("two", "WIND")
    home.hears("two", "push", "sms")
    assert home.read("warn.rejected") == []


def test_after_stop_resume_and_a_rebalance_an_extreme_message_is_told_within_ten_seconds(home: House) -> None:
    stop(home)
    resume(home)
    home.kill("worker-1")
    home.start("worker-3")
    home.up()
    home.warn("three", "RAIN")
    home.hears("three", "push", "sms")
    home.start("worker-1")
    home.up()
    home.warn("four", "SNOWFALL")
    home.hears("four", "push", "sms")
    assert home.read("warn.rejected") == []


def test_a_stop_outlives_sigkill_and_one_that_nobody_confirms_is_an_alarm_within_ten_seconds(
    home: House,
) -> None:
    workers = [name for name in home.processes if name.startswith("worker")]
    home.kill(*workers)
    said = re.findall(r"Push (?:wird|ist|läuft) \w+", home.order("push", 30))
    assert set(said) == {"Push wird angehalten"}
    home.shows("Push ist NICHT sicher angehalten")
    assert "Push ist angehalten" not in home.page()
    assert 'warnsys_stop_unconfirmed{channel="push"} 1.0' in home.page("/metrics")
    home.start(*workers)
    home.up()
    home.shows("Push ist angehalten")
    assert 'warnsys_stop_unconfirmed{channel="push"} 0.0' in home.page("/metrics")
    home.kill(*workers)
    home.start(*workers)
    home.up()
    home.warn("five", "HAIL")
    home.hears("five", "sms")
    home.silent("push", "five")
    resume(home)
    home.hears("five", "push")
    assert home.read("warn.rejected") == []

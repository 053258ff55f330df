"""A channel that operators hold back, and what it catches up on when it is resumed."""

from tests.support import City, at, cancel, meaning, outcome, snapshot, tick
from warnsys.records import Stop


def stop(minute: float, until: float, channel: str = "push") -> Stop:
    return Stop.model_validate(
        {
            "stage": "live",
            "channel": channel,
            "reason": "false alarm",
            "by": "shift A",
            "at": at(minute),
            "until": at(until),
        }
    )


def stopped_city() -> City:
    return City().take(tick(0), snapshot(0), stop(1, 60))


def test_a_stopped_channel_is_silent_extreme_included() -> None:
    city = stopped_city().take(outcome("A", meaning("Extreme"), stamp=5), tick(30))
    assert city.push() == []
    assert city.push("staff") == []


def test_the_other_channels_and_the_steles_go_on() -> None:
    city = stopped_city().take(outcome("A", meaning("Extreme"), stamp=5), tick(6))
    assert len(city.sms()) == 1
    assert city.stele().status == "warned"


def test_when_its_time_is_over_it_is_told_once_what_still_holds() -> None:
    city = stopped_city().take(outcome("A", meaning("Severe"), stamp=5), tick(30), tick(60), tick(61), tick(62))
    assert city.told() == [("warn", "entered")]


def test_an_order_to_resume_tells_at_once() -> None:
    city = stopped_city().take(outcome("A", meaning("Severe"), stamp=5), tick(10), stop(20, 20), tick(20))
    assert city.told() == [("warn", "entered")]


def test_what_came_and_went_meanwhile_is_never_told() -> None:
    city = stopped_city().take(outcome("A", meaning("Severe"), stamp=5), cancel("B", "A", 10), snapshot(10), tick(61))
    assert city.push() == []


def test_who_was_told_before_the_stop_hears_of_an_end_during_it() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"), stop(1, 60))
    city.take(cancel("B", "A", 10), snapshot(10), tick(59))
    assert [kind for kind, _ in city.told()] == ["warn"]
    assert [kind for kind, _ in city.take(tick(60)).told()] == ["warn", "ended"]


def test_an_older_order_that_arrives_late_changes_nothing() -> None:
    city = City().take(tick(0), snapshot(0), stop(5, 5), stop(1, 60), outcome("A", meaning("Severe"), stamp=6), tick(7))
    assert len(city.push()) == 1

"""A channel that operators hold back, and what it catches up on when it is resumed."""

import pytest

from tests.support import City, at, cancel, live_tick, meaning, outcome, snapshot, tick
from warnsys.records import ChannelPause, ImpactRecord


def stop(minute: float, until: float, channel: str = "push") -> ChannelPause:
    return ChannelPause.model_validate(
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
    city = stopped_city().take(outcome("A", meaning("Severe"), stamp=5), tick(10), stop(20, 20))
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


def restarted(city: City) -> City:
    """Another process goes on from what this one wrote."""
    city.restart()
    return city


@pytest.mark.parametrize("channel", ["push", "sms"])
@pytest.mark.parametrize("end", [stop(30, 30), tick(60)], ids=["resumed", "over"])
def test_extreme_goes_at_once_to_what_runs_and_to_what_was_stopped_when_it_goes_on(
    channel: str, end: ImpactRecord
) -> None:
    """Each step is taken by another process."""
    if isinstance(end, ChannelPause):
        end = stop(30, 30, channel)
    city, told = restarted(City().take(tick(0), snapshot(0))), list[tuple[int, int]]()
    steps = (stop(1, 60, channel), outcome("A", meaning("Extreme"), sent=5, stamp=5), snapshot(5, "A"), tick(20), end)
    for step in steps:
        restarted(city.take(step))
        told.append((len(city.push()), len(city.sms())))
    of = {"push": [push for push, _ in told], "sms": [sms for _, sms in told]}
    assert of.pop(channel) == [0, 0, 0, 0, 1]
    assert of.popitem()[1] == [0, 1, 1, 1, 1]


def test_two_channels_are_stopped_and_resumed_each_for_itself() -> None:
    city = restarted(City().take(tick(0), snapshot(0), stop(1, 60), stop(2, 60, "sms")))
    restarted(city.take(outcome("A", meaning("Extreme"), sent=5, stamp=5)))
    assert (len(city.push()), len(city.sms())) == (0, 0)
    restarted(city.take(stop(10, 10)))
    assert (len(city.push()), len(city.sms())) == (1, 0)
    restarted(city.take(stop(1, 60)))  # the first order again
    restarted(city.take(tick(60)))
    assert (len(city.push()), len(city.sms())) == (1, 1)


@pytest.mark.parametrize("ahead", [6 * 60, 40 * 24 * 60], ids=["six hours", "forty days"])
def test_a_desk_whose_clock_is_ahead_stops_for_as_long_as_it_meant_to(ahead: float) -> None:
    city = City().take(tick(0), snapshot(0), stop(1 + ahead, 31 + ahead), outcome("A", meaning("Extreme"), stamp=5))
    assert city.take(tick(29)).push() == []
    assert len(city.take(tick(31)).push()) == 1


def test_the_same_order_again_stops_no_longer() -> None:
    order = stop(400, 430)
    city = City().take(tick(0), snapshot(0), order, tick(20), order, outcome("A", meaning("Extreme"), stamp=20), order)
    assert city.take(tick(29)).push() == []
    assert len(city.take(tick(31), order).push()) == 1


def test_a_desk_whose_clock_is_ahead_resumes_at_once() -> None:
    city = City().take(tick(0), snapshot(0), stop(400, 430), outcome("A", meaning("Extreme"), stamp=5))
    assert len(city.take(stop(401, 401)).push()) == 1


def test_no_stop_lasts_longer_than_a_day() -> None:
    city = City().take(tick(0), snapshot(0), stop(1, 10 * 24 * 60))
    city.take(outcome("A", meaning("Extreme", expires=3000), stamp=5), tick(24 * 60))
    assert city.push() == []
    assert len(city.take(tick(24 * 60 + 1)).push()) == 1


def test_a_stop_whose_end_was_damaged_in_the_stored_state_is_over_after_a_day() -> None:
    city = stopped_city()
    pause = city.state.stopped["push"]
    damaged = pause.model_copy(update={"until": pause.until.replace(year=2927)})
    city.restart(state=city.state.model_copy(update={"stopped": {"push": damaged}}))
    endless = meaning("Extreme").model_copy(update={"expires": None})
    city.take(outcome("A", endless, stamp=5), tick(24 * 60 - 10))
    assert city.push() == []
    city.take(tick(24 * 60 + 2))
    assert len(city.push()) == 1


def test_what_had_seemed_expired_when_it_was_paused_is_told_at_its_end_if_it_is_live_again() -> None:
    """Two clocks were half an hour ahead: what came had seemed over, and nobody was told of it."""
    city = City().take(live_tick(0, broker=30, worker=30), outcome("A", meaning("Extreme", expires=20), stamp=0))
    city.take(snapshot(0, "A"), stop(1, 61))
    city.take(snapshot(2, "A").model_copy(update={"date": at(2)}), live_tick(2), live_tick(2.2), live_tick(2.4))
    assert (city.status(), city.push()) == ("warned", [])
    city.take(stop(5, 5))
    assert city.told() == [("warn", "entered")]


def test_an_end_is_told_after_a_pause_in_which_the_time_went_back() -> None:
    city = City().take(live_tick(0), outcome("A", meaning("Extreme", expires=240)), snapshot(0, "A"), live_tick(1))
    city.take(stop(1, 61))
    city.take(live_tick(1.2, broker=30, worker=30), snapshot(2, "A").model_copy(update={"date": at(2)}), live_tick(2))
    city.take(cancel("C", "A", 10), live_tick(10), snapshot(10, "C"), live_tick(11), stop(12, 12))
    assert city.told() == [("warn", "entered"), ("ended", "cancelled")]

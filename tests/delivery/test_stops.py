"""Which notices an emergency stop holds back: by the broker's stamps, whatever the clocks of desks say."""

from datetime import timedelta

from tests.delivery.notices import T0, moment
from warnsys.delivery.stops import Stops
from warnsys.records import ChannelPause, ChannelState


def order(at: float, minutes: float = 30, channel: str = "push", stage: str = "live") -> ChannelPause:
    return ChannelPause(
        stage=stage, channel=channel, reason="Fehlalarm", by="Leitstelle A", at=moment(at),
        until=moment(at) + timedelta(minutes=minutes),
    )  # fmt: skip


def answer(to: ChannelPause, *, stopped: bool, city: str = "solingen") -> ChannelState:
    return ChannelState(
        stage="live", city=city, channel=to.channel, ordered=to.at, until=to.until, stopped=stopped, at=to.at
    )


def stops() -> Stops:
    return Stops("live", "push")


def holds(found: Stops, appended: float, now: float, city: str = "solingen") -> bool:
    return found.holds(city, T0 + appended, T0 + now)


def test_without_an_order_nothing_is_held_back() -> None:
    assert not holds(stops(), 0, 10)


def test_until_its_city_has_answered_every_notice_is_stopped() -> None:
    found = stops()
    assert found.take(order(100), T0 + 100)
    assert holds(found, 50, 100)
    assert holds(found, 150, 151)
    assert found.active(T0 + 151)


def test_what_came_before_the_citys_answer_stays_stopped_and_what_comes_after_is_news() -> None:
    found, said = stops(), order(100)
    found.take(said, T0 + 100)
    found.take(answer(said, stopped=True), T0 + 102)
    assert holds(found, 101, 110)
    assert not holds(found, 103, 110)
    assert holds(found, 103, 110, city="haan")


def test_an_answer_that_is_repeated_each_minute_moves_nothing() -> None:
    found, said = stops(), order(100)
    found.take(said, T0 + 100)
    found.take(answer(said, stopped=True), T0 + 102)
    found.take(answer(said, stopped=True), T0 + 162)
    assert not holds(found, 130, 170)


def test_what_is_told_at_the_end_is_sent_though_the_citys_word_comes_after_it() -> None:
    """A gateway that was away finds only the last answer."""
    found, said = stops(), order(100, minutes=1)
    found.take(said, T0 + 100)
    found.take(answer(said, stopped=False), T0 + 161)
    assert holds(found, 99, 165)
    assert not holds(found, 160.9, 165)


def test_a_desk_whose_clock_is_wrong_holds_nothing_longer_than_it_meant_to() -> None:
    for wrong in (-7200, 7200):
        found = stops()
        found.take(order(100 + wrong, minutes=10), T0 + 100)
        assert holds(found, 200, 201)
        assert not holds(found, 701, 702)


def test_who_resumes_lets_go_of_what_comes_after_and_of_nothing_before() -> None:
    found = stops()
    found.take(order(100), T0 + 100)
    assert found.take(order(200, minutes=0), T0 + 200)
    assert holds(found, 150, 201)
    assert not holds(found, 201, 202)
    assert not found.active(T0 + 201)


def test_orders_for_other_channels_and_environments_hold_nothing_back() -> None:
    found = stops()
    assert not found.take(order(100, channel="sms"), T0 + 100)
    assert not found.take(order(100, stage="uebung"), T0 + 100)
    assert not holds(found, 50, 101)


def test_an_older_order_that_comes_late_changes_nothing() -> None:
    found = stops()
    found.take(order(200, minutes=0), T0 + 200)
    assert not found.take(order(100), T0 + 210)
    assert not holds(found, 205, 211)

"""Operators' orders on their way from `ops.actions` into `settle`, and what it says of them."""

from datetime import datetime

from streams.kafka.records import ConsumedRecord, ProducerRecord
from streams.kafka.topics import Topics
from streams.worker.orders import ACTIVE_S, UNANSWERED_S, Orders
from tests.domain.test_stop import stop
from tests.streams.test_agents import Bench, tick
from tests.support import NOON, City, at, meaning, outcome, snapshot
from tests.support import tick as time
from warnsys.records import ChannelPause, ChannelState, ImpactRecord, read_action, read_impact_record
from warnsys.warning.pauses import pause_answers

TOPICS = Topics("live", 3)
CITIES = {0: ("x",), 1: ("y", "z")}


def orders(*said: ChannelPause | ChannelState) -> Orders:
    found = Orders(TOPICS, CITIES)
    for one in said:
        found.take(one.to_bytes())
    return found


def answer(city: str, order: ChannelPause, *, stopped: bool = True) -> ChannelState:
    return ChannelState(
        stage="live", city=city, channel=order.channel, ordered=order.at, until=order.until, stopped=stopped, at=at(1)
    )


def places(records: list[ProducerRecord]) -> list[int]:
    return [record.partition for record in records]


def test_an_order_goes_at_once_to_the_partitions_with_cities_that_are_owned() -> None:
    found = orders(stop(1, 60)).due({0, 2}, 0)
    assert [(one.topic, one.partition) for one in found] == [("warn.impacts", 0)]
    assert read_impact_record(found[0].value or b"") == stop(1, 60)


def test_a_partition_that_comes_is_given_every_order_also_when_it_was_here_before() -> None:
    found = orders(stop(1, 60), answer("x", stop(1, 60)), answer("y", stop(1, 60)), answer("z", stop(1, 60)))
    assert places(found.due({0}, 0)) == [0]
    assert places(found.due({0, 1}, 1)) == [1]
    assert places(found.due({1}, 2)) == []
    assert places(found.due({0, 1}, 3)) == [0]


def test_of_each_channel_the_newest_order_counts_whatever_order_they_come_in() -> None:
    found = orders(stop(5, 5), stop(1, 60), stop(2, 60, "sms")).due({0}, 0)
    assert [read_impact_record(one.value or b"") for one in found] == [stop(5, 5), stop(2, 60, "sms")]


def test_what_a_city_has_not_answered_is_sent_again_and_then_no_more_once_it_is_over() -> None:
    found = orders(stop(1, 60))
    found.due({1}, 0)
    assert places(found.due({1}, UNANSWERED_S / 2)) == []
    found.take(answer("y", stop(1, 60)).to_bytes())
    assert places(found.due({1}, UNANSWERED_S)) == [1], "z has not"
    found.take(answer("z", stop(1, 60)).to_bytes())
    assert places(found.due({1}, 3 * UNANSWERED_S)) == []
    assert places(found.due({1}, UNANSWERED_S + ACTIVE_S)) == [1], "a stop that holds, in case a state was lost"
    for city in ("y", "z"):
        found.take(answer(city, stop(1, 60), stopped=False).to_bytes())
    assert places(found.due({1}, 1e9)) == []


def test_an_answer_to_an_older_order_is_none() -> None:
    found = orders(stop(1, 60), answer("x", stop(1, 60), stopped=False), stop(5, 60))
    found.due({0}, 0)
    assert places(found.due({0}, UNANSWERED_S)) == [0]


def test_what_could_not_be_sent_is_sent_again() -> None:
    found = orders(stop(1, 60))
    found.due({0}, 0)
    found.forget_sent()
    assert places(found.due({0}, 0.1)) == [0]


def test_what_is_no_order_or_of_another_stage_is_passed_over() -> None:
    found = orders(stop(1, 60).model_copy(update={"stage": "exercise"}))
    for value in (None, b"", b"{", b"[]", b'{"kind":"of-tomorrow","stage":"live"}', b"\xff"):
        found.take(value)
    assert found.due({0, 1, 2}, 0) == []


# -- what settle says -----------------------------------------------------------------------------------------------


def said(city: City, *records: ImpactRecord) -> list[tuple[str, datetime, bool]]:
    found: list[tuple[str, datetime, bool]] = []
    for record in records:
        before = city.state.stopped
        city.take(record)
        answered = pause_answers(before, city.state.stopped, record, city.state.city, city.ledger.now)
        found += [(one.channel, one.ordered, one.stopped) for one in answered]
    return found


def calm() -> City:
    return City().take(time(0), snapshot(0))


def test_a_city_answers_an_order_again_when_it_comes_again_and_tells_when_it_ends() -> None:
    city = calm()
    assert said(city, stop(1, 60)) == [("push", at(1), True)]
    assert said(city, time(2), outcome("A", meaning("Severe"), stamp=3), snapshot(3, "A")) == []
    assert said(city, stop(1, 60)) == [("push", at(1), True)]
    assert said(city, time(60)) == [("push", at(1), False)]
    assert said(city, time(61)) == []


def test_a_resume_is_answered_at_once_whatever_the_citys_time() -> None:
    city = calm().take(stop(1, 60), outcome("A", meaning("Extreme"), stamp=3))
    assert said(city, stop(30, 30)) == [("push", at(30), False)]
    assert city.told() == [("warn", "entered")]


def test_an_order_that_is_older_than_the_one_that_counts_is_answered_with_that_one() -> None:
    assert said(calm().take(stop(5, 60)), stop(1, 1)) == [("push", at(5), True)]


def test_before_the_first_tick_a_city_says_that_it_holds_back_and_tells_nobody_anything() -> None:
    city = City()
    assert said(city, stop(1, 60)) == [("push", at(1), True)]
    assert city.notices == []


async def test_the_answer_goes_out_with_the_notices_before_the_state_is_kept() -> None:
    bench = Bench()
    await bench.settle.handle(bench.impact(tick(0)))
    await bench.settle.handle(bench.impact(stop(1, 60).to_bytes(), 1, at(1)))
    (sent,) = bench.sent("ops.actions")
    assert (sent.key, sent.partition) == ("channel/solingen/push", bench.topics.partition_of("channel/solingen/push"))
    state = read_action(sent.value or b"")
    assert isinstance(state, ChannelState)
    assert (state.city, state.ordered, state.stopped) == ("solingen", at(1), True)
    assert bench.store.kept == {}


async def test_an_exercises_stop_is_answered_in_its_stage_alone() -> None:
    bench = Bench("exercise")
    order = stop(1, 60).model_copy(update={"stage": "exercise"})
    await bench.settle.handle(ConsumedRecord("x", bench.partition, 0, b"", order.to_bytes(), {}, NOON.timestamp()))
    assert [record.topic for record in bench.sender.records] == ["exercise.ops.actions"]

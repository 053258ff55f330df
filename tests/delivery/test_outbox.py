"""What a target is sent next, and when."""

from datetime import timedelta
from itertools import pairwise

import pytest

from tests.delivery.notices import T0, delivery, moment, names, push, stele
from warnsys.delivery.gate import BREAKS_AT, LONGEST_ASKED_S, Gate
from warnsys.delivery.outbox import Delivery, Outbox
from warnsys.delivery.target import Accepted, Declined, Unanswered
from warnsys.records import Notice

BUSY = Declined("http_503")


def outbox(at_once: int = 1, rate_per_s: float = 0) -> Outbox:
    """Its jitter is none, so that waits are whole."""
    return Outbox(Gate(at_once, rate_per_s, lambda: 1.0))


def filled(*notices: Notice, at_once: int = 1) -> Outbox:
    found = outbox(at_once)
    for number, notice in enumerate(notices):
        found.put(delivery(notice, number), T0)
    return found


def sent(box: Outbox, now: float = 0) -> list[str]:
    """All that goes out now, if each is accepted at once."""
    found: list[str] = []
    while taken := box.take(T0 + now):
        found += names(taken)
        for each in taken:
            box.answered(each, Accepted(), T0 + now)
    return found


def only(box: Outbox, now: float = 0) -> Delivery:
    (found,) = box.take(T0 + now)
    return found


def test_extreme_goes_before_all_then_staff_then_the_higher_level_then_the_older() -> None:
    box = filled(
        push("minor", group="A"),
        push("severe", severity="Severe", group="B"),
        push("staff", audience="staff", group="C"),
        push("extreme", severity="Extreme", group="D"),
        push("extreme staff", severity="Extreme", audience="staff", group="E"),
        push("another severe", severity="Severe", group="F"),
    )
    assert sent(box) == ["extreme staff", "extreme", "staff", "severe", "another severe", "minor"]


def test_an_older_notice_of_a_warning_goes_before_a_newer_one_and_inherits_its_urgency() -> None:
    box = filled(
        push("other", severity="Severe", group="WIND"), push("first"), push("raised", at=1, severity="Extreme")
    )
    assert sent(box) == ["first", "raised", "other"]


def test_a_newer_notice_waits_while_the_older_one_is_in_flight() -> None:
    box = filled(push("first"), push("second", at=1), at_once=5)
    first = only(box)
    assert box.take(T0) == []
    box.answered(first, Accepted(), T0)
    assert names(box.take(T0)) == ["second"]


def test_two_recipients_do_not_wait_for_one_another() -> None:
    box = outbox(at_once=5)
    box.put(delivery(push("a"), 1, "one"), T0)
    box.put(delivery(push("a"), 2, "two"), T0)
    assert [each.recipient for each in box.take(T0)] == ["one", "two"]


def test_nothing_is_given_out_after_its_end() -> None:
    box = filled(push("a", ttl_s=60))
    assert box.expired(T0 + 59) == []
    assert names(box.expired(T0 + 60)) == ["a"]
    assert sent(box, 61) == []


def test_what_failed_is_tried_again_later_each_time_until_its_end() -> None:
    box = filled(push("a", ttl_s=600))
    tries, now = [], 0.0
    while not box.expired(T0 + now):
        if taken := box.take(T0 + now):
            tries.append(now)
            assert box.answered(taken[0], Declined("450"), T0 + now) == "waiting"
            box.gate.failures = 0  # the target works
        now = box.wakes(T0 + now) - T0
    assert tries[:6] == [0, 1, 3, 7, 15, 31]
    assert {later - sooner for sooner, later in pairwise(tries[7:])} == {60}
    assert tries[-1] < 600


def test_what_is_refused_for_good_is_not_tried_again() -> None:
    box = filled(push("a"))
    assert box.answered(only(box), Declined("http_400", permanent=True), T0) == "failed"
    assert len(box) == 0


@pytest.mark.parametrize("after", ["failed", "expired", "stopped"])
def test_what_may_have_arrived_is_never_said_not_to_have(after: str) -> None:
    box = filled(push("a", ttl_s=60))
    one = only(box)
    assert box.answered(one, Unanswered("timeout"), T0) == "waiting"
    if after == "failed":
        assert box.answered(only(box, 30), Declined("http_400", permanent=True), T0 + 30) == "unknown"
    elif after == "expired":
        assert [each.final("expired") for each in box.expired(T0 + 60)] == ["unknown"]
    else:
        assert [each.final("stopped") for each in box.stop(lambda _: True, T0)] == ["unknown"]


def test_a_worse_notice_does_not_wait_for_the_back_off_of_the_one_before() -> None:
    box = filled(push("first"))
    first = only(box)
    first.calls = 9
    box.answered(first, Declined("450"), T0)
    assert sent(box, 1) == []
    box.put(delivery(push("raised", at=1, severity="Extreme"), 9), T0 + 1)
    assert sent(box, 1) == ["first", "raised"]


def test_a_target_is_left_alone_for_as_long_as_it_asks_within_reason() -> None:
    box = filled(push("a"), push("extreme", severity="Extreme", group="B"))
    box.answered(only(box), Declined("http_429", after_s=30), T0)
    assert sent(box, 29) == []
    assert sent(box, 30) == ["extreme", "a"]
    box = filled(push("a"))
    box.answered(only(box), Declined("http_429", after_s=86_400), T0)
    assert sent(box, LONGEST_ASKED_S) == ["a"]


def test_a_target_that_is_down_is_tried_with_one_call_and_gets_all_at_once_when_it_is_back() -> None:
    box = filled(*(push(str(number), group=str(number)) for number in range(BREAKS_AT + 3)), at_once=BREAKS_AT)
    for each in box.take(T0):
        box.answered(each, BUSY, T0)
    assert box.gate.state(T0) == "down"
    now = box.wakes(T0) - T0
    probe = only(box, now)
    assert box.take(T0 + now) == []
    box.answered(probe, Accepted(), T0 + now)
    assert box.gate.state(T0 + now) == "up"
    assert len(sent(box, now)) == BREAKS_AT + 2


def test_no_more_calls_are_in_flight_or_begin_in_a_second_than_the_target_may_get() -> None:
    box = outbox(at_once=4, rate_per_s=2)
    for number in range(20):
        box.put(delivery(push(str(number), group=str(number)), number), T0)
    assert len(box.take(T0)) == 2
    assert box.take(T0) == []
    assert box.wakes(T0) == pytest.approx(T0 + 0.5)
    assert len(box.take(T0 + 1)) == 2
    assert box.take(T0 + 9) == []
    assert box.wakes(T0 + 9) == T0 + 3600


def test_a_new_record_of_a_stele_replaces_the_one_that_waits() -> None:
    box = outbox()
    box.put(delivery(stele("a"), 1), T0)
    assert names(box.put(delivery(stele("b", at=60), 2), T0)) == ["a"]
    box.put(delivery(stele("c", district="nord"), 3), T0)
    assert sent(box) == ["b", "c"]


def test_what_has_ended_is_not_told_once_the_end_is_too_old_to_be_told() -> None:
    begun, ended = push("begun", ttl_s=86_400), push("ended", at=600, kind="ended", ttl_s=3600)
    assert sent(filled(begun, ended)) == ["begun", "ended"]
    box = filled(begun, ended)
    assert sorted(names(box.expired(T0 + 4200))) == ["begun", "ended"]


def test_an_end_elsewhere_or_beside_an_advance_notice_shortens_nothing() -> None:
    ended = push("ended", at=600, kind="ended", ttl_s=3600)
    for begun in (push("wider", ttl_s=86_400, districts=("mitte", "nord")), push("ahead", ttl_s=86_400, advance=True)):
        assert names(filled(begun, ended).expired(T0 + 4200)) == ["ended"]


def test_a_clock_that_was_set_back_holds_nothing_up() -> None:
    box = filled(push("a", ttl_s=86_400))
    box.answered(only(box, 7200), Declined("http_429", after_s=300), T0 + 7200)
    assert sent(box, 3600) == ["a"]


def test_a_notice_counts_for_as_long_as_its_channel_says() -> None:
    assert delivery(push("a", ttl_s=60), 1).until == T0 + 60
    assert delivery(stele("a"), 1).until == (moment(0) + timedelta(seconds=180)).timestamp()

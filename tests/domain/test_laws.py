"""Order and repetition do not matter to the state."""

from itertools import permutations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, cancel, city_rules, distinct_ids, essence, meaning, outcome, rejected, snapshot, tick
from warnsys.records import Outcome, Snapshot

IDS = ("A", "B", "C", "D")
severities = st.sampled_from(("Minor", "Moderate", "Severe", "Extreme"))
districts = st.sets(st.sampled_from(("d1", "d2"))).map(sorted)
NODES = tuple(round(second / 60, 6) for second in (0, 1, 20))
"""Minutes by which the nodes of a server stamp the same data later."""
stamps = st.builds(float.__add__, st.sampled_from((0.0, 10.0, 20.0, 30.0, 40.0, 75.0, 85.0)), st.sampled_from(NODES))


@st.composite
def messages(draw: st.DrawFn) -> Outcome:
    """A message that may warn, supersede, cancel, or be unreadable: what an id says never changes."""
    number = draw(st.integers(0, len(IDS) - 1))
    base_id, stamp = IDS[number], float(number * 10)
    kind = draw(st.sampled_from(("warn", "warn", "warn", "update", "cancel", "elsewhere", "unreadable")))
    earlier = draw(st.sampled_from(IDS[:number])) if number else None
    if kind == "cancel" and earlier:
        return cancel(base_id, earlier, stamp)
    if kind == "unreadable":
        return rejected(base_id, stamp)
    where = draw(districts)
    if kind == "elsewhere" or not where:
        return outcome(base_id, decided="no_district", stamp=stamp, sent=stamp)
    expires = draw(st.sampled_from((25.0, 35.0, 200.0, None)))
    supersedes = [earlier] if kind == "update" and earlier else []
    warned = meaning(draw(severities), districts=where, expires=expires)
    return outcome(base_id, warned, supersedes=supersedes, stamp=stamp, sent=stamp)


snapshots = st.builds(lambda stamp, ids: snapshot(stamp, *sorted(ids)), stamps, st.sets(st.sampled_from(IDS)))
one_a_stamp: Any = st.lists(snapshots, unique_by=lambda one: one.stamp, max_size=7)
stories = st.tuples(st.lists(messages(), unique_by=lambda one: one.base_id), one_a_stamp).map(
    lambda pair: [*pair[0], *pair[1]]
)


@given(story=stories, data=st.data())
def test_any_order_with_any_repetition_ends_in_the_same_situation(
    story: list[Outcome | Snapshot], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(story))) if story else []
    shuffled = data.draw(st.permutations([*story, *again]))

    def ends_in(records: list[Outcome | Snapshot], begin: float, end: float) -> tuple[object, ...]:
        return essence(City().take(tick(begin), *records, tick(end)).situation)

    assert ends_in(shuffled, 90, 91) == ends_in(story, 90, 91)


@given(story=stories, data=st.data())
def test_of_stamps_ahead_of_the_time_no_order_clears_what_another_warns(
    story: list[Outcome | Snapshot], data: st.DataObject
) -> None:
    """Which of them are believed depends on when they come (law 9)."""
    shuffled = data.draw(st.permutations(story))

    def statuses(records: list[Outcome | Snapshot]) -> list[str]:
        districts = City().take(tick(0), *records, tick(45)).situation.districts
        return [districts[name].status for name in sorted(districts)]

    for one, other in zip(statuses(story), statuses(shuffled), strict=True):
        assert {one, other} != {"warned", "clear"}


@pytest.mark.parametrize("order", [*permutations(("outcome B", "outcome C", "empty snapshot"))])
def test_a_stamp_ahead_of_the_time_is_replaced_by_itself_when_its_time_comes(order: tuple[str, ...]) -> None:
    """B was listed at 10, C at 20, when the city's time was 0: B dropped out together with nearly all else."""
    records: dict[str, Outcome | Snapshot] = {
        "outcome B": outcome("B", meaning("Minor", expires=200), stamp=10, sent=10),
        "outcome C": outcome("C", decided="no_district", stamp=20, sent=20),
        "empty snapshot": snapshot(20),
    }
    assert City().take(tick(0), *(records[name] for name in order), tick(45)).situation.flags == ("dropped dwd",)


@given(story=stories)
def test_the_same_records_give_the_same_notices_and_state(story: list[Outcome | Snapshot]) -> None:
    one, other = City().take(tick(0), *story, tick(45)), City().take(tick(0), *story, tick(45))
    assert one.notices == other.notices
    assert one.state.to_bytes() == other.state.to_bytes()


@given(story=stories)
def test_a_state_read_back_from_its_bytes_goes_on_as_if_nothing_had_happened(story: list[Outcome | Snapshot]) -> None:
    straight, interrupted = City().take(tick(0)), City().take(tick(0))
    for record in story:
        straight.take(record)
        interrupted.restart()
        interrupted.take(record)
    assert straight.notices == interrupted.notices


@given(story=stories)
def test_no_two_push_notices_share_an_id(story: list[Outcome | Snapshot]) -> None:
    city = City().take(tick(0))
    for record in story:
        city.take(record)
    assert distinct_ids([*city.push(), *city.push("staff"), *city.sms(), *city.sms("staff")])


@given(story=stories, last=st.sampled_from((0.0, 10.0, 20.0, 30.0, 40.0)))
def test_clear_needs_a_complete_and_fresh_snapshot_and_nothing_standing(
    story: list[Outcome | Snapshot], last: float
) -> None:
    city = City().take(tick(0), *story, tick(last))
    for district in ("d1", "d2"):
        if city.status(district) == "clear":
            assert city.situation.freshness == "fresh"
            assert city.situation.as_of is not None
            assert city.standing(district) == []


@pytest.mark.parametrize("repeats", [1, 2, 3])
def test_ticks_repeated_or_late_do_not_change_the_situation(repeats: int) -> None:
    story: list[Outcome | Snapshot] = [outcome("A", meaning(expires=30)), snapshot(0, "A")]
    once = City().take(tick(0), *story, tick(40))
    often = City(city_rules()).take(tick(0), *story, *[tick(40)] * repeats, tick(20))
    assert essence(once.situation) == essence(often.situation)

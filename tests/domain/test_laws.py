"""Order and repetition do not matter to the state."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, cancel, city_rules, distinct_ids, essence, meaning, outcome, rejected, snapshot, tick
from warnsys.pipeline import CityState
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


def _situation(records: list[Outcome | Snapshot]) -> object:
    return essence(City().take(tick(0), *records, tick(45)).situation)


@given(story=stories, data=st.data())
def test_any_order_with_any_repetition_ends_in_the_same_situation(
    story: list[Outcome | Snapshot], data: st.DataObject
) -> None:
    again = data.draw(st.lists(st.sampled_from(story))) if story else []
    shuffled = data.draw(st.permutations([*story, *again]))
    assert _situation(shuffled) == _situation(story)


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
        interrupted.state = CityState.from_bytes(interrupted.state.to_bytes())
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

"""Nothing is committed past a record that was not handled, whatever gets lost or repeated on the way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.worker.offsets import OffsetOrder, OffsetTracker


def tracker(**starts: int) -> OffsetTracker[str]:
    found: OffsetTracker[str] = OffsetTracker()
    found.assign(starts)
    return found


def test_only_the_next_record_is_worked_on() -> None:
    found = tracker(p=5)
    orders = [found.compare("p", offset) for offset in (4, 5, 6)]
    assert orders == [OffsetOrder.REPEAT, OffsetOrder.NEXT, OffsetOrder.JUMP]
    assert found.compare("q", 0) is OffsetOrder.FOREIGN


def test_a_record_handled_is_committed_up_to_the_next_one() -> None:
    found = tracker(p=5)
    assert found.to_commit() == {}
    found.handled("p", 5)
    assert found.to_commit() == {"p": 6}


def test_what_was_only_taken_is_committed_with_the_next_one_that_is_handled() -> None:
    found = tracker(p=5)
    found.processed("p", 5)
    found.processed("p", 6)
    assert found.to_commit() == {}
    assert found.compare("p", 7) is OffsetOrder.NEXT
    found.handled("p", 7)
    assert found.to_commit() == {"p": 8}


def test_a_failed_commit_is_asked_for_again_without_a_further_record() -> None:
    found = tracker(p=5)
    found.handled("p", 5)
    assert found.to_commit() == found.to_commit() == {"p": 6}
    found.committed({"p": 6})
    assert found.to_commit() == {}


def test_after_a_jump_nothing_is_committed_until_the_gap_is_handled() -> None:
    found = tracker(p=5)
    found.handled("p", 7)
    assert found.to_commit() == {}


def test_a_late_word_on_a_revoked_partition_counts_for_nothing() -> None:
    found = tracker(p=5, q=1)
    found.revoke("p")
    found.handled("p", 5)
    assert found.to_commit() == {}
    found.assign({"p": 9})
    found.handled("p", 5)
    assert found.next == {"p": 9}


def test_a_late_commit_never_lowers_what_the_broker_knows() -> None:
    found = tracker(p=0)
    for offset in range(3):
        found.handled("p", offset)
    found.committed({"p": 3})
    found.committed({"p": 1})
    assert found.to_commit() == {}


def test_what_waits_for_its_state_at_a_hole_is_committed_only_with_that_state() -> None:
    found = tracker(p=5)
    found.processed("p", 5)
    found.processed("p", 6)
    found.move("p", 20)
    assert found.compare("p", 20) is OffsetOrder.NEXT
    assert found.to_commit() == {}
    found.handled("p", 6)
    assert found.to_commit() == {"p": 20}


def test_what_waits_for_its_state_at_a_hole_is_committed_with_what_comes_behind_it() -> None:
    found = tracker(p=5)
    found.processed("p", 5)
    found.move("p", 20)
    found.processed("p", 20)
    assert found.to_commit() == {}
    found.handled("p", 20)
    assert found.to_commit() == {"p": 21}


def test_a_hole_that_nothing_waits_before_is_committed_across() -> None:
    found = tracker(p=5)
    found.handled("p", 5)
    found.move("p", 20)
    assert found.to_commit() == {"p": 20}


def test_a_late_word_on_a_log_that_was_made_anew_counts_for_nothing() -> None:
    found = tracker(p=5)
    found.processed("p", 5)
    found.move("p", 0)
    found.handled("p", 5)
    assert (found.next, found.done, found.to_commit()) == ({"p": 0}, {"p": 0}, {})
    found.handled("p", 0)
    assert found.to_commit() == {"p": 1}


@given(
    arrivals=st.lists(st.integers(0, 12), max_size=60),
    cuts=st.sets(st.integers(0, 59)),
    together=st.sets(st.integers(0, 12)),
    holes=st.sets(st.integers(0, 12)),
    late=st.sets(st.integers(0, 59)),
)
def test_what_is_committed_was_handled_without_a_gap(
    arrivals: list[int], cuts: set[int], together: set[int], holes: set[int], late: set[int]
) -> None:
    """Records arrive in any order, some again, some never; now and then the partition is assigned anew.

    Those of `together` are remembered with a later one, or late. Of `holes` the log has none, and nobody handles them.
    """
    found, handled, committed = tracker(p=0), set(holes), 0
    taken = set[int]()
    last = -1
    for step, offset in enumerate(arrivals):
        while found.next["p"] in holes:
            found.move("p", found.next["p"] + 1)
        if step in late and taken:
            handled |= taken
            found.handled("p", last)
        if offset not in holes and found.compare("p", offset) is OffsetOrder.NEXT:
            taken.add(offset)
            last = offset
            if offset in together:
                found.processed("p", offset)
            else:
                handled |= taken
                found.handled("p", offset)
        if offsets := found.to_commit():
            found.committed(offsets)
            committed = offsets["p"]
        if step in cuts:
            found.assign({"p": committed})
            taken.clear()
        assert set(range(committed)) <= handled


@pytest.mark.parametrize("lost", [set(), {3}, {0, 5, 9}, set(range(10))])
def test_reading_again_at_each_jump_handles_everything(lost: set[int]) -> None:
    """A channel that loses some records the first time they pass."""
    found, position, handled = tracker(p=0), 0, []
    while found.next["p"] < 10:
        if position >= 10:
            position = found.next["p"]
        if position in lost:
            lost = lost - {position}
        elif (order := found.compare("p", position)) is OffsetOrder.NEXT:
            handled.append(position)
            found.handled("p", position)
        elif order is OffsetOrder.JUMP:
            position = found.next["p"] - 1
        position += 1
    assert handled == list(range(10))

"""When an end or a begin has moved by enough to be told again."""

import math
from datetime import timedelta

import pytest

from tests.support import at, meaning
from warnsys.warning.notification_log import (
    LogEntries,
    LogEntry,
    Move,
    log_entries,
    moved_begin,
    moved_end,
    without_ended,
)

LEAST = timedelta(minutes=30)


def entry(grade: int = 7, until: float | None = 60, onset: float = 0) -> LogEntry:
    return LogEntry(grade=grade, onset=at(onset), until=None if until is None else at(until))


def moved(told: LogEntries, present: LogEntries, now: float = 0) -> tuple[float, int] | None:
    """By how many minutes, and at which grade."""
    move = moved_end(told, present, at(now), LEAST)
    return move and (move.by / 60, move.grade)


def test_a_claim_holds_up_to_its_end_and_one_without_end_always() -> None:
    assert entry(until=60).holds(at(59))
    assert not entry(until=60).holds(at(60))
    assert entry(until=None).holds(at(10**6))


@pytest.mark.parametrize(("until", "by"), [(60, None), (90, None), (91, 31), (30, None), (29, -31), (None, math.inf)])
def test_an_end_has_moved_where_it_moved_by_more_than_the_least(until: float | None, by: float | None) -> None:
    found = moved((entry(until=60),), (entry(until=until),))
    assert found == (by and (by, 7))


def test_an_end_that_was_open_and_is_not_any_more_has_moved() -> None:
    assert moved((entry(until=None),), (entry(until=60),)) == (-math.inf, 7)


@pytest.mark.parametrize(("until", "by"), [(59, None), (60, None), (60.01, 0.01), (61, 1)])
def test_beyond_its_told_end_the_least_extension_is_one(until: float, by: float | None) -> None:
    found = moved((entry(until=60),), (entry(until=until),), now=60)
    assert (found and round(found[0], 6)) == by


def test_a_later_end_outweighs_an_earlier_one_of_another_grade() -> None:
    told, present = (entry(9, 200), entry(7, 300)), (entry(9, 100), entry(7, 400))
    assert moved(told, present) == (100, 7)


def test_of_several_later_ends_the_one_that_moved_most_is_told_and_of_earlier_ones_likewise() -> None:
    told = (entry(9, 100), entry(7, 200))
    assert moved(told, (entry(9, 150), entry(7, 260))) == (60, 7)
    assert moved(told, (entry(9, 190), entry(7, 260))) == (90, 9)
    assert moved(told, (entry(9, 60), entry(7, 110))) == (-90, 7)
    assert moved(told, (entry(9, 10), entry(7, 160))) == (-90, 9)


def test_at_the_same_move_it_is_told_of_the_higher_grade() -> None:
    told = (entry(9, 100), entry(7, 100))
    assert moved(told, (entry(9, 200), entry(7, 200))) == (100, 9)
    assert moved((entry(9, 100), entry(7, 100)), (entry(9, 20), entry(7, 20))) == (-80, 9)


def test_what_was_told_of_a_lower_grade_does_not_count_for_a_higher_one() -> None:
    assert moved((entry(7, 60),), (entry(9, 200),)) == (140, 7)
    assert moved((entry(9, 60),), (entry(7, 200),)) == (140, 7)


def test_the_claim_that_moved_is_named_before_and_after() -> None:
    was, now = entry(7, 60), entry(7, 120)
    assert moved_end((was,), (now,), at(0), LEAST) == Move(3600, was, now, 7)


@pytest.mark.parametrize(
    ("told", "present", "now", "by"),
    [
        (60, 100, 0, 40),
        (60, 20, 0, -40),
        (60, 90, 0, None),
        (60, 30, 0, None),
        (60, 100, 60, None),  # it has begun as told
        (60, 100, 59, 40),
    ],
)
def test_a_begin_has_moved_where_it_had_not_come_and_moved_by_more_than_the_least(
    told: float, present: float, now: float, by: float | None
) -> None:
    found = moved_begin((entry(onset=told, until=None),), (entry(onset=present, until=None),), at(now), LEAST)
    assert (found and found.total_seconds() / 60) == by


def test_parallel_messages_of_one_grade_are_one_claim_from_the_first_begin_to_the_last_end() -> None:
    some = (meaning(onset=10, expires=60), meaning(onset=0, expires=30), meaning("Minor", expires=None))
    assert log_entries(some) == (entry(7, 60, 0), entry(3, None, 0))


def test_a_claim_is_remembered_while_it_holds_or_its_group_stands_there_at_its_grade() -> None:
    told = {"public/push/RAIN/HEAVY": {"d1": (entry(9, 30), entry(7, 60)), "d2": (entry(7, 30),)}}
    asked = []

    def highest(name: str, group: str, district: str) -> int:
        asked.append((name, group, district))
        return 7 if district == "d2" else 0

    assert without_ended(told, at(40), highest) == {
        "public/push/RAIN/HEAVY": {"d1": (entry(7, 60),), "d2": (entry(7, 30),)}
    }
    assert set(asked) == {("public/push", "RAIN/HEAVY", district) for district in ("d1", "d2")}
    assert without_ended(told, at(60), lambda *_: 0) == {}

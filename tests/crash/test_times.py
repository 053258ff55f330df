"""How long takeovers and records take, where one state covers many records."""

from streams.kafka.topics import Topics
from tests.crash.crew import Strike
from tests.crash.oracle import Logged, Logs, delays, takeovers

TOPICS = Topics("live", 1)


def logged(offset: int, at: float, key: str = "", covers: int = -1) -> Logged:
    return Logged(0, offset, at, key, b"{}", {"covers": str(covers)})


def logs(*states: Logged) -> Logs:
    """Six records of `warn.impacts` that came at second 0 to 5, and what was remembered of them."""
    came = tuple(logged(offset, float(offset)) for offset in range(6))
    return Logs(TOPICS, {TOPICS.impacts.name: came, TOPICS.state.name: states}, (), {})


ONE, TWO = logged(0, 2.5, "1/one.x", 1), logged(1, 9.0, "2/two.x", 5)


def test_a_takeover_lasts_until_another_had_handled_the_first_record_that_was_left() -> None:
    assert takeovers(logs(ONE, TWO), [Strike(3.0, "one", "KILL")]) == [[6.0]]


def test_a_takeover_begins_when_the_first_record_that_was_left_came() -> None:
    assert takeovers(logs(logged(0, 3.4, "1/one.x", 3), TWO), [Strike(3.5, "one", "KILL")]) == [[5.0]]


def test_a_strike_at_one_who_had_no_partition_takes_none() -> None:
    assert takeovers(logs(ONE, TWO), [Strike(3.0, "two", "KILL")]) == [[]]


def test_each_record_waits_until_the_first_state_that_covers_it() -> None:
    assert delays(logs(ONE, TWO)) == [2.5, 1.5, 7.0, 6.0, 5.0, 4.0]


def test_a_state_that_covers_less_than_one_before_remembers_nothing_new() -> None:
    assert delays(logs(ONE, logged(1, 4.0, "city/late", 0))) == [2.5, 1.5]

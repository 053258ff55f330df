"""An answer in doubt (older, ahead, without a time) ends nothing; what it newly lists is told at once (law 9)."""

import pytest

from tests.support import City, cancel, meaning, outcome, snapshot, tick
from warnsys.records import Outcome


def doubted(one: Outcome) -> Outcome:
    return one.model_copy(update={"doubt": True})


def lowered(minute: float) -> Outcome:
    return outcome("B", meaning("Minor"), supersedes=["A"], sent=minute, stamp=minute)


@pytest.fixture
def city() -> City:
    """An Extreme message holds, and stays listed."""
    return City().take(tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A"), tick(1))


@pytest.mark.parametrize("end", [cancel("B", "A", 5), lowered(5)], ids=["a cancel", "a lowering"])
def test_a_message_in_doubt_ends_nothing(city: City, end: Outcome) -> None:
    city.take(doubted(end), tick(6), snapshot(10, "A"), tick(11), snapshot(20, "A"), snapshot(31, "A"), tick(32))
    assert city.standing() == ["A"]
    assert city.told() == [("warn", "entered")]


@pytest.mark.parametrize("end", [cancel("B", "A", 5), lowered(5)], ids=["a cancel", "a lowering"])
def test_once_a_good_answer_has_it_it_ends_what_it_names(city: City, end: Outcome) -> None:
    good = end.model_copy(update={"stamp": snapshot(10).stamp})
    city.take(doubted(end), tick(6), good, snapshot(10, "B"), tick(11))
    assert "A" not in city.standing()
    assert city.told()[1:] in ([("ended", "cancelled")], [("lowered", "lowered")])


def test_a_message_that_raises_is_told_at_once_and_stands_beside_what_it_names() -> None:
    city = City().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"), tick(1))
    city.take(doubted(outcome("B", meaning("Extreme"), supersedes=["A"], sent=5, stamp=5)))
    assert city.told() == [("warn", "entered"), ("update", "raised")]
    assert city.standing() == ["B", "A"]


def test_what_is_known_learns_nothing_from_another_content_in_doubt(city: City) -> None:
    city.take(doubted(outcome("A", meaning("Minor", expires=10), stamp=5)), tick(6), snapshot(10, "A"))
    assert city.standing() == ["A"]
    assert city.stele().items[0].level == 4

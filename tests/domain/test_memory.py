"""What a city remembers of messages and snapshots, and for how long."""

from datetime import timedelta

from tests.support import RULES, City, at, live_tick, meaning, outcome, snapshot, tick
from warnsys.records import Outcome
from warnsys.warning.facts import MAX_SNAPSHOTS

DAY = 60 * 24


def listed_as(listed_id: str, one: Outcome) -> Outcome:
    return one.model_copy(update={"listed_id": listed_id})


def known(city: City) -> set[str]:
    return {*city.state.facts, *city.ledger.loose}


def test_a_message_that_is_listed_in_two_languages_stands_as_long_as_either_is_listed() -> None:
    city = City().take(tick(0), outcome("O", decided="no_district"))
    city.take(listed_as("A.DEU", outcome("A", meaning())), listed_as("A.MUL", outcome("A", meaning())))
    city.take(snapshot(0, "A.DEU", "A.MUL", "O"), snapshot(10, "A.MUL", "O"), snapshot(20, "A.MUL", "O"))
    assert city.standing() == ["A"]
    city.take(snapshot(30, "A.DEU", "O"), snapshot(40, "O"))
    assert city.standing() == ["A"]
    assert city.take(snapshot(50, "O")).standing() == []


def test_a_successor_counts_from_the_first_snapshot_that_listed_it_in_any_language() -> None:
    city = City().take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    end = outcome("B", meaning(districts=["d2"]), supersedes=["A"], sent=10, stamp=20)
    city.take(listed_as("B.MUL", end), listed_as("B.DEU", end.model_copy(update={"stamp": at(10)})))
    assert city.standing("d1") == ["A"]
    assert city.take(snapshot(10, "B.DEU")).standing("d1") == []


def test_of_two_copies_of_a_message_the_one_under_the_present_rules_counts() -> None:
    old = outcome("A", meaning("Minor"), meaning("Minor")).model_copy(update={"rules": "z-older"})
    new = outcome("A", meaning("Severe"))
    for order in ((old, new), (new, old)):
        (fact,) = City().take(tick(0), *order).state.facts.values()
        assert (fact.rules, [said.severity for said in fact.meanings]) == (RULES, ["Severe"])


def test_of_two_copies_under_the_same_rules_the_one_with_more_languages_counts() -> None:
    one = meaning("Minor")
    more = one.model_copy(update={"texts": {"de": one.texts["de"], "en": one.texts["de"]}})
    for order in ((one, more), (more, one)):
        city = City().take(tick(0), *(outcome("A", said) for said in order))
        (fact,) = city.state.facts.values()
        assert set(fact.meanings[0].texts) == {"de", "en"}


def test_an_end_of_what_was_known_to_warn_elsewhere_only_is_not_remembered() -> None:
    city = City().take(tick(0), outcome("A", decided="no_district"))
    city.take(outcome("B", decided="no_district", supersedes=["A"], sent=10))
    assert known(city) == set()


def test_an_end_of_what_was_never_seen_or_could_not_be_read_is_remembered() -> None:
    """What it ends may still come."""
    city = City().take(tick(0), outcome("R", decided="rejected"))
    city.take(outcome("B", decided="no_district", supersedes=["A"], sent=10))
    city.take(outcome("C", decided="no_district", supersedes=["R"], sent=10))
    assert known(city) == {"B", "C"}
    assert city.take(outcome("A", meaning()), snapshot(10, "B", "C")).standing() == []


def test_two_pollers_that_saw_other_lists_under_one_stamp_saw_one_snapshot_that_lists_both() -> None:
    city = City().take(tick(0), snapshot(10, "A"), snapshot(10, "B").model_copy(update={"checked": at(12)}))
    (seen,) = city.ledger.snapshots["dwd"]
    assert (seen.ids, seen.checked) == (("A", "B"), at(10))


def test_snapshots_of_which_none_is_complete_are_kept_up_to_a_limit() -> None:
    city = City().take(tick(0), *(snapshot(number, "X") for number in range(30)))
    seen = [one.stamp for one in city.ledger.snapshots["dwd"]]
    assert seen == [at(29 - number) for number in range(MAX_SNAPSHOTS)]


def test_of_complete_snapshots_three_are_kept() -> None:
    city = City().take(tick(0), outcome("O", decided="no_district"))
    city.take(*(snapshot(number, "O") for number in range(30)))
    assert [one.stamp for one in city.ledger.snapshots["dwd"]] == [at(29), at(28), at(27)]


def test_of_complete_snapshots_three_that_list_something_are_kept_beside_the_three_newest() -> None:
    city = City().take(tick(0), outcome("O", decided="no_district"))
    city.take(*(snapshot(number, "O") for number in range(5)), *(snapshot(number) for number in range(5, 9)))
    assert [one.stamp for one in city.ledger.snapshots["dwd"]] == [at(8), at(7), at(6), at(4), at(3), at(2)]


def test_a_warning_is_remembered_for_three_days_after_its_end() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=60), stamp=None))
    assert known(city.take(tick(60 + 3 * DAY))) == {"A"}
    assert known(city.take(tick(61 + 3 * DAY))) == set()


def test_a_warning_that_is_listed_still_is_remembered_however_long_ago_it_ended() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=60)), snapshot(0, "A"))
    city.take(snapshot(2 * DAY, "A"), snapshot(5 * DAY, "A"))  # it is seen before it would be forgotten
    assert known(city.take(tick(7 * DAY))) == {"A"}
    assert known(city.take(tick(8 * DAY + 1))) == set()


def test_a_warning_without_end_is_remembered_for_a_month() -> None:
    city = City().take(tick(0), outcome("A", meaning(expires=None), stamp=None))
    assert known(city.take(tick(33 * DAY))) == {"A"}
    assert known(city.take(tick(33 * DAY + 1))) == set()


def test_what_means_nothing_here_is_remembered_for_two_hours_after_it_was_seen() -> None:
    city = City().take(outcome("O", decided="no_district", stamp=0))
    assert set(city.take(tick(120)).ledger.listings) == {"O"}
    assert set(city.take(tick(121)).ledger.listings) == set()


def test_what_came_without_a_stamp_is_not_forgotten_for_its_age() -> None:
    city = City().take(outcome("O", decided="no_district", stamp=None), tick(10 * DAY))
    assert set(city.ledger.listings) == {"O"}


def test_time_is_what_the_newest_tick_said() -> None:
    city = City().take(tick(10))
    assert city.ledger.now == at(0) + timedelta(minutes=10)


def test_what_is_forgotten_while_a_snapshot_lists_it_is_undecided_and_clears_nothing() -> None:
    """The time was four days ahead, and went back."""
    city = City().take(live_tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A"), live_tick(1))
    city.take(*(live_tick(4 * DAY + n / 6, process="q") for n in range(4)))
    assert known(city) == set()
    right = snapshot(3, "A").model_copy(update={"date": at(3)})
    city.take(right, live_tick(3.2, process="r"), live_tick(3.4, process="r"), live_tick(3.6, process="r"))
    assert city.status() == "no_data"
    assert city.take(outcome("A", meaning("Extreme"), stamp=4), snapshot(4, "A"), live_tick(4)).status() == "warned"

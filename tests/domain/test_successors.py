"""What ends a warning is what stands in its place, from whoever listed it: nothing hidden, foreign or earlier."""

import pytest

from tests.support import City, cancel, city_rules, distinct_ids, meaning, outcome, rejected, snapshot, tick


def test_an_update_that_waits_for_its_own_ends_nothing_until_that_is_decided() -> None:
    """A gap of the feed had two updates: the first is hidden, and the warning told stands until the second is there."""
    city = City().take(tick(0), outcome("A", meaning("Extreme")), snapshot(0, "A"), tick(5))
    hidden = outcome("B", meaning("Extreme"), stamp=10, sent=6, supersedes=["A"])
    city.take(tick(10), hidden.model_copy(update={"replaced": True}))
    assert city.status() == "warned"
    city.take(snapshot(10, "B", "C"), tick(10.5))
    assert city.status() == "warned"
    city.take(outcome("C", meaning("Severe"), stamp=10, sent=8, supersedes=["B"]), tick(11))
    assert city.standing() == ["C"]
    assert city.told() == [("warn", "entered"), ("lowered", "lowered")]


def test_what_is_sent_again_after_its_cancel_warns_though_its_first_content_is_unknown() -> None:
    city = City().take(tick(10), cancel("C", "A", stamp=10), snapshot(10, "C"))
    city.take(tick(20), outcome("A", meaning("Extreme"), stamp=20, sent=20), snapshot(20, "A", "C"), tick(21))
    assert city.standing() == ["A"]


def test_a_content_that_only_another_source_brought_ends_nothing_at_this_one() -> None:
    city = City(city_rules(sources=("dwd", "s2"))).take(tick(0))
    ours = outcome("A", meaning("Extreme", districts=["d1"])).model_copy(update={"digest": "1"})
    city.take(ours, snapshot(0, "A"), snapshot(0, source="s2"))
    theirs = outcome("A", meaning("Minor", districts=["d2"]), stamp=5, sent=1, source="s2")
    theirs = theirs.model_copy(update={"digest": "2"})
    city.take(tick(5), theirs, snapshot(5, "A", source="s2"), snapshot(5, "A"), tick(6))
    assert (city.status("d1"), city.told()) == ("warned", [("warn", "entered")])


def test_half_of_an_update_ends_not_the_other_half_of_what_had_come_as_replaced_long_before() -> None:
    city = City().take(tick(0))
    first = outcome("A", meaning("Extreme")).model_copy(update={"replaced": True})
    city.take(first, outcome("X", decided="rejected"), snapshot(0, "A", "X"), tick(2), tick(10), snapshot(10, "A"))
    half = outcome("C1", meaning("Extreme", districts=["d1"]), stamp=20, sent=19, supersedes=["A"])
    city.take(tick(20), half)
    assert (city.standing("d1"), city.standing("d2")) == (["C1"], ["A"])


def test_a_second_source_that_lists_a_message_with_its_cancel_later_brings_it_not_back() -> None:
    city = City(city_rules(sources=("dwd", "s2"))).take(tick(0))
    for source, stamp in (("dwd", 0), ("s2", 10)):
        end = cancel("C", "A", stamp=stamp).model_copy(update={"source": source})
        ended = outcome("A", meaning("Extreme"), stamp=stamp, sent=-10, source=source)
        city.take(tick(stamp), end, ended.model_copy(update={"replaced": True}))
        assert (city.standing(), city.told()) == ([], [])


def test_what_waited_is_told_with_the_last_message_of_its_listing_though_a_newer_one_lacks_more() -> None:
    """The snapshots overtook what they list; no tick comes between."""
    ended = outcome("A", meaning("Extreme")).model_copy(update={"replaced": True})
    city = City().take(tick(0), ended, rejected("B"), snapshot(0, "A", "B", "C"), snapshot(0.5, "A", "B", "C", "D"))
    assert (city.standing(), city.told()) == ([], [])
    city.take(outcome("C", decided="no_district"))
    assert (city.standing(), city.told()) == (["A"], [("warn", "entered")])


@pytest.mark.parametrize("until", [None, 5])
def test_each_of_two_sources_that_end_one_message_has_an_id_of_its_own_for_that_end(until: float | None) -> None:
    """The second brings back what the first had ended. Who drops known ids must take the second end, too."""
    city = City(city_rules(sources=("dwd", "city"))).take(tick(10))
    over = meaning(districts=["d2"], group="WIND", expires=until)
    for source in ("city", "dwd"):
        update = outcome("D", over, sent=1, supersedes=["C"], source=source, stamp=10)
        city.take(outcome("C", meaning(), source=source, stamp=10), update)
    assert "C" not in city.standing("d2")
    assert distinct_ids(city.push())

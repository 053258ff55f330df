"""Where a source drops nearly all that it listed, an ordinary look more does not end anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import City, essence, meaning, outcome, snapshot, tick
from warnsys.records import Outcome, Snapshot

OTHERS = tuple(f"O{number:02}" for number in range(19))
"""Warnings elsewhere: with A twenty are listed."""
STRANGERS = tuple(f"S{number:02}" for number in range(20))


def story(severity: str = "Moderate") -> list[Outcome | Snapshot]:
    others = [outcome(one, decided="no_district") for one in OTHERS]
    strangers = [outcome(one, decided="no_district", stamp=10.6) for one in STRANGERS]
    return [outcome("A", meaning(severity, expires=300)), *others, *strangers, snapshot(0, "A", *OTHERS)]


def dropped(*stamps: float, left: tuple[str, ...] = (), severity: str = "Moderate") -> City:
    return City().take(tick(0), *story(severity), *(snapshot(stamp, *left) for stamp in stamps), tick(max(stamps)))


@pytest.mark.parametrize("severity", ["Minor", "Moderate"])
def test_many_to_none_ends_nothing_with_two_looks(severity: str) -> None:
    city = dropped(10.6, 21.2, severity=severity)
    assert city.standing() == ["A"]
    assert not [notice for notice in city.push() if notice.kind == "ended"]


@pytest.mark.parametrize("severity", ["Minor", "Moderate", "Severe", "Extreme"])
@pytest.mark.parametrize("left", [OTHERS[:1], STRANGERS], ids=["a twentieth", "another region's file"])
def test_less_than_a_tenth_ends_nothing_with_two_looks_at_any_level(severity: str, left: tuple[str, ...]) -> None:
    assert dropped(10.6, 21.2, left=left, severity=severity).standing() == ["A"]
    assert dropped(10.6, 21.2, 60, left=left, severity=severity).standing() == []


def test_a_tenth_that_is_left_is_no_drop() -> None:
    assert dropped(10.6, 21.2, left=OTHERS[:2]).standing() == []


def test_after_a_drop_the_end_takes_three_looks_and_an_hour() -> None:
    assert dropped(10.6, 21.2, 31.8, 42.4, 53, 59.9).standing() == ["A"]
    assert dropped(10.6, 60).standing() == ["A"]
    assert dropped(59, 60 - 0.1, 60).standing() == ["A"]  # two of them are nodes of one publication
    assert dropped(10.6, 21.2, 60).standing() == []


def test_the_last_warning_of_all_ends_no_sooner() -> None:
    city = City().take(
        tick(0), outcome("A", meaning("Moderate")), snapshot(0, "A"), snapshot(10), snapshot(20), tick(20)
    )
    assert city.standing() == ["A"]
    assert city.take(snapshot(60), tick(60)).standing() == []


def test_a_listing_that_has_it_again_ends_the_doubt() -> None:
    city = dropped(10.6, 21.2).take(snapshot(31.8, "A", *OTHERS), tick(32))
    assert (city.standing(), city.situation.flags) == (["A"], ())
    assert city.take(snapshot(42.4, *OTHERS), snapshot(53, *OTHERS), tick(53)).standing() == []


def test_one_that_leaves_a_long_listing_ends_with_two_looks_as_ever() -> None:
    assert dropped(10.6, 21.2, left=OTHERS).standing() == []


def test_operators_see_that_a_source_dropped_nearly_all_until_it_is_decided() -> None:
    assert dropped(10.6).situation.flags == ("dropped dwd",)
    assert dropped(10.6, 21.2).situation.flags == ("dropped dwd",)
    assert dropped(10.6, 21.2, 60).situation.flags == ()
    assert dropped(10.6, left=OTHERS).situation.flags == ()


def test_what_ended_by_itself_needs_no_more_than_before() -> None:
    city = City().take(tick(0), outcome("A", meaning("Moderate", expires=15)), snapshot(0, "A"), snapshot(10.6))
    assert city.take(tick(16)).status() == "unconfirmed"
    assert city.take(snapshot(21.2), tick(21.3)).status() == "clear"


def test_a_drop_is_remembered_as_long_as_the_warning_holds_though_the_feed_is_silent() -> None:
    assert dropped(10.6, 21.2, left=OTHERS[:1]).take(*(tick(minute) for minute in range(30, 290, 20))).standing() == [
        "A"
    ]


@given(data=st.data(), stamps=st.lists(st.sampled_from((10.6, 21.2, 31.8, 42.4, 60.0, 70.6)), unique=True))
def test_drops_are_seen_in_any_order(data: st.DataObject, stamps: list[float]) -> None:
    lists = st.sampled_from(((), OTHERS[:1], OTHERS[:2], STRANGERS, OTHERS, ("A", *OTHERS)))
    records = [*story(), *(snapshot(stamp, *data.draw(lists)) for stamp in stamps)]
    plain = City().take(tick(0), *records, tick(71))
    shuffled = City().take(tick(0), *data.draw(st.permutations(records)), tick(71))
    assert essence(plain.situation) == essence(shuffled.situation)

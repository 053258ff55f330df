"""What staff are told of warnings beside an advance notice of something as bad or worse, which they alone hear of."""

import pytest

from tests.support import City, at, cancel, meaning, outcome, snapshot, tick
from warnsys.records import Outcome, PushNotice

OTHER = outcome("O", decided="no_district")
"""Keeps listings from becoming empty."""


def advance(severity: str = "Severe", onset: float = 0, expires: float = 600) -> Outcome:
    return outcome("V", meaning(severity, urgency="Future", onset=onset, expires=expires))


def warning(base_id: str, severity: str, onset: float, expires: float, sent: float, *replaced: str) -> Outcome:
    one = meaning(severity, ii="61", onset=onset, expires=expires)
    return outcome(base_id, one, sent=sent, stamp=sent, supersedes=list(replaced))


def told(notice: Outcome, first: Outcome) -> City:
    """A city whose staff were told of an advance notice, and five minutes later of a warning beside it."""
    city = City().take(tick(0), OTHER, notice, snapshot(0, "O", "V"))
    return city.take(tick(5), first, snapshot(5, "O", "V", "W"), tick(6))


def last(city: City) -> PushNotice:
    return city.push("staff")[-1]


def test_a_warning_that_goes_on_for_longer_is_told_beside_an_advance_notice_that_lasts_longer_still() -> None:
    city = told(advance(), warning("W", "Moderate", 0, 120, 5))
    city.take(tick(60), warning("W2", "Moderate", 0, 300, 60, "W"), snapshot(60, "O", "V", "W2"), tick(61))
    assert (last(city).reason, last(city).level, last(city).expires) == ("extended", 2, at(300))


@pytest.mark.parametrize(
    ("notice", "first", "then"),
    [
        (advance(), warning("W", "Moderate", 250, 430, 5), warning("W2", "Moderate", 20, 80, 20)),
        (advance("Extreme", 30, 150), warning("W", "Extreme", 250, 310, 5), warning("W2", "Severe", 40, 160, 20)),
    ],
)
def test_a_warning_that_begins_before_what_was_told_is_told_beside_an_advance_notice(
    notice: Outcome, first: Outcome, then: Outcome
) -> None:
    city = told(notice, first).take(tick(20), then, snapshot(20, "O", "V", "W", "W2"), tick(21))
    assert (last(city).reason, last(city).cause) == ("begins earlier", "W2")


@pytest.mark.parametrize("expires", [120, 900])
def test_a_warning_that_is_cancelled_has_ended_and_the_advance_notice_goes_on(expires: float) -> None:
    city = told(advance(), warning("W", "Moderate", 0, expires, 5))
    city.take(tick(60), cancel("C", "W", 60), snapshot(60, "O", "V", "C"), tick(61), snapshot(70, "O", "V", "C"))
    assert (last(city).kind, last(city).reason, last(city).level) == ("ended", "cancelled", 2)
    assert "Vorabinformation" in last(city).body["de"]


def test_a_warning_that_is_lowered_is_told_beside_a_worse_advance_notice() -> None:
    city = told(advance("Extreme"), warning("W", "Severe", 0, 120, 5))
    city.take(tick(60), warning("W2", "Moderate", 0, 120, 60, "W"), snapshot(60, "O", "V", "W2"), tick(61))
    assert (last(city).kind, last(city).level) == ("lowered", 2)


def test_a_warning_that_comes_with_an_advance_notice_that_has_begun_is_named_beside_it() -> None:
    city = City().take(OTHER, advance("Severe", -30), warning("W", "Moderate", -10, 240, 0), snapshot(0, "O", "V", "W"))
    city.take(tick(0), tick(1))
    (said,) = city.push("staff")
    assert said.level == 3
    assert "18:00" in said.body["de"]  # until then the warning holds


@pytest.mark.parametrize("until", [400, 240])
def test_no_district_is_told_of_a_warning_that_goes_on_where_none_does(until: float) -> None:
    city = City().take(tick(0), OTHER, outcome("A", meaning("Moderate", ii="61", districts=["d1"])))
    city.take(snapshot(0, "O", "A"), tick(5))
    both = meaning("Severe", urgency="Future", onset=300, expires=600), meaning("Moderate", onset=10, expires=until)
    city.take(tick(10), outcome("V", *both, sent=10, stamp=10), snapshot(10, "O", "A", "V"), tick(11))
    said = [one for one in city.push("staff")[1:] if "d2" in one.districts]
    assert [one.reason for one in said] == ["entered"]
    assert "zusätzlich zur Warnung, die weiter gilt" not in said[0].body["de"]

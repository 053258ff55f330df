"""Forms that say what they mean warn whom they mean: placeholders, lists in parts, and senders of several words."""

from datetime import datetime, timedelta, timezone

import pytest
import shapely

from geofences import District, GeofenceIndex
from tests.cap.oddities import area, message, polygon, swap
from tests.domain.test_outcomes import HEADERS
from warnsys.records import Outcome
from warnsys.warning.matching import MOST_MEANINGS, Matcher

COVERS = polygon("51.1,7.0 51.1,7.1 51.2,7.1 51.2,7.0 51.1,7.0")
HERE = District(
    id="d1", name="d1", short_name="d1", city="x", warn_cells=frozenset({"805122000"}),
    geometry=shapely.box(7.0, 51.1, 7.1, 51.2), ground_min_m=None, ground_max_m=None, ground_source="unknown",
)  # fmt: skip
MATCHER = Matcher(GeofenceIndex([HERE]))


def decided(body: bytes) -> Outcome:
    return MATCHER.decide_bytes(body, HEADERS).outcome


def with_cell(value: str) -> bytes:
    geocode = f"<geocode><valueName>WARNCELLID</valueName><value>{value}</value></geocode>"
    return message(lambda text: area(geocode)(COVERS(text)))


@pytest.mark.parametrize("value", ["n/a", "-", "Solingen"])
def test_a_word_in_place_of_a_warn_cell_lists_none_so_the_outline_decides(value: str) -> None:
    outcome = decided(with_cell(value))
    assert (outcome.decided, outcome.findings) == ("matched", ("geocode-empty",))


@pytest.mark.parametrize(("value", "expected"), [("805 122 000", "matched"), ("805 111 000", "no_district")])
def test_a_warn_cell_in_groups_is_one(value: str, expected: str) -> None:
    assert decided(with_cell(value)).decided == expected


def referring(*references: str) -> bytes:
    elements = "".join(f"<references>{one}</references>" for one in references)
    return message(lambda text: swap("<info>", f"{elements}<info>")(COVERS(text.replace(">Alert<", ">Update<"))))


def test_references_in_several_elements_are_one_list() -> None:
    outcome = decided(
        referring("s@example.org,X,2027-07-14T11:00:00+02:00", "s@example.org,Y,2027-07-14T11:00:00+02:00")
    )
    assert outcome.decided == "matched"
    assert {one.rpartition(",")[2] for one in outcome.supersedes} == {"X", "Y"}


def test_a_sender_of_several_words_may_end_in_an_abbreviation() -> None:
    (name,) = decided(referring("Leitstelle Bergisch e.V.,X,2027-07-14T11:00:00+02:00")).supersedes
    assert name == "leitstelle bergisch e.v.,X"


def test_of_too_many_meanings_those_stay_that_begin_first_and_none_that_is_over() -> None:
    """Hourly ones, the first fifty of which were over when the message was sent."""
    sent = datetime(2027, 7, 14, 12, tzinfo=timezone(timedelta(hours=2)))

    def many(text: str) -> str:
        before, info, after = COVERS(text).replace("<info>", "|<info>").replace("</info>", "</info>|").split("|")
        infos = []
        for hour in range(-50, MOST_MEANINGS + 50):
            onset, expires = (sent + timedelta(hours=hours) for hours in (hour, hour + 1))
            times = info.replace("2027-07-14T18:00:00+02:00", expires.isoformat())
            times = times.replace("<onset>2027-07-14T12:00:00+02:00", f"<onset>{onset.isoformat()}")
            infos.append(times.replace("Stürmische Böen", f"Böen {hour}"))
        return before + "".join(infos) + after

    outcome = decided(message(many))
    assert outcome.left_out == 100
    assert min(meaning.onset for meaning in outcome.meanings) == sent

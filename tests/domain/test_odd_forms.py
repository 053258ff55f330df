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


@pytest.mark.parametrize("value", ["0", "000000000", "05122000", "0805122000"])
def test_a_number_that_is_no_warn_cell_lists_none_so_the_outline_decides(value: str) -> None:
    outcome = decided(with_cell(value))
    assert (outcome.decided, outcome.findings) == ("matched", ("geocode-empty",))


def test_a_semicolon_may_stand_in_an_identifier() -> None:
    assert decided(referring("s@example.org,2027;11,2027-07-14T11:00:00+02:00")).supersedes == (
        "s@example.org,2027;11",
    )
    two = "s@example.org,X,2027-07-14T11:00:00+02:00;s@example.org,Y,2027-07-14T11:00:00+02:00"
    assert len(decided(referring(two)).supersedes) == 2


UPDATE = "s@example.org,X,2027-07-14T11:00:00+02:00"


def changed(old: str, new: str, *references: str) -> Outcome:
    text = (referring(*references) if references else message(COVERS)).decode()
    assert old in text
    return decided(text.replace(old, new).encode())


@pytest.mark.parametrize(
    "shape", ["", "<polygon/>", "<geocode><valueName>WARNCELLID</valueName><value>n/a</value></geocode>"]
)
def test_an_update_that_names_no_place_is_refused_so_that_it_ends_nothing(shape: str) -> None:
    drawn = "<polygon>51.1,7.0 51.1,7.1 51.2,7.1 51.2,7.0 51.1,7.0</polygon>"
    outcome = changed(drawn, shape, UPDATE)
    assert (outcome.decided, outcome.reason.split()[0], outcome.supersedes) == ("rejected", "update-unplaced", ())
    assert changed(drawn, shape).decided == "no_district"


def test_an_update_for_a_place_that_only_others_know_is_taken() -> None:
    elsewhere = "<geocode><valueName>EMMA_ID</valueName><value>FR001</value></geocode>"
    outcome = changed("<polygon>51.1,7.0 51.1,7.1 51.2,7.1 51.2,7.0 51.1,7.0</polygon>", elsewhere, UPDATE)
    assert (outcome.decided, len(outcome.supersedes)) == ("no_district", 1)


def test_an_update_that_was_over_before_it_was_sent_is_refused_so_that_it_ends_nothing() -> None:
    end = "<expires>2027-07-14T18:00:00+02:00"
    outcome = changed(end, "<expires>2027-07-13T20:00:00+02:00", UPDATE)
    assert (outcome.decided, outcome.reason.split()[0], outcome.supersedes) == ("rejected", "update-over", ())
    assert changed(end, "<expires>2027-07-14T11:30:00+02:00", UPDATE).decided == "matched", "that is an end"


def test_an_outline_with_lat_and_lon_exchanged_is_refused() -> None:
    outcome = changed("51.1,7.0 51.1,7.1 51.2,7.1 51.2,7.0 51.1,7.0", "7.0,51.1 7.1,51.1 7.1,51.2 7.0,51.2 7.0,51.1")
    assert (outcome.decided, outcome.reason.split()[0]) == ("rejected", "coordinates")

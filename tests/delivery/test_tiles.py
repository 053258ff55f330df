"""What the screens of a city show: whatever the records, a page takes it, and never reads less than holds."""

import itertools
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import hypothesis.strategies as st
import pytest
from hypothesis import given

from tests.delivery.notices import LEVELS, moment, stele
from tests.delivery.screen_page import Page, PageCrashed, foreign
from warnsys.delivery.tiles import SLOTS, TEXT, TITLE, CityTiles, Tile, screen_message, tiles
from warnsys.records import SteleItem, SteleRecord

ZONE = ZoneInfo("Europe/Berlin")
SEEN = 31
"""As many characters of a text are seen on a screen's two lines."""
SEVERITIES = {level: name for name, level in LEVELS.items()}


def item(level: int = 4, begins: float = -60, ends: float | None = 3600, **said: Any) -> SteleItem:
    fields = {
        "base_id": "w", "phase": "warning", "level": level, "severity": SEVERITIES[level], "urgency": "Immediate",
        "certainty": "Likely", "group": "WIND", "presentation": "full" if level > 2 else "tile", "label": {},
        "event": {"de": "Orkanböen"}, "when": {}, "onset": moment(begins),
        "expires": None if ends is None else moment(ends), "texts": {}, "credit": {}, "via": "cell",
    }  # fmt: skip
    return SteleItem.model_validate(fields | said)


def record(*items: SteleItem, district: str = "mitte", at: float = 0, **said: Any) -> SteleRecord:
    status = "warned" if any(one.phase != "expired" for one in items) else "clear"
    fields = {"district_name": district.title(), "status": status, "items": items, "as_of": moment(at)}
    return stele(f"{district}{at}", at, district).model_copy(update=fields | said)


def of(*records: SteleRecord, at: float = 60, exercise: bool = False) -> tuple[Tile, ...]:
    return tiles(records, moment(at), ZONE, exercise=exercise)


def shown(*records: SteleRecord, at: float = 60) -> list[tuple[str, str]]:
    return [(one.title, one.text) for one in of(*records, at=at)]


def test_a_warning_says_what_until_when_and_where() -> None:
    assert shown(record(item()), record(district="nord")) == [("Unwetter Stufe 4", "Bis 15:00: Orkanböen, Mitte")]
    assert shown(record(item())) == [("Unwetter Stufe 4", "Bis 15:00: Orkanböen")]
    three = [record(item(), district=name) for name in ("mitte", "nord", "west")]
    assert shown(*three, record(district="ost")) == [("Unwetter Stufe 4", "Bis 15:00: Orkanböen, 3 Bezirke")]


@pytest.mark.parametrize(
    ("said", "reads"),
    [
        ({"level": 1}, ("Wetter Stufe 1", "Bis 15:00: Orkanböen")),
        ({"ends": None}, ("Unwetter Stufe 4", "Ende offen: Orkanböen")),
        ({"begins": 600}, ("Unwetter Stufe 4", "14:10-15:00: Orkanböen")),
        ({"begins": 600, "ends": None}, ("Unwetter Stufe 4", "Ab 14:10, Ende offen: Orkanböen")),
        ({"ends": 86400}, ("Unwetter Stufe 4", "Bis Do 15.07. 14:00: Orkanböen")),
        ({"begins": 600, "ends": 86400}, ("Unwetter Stufe 4", "14:10-Do 15.07. 14:00: Orkanböen")),
        ({"begins": 86400, "ends": 90000}, ("Unwetter Stufe 4", "Do 15.07. 14:00-15:00: Orkanböen")),
        ({"phase": "advance"}, ("Vorab: Stufe 4", "Bis 15:00: Orkanböen")),
        ({"category": "Safety"}, ("Gefahr Stufe 4", "Bis 15:00: Orkanböen")),
        ({"event": {"de": "x" * 99}}, ("Unwetter Stufe 4", "Bis 15:00: X" + "x" * 32 + "…")),
        ({"event": {"de": "schweres Gewitter, extreme Orkanböen, Hagel"}},
         ("Unwetter Stufe 4", "Bis 15:00: Schweres Gewitter, extreme…")),
        ({"event": {}}, ("Unwetter Stufe 4", "Bis 15:00: Gefahr")),
    ],
)  # fmt: skip
def test_the_words_of_a_tile(said: dict[str, Any], reads: tuple[str, str]) -> None:
    assert shown(record(item(**said))) == [reads]


def test_an_exercise_says_so_first() -> None:
    records = [record(item()), record(item(phase="advance")), record(status="no_data"), record(item(ends=1))]
    assert [of(one, exercise=True)[0].title for one in records] == [
        "ÜBUNG: Unwetter Stufe 4", "ÜBUNG: Vorab: Stufe 4", "ÜBUNG: Warnlage unbekannt", "ÜBUNG: Warnung abgelaufen"
    ]  # fmt: skip


def test_the_worst_is_first_and_the_second_says_how_many_more_there_are() -> None:
    found = of(record(*(item(level, base_id=f"w{level}", event={"de": f"E{level}"}) for level in (1, 4, 2, 3))))
    assert [(one.text, one.red) for one in found] == [
        ("Bis 15:00: E4", True), ("Bis 15:00: E3 und 2 weitere", True)
    ]  # fmt: skip


def test_red_is_what_holds_from_severe_on() -> None:
    red = {level: of(record(item(level)))[0].red for level in (1, 2, 3, 4)}
    assert red == {1: False, 2: False, 3: True, 4: True}
    assert not of(record(item(4, phase="advance")))[0].red


def test_a_record_that_is_too_old_is_no_data_and_what_was_last_known_is_not_red() -> None:
    found = of(record(item()), at=180)
    assert [(one.title, one.text, one.red, one.warns) for one in found] == [
        ("Warnlage unbekannt", "Keine Daten seit 14:00", False, False),
        ("Unwetter Stufe 4", "Bis 15:00: Orkanböen", False, False),
    ]
    assert shown(record(), record(district="nord", status="no_data")) == [("Warnlage unbekannt", "Ohne Daten: Nord")]


def test_what_has_expired_is_not_said_to_have_ended() -> None:
    unconfirmed = [("Warnung abgelaufen", "Bestätigung steht aus")]
    assert shown(record(item(ends=30))) == unconfirmed
    assert shown(record(item(phase="expired"), status="unconfirmed")) == unconfirmed


# -- over time ------------------------------------------------------------------------------------------------------


class Street:
    """A city with one screen, on which all that has to be said is said."""

    def __init__(self) -> None:
        self.city, self.page = CityTiles(ZONE, exercise=False), Page()

    def at(self, seconds: float, *records: SteleRecord) -> list[str]:
        """Takes records; gives the titles that the screen then shows."""
        for one in records:
            self.city.take(one)
        for slot, tile in sorted(self.city.slots(moment(seconds)).items(), reverse=True):
            self.page.take(screen_message("live", "solingen", slot, tile))
        return [title for title, _, _ in self.page.shown()]


def test_an_end_is_said_for_ten_minutes_and_then_nothing() -> None:
    street = Street()
    assert street.at(0, record(item())) == ["Unwetter Stufe 4"]
    assert street.at(60, record(at=60)) == ["Warnung beendet"]
    assert street.at(600, record(at=600)) == ["Warnung beendet"]
    assert street.at(661, record(at=661)) == []
    assert street.at(700, record(at=700)) == []


def test_a_gap_in_the_data_does_not_say_an_end_anew() -> None:
    street = Street()
    street.at(0, record(item()))
    street.at(60, record(at=60))
    assert street.at(500) == ["Warnlage unbekannt"]
    assert street.at(510, record(at=510)) == ["Warnung beendet"]
    assert street.at(661, record(at=661)) == []


def test_the_end_of_one_of_two_is_taken_away_at_once() -> None:
    street = Street()
    assert street.at(0, record(item(), item(3, base_id="b"))) == ["Unwetter Stufe 4", "Unwetter Stufe 3"]
    assert street.at(60, record(item(3, base_id="b"), at=60)) == ["Unwetter Stufe 3"]


def test_an_end_that_is_not_the_last_words_does_not_come_back() -> None:
    street = Street()
    street.at(0, record(item()))
    street.at(60, record(at=60))
    assert street.at(120, record(item(), at=120)) == ["Unwetter Stufe 4"]
    assert street.at(180, record(at=180)) == ["Warnung beendet"]
    assert street.at(750, record(at=750)) == ["Warnung beendet"], "ten minutes count from the later end"


def test_after_a_start_nothing_is_taken_away_before_all_districts_can_have_been_heard() -> None:
    before, after = Street(), Street()
    before.at(0, record(item()))
    after.page = before.page
    assert after.at(60, record(at=60, district="nord")) == ["Unwetter Stufe 4"], "mitte has not been heard yet"
    assert after.at(250, record(at=250, district="nord")) == []


def test_what_is_said_to_be_empty_takes_nobodys_place_for_long() -> None:
    street = Street()
    street.at(0, record())
    street.at(180, record(at=180))
    for name in "abc":
        street.page.take(foreign(name))
    assert street.at(300, record(at=300)) == ["c", "b", "a"]


def test_a_district_that_is_no_more_is_forgotten_once_others_are_heard_for_an_hour() -> None:
    street = Street()
    street.at(0, record(item(ends=None)), record(district="nord"))
    assert street.at(3700, record(at=3700, district="nord"))[0] == "Warnlage unbekannt"
    assert street.at(3900, record(at=3900, district="nord")) == ["Warnung beendet"]


def test_where_nothing_is_heard_at_all_nothing_is_known() -> None:
    street = Street()
    assert street.at(0) == []
    assert street.at(180) == ["Warnlage unbekannt"]
    assert street.at(200, record(at=200)) == []


def test_the_end_of_an_advance_notice_is_not_the_end_of_a_warning() -> None:
    street = Street()
    assert street.at(0, record(item(phase="advance"))) == ["Vorab: Stufe 4"]
    assert street.at(60, record(at=60)) == []


def test_an_older_record_changes_nothing() -> None:
    street = Street()
    street.at(60, record(item(), at=60))
    assert street.at(61, record(at=0)) == ["Unwetter Stufe 4"]


def test_a_slot_has_a_name_of_its_own_whatever_stands_there() -> None:
    places = list(itertools.product(("live", "uebung"), ("solingen", "haan"), range(SLOTS)))
    (tile,) = of(record(item()))
    names = [[json.loads(screen_message(*place, what))["uuid"] for place in places] for what in (tile, None)]
    assert names[0] == names[1]
    assert len(set(names[0])) == len(places)


# -- whatever comes -------------------------------------------------------------------------------------------------

WORDS = st.text(max_size=60) | st.sampled_from(["Schweres Gewitter mit Orkanböen", "\u202e\x00\n", "ß" * 50])
ITEMS = st.builds(
    lambda level, begins, lasts, **said: item(level, begins, None if lasts is None else begins + lasts, **said),
    st.integers(1, 4), st.integers(-(10**5), 10**6), st.none() | st.integers(0, 10**6),
    base_id=st.sampled_from("abcd"), phase=st.sampled_from(["advance", "warning", "expired"]),
    event=st.fixed_dictionaries({}, optional={"de": WORDS, "en": WORDS}),
    category=st.none() | st.just("Safety"), presentation=st.sampled_from(["tile", "banner", "full"]),
)  # fmt: skip
RECORDS = st.builds(
    lambda items, **said: record(*items, **said), st.lists(ITEMS, max_size=4),
    district=st.sampled_from(["mitte", "nord", "west"]), at=st.integers(0, 7200), district_name=WORDS,
    status=st.sampled_from(["warned", "unconfirmed", "clear", "no_data"]),
    as_of=st.none() | st.integers(-(10**6), 0).map(moment),
)  # fmt: skip


def readable(told: Sequence[Tile | None]) -> bool:
    return all(0 < len(one.title) <= TITLE and 0 < len(one.text) <= TEXT for one in told if one)


@given(st.lists(st.tuples(st.integers(0, 4000), st.lists(RECORDS, max_size=4)), max_size=8))
def test_whatever_is_known_a_page_takes_it_and_reads_no_less(steps: list[tuple[int, list[SteleRecord]]]) -> None:
    street, now, newest = Street(), 0, dict[str, SteleRecord]()
    for seconds, records in steps:
        now += seconds
        for one in records:
            street.city.take(one)
            if one.district not in newest or one.issued >= newest[one.district].issued:
                newest[one.district] = one
        told = street.city.slots(moment(now))
        assert len(told) <= SLOTS
        assert readable(list(told.values()))
        for slot, tile in sorted(told.items(), reverse=True):
            street.page.take(screen_message("live", "solingen", slot, tile))
        page = street.page.shown()
        assert len(page) <= SLOTS
        known = [one for one in newest.values() if recent(one, newest)]
        valid = [one for one in known if moment(now) < one.valid_until and one.status != "no_data"]
        if any(standing(each, moment(now)) for one in valid for each in one.items):
            assert told[0] is not None
            assert told[0].warns
        elif len(valid) < len(known):
            assert page[0][0] == "Warnlage unbekannt"


def standing(one: SteleItem, now: datetime) -> bool:
    return one.phase != "expired" and (one.expires is None or now < one.expires)


def recent(one: SteleRecord, newest: dict[str, SteleRecord]) -> bool:
    return max(each.issued for each in newest.values()) <= one.valid_until + timedelta(hours=1)


@given(ITEMS.filter(lambda one: one.expires is not None and standing(one, moment(0))), WORDS, st.integers(1, 99))
def test_whatever_else_a_tile_says_it_says_the_end(one: SteleItem, district: str, more: int) -> None:
    assert one.expires is not None
    others = [item(1, base_id=f"o{number}", presentation="tile", ends=None) for number in range(more + 1)]
    for records in ([record(one)], [record(one, district_name=district), record(district="nord")]):
        for each in of(*records, at=0), of(records[0].model_copy(update={"items": (one, *others)}), at=0):
            warnings = [tile.text for tile in each if "Ende offen" not in tile.text]
            assert all(f"{one.expires.astimezone(ZONE):%H:%M}" in text[:SEEN] for text in warnings)


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["mitte", "nord"])), min_size=1, max_size=9))
def test_the_worst_of_all_districts_stands_first(found: list[tuple[int, str]]) -> None:
    records = [
        record(*(item(level, base_id=str(level), presentation="tile") for level, name in found if name == district),
               district=district)
        for district in ("mitte", "nord")
    ]  # fmt: skip
    levels = sorted({level for level, _ in found}, reverse=True)[:SLOTS]
    assert [int(tile.title[-1]) for tile in of(*records)] == levels


@given(st.lists(RECORDS, min_size=1, max_size=6), st.integers(0, 10**4))
def test_whatever_was_warned_of_in_the_end_nothing_is_left(records: list[SteleRecord], now: int) -> None:
    street = Street()
    street.at(now, *records)
    for seconds in range(now + 10**4, now + 10**4 + 1200, 30):
        found = street.at(seconds, *(record(district=one.district, at=seconds) for one in records))
    assert found == []


@pytest.mark.parametrize("body", [b"null", b'{"uuid":"x","eventType":"plain_message","payload":{"createdAt":"nie"}}'])
def test_the_page_of_these_tests_crashes_as_the_real_one(body: bytes) -> None:
    with pytest.raises(PageCrashed):
        Page().take(body)

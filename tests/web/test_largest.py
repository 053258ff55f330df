"""One warning, one picture: what stele and card show largest has its own level, words and times; so has the rest."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from tests.domain.test_largest import STORM, made
from tests.domain.test_largest import heard as city_heard
from tests.support import at, meaning, outcome, snapshot, tick
from tests.web.sites import Desk
from tests.web.states import STATES
from warnsys.channels import wording
from warnsys.records import Meaning, SteleItem

PATHS = ("/stele/d1", "/stele/d1?small=1", "/embed/d1", "/embed/d1?lang=en")


def heard(*meanings: Meaning, minute: float = 0) -> Desk:
    desk = Desk().later(-61).take(tick(-61))
    told = {f"M{number}": one for number, one in enumerate(meanings)}
    desk.later(-60).take(*(outcome(name, one, stamp=-60, sent=-61) for name, one in told.items()))
    return desk.take(snapshot(-60, *told)).later(minute).take(tick(minute))


def said(of: html.HtmlElement) -> str:
    return " ".join(of.text_content().split())


def parts(page: html.HtmlElement, path: str) -> list[html.HtmlElement]:
    found = page.xpath(path)
    assert isinstance(found, list)
    return [one for one in found if isinstance(one, html.HtmlElement)]


def says(text: str, item: SteleItem, language: str) -> bool:
    """Whether a text has an item's event, level and period, which ends with its own end or says that it is open."""
    event = item.event[language]
    number = f"Stufe {item.level} von 4" if language == "de" else f"evel {item.level} of 4"
    notice = "Vorabinformation" if language == "de" else "Advance notice"
    named = (notice in text) == (item.urgency == "Future")
    return event[1:] in text and number in text and item.when[language] in text and named


@pytest.fixture(scope="module")
def calm() -> Desk:
    return Desk().take(tick(0), snapshot(0))


@settings(max_examples=40)
@given(st.lists(made(), min_size=1, max_size=5), st.sampled_from([60, 0, -30, -100, -299, -301]))
def test_each_warning_has_its_own_level_words_and_end_and_the_first_is_the_largest(
    calm: Desk, meanings: list[Meaning], moved: float
) -> None:
    desk, by = calm, timedelta(minutes=moved)
    ends = [one.expires and one.expires + by for one in meanings]
    told = [
        one.model_copy(update={"onset": one.onset + by, "expires": end})
        for one, end in zip(meanings, ends, strict=True)
    ]
    desk.board.steles["d1"] = city_heard(*told).stele()
    record = desk.board.stele("d1")
    assert record is not None
    standing = [item for item in record.items if item.phase != "expired"]
    for path in PATHS:
        language = "en" if path.endswith("en") else "de"
        page = html.fromstring(desk.public.get(path).text)
        (root,) = parts(page, "//*[@id='live']")
        rows = [said(row) for row in parts(page, "//*[@id='further']//li")]
        if not standing:
            assert not parts(page, "//*[@id='first']")
            assert len(rows) == len(record.items)
            continue
        (first,) = parts(page, "//*[@id='first']")
        largest = record.items[0]
        assert {largest.presentation, f"level-{largest.level}"} <= set(root.get("class").split())
        assert ("advance" in root.get("class").split()) == (largest.phase == "advance")
        assert says(said(first), largest, language), said(first)
        for item, row in zip(record.items[1:], rows, strict=True):
            assert says(row, item, language), row


def test_each_period_says_its_end() -> None:
    zone = Desk().city.rules.place.timezone
    assert wording.period(at(0), at(60), zone)["de"].endswith("15:00 Uhr")
    assert wording.period(at(0), None, zone)["de"].endswith("Ende offen")


@pytest.mark.parametrize("path", ["/stele/d1", "/embed/d1"])
def test_heat_does_not_hide_a_storm_behind_its_own_advice(path: str) -> None:
    heat = meaning("Extreme", group="HEAT", ii="248", onset=-60, expires=600)
    page = html.fromstring(heard(heat, STORM("Severe")).page(path))
    (first,), (row,) = parts(page, "//*[@id='first']"), parts(page, "//*[@id='further']//li")
    assert "Trinken Sie viel" not in said(page)
    assert "Stufe 3 von 4" in said(first)
    assert "Extreme Hitze" in said(row)
    assert "Stufe 4 von 4" in said(row)


def test_plain_advice_stands_first_and_the_authors_own_instruction_in_german_after_it() -> None:
    for state in ("severe", "moderate"):
        page = html.fromstring(STATES[state]().page("/stele/solingen-1"))
        (german,) = parts(page, "//*[@id='german']")
        said_first = [one.tag + "".join(one.classes) for one in german]
        assert said_first in (["h2", "padvice", "pinstruction", "pdescription"], ["h2", "padvice", "pdescription"])
    text = STATES["severe"]().page("/stele/solingen-1")
    assert "Schließen Sie Fenster und Türen." in text
    assert "Gehen Sie sofort in ein festes Haus." in text


def test_an_advance_notice_and_what_begins_in_hours_have_no_advice_of_ours_for_now() -> None:
    assert "Was tun?" in STATES["advance"]().page("/stele/solingen-1")  # the author's own
    for state in ("advance", "far"):
        page = html.fromstring(STATES[state]().page("/stele/solingen-1"))
        assert "Gehen Sie" not in said(page)
    notice = meaning("Severe", urgency="Future", onset=480, expires=900)
    assert "Was tun?" not in heard(notice).page("/stele/d1")


@pytest.mark.parametrize("path", ["/stele/d1", "/embed/d1"])
def test_without_data_a_screen_says_so_first_and_then_what_was_last_known_and_has_not_ended(path: str) -> None:
    soon = meaning("Moderate", group="WIND", ii="52", expires=5)
    desk = heard(soon, STORM("Severe")).later(10)
    assert desk.board.stele("d1") is None
    text = said(parts(html.fromstring(desk.page(path)), "//main")[0])
    assert text.startswith("Keine verlässlichen Daten")
    assert "Stand 13:00, seither keine Daten" in text
    assert "Stufe 3 von 4" in text
    assert "turmböen" not in text
    assert "Stufe 3 von 4" not in heard(soon).later(10).page(path)

"""What ran out while no data came: nobody knows whether it is over, and no page looks calm or says that it is."""

import pytest
from lxml import html

from tests.support import meaning, outcome, snapshot, tick
from tests.web.sites import Desk
from tests.web.states import STATES
from tests.web.test_largest import parts, said
from tests.web.test_sites import warned
from tests.web.test_start import content, rows
from warnsys.web.views import changed_between
from warnsys.web.words import words

NO_DATA, EXPIRED, EVENT = "Keine verlässlichen Daten", "Warnung abgelaufen", "Heftiger Starkregen"
SCREENS = "/stele/d1", "/embed/d1", "/district/d1"


def ran_out(*, fresh: bool) -> Desk:
    """A warning has passed its own end; with data since then, or with none for hours."""
    records = [snapshot(239, "A"), tick(242)] if fresh else [tick(242)]
    return warned().later(242).take(*records)


@pytest.mark.parametrize("path", SCREENS)
def test_without_data_a_screen_says_so_first_and_below_what_ran_out(path: str) -> None:
    text = content(ran_out(fresh=False), path)
    assert 0 <= text.find(NO_DATA) < text.find(EXPIRED) < text.find(EVENT)


@pytest.mark.parametrize("path", SCREENS)
def test_with_data_it_says_what_ran_out(path: str) -> None:
    text = content(ran_out(fresh=True), path)
    assert NO_DATA not in text
    assert 0 <= text.find(EXPIRED) < text.find(EVENT)


@pytest.mark.parametrize("fresh", [True, False])
def test_the_start_page_names_what_ran_out_with_its_level_and_end(fresh: bool) -> None:
    row = rows(ran_out(fresh=fresh))["d1"]
    assert (NO_DATA in row) is not fresh
    for each in (EXPIRED, EVENT, "Stufe 3 von 4", "18:00"):
        assert each in row


def test_a_stele_without_data_is_as_dark_as_one_on_which_nothing_stood() -> None:
    assert 'class="stele no_data ' in ran_out(fresh=False).page("/stele/d1")
    assert 'class="stele tile ' in ran_out(fresh=True).page("/stele/d1")


def test_the_report_of_a_shift_does_not_say_that_nothing_holds_where_that_is_not_known() -> None:
    desk = warned().later(242).take(tick(242))
    for district in desk.board.steles:
        record = desk.board.steles[district]
        desk.board.steles[district] = record.model_copy(update={"items": (), "status": "no_data"})
    text = desk.page("/lagebericht")
    assert NO_DATA in text
    assert "Keine Wetterwarnung" not in text


def test_a_row_of_the_start_page_names_the_worst_of_many() -> None:
    """Also where it begins hours later, and stands behind the others on the steles."""
    small = [outcome(f"M{n}", meaning("Minor", group="WIND", ii="51", expires=300 + n)) for n in range(5)]
    later = outcome("X", meaning("Extreme", onset=200, expires=400))
    desk = Desk().take(tick(0), *small, later, snapshot(0, *(f"M{n}" for n in range(5)), "X"))
    assert "Stufe 4 von 4" in rows(desk)["d1"]


def test_a_change_line_says_that_the_event_is_another_and_nothing_of_a_begin_that_is_over() -> None:
    before = outcome("A", meaning(onset=0), sent=0)
    assert changed_between(before, outcome("B", meaning(onset=20), sent=20, supersedes=["A"])) == []
    assert changed_between(before, outcome("B", meaning(onset=40), sent=20, supersedes=["A"])) == ["later"]
    assert changed_between(before, outcome("B", meaning(onset=0, ii="66"), sent=20, supersedes=["A"])) == ["event"]


@pytest.mark.parametrize("language", ["de", "en"])
def test_the_card_says_in_a_banner_that_its_data_are_old_and_once(language: str) -> None:
    page = html.fromstring(STATES["stale"]().page(f"/embed/solingen-1?lang={language}"))
    (banner,) = parts(page, "//header/p[@class='mark old' and not(@id)]")
    assert words(language)("title") not in said(banner)
    assert said(page).count(said(banner)) == 1
    assert not parts(html.fromstring(warned().page(f"/embed/d1?lang={language}")), "//header/p[not(@id)]")


@pytest.mark.parametrize("language", ["de", "en"])
def test_a_card_without_data_says_that_it_is_not_known_whether_something_holds(language: str) -> None:
    page = html.fromstring(warned().later(10).page(f"/embed/d1?lang={language}"))
    for place in ("//main", "//*[@id='blind']"):
        assert words(language)("no-data-text") in said(parts(page, place)[0])

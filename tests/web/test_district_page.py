"""The operators' page of one district is its part of the desk, and leads back to it."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.geofences.fences import block, fence, write
from tests.support import cancel, meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk
from tests.web.states import STATES, town_in
from tests.web.test_surroundings import desk as over_a_file
from warnsys.records import Freshness
from warnsys.web.board import Board
from warnsys.web.message_list import KnownMessages, ListedMessage
from warnsys.web.overview import district_part, overview
from warnsys.web.pictures import STANDS_S
from warnsys.web.site import Site
from warnsys.web.told import Cell

TOWN = "solingen-2"


def part(text: str, begin: str, end: str) -> str:
    return text[text.index(begin) :].partition(end)[0]


def matrix(text: str) -> dict[str, list[str]]:
    """By warning, what each audience knows."""
    found = {}
    for row in part(text, 'class="matrix"', "</table>").split('<tr><th scope="row"')[1:]:
        name = " ".join(unescape(re.sub("<[^>]+>", " ", row.partition(">")[2].partition("</th>")[0])).split())
        found[name] = re.findall(r'title="([^"]+)"', row)
    return found


def cells(desk: Desk, district: str) -> dict[tuple[str, str], Cell]:
    board = desk.board.picture()
    city, found = desk.site.district(district)
    said = district_part(overview(desk.site, board, "de"), board, city, found, "de")
    (row,) = said["city"]["matrix"]
    return {(one.channel, one.audience): one for one in row.cells}


@pytest.mark.parametrize("state", STATES)
def test_what_holds_there_and_who_was_told_is_what_the_desk_says(state: str) -> None:
    town = town_in(state)
    desk = town.page("/")
    everywhere = matrix(desk)
    assert bool(everywhere) == ('class="way ' in desk)
    seen = set[str]()
    for district in town.city.rules.place.districts:
        text = town.page(f"/bezirk/{district.id}")
        here = matrix(text)
        assert here.items() <= everywhere.items()
        seen |= here.keys()
        row = part(desk, f'id="district-{district.id}"', "</tr>")
        badge = re.findall(r'class="badge[^"]*">[^<]*<', row)
        assert badge == re.findall(r'class="badge[^"]*">[^<]*<', part(text, "<h1>", "</h1>"))
        shown = set(re.findall(r'class="warning [^>]*\bdata-id="([^"]+)"', part(text, "<main", "</section>")))
        stele = town.board.stele(district.id)
        assert shown == ({item.base_id for item in stele.items} if stele else set())
    assert seen == everywhere.keys()


def test_it_leads_back_to_the_desk_and_the_desk_to_it() -> None:
    town = town_in("severe")
    for district in town.city.rules.place.districts:
        assert f'href="/bezirk/{district.id}"' in town.page("/")
    text = town.page(f"/bezirk/{TOWN}")
    assert '<a href="/" aria-keyshortcuts="l">Zur Übersicht</a>' in text
    assert f'href="/stele/{TOWN}"' in text
    assert f'href="/meldungen?district={TOWN}"' in text
    assert 'href="/?lang=en" aria-keyshortcuts="l"' in town.page(f"/bezirk/{TOWN}?lang=en")


@pytest.mark.parametrize(("asked", "name"), [("", "Bezirk District 1"), ("?lang=en", "District District 1")])
def test_it_is_named_otherwise_than_the_public_page(asked: str, name: str) -> None:
    text = Desk().page(f"/bezirk/d1{asked}")
    assert f"<title>{name}</title>" in text
    assert f"<h1>{name} " in text


def test_districts_named_as_languages_give_the_public_no_page_of_the_operators(tmp_path: Path) -> None:
    made = over_a_file(
        write(
            tmp_path / "ort.geojson",
            fence("de", block(0, 0, 1000, 1000)),
            fence("en", block(1000, 0, 1000, 1000)),
        )
    )
    made.stands_s = STANDS_S
    made.serve()
    assert "desk-page" in made.page("/bezirk/de?lang=en")
    assert "desk-page" not in made.public.get("/district/en").text
    assert "desk-page" not in made.public.get("/district/de?lang=en").text
    assert "desk-page" in made.page("/bezirk/en")


def test_the_desk_and_the_districts_of_one_picture_share_what_is_worked_out_of_all_cities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    languages, listed = list[str](), list[Board]()

    def counted(site: Site, board: Board, language: str) -> dict[str, Any]:
        languages.append(language)
        return overview(site, board, language)

    def counted_rows(known: KnownMessages, board: Board) -> list[ListedMessage]:
        listed.append(board)
        return rows_of(known, board)

    monkeypatch.setattr("warnsys.web.overview.overview", counted)
    rows_of = KnownMessages.of
    monkeypatch.setattr(KnownMessages, "of", counted_rows)
    desk = Desk(stands_s=STANDS_S).take(tick(0), outcome("A", meaning()), snapshot(0, "A"))
    for path in ("/bezirk/d1", "/", "/bezirk/d2", "/bezirk/d2?lang=en", "/?lang=en", "/meldungen"):
        desk.page(path)
    assert languages == ["de", "en"]
    assert len(listed) == 1
    desk.later(1).page("/bezirk/d1")
    assert len(languages) == 3
    assert len(listed) == 2
    assert desk.operators.get("/bezirk/nowhere?lang=en", auth=LOGIN).status_code == 404
    assert len(languages) == 3, "nothing is worked out for a district that is not there"


def test_its_messages_are_those_that_warned_it() -> None:
    town = town_in("extreme")
    listed = re.findall(r'data-step id="message-\d+" href="/alert/([^"]+)"', town.page(f"/bezirk/{TOWN}"))
    warned = {
        one.listed_id
        for one in town.board.outcomes.values()
        if any(impact.district == TOWN for meaning in one.meanings for impact in meaning.impacts)
    }
    assert set(listed) == warned
    assert len(listed) == len(warned)


def test_the_cancel_of_what_warned_it_is_listed_and_no_other_one() -> None:
    made = Desk().take(tick(0))
    for name, place in (("A", "d1"), ("B", "d2")):
        made.take(outcome(name, meaning(districts=[place])))
    made.later(1).take(tick(1), cancel("end-A", "A", 1), cancel("end-B", "B", 1))
    text = made.page("/bezirk/d1")
    listed = part(text, '<ul class="log scroll" id="list"', "</ul>")
    assert re.findall(r'data-step id="message-\d+" href="/alert/([^"]+)"', listed) == ["end-A", "A"]
    assert "<b>Aufhebung</b>" in listed.partition("</li>")[0]
    assert "Stufe" not in listed.partition("</li>")[0]
    assert "für diesen Bezirk (2)" in text
    (address,) = re.findall(r'href="(/meldungen\?district=d1)"', text)
    there = made.page(address)
    assert [name for name in ("A", "B", "end-A", "end-B") if f'href="/alert/{name}"' in there] == ["A", "end-A"]


def test_its_timeline_has_only_what_concerns_it() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning(districts=["d1"])), snapshot(0, "A"))
    assert part(desk.page("/bezirk/d1"), 'class="timeline"', "</svg>").count('class="lane') == 1
    assert part(desk.page("/bezirk/d2"), 'class="timeline"', "</svg>").count('class="lane') == 0


def test_a_notice_that_named_only_other_districts_has_told_nobody_there() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Moderate", districts=["d1"])), snapshot(0, "A"))
    desk.later(1)
    form = {"channel": "push", "reason": "Fehlalarm", "minutes": "30", "by": "Leitstelle A"}
    desk.operators.post("/act/stop", data=form, auth=LOGIN, headers={"Sec-Fetch-Site": "same-origin"})
    desk.later(2).take(tick(2), outcome("B", meaning("Moderate"), supersedes=["A"], sent=2, stamp=2))
    assert (cells(desk, "d1")["push", "public"].state, cells(desk, "d1")["push", "public"].level) == ("stopped", 2)
    assert (cells(desk, "d2")["push", "public"].state, cells(desk, "d2")["push", "public"].at) == ("stopped", None)
    assert "zuletzt" in part(desk.page("/bezirk/d1"), 'class="matrix"', "</table>")
    assert "zuletzt" not in part(desk.page("/bezirk/d2"), 'class="matrix"', "</table>")


def test_a_district_of_which_nothing_is_known_does_not_look_calm() -> None:
    assert "Keine Wetterwarnung" in Desk().take(tick(0), snapshot(0)).page("/bezirk/d1")
    for desk in (Desk(), Desk().take(tick(0), snapshot(0)).later(10)):
        text = desk.page("/bezirk/d1")
        assert "Keine Wetterwarnung" not in text
        assert "Es gilt keine Warnung" not in text
        assert "Keine verlässlichen Daten" in text
    one = Desk().take(tick(0), snapshot(0))
    one.put("stele", "d1", None)
    assert "Keine Wetterwarnung" not in one.page("/bezirk/d1")
    assert "Keine Wetterwarnung" in one.page("/bezirk/d2")


@pytest.mark.parametrize("freshness", ["incomplete", "stale", "none"])
def test_a_record_that_is_clear_by_data_that_are_not_fresh_looks_calm_nowhere(freshness: Freshness) -> None:
    desk = Desk().take(tick(0), snapshot(0))
    calm = ("Keine Wetterwarnung", "Es gilt keine Warnung", 'class="badge clear"')
    assert all(said in desk.page(path) for said in calm for path in ("/", "/bezirk/d1"))
    for name, record in desk.board.steles.items():
        desk.board.steles[name] = record.model_copy(update={"freshness": freshness})
    for path in ("/", "/bezirk/d1"):
        text = desk.page(path)
        assert [said for said in calm if said in text] == []
        assert "Keine verlässlichen Daten" in text


def test_what_is_loud_elsewhere_is_said_there_too_until_somebody_has_seen_it() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Extreme", districts=["d1"])), snapshot(0, "A"))
    text = desk.page("/bezirk/d2")
    assert "Anderswo, noch nicht gesehen" in text
    assert text.count("data-loud=") == 1
    assert "Anderswo" not in desk.page("/bezirk/d1")
    form = {"city": "x", "base_id": "A", "level": "4", "by": "Platz 7"}
    desk.operators.post("/act/acknowledge", data=form, auth=LOGIN, headers={"Sec-Fetch-Site": "same-origin"})
    assert "data-loud" not in desk.page("/bezirk/d2")


@pytest.mark.parametrize("path", ["/bezirk/nowhere", "/bezirk/%00", "/bezirk/" + "x" * 90])
def test_an_unknown_district_is_a_page_for_people(path: str) -> None:
    answer = Desk().operators.get(path, auth=LOGIN)
    assert answer.status_code == 404
    assert "Diese Seite gibt es nicht" in answer.text


def test_it_is_the_operators() -> None:
    assert Desk().operators.get("/bezirk/d1").status_code == 401
    assert Desk().public.get("/bezirk/d1").status_code == 404

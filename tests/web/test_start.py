"""The public start page and a district's page: everybody finds what holds, and nothing unknown looks calm."""

import threading
from dataclasses import replace
from inspect import signature
from itertools import permutations
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from lxml import html

from tests.support import City, at, cancel, city_rules, meaning, outcome, snapshot, tick
from tests.web.sites import LOGIN, Desk
from tests.web.states import SEVERE, STATES, Town
from tests.web.test_largest import parts, said
from tests.web.test_sites import calm, warned
from warnsys.channels.common import district_link
from warnsys.cli.init import init
from warnsys.records import DistrictStatus, Freshness, SteleItem
from warnsys.settings import EXAMPLE
from warnsys.web import names, start
from warnsys.web.board import TopicRecord
from warnsys.web.names import forms_of, is_named, words_of
from warnsys.web.pictures import STANDS_S
from warnsys.web.timeline import timeline
from warnsys.web.views import View, district_view
from warnsys.web.words import words

CALM = "Keine Wetterwarnung"
NOTHING_KNOWN = "Keine verlässlichen Daten"
PAGES = ("/start", "/district/d1")


def shown(of: Desk, path: str) -> html.HtmlElement:
    answer = of.public.get(path)
    assert answer.status_code == 200, answer.text
    return html.fromstring(answer.text)


def content(of: Desk, path: str) -> str:
    """What a page says, without what it would say if it had no connection."""
    (main,) = parts(shown(of, path), "//main")
    return said(main)


def rows(of: Desk, path: str = "/start") -> dict[str, str]:
    """What the start page says of each district that it shows."""
    found = parts(shown(of, path), "//*[@data-district]")
    return {str(row.get("data-district")): said(row) for row in found}


# -- what holds -----------------------------------------------------------------------------------------------------


def test_the_start_page_shows_each_district_with_event_level_and_end_and_leads_to_its_page() -> None:
    town = STATES["severe"]()
    found = rows(town)
    assert list(found) == [one.id for one in town.city.rules.place.districts]
    record = town.board.stele("solingen-1")
    assert record is not None
    first = record.items[0]
    assert first.event["de"][1:] in found["solingen-1"]
    assert "Stufe 3 von 4" in found["solingen-1"]
    assert first.when["de"] in found["solingen-1"]
    second = record.items[1]
    assert f"{second.label['de']}, heute, {second.when['de']}" in found["solingen-1"], "as an item of its own"
    assert "Stand Mi 14.07." in found["solingen-1"]
    (link,) = parts(shown(town, "/start"), "//*[@data-district='solingen-1']//a")
    assert town.public.get(str(link.get("href"))).status_code == 200


def test_what_is_first_is_what_the_stele_shows_largest() -> None:
    for state in ("severe", "extreme", "far", "moderate"):
        town = STATES[state]()
        record = town.board.stele("solingen-1")
        assert record is not None
        largest = record.items[0].event["de"][1:]
        assert largest in rows(town)["solingen-1"]
        titles = [said(one) for one in parts(shown(town, "/district/solingen-1"), "//article//h3")]
        assert titles[0][1:] == largest
        assert [title[1:] for title in titles] == [item.event["de"][1:] for item in record.items]


def test_a_districts_page_says_all_of_each_warning() -> None:
    text = content(STATES["severe"](), "/district/solingen-1")
    assert "Schließen Sie Fenster und Türen." in text, "the author's own instruction"
    assert "Gehen Sie sofort in ein festes Haus." in text, "plain advice"
    assert "Was tun?" in text
    assert "Quelle: Deutscher Wetterdienst" in text
    assert "Türkçe" in text
    english = content(STATES["severe"](), "/district/solingen-1?lang=en")
    assert "Go into a solid building at once." in english
    assert "Was tun?" not in english


def test_each_page_links_to_stele_card_and_the_districts_own_data() -> None:
    desk = warned()
    page = shown(desk, "/district/d1?lang=en")
    links = [str(one.get("href")) for one in parts(page, "//footer//a")]
    assert {desk.public.get(link).status_code for link in links} == {200}
    assert [link.split("?")[0] for link in links] == [
        "/stele/d1", "/embed/d1", "/api/v1/districts/d1/situation", "/api/v1/districts/d1/cap", "/api/v1/notices.atom",
    ]  # fmt: skip


@pytest.mark.parametrize("state", ["advance", "far"])
def test_an_advance_notice_is_called_one_and_has_no_advice_of_ours(state: str) -> None:
    town = STATES[state]()
    record = town.board.stele("solingen-1")
    assert record is not None
    notices = [item for item in record.items if item.phase == "advance"]
    for path in ("/start", "/district/solingen-1"):
        text = content(town, path)
        assert ("Vorabinformation" in text) == bool(notices)
        assert "Gehen Sie" not in text


def headed(of: Desk, path: str) -> list[tuple[str, list[str]]]:
    """The headings over the warnings of a district's page, each with the articles under it."""
    found = list[tuple[str, list[str]]]()
    for part in parts(shown(of, path), "//main//h2 | //main//article//h3"):
        if part.tag == "h2":
            found.append((said(part), []))
        else:
            found[-1][1].append(said(part))
    return [one for one in found if one[1]]


NOW, LATER, NOTICES, EXPIRED = "Was jetzt gilt", "Was später beginnt", "Vorabinformationen", "Warnung abgelaufen"


def test_each_warning_stands_under_whether_it_holds_begins_later_or_is_an_advance_notice() -> None:
    found = {
        state: [name for name, _ in headed(STATES[state](), "/district/solingen-1")]
        for state in ("advance", "far", "severe", "extreme", "expired")
    }
    assert found["severe"][0] == NOW
    assert found["extreme"][0] == NOW
    assert found["extreme"][-1] == NOTICES
    assert found["expired"] == [EXPIRED]
    for urgency, onset, text in (("Future", 600, NOTICES), ("Immediate", 600, LATER), ("Immediate", 2, NOW)):
        told = meaning("Extreme", urgency=urgency, onset=onset, expires=900)
        desk = Desk().take(tick(0), outcome("A", told), snapshot(0, "A"))
        assert [name for name, _ in headed(desk, "/district/d1")] == [text], "what begins while the page stands, too"
        assert CALM not in content(desk, "/district/d1")
        english = content(desk, "/district/d1?lang=en")
        assert ("What begins later" in english) == (text == LATER)


def test_what_is_of_one_kind_stands_under_one_heading_whatever_else_is_larger() -> None:
    desk = Desk().take(
        tick(0),
        outcome("A", meaning("Extreme", urgency="Future", onset=600, expires=900)),
        outcome("B", meaning("Severe", onset=700, expires=900, group="HEAT", ii="247")),
        outcome("C", meaning("Moderate", urgency="Future", onset=600, expires=900, group="WIND", ii="51")),
        outcome("D", meaning("Minor", expires=900, group="WIND", ii="51")),
        snapshot(0, "A", "B", "C", "D"),
    )
    found = headed(desk, "/district/d1")
    assert {name: len(titles) for name, titles in found} == {NOW: 1, LATER: 1, NOTICES: 2}
    assert len(found) == 3


def test_what_ended_lately_is_named_with_when_it_was_ended_before_its_time() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Severe", expires=300)), snapshot(0, "A"))
    desk.later(10).take(outcome("B", sent=10, stamp=10, supersedes=["A"]), snapshot(10, "B"), tick(10))
    desk.later(12).take(tick(12))
    text = content(desk, "/district/d1")
    assert CALM in text
    ended = text[text.index("Zuletzt beendet oder abgelaufen") :]
    assert "Stufe 3 von 4" in ended
    assert "beendet Mi 14.07. 14:10" in ended
    assert "Folgegefahren sind möglich" in ended


def test_what_has_expired_without_a_confirmation_has_not_ended() -> None:
    for path in ("/start", "/district/solingen-1"):
        text = content(STATES["expired"](), path)
        assert "Warnung abgelaufen" in text
        assert "Die Bestätigung steht aus" in text
        assert CALM not in text
    assert "festes Haus" not in content(STATES["expired"](), "/district/solingen-1")
    assert content(STATES["expired"](), "/district/solingen-1").count("chweres Gewitter") == 1


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_has_expired_commands_nothing_any_more(language: str) -> None:
    before, after = (
        content(STATES[state](), f"/district/solingen-1?lang={language}") for state in ("severe", "expired")
    )
    orders = {"de": "Bleiben Sie im Haus", "en": "Stay indoors"}
    for said_before in (orders[language], words(language)("what-to-do"), "110 km/h", "evde kalın"):
        assert said_before in before
        assert said_before not in after
    assert words(language)("unconfirmed-text") in after
    assert words(language)("expired") in after
    assert "3" in after, "what it was stays"


@pytest.mark.parametrize("language", ["de", "en"])
def test_what_has_passed_its_own_end_is_called_that_before_its_district_is_settled_anew(language: str) -> None:
    """The agents are away, so the record is older than the end of what stands in it."""
    desk = Desk().take(
        tick(0),
        outcome("A", meaning("Severe", expires=2)),
        outcome("B", meaning("Minor", group="WIND", ii="51", expires=2)),
        snapshot(0, "A", "B"),
    )
    expired = words(language)("expired")
    for path in ("/start", "/district/d1", "/embed/d1", "/stele/d1"):
        said_in = "de" if path.startswith("/stele") else language
        address = f"{path}?lang={language}"
        for minute, times in ((1.9, 0), (2, 2), (2.9, 2)):
            text = content(desk.later(minute), address)
            held = text.count(words(said_in)("expired"))
            assert held == times * (2 if path == "/start" else 1), (address, minute, text)
            assert "3" in text, "its level stays"
    page = desk.page(f"/?lang={language}")
    assert expired in page
    assert page.count(words(language)("ends-in", time="0 s")) == 0
    assert headed(desk.later(2.5), "/district/d1")[0][0] == EXPIRED
    assert headed(desk.later(1.5), "/district/d1")[0][0] == NOW


ENDED = "Zuletzt beendet oder abgelaufen"


def arrived(minute: float = 0) -> Desk:
    """Minutes after noon the districts are calm, and a message has come that nobody has settled yet."""
    desk = Desk().take(tick(0), snapshot(0)).later(minute)
    desk.put("impacts", "", outcome("A", meaning("Extreme", expires=75), stamp=minute).to_bytes())
    return desk


@pytest.mark.parametrize("minute", [0, 1, 2.9])
def test_what_was_just_matched_has_not_ended(minute: float) -> None:
    desk = arrived(minute)
    assert ENDED not in content(desk, "/district/d1")
    assert ENDED not in content(desk.later(2.95), "/district/d1")
    assert lanes(desk) == {"A": False}


def test_what_was_just_matched_and_has_expired_since_is_no_more_known_to_have_ended() -> None:
    desk = Desk().take(tick(0), snapshot(0)).later(1)
    desk.put("impacts", "", outcome("A", meaning("Extreme", expires=2), stamp=1).to_bytes())
    assert ENDED not in content(desk.later(2.5), "/district/d1")


def test_what_was_withdrawn_and_is_listed_again_has_not_ended() -> None:
    other = outcome("B", meaning("Minor", districts=["d2"], expires=300))
    desk = Desk().take(tick(0), outcome("A", meaning("Severe", expires=300)), other, snapshot(0, "A", "B"))
    for minute in (5, 10, 15, 20, 25):
        desk.later(minute).take(tick(minute), snapshot(minute, "B"))
    assert ENDED in content(desk, "/district/d1")
    assert lanes(desk) == {"A": True, "B": False}
    desk.later(26)
    desk.put("impacts", "", outcome("A", meaning("Severe", expires=300), stamp=26).to_bytes())
    assert ENDED not in content(desk, "/district/d1")
    assert lanes(desk) == {"A": False, "B": False}


def test_a_process_that_begins_anew_says_of_what_is_not_settled_that_it_stands() -> None:
    """It reads the topics in whatever order, each record with the time at which it was written."""
    at_once = arrived(2).board
    for records in permutations([
        TopicRecord("stele", "d1", at_once.steles["d1"].to_bytes(), {}, at(0)),
        TopicRecord("impacts", "", at_once.outcomes["A"].to_bytes(), {}, at(2)),
        TopicRecord("impacts", "", tick(0).to_bytes(), {}, at(0)),
    ]):  # fmt: skip
        for minute in (2, 2.9):
            desk = Desk().later(minute)
            desk.board.connected = desk.board.caught_up = False
            for record in records:
                desk.board.take(record)
            desk.board.connected = True
            assert CALM in content(desk, "/district/d1")
            assert ENDED not in content(desk, "/district/d1")
            assert lanes(desk, "d1") == {"A": False}


def test_what_was_withdrawn_before_a_process_began_is_known_to_have_ended() -> None:
    desk = Desk().later(30)
    desk.board.connected = desk.board.caught_up = False
    desk.board.take(TopicRecord("impacts", "", outcome("A", meaning(expires=300)).to_bytes(), {}, at(0)))
    desk.board.connected = True
    desk.take(tick(30), snapshot(30))
    assert ENDED in content(desk, "/district/d1")
    assert lanes(desk) == {"A": True}


def test_clocks_that_agree_within_a_minute_end_nothing() -> None:
    """The city's clock, by which a stele is issued, may be ahead of the broker's."""
    desk = Desk().later(1)
    desk.board.connected = desk.board.caught_up = False
    desk.board.take(TopicRecord("impacts", "", outcome("A", meaning(expires=300)).to_bytes(), {}, at(0.1)))
    desk.board.connected = True
    desk.take(tick(1), snapshot(1))
    assert ENDED not in content(desk, "/district/d1")
    assert ENDED in content(desk.later(2).take(tick(2)), "/district/d1")


def test_in_an_exercise_what_was_just_matched_has_not_ended_either(monkeypatch: pytest.MonkeyPatch) -> None:
    town = Town(stage="sommergewitter").tick(-5).snap(-1).tick(0)
    with monkeypatch.context() as settled:
        settled.setattr(town.city, "take", lambda _: None)
        town.hear("A", town._written(SEVERE))
        assert ENDED not in content(town, "/district/solingen-1")
        assert set(lanes(town).values()) == {False}
    town.tick(2)
    assert ENDED in content(town, "/district/solingen-1"), "nobody listed it"


def test_of_a_record_with_more_than_it_tells_nothing_is_called_ended() -> None:
    desk = Desk().take(tick(0), outcome("A", meaning("Severe", expires=5)), snapshot(0, "A")).later(10)
    desk.take(tick(10), snapshot(10))
    assert ENDED in content(desk, "/district/d1")
    record = desk.board.steles["d1"]
    desk.board.steles["d1"] = record.model_copy(update={"more": 3})
    assert ENDED not in content(desk, "/district/d1")


@pytest.mark.parametrize("path", ["/start", "/stele/d1", "/embed/d1", "/district/d1"])
def test_every_page_says_as_long_as_a_districts_own_that_dangers_may_remain(path: str) -> None:
    note = words("de")("ended-note")
    desk = Desk().take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    assert note not in content(desk, path)
    desk.later(10).take(cancel("C", "A", 10), snapshot(10, "C"), tick(10))
    assert CALM in content(desk, path)
    assert note in content(desk, path)
    later = 10 + 12 * 60
    desk.later(later).take(snapshot(later), tick(later))
    assert CALM in content(desk, path)
    assert note not in content(desk, path)


def lanes(desk: Desk, district: str = "") -> dict[str, bool]:
    """By message, whether the operators' timeline draws it as over."""
    return {one.base_id: one.over for one in timeline(desk.board.picture(), desk.city.rules, "de", district).lanes}


# -- nothing unknown looks calm -------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PAGES)
def test_without_a_record_or_with_one_past_its_time_nothing_is_known(path: str) -> None:
    assert NOTHING_KNOWN in content(Desk(), path)
    assert CALM not in content(Desk(), path)
    desk = calm()
    assert CALM in content(desk, path)
    assert CALM not in content(desk.later(4), path)
    assert NOTHING_KNOWN in content(desk, path)


@pytest.mark.parametrize("path", PAGES)
def test_what_was_last_known_is_named_while_nothing_is_known(path: str) -> None:
    text = content(warned("Extreme").later(10), path)
    assert NOTHING_KNOWN in text
    assert "Zuletzt bekannt, gilt vielleicht noch:" in text
    assert "Stufe 4 von 4" in text
    assert "Stand Mi 14.07. 14:00" in text


@pytest.mark.parametrize("later", [0, 10])
def test_whatever_is_last_known_says_when_it_will_have_ended_by_its_own_end(later: float) -> None:
    desk = warned("Extreme").later(later)  # with data a page keeps it for the time without
    for path in PAGES if later else PAGES[1:]:
        lines = parts(shown(desk, path), "//*[contains(@class, 'last')]//li")
        assert lines
        assert all(int(str(one.get("data-left"))) > 0 for one in lines)


@pytest.mark.parametrize("path", ["/start", "/district/solingen-1"])
def test_old_data_are_called_that(path: str) -> None:
    stale = content(STATES["stale"](), path)
    assert "seither keine Daten" in stale
    assert "Stufe 3 von 4" in stale
    assert "unvollständig" in content(STATES["incomplete"](), path)
    assert CALM not in stale + content(STATES["incomplete"](), path)


def test_while_no_record_comes_a_page_says_that_it_grows_old() -> None:
    late = words("de")("page-late")
    desk = calm()
    for path in PAGES:
        assert late not in desk.public.get(path).text
        desk.later(1)
        assert late in desk.public.get(path).text
        desk.later(0)
    desk.board.connected = False
    assert late in desk.public.get("/start").text


@pytest.mark.parametrize("lang", ["de", "en"])
def test_the_start_page_without_a_connection_promises_nothing_that_it_takes_away(lang: str) -> None:
    """When its time is over it shows no district any more, so it cannot say that it shows what was known last."""
    (live,) = parts(shown(warned(), f"/start?lang={lang}"), "//*[@id='live']")
    assert live.get("data-offline") == words(lang)("page-offline")
    assert words(lang)("page-offline") != words(lang)("offline")


ITEMS: dict[str, tuple[SteleItem, ...]] = {}


@pytest.fixture(scope="module")
def desk() -> Desk:
    made = warned()
    (warning,) = made.board.steles["d1"].items
    ITEMS["none"], ITEMS["warning"] = (), (warning,)
    ITEMS["advance"] = (warning.model_copy(update={"phase": "advance", "presentation": "tile"}),)
    ITEMS["expired"] = (warning.model_copy(update={"phase": "expired", "presentation": "tile"}),)
    return made


@examples(max_examples=25, deadline=None)
@given(
    st.sampled_from(["warned", "unconfirmed", "clear", "no_data"]),
    st.sampled_from(["fresh", "incomplete", "stale", "none"]),
    st.sampled_from(["none", "none", "warning", "advance", "expired"]),
    st.sampled_from([0, 2.9, 3.1, 600]),
    st.booleans(),
)
def test_no_district_looks_calm_whose_record_is_not_fresh(
    desk: Desk, status: DistrictStatus, freshness: Freshness, items: str, minutes: float, exercise: bool
) -> None:
    desk.later(0)
    record = desk.board.steles["d1"].model_copy(
        update={"status": status, "freshness": freshness, "items": ITEMS[items], "exercise": exercise}
    )
    desk.board.steles["d1"] = record
    desk.later(minutes)
    known = minutes < 3
    pages = [rows(desk)["d1"], content(desk, "/district/d1"), content(desk, "/stele/d1"), content(desk, "/embed/d1")]
    for text in pages:
        looks_calm = CALM in text
        assert looks_calm == (known and status == "clear" and freshness == "fresh" and items == "none"), text
        if known and items in ("warning", "advance"):
            assert "Stufe 3 von 4" in text
        elif known and items == "expired":
            assert "Warnung abgelaufen" in text
        elif not looks_calm:
            assert NOTHING_KNOWN in text


@pytest.mark.parametrize("state", STATES)
def test_no_state_says_calm_of_a_district_unless_its_record_is_clear_and_fresh(state: str) -> None:
    town = STATES[state]()
    for district, text in rows(town).items():
        record = town.board.stele(district)
        clear = record is not None and (record.status, record.freshness) == ("clear", "fresh")
        assert (CALM in text) == clear
        assert (CALM in content(town, f"/district/{district}")) == clear


# -- search ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("gräfrath", "Gräfrath"), ("GRAEFRATH", "Gräfrath"), ("Grafrath", "Gräfrath"), ("  grä ", "Gräfrath"),
        ("gra\u0308frath", "Gräfrath"), ("strasse", "Lange Straße"), ("STRAẞE", "Lange Strasse"),
        ("lange str", "Lange Straße"), ("hoehscheid burg", "Burg/Höhscheid"), ("burghöhscheid", "Burg/Höhscheid"),
        ("ohligs-aufderhöhe", "Ohligs, Aufderhöhe"),
        ("neuenhaus", "Neuenhaus"), ("enhaus", "Neuenhaus"), ("mosciska", "Mościska"),
    ],
)  # fmt: skip
def test_a_name_is_found_in_any_case_without_its_marks_spelt_out_and_in_part(asked: str, name: str) -> None:
    assert is_named(words_of(asked), forms_of(name))


@pytest.mark.parametrize(
    ("asked", "name"), [("wald", "Gräfrath"), ("gräfrath wald", "Gräfrath"), ("xgräfrath", "Gräfrath"), (" - ", "Wald")]
)
def test_another_name_is_not_found(asked: str, name: str) -> None:
    assert not is_named(words_of(asked), forms_of(name))


@pytest.mark.parametrize("asked", ["!!!", " - ", "\uff9e", "\u0308", "\x00"])
def test_a_question_without_words_finds_no_district(asked: str) -> None:
    page = parts(html.fromstring(calm().public.get("/start", params={"q": asked}).text), "//main")[0]
    assert "Kein Bezirk heißt so" in said(page)
    assert not page.xpath("//*[@data-district]")


def test_a_blank_question_is_none() -> None:
    assert list(rows(calm(), "/start?q=%20%20")) == list(rows(calm()))


def test_a_search_reads_its_question_once_and_each_name_once_for_all_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    read, plain = list[str](), names._words

    def noted(text: str) -> list[str]:
        read.append(text)
        return plain(text)

    monkeypatch.setattr(names, "_words", noted)
    town = STATES["calm"]()
    rows(town, "/start?q=wald")
    assert set(map(read.count, read)) == {1}
    read.clear()
    assert list(rows(town, "/start?q=gräfrath")) == ["solingen-5"]
    assert read == ["gräfrath"]


def test_a_search_shows_few_districts_and_says_how_many_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "MOST_FOUND", 2)
    town = STATES["calm"]()
    assert len(rows(town, "/start?q=solingen")) == 2
    text, every = content(town, "/start?q=solingen"), len(rows(town))
    assert every > 2
    assert f"{every} Bezirke zu „solingen“" in text
    assert f"{every - 2} weitere Bezirke stehen hier nicht" in text


def test_equal_questions_share_a_page_and_each_reads_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    desk, found = Desk(stands_s=STANDS_S).take(tick(0), snapshot(0)), list[str]()

    def noted(asked: str) -> Any:
        found.append(asked)
        return words_of(asked)

    monkeypatch.setattr(start, "words_of", noted)
    for asked in ("district+1", "++district+++1+", "DISTRICT+1"):
        page = shown(desk, f"/start?q={asked}")
        (field,) = parts(page, "//input[@id='q']")
        assert field.get("value") == " ".join(asked.replace("+", " ").split())
    assert found == ["district 1", "DISTRICT 1"]


def test_searches_have_a_thread_of_their_own_and_the_page_without_a_question_has_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worded, plain = list[str](), district_view

    def viewed(*given: Any) -> View:
        worded.append(threading.current_thread().name.rpartition("_")[0])
        return plain(*given)

    monkeypatch.setattr(start, "district_view", viewed)
    desk = calm()
    for path, thread in (
        ("/start", "pages"),
        ("/start?q=+", "pages"),
        ("/start?q=district", "searches"),
        ("/district/d1", "pages"),
    ):
        worded.clear()
        assert desk.public.get(path).status_code == 200
        assert set(worded) == {thread}


def test_the_search_shows_the_districts_of_that_name_alone_and_says_how_many() -> None:
    town = STATES["calm"]()
    assert list(rows(town, "/start?q=GRAEFRATH")) == ["solingen-5"]
    assert len(rows(town, "/start?q=solingen")) == len(town.city.rules.place.districts)
    text = content(town, "/start?q=Kalk")
    assert "Kein Bezirk heißt so: „Kalk“" in text
    assert CALM not in text
    assert "Ein Bezirk zu „wald“" in content(town, "/start?q=wald")
    assert "One district for “wald”" in content(town, "/start?q=wald&lang=en")


def test_the_search_keeps_the_language_and_needs_no_script() -> None:
    page = shown(calm(), "/start?lang=en&q=%3Cb%3E")
    (form,) = parts(page, "//form")
    assert (form.get("method", "get"), form.get("action")) == ("get", None)
    assert {one.get("name"): one.get("value") for one in parts(form, ".//input")} == {"q": "<b>", "lang": "en"}
    (link,) = parts(page, "//*[@hreflang='de']")
    assert link.get("href") == "?lang=de&q=%3Cb%3E"


def test_a_start_page_of_many_districts_is_bounded_and_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "MOST_DISTRICTS", 1)
    desk = calm()
    assert list(rows(desk)) == ["d1"]
    assert "Ein weiterer Bezirk steht hier nicht" in content(desk, "/start")
    assert list(rows(desk, "/start?q=district+2")) == ["d2"], "but it is found"


def test_the_start_page_shows_the_worst_districts_first_and_leaves_out_the_calm_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = Desk()
    desk.set_up(City(city_rules(6)), desk.matcher)
    desk.take(
        tick(0),
        outcome("A", meaning("Minor", districts=["d3"], expires=90)),
        outcome("B", meaning("Severe", districts=["d5"], expires=90)),
        outcome("C", meaning("Extreme", districts=["d2"], urgency="Future", onset=600, expires=900)),
        snapshot(0, "A", "B", "C"),
    )
    (expired,) = desk.board.steles["d3"].items
    items = (expired.model_copy(update={"phase": "expired", "presentation": "tile"}),)
    desk.board.steles["d6"] = desk.board.steles["d6"].model_copy(update={"status": "unconfirmed", "items": items})
    del desk.board.steles["d4"]
    assert list(rows(desk)) == ["d5", "d3", "d2", "d4", "d6", "d1"], "as on a stele; what is not known may be anything"
    assert list(rows(desk, "/start?q=district")) == list(rows(desk))
    monkeypatch.setattr(start, "MOST_DISTRICTS", 2)
    monkeypatch.setattr(start, "MOST_FOUND", 2)
    for path in ("/start", "/start?q=district"):
        assert list(rows(desk, path)) == ["d5", "d3"]
    assert "4 weitere Bezirke stehen hier nicht" in content(desk, "/start")
    assert "4 more districts are not shown" in content(desk, "/start?lang=en")


def test_a_name_longer_than_any_is_refused_in_plain_words() -> None:
    answer = calm().public.get(f"/start?q={'x' * 101}")
    assert answer.status_code == 422
    assert "Eine Angabe passt nicht" in answer.text


# -- where it stands ------------------------------------------------------------------------------------------------


def test_the_public_site_begins_with_it_and_the_operators_with_their_desk() -> None:
    desk = warned()
    assert rows(desk, "/") == rows(desk, "/start")
    assert 'class="desk-page' in desk.page("/")
    for path in PAGES:
        assert desk.operators.get(path).status_code == 200, "without a sign-in, as steles"
        assert "desk-page" not in desk.operators.get(path, auth=LOGIN).text


def test_the_link_that_a_new_city_is_given_leads_to_its_districts_pages_once_the_site_is_named() -> None:
    proposed = signature(init).parameters["link"].default
    desk = calm()
    address = urlsplit(district_link(replace(desk.city.rules.place, link=proposed), "d1"))
    assert f"//{address.netloc}" == EXAMPLE, "where nothing leads: doctor says so, and steles have no code"
    assert desk.public.get(address.path).status_code == 200


def test_the_start_page_alone_may_ask_for_the_position_and_names_nobody_who_would_get_it() -> None:
    desk = calm()
    for path in ("/", "/start", "/start?q=x"):
        assert "geolocation=(self)" in desk.public.get(path).headers["permissions-policy"]
        assert "connect-src 'self';" in desk.public.get(path).headers["content-security-policy"]
    for path in ("/district/d1", "/stele/d1", "/embed/d1", "/district/nowhere", "/static/locate.js"):
        assert "geolocation=()" in desk.public.get(path).headers["permissions-policy"]
    (locator,) = parts(shown(desk, "/start"), "//*[@id='locator']")
    assert locator.get("hidden") is not None, "without its script it does nothing"


def test_an_unknown_district_gets_a_german_page_that_no_screen_takes_for_its_own() -> None:
    answer = warned().public.get("/district/nowhere")
    assert answer.status_code == 404
    assert words("de")("error-404") in answer.text
    assert words("de")("error-says-nothing") in answer.text
    assert 'id="live"' not in answer.text


def test_a_districts_page_is_bounded_and_hides_no_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "MOST_WHOLE", 1)
    page = shown(STATES["severe"](), "/district/solingen-1")
    first, second = (said(one) for one in parts(page, "//article"))
    assert "Schließen Sie Fenster und Türen." in first
    assert "Am Nachmittag wird es heiß" not in second
    assert "Stufe 1 von 4" in second
    assert "bis 19:00 Uhr" in second


def test_an_exercise_is_marked_and_the_embedded_broker_is_named() -> None:
    for path in PAGES:
        assert "ÜBUNG" in Desk(stage="storm").public.get(path).text
        assert "nicht für den Betrieb" in calm().public.get(path).text


def test_several_cities_stand_apart() -> None:
    town, desk = Town().tick(-5).snap(0), calm()
    town.board.cities = {**town.board.cities, **desk.board.cities}
    headings = [said(one) for one in parts(shown(town, "/start"), "//main//h2")]
    assert headings == ["Solingen", "Xstadt"]
    assert NOTHING_KNOWN in rows(town)["d1"]


def test_the_atom_feed_of_one_district_has_its_notices_alone_and_an_id_of_its_own() -> None:
    desk = warned()
    whole, one = (desk.public.get(f"/api/v1/notices.atom{query}").text for query in ("", "?district=d1"))
    assert "<entry>" in one
    assert "urn:warnsys:live:x:d1<" in one
    assert "urn:warnsys:live:x<" in whole
    for notice in list(desk.board.notices):
        elsewhere = notice.model_copy(update={"districts": ("d2",)})
        desk.board.notices.remove(notice)
        desk.board.notices.append(elsewhere)
    assert "<entry>" not in desk.public.get("/api/v1/notices.atom?district=d1").text
    unknown = desk.public.get("/api/v1/notices.atom?district=nowhere")
    assert (unknown.status_code, unknown.json()["errors"][0]["pointer"]) == (404, "#/query/district")

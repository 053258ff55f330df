"""The desk says what is: who was told and who was not, what a stop held back, and figures that agree."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from lxml import html

from tests.support import at, cancel, meaning, outcome, rejected, snapshot, tick
from tests.web.sites import LOGIN, Desk, settings
from tests.web.states import FLOOD, HEAT, STATES, Town, town_in
from warnsys.records import FeedStatus
from warnsys.web import app
from warnsys.web.history import History
from warnsys.web.in_brief import in_brief
from warnsys.web.told import Cell, matrix
from warnsys.web.views import district_view, holdings

ORIGIN = {"Sec-Fetch-Site": "same-origin"}
BROKEN = {"reason": "not-xml at line 1: no end tag", "agent": "match", "topic": "cap.alerts", "offset": "7"}


def warned(severity: str = "Severe") -> Desk:
    return Desk().take(tick(0), outcome("A", meaning(severity)), snapshot(0, "A"))


def raised(desk: Desk, minute: float) -> Desk:
    new = outcome("B", meaning("Extreme", expires=300), supersedes=["A"], sent=minute, stamp=minute)
    return desk.later(minute).take(tick(minute), new)


def cells(desk: Desk, base_id: str) -> dict[tuple[str, str], Cell]:
    board, city = desk.board.picture(), desk.city.rules
    views = [district_view(board, city, one, "de") for one in city.place.districts]
    rows = matrix(board, city, holdings(board, city, views, "de"), board.orders())
    (row,) = [one for one in rows if one.one.item.record.base_id == base_id]
    return {(one.channel, one.audience): one for one in row.cells}


def states(desk: Desk, base_id: str) -> dict[tuple[str, str], str]:
    return {way: cell.state for way, cell in cells(desk, base_id).items()}


def order(desk: Desk, minutes: int | str, reason: str = "Fehlalarm", channel: str = "push", **more: str) -> Any:
    form = {"channel": channel, "reason": reason, "minutes": str(minutes), "by": "Leitstelle A", **more}
    return desk.operators.post("/act/stop", data=form, auth=LOGIN, headers=ORIGIN)


# -- who was told -----------------------------------------------------------------------------------------------------


def test_who_was_told_stands_with_its_time_and_who_was_not_with_the_reason() -> None:
    desk = warned("Moderate").later(2)
    found = cells(desk, "A")
    assert {way: cell.state for way, cell in found.items()} == {
        ("push", "public"): "told", ("sms", "public"): "held", ("push", "staff"): "told", ("sms", "staff"): "held",
    }  # fmt: skip
    assert found["push", "public"].at == at(0)
    text = desk.page("/")
    assert 'title="Push, öffentlich: mitgeteilt (Stufe 2 von 4, Mi 14.07. 14:00)"' in text
    assert re.search(r'title="SMS, öffentlich: erst ab Stufe 3 von 4">\s*erst ab Stufe 3\s*</td>', text)


def test_a_worse_warning_that_ends_hours_earlier_is_no_notice_of_a_lesser_one() -> None:
    desk = Desk().take(tick(0), outcome("X", meaning("Extreme", expires=60)), snapshot(0, "X"))
    desk.take(tick(1), outcome("A", meaning("Moderate", ii="61", expires=240), sent=1, stamp=1), snapshot(1, "X", "A"))
    found = cells(desk, "A")
    assert (found["sms", "public"].state, found["push", "public"].state) == ("held", "told")


def test_the_report_says_when_a_message_came_and_when_it_was_sent() -> None:
    desk = Desk().later(30).take(tick(30), outcome("A", meaning(), sent=0, stamp=30), snapshot(30, "A"))
    row = 'Mi 14.07. 14:30<br><span class="soft">gesendet Mi 14.07. 14:00</span>'
    assert row in desk.page("/lagebericht")


async def test_no_page_ever_says_that_a_stopped_channel_tells() -> None:
    desk = warned("Moderate")
    await desk.stop("push")
    raised(desk, 1)
    found = cells(desk, "B")
    assert (found["push", "public"].state, found["push", "staff"].state) == ("stopped", "stopped")
    assert (found["push", "public"].at, found["push", "public"].level) == (at(0), 2), "what it was told before"
    assert found["sms", "public"].state == "told"
    for page in ("/", "/lagebericht"):
        text = desk.page(page)
        assert "wird mitgeteilt" not in text
        assert "angehalten" in text


async def test_what_was_told_before_a_stop_stays_told() -> None:
    desk = warned().later(1)
    await desk.stop("push")
    assert states(desk, "A")["push", "public"] == "told"


def test_an_order_that_is_not_confirmed_is_shown_as_that() -> None:
    desk = warned("Moderate").later(1)
    desk.agents = False
    order(desk, 30)
    raised(desk, 2)  # the agent has not heard of the order: it goes out
    assert states(desk, "B")["push", "public"] == "told"
    desk.board.notices.clear()
    assert states(desk, "B")["push", "public"] == "stopping"


async def test_after_resuming_the_matrix_says_when_it_was_told_after_all() -> None:
    desk = warned("Moderate")
    await desk.stop("push")
    raised(desk, 1).later(2)
    order(desk, 0, "geprüft")
    desk.take(tick(2))
    found = cells(desk, "B")["push", "public"]
    assert (found.state, found.level) == ("told", 4)


def test_another_warning_of_the_group_that_is_no_news_counts_as_told_with_it() -> None:
    desk = warned().take(outcome("C", meaning("Severe", expires=200), stamp=1), snapshot(1, "A", "C"))
    assert states(desk, "C")["push", "public"] == "told"


def test_a_warning_of_which_no_notice_is_known_is_not_called_told() -> None:
    desk = warned()
    desk.board.notices.clear()
    assert set(states(desk, "A").values()) == {"missing"}
    assert "keine Mitteilung bekannt" in desk.page("/")


def test_where_nothing_is_known_the_matrix_does_not_say_that_no_warning_holds() -> None:
    said = "Es gilt keine Warnung"
    assert said in Desk().take(tick(0), snapshot(0)).page("/")
    for desk in (Desk(), warned().later(10), Desk().take(tick(0), snapshot(0)).later(10)):
        assert said not in desk.page("/")
    part = Desk().take(tick(0), snapshot(0))
    part.put("stele", "d1", None)
    assert said not in part.page("/"), "one district of which nothing is known is enough"


# -- stops ------------------------------------------------------------------------------------------------------------


def test_what_a_stop_held_back_is_listed_while_it_holds() -> None:
    desk = warned("Moderate").later(1)
    order(desk, 30)
    assert "Push: zurückgehalten seit dem Anhalten" in desk.page("/")
    assert "Bisher kam nichts" in desk.page("/")
    text = raised(desk, 2).page("/")
    held = text[text.index('class="heldback"') :].partition("</div>")[0]
    assert "14:02" in held
    assert "Stufe 4 von 4" in held
    assert "öffentlich, Stab" in held


def test_after_resuming_stop_and_resume_both_stand_in_the_report_with_times_and_reasons() -> None:
    desk = warned("Moderate").later(1)
    order(desk, 30, "Fehlalarm")
    raised(desk, 2).later(5).take(tick(5))
    order(desk, 0, "geprüft")
    desk.take(tick(5)).later(9)
    text = desk.page("/lagebericht")
    assert "Mi 14.07. 14:01: Push angehalten bis Mi 14.07. 14:31: Fehlalarm (Leitstelle A)." in text
    assert "Mi 14.07. 14:05: Push wieder aufgenommen: geprüft (Leitstelle A)." in text
    assert text.count("Bestätigt Mi 14.07.") == 2
    assert "nachgeholt 14:05" in text
    assert "Push resumed: geprüft" in desk.page("/lagebericht?lang=en")


def test_an_end_that_was_held_back_is_listed_too() -> None:
    desk = warned().later(1)
    order(desk, 30)
    desk.later(2).take(tick(2), outcome("E", supersedes=["A"], sent=2, stamp=2, msg_type="Cancel", decided="not_live"))
    assert "Ende: heftiger Starkregen: öffentlich, Stab" in desk.page("/")


def test_every_order_of_a_shift_stands_in_the_report() -> None:
    desk = warned()
    for minute in (1, 3, 5):
        order(desk.later(minute), 30, f"Anlass {minute}")
        order(desk.later(minute + 1), 0, f"Ende {minute}")
    text = desk.page("/lagebericht")
    assert re.findall(r"(?:Anlass|Ende) \d", text) == [f"{w} {n}" for n in (1, 3, 5) for w in ("Anlass", "Ende")]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"minutes": "9999"}, "Minuten: eine ganze Zahl"), ({"minutes": "x"}, "Minuten: eine ganze Zahl"),
        ({"by": "<b>"}, "Schicht oder Platz: 1 bis 40"), ({"reason": "r" * 201}, "Grund: 1 bis 200"),
    ],
)  # fmt: skip
def test_a_form_keeps_what_was_typed_and_marks_the_field_where_something_is_wrong(
    wrong: dict[str, str], said: str
) -> None:
    typed = {"minutes": 45, "reason": "Test der Sirenen", "by": "Platz 7", **wrong}
    answer = order(warned(), **typed)  # type: ignore[arg-type]
    assert answer.status_code == 422
    page: Any = html.document_fromstring(answer.text)
    assert said in page.get_element_by_id("wrong").text_content()
    assert [one.get("name") for one in page.xpath("//*[@aria-invalid='true'][@aria-describedby='wrong']")] == [*wrong]
    for value in typed.values():
        assert f'value="{str(value).replace("<", "&lt;").replace(">", "&gt;")}"' in answer.text


@pytest.mark.parametrize("minutes", [45, 0])
def test_a_form_keeps_what_was_typed_where_the_broker_is_away(minutes: int) -> None:
    desk = warned()
    desk.broker = False
    answer = order(desk, minutes, "Test der Sirenen", by="Platz 7")
    assert answer.status_code == 503
    assert 'name="reason" required maxlength="200" size="60" value="Test der Sirenen"' in answer.text
    assert 'value="Platz 7"' in answer.text
    assert 'action="/act/stop"' in answer.text, "it can be sent again from there"


def test_an_acknowledgement_that_failed_can_be_sent_again_as_it_was() -> None:
    desk = warned()
    desk.broker = False
    form = {"city": "x", "base_id": "A", "level": "3", "by": "Platz 7"}
    text = desk.operators.post("/act/acknowledge", data=form, auth=LOGIN, headers=ORIGIN).text
    for name, value in form.items():
        assert re.search(rf'name="{name}"[^>]* value="{value}"', text)


@pytest.mark.parametrize("path", ["/stop/push", "/resume/push"])
async def test_a_page_with_a_form_is_never_loaded_anew_by_itself(path: str) -> None:
    desk = warned()
    await desk.stop("push")
    assert 'http-equiv="refresh"' not in desk.page(path)
    assert 'http-equiv="refresh"' in desk.page("/")


# -- figures ----------------------------------------------------------------------------------------------------------


def later(seconds: float) -> Any:
    return at(0) + timedelta(seconds=seconds)


def test_only_the_first_publication_of_a_message_is_measured() -> None:
    known = History()
    known.published("A", later(0), seen=later(-1))
    known.matched("A", later(0.5))
    known.shown("A", later(0.75))
    for round_ in (600, 1200):
        known.published("A", later(round_), seen=later(-1))
        known.matched("A", later(round_ + 50))
        known.shown("A", later(round_ + 99))
    assert known.totals_ms() == [750]
    (journey,) = known.journeys.values()
    assert (journey.match_ms, journey.settle_ms, journey.total_ms) == (500, 250, 750)


def test_a_message_that_is_published_again_is_no_new_one_to_a_process_that_has_just_started() -> None:
    known = History()
    known.published("A", later(600), seen=later(0))  # by the feed that saw it first
    known.published("B", later(600), seen=later(599))  # by a feed that has started anew, too
    for name in ("A", "B"):
        known.matched(name, later(0.5))
        known.matched(name, later(601))
        known.shown(name, later(640))
    assert known.totals_ms() == []


def test_in_whatever_order_the_topics_are_read_the_way_is_the_same() -> None:
    known = History()
    known.matched("A", later(0.5))
    known.published("A", later(0), seen=later(0))
    known.shown("A", later(0.75))
    assert known.totals_ms() == [750]


@pytest.mark.parametrize(("matched", "shown"), [(-1, 1), (1, 0.5), (-5, -3)])
def test_a_clock_that_went_back_measures_nothing(matched: float, shown: float) -> None:
    known = History()
    known.published("A", later(0))
    known.matched("A", later(matched))
    known.shown("A", later(shown))
    (journey,) = known.journeys.values()
    steps = [one for one in (journey.match_ms, journey.settle_ms, journey.total_ms) if one is not None]
    assert all(one >= 0 for one in steps)
    assert journey.total_ms is None


def status(desk: Desk, **fields: Any) -> str:
    said = {"stage": "live", "source": "dwd", "looked": desk.now, "stamp": desk.now, **fields}
    desk.put("status", "dwd", FeedStatus.model_validate(said).to_bytes())
    return desk.page("/")


def test_a_stale_source_says_why() -> None:
    desk = warned().later(60)
    assert "Die Quelle antwortet, hat aber nichts Neueres." in status(desk, stamp=at(0))
    assert "Der letzte Abruf schlug fehl: HTTP 502" in status(desk, stamp=at(0), error="HTTP 502")
    silent = status(desk, stamp=at(0), looked=at(20))
    assert "Der Feed-Prozess hat zuletzt Mi 14.07. 14:20 nachgesehen" in silent
    assert 'class="panel strip ill" id="strip" open' in silent
    assert "Der letzte Abruf" not in status(desk)


def test_a_source_that_is_looked_at_seldom_is_not_called_silent() -> None:
    seldom = settings()
    seldom = seldom.model_copy(update={"sources": [seldom.sources[0].model_copy(update={"poll_s": 600})]})
    desk = Desk(seldom).take(tick(0), snapshot(0)).later(8)
    assert "Der Feed-Prozess" not in status(desk, stamp=at(0), looked=at(0))


def test_a_time_that_lies_ahead_is_never_shown() -> None:
    desk = warned()
    text = status(desk, stamp=at(19_685_530 / 60))
    assert "eine Uhr geht falsch" in text
    assert not re.search(r"vor -|>-\d|2028", text)
    assert "vor 0 s" in status(desk, stamp=at(0.5)), "what is ahead by seconds is now"


def refused(desk: Desk, name: str, reason: str = BROKEN["reason"], agent: str = "match") -> None:
    desk.take(rejected(name, 1))
    desk.put("rejected", name, b"<alert", {**BROKEN, "reason": reason, "agent": agent})


def lists(desk: Desk, minute: float, *ids: str) -> None:
    desk.later(minute).put("impacts", "", snapshot(minute, *ids).to_bytes())


def listed(desk: Desk) -> list[str]:
    text = desk.page("/")
    part = text[text.index('id="strip-more"') :].partition("</details>")[0]
    return re.findall(r"</time> (.*?) \(<a", part)


def test_an_unreadable_message_is_listed_once_in_the_readers_language_while_it_is_there() -> None:
    desk = warned()
    for minute in range(0, 60, 10):  # it is published again with all others
        refused(desk.later(minute), "R")
        lists(desk, minute, "A", "R")
    assert listed(desk) == ["kein lesbares XML"]
    assert "no readable XML" in desk.page("/?lang=en")
    assert desk.board.rejected[0].at == at(0)
    lists(desk, 61, "A")
    assert listed(desk) == []
    assert "Nicht lesbar: 0" in desk.page("/")
    assert "kein lesbares XML" in desk.page("/lagebericht"), "that it was there is told"


def test_one_that_came_after_the_newest_listing_is_listed_and_one_that_can_be_read_at_last_is_not() -> None:
    desk = warned()
    lists(desk, 0, "A")
    refused(desk.later(1), "R")
    assert listed(desk) == ["kein lesbares XML"]
    desk.take(outcome("R", meaning("Minor"), stamp=2))
    lists(desk, 2, "A", "R")
    assert listed(desk) == []


def test_a_record_of_ours_that_cannot_be_read_is_told_for_hours() -> None:
    desk = warned().later(1)
    refused(desk, "x", "city: x: KeyError", agent="settle")
    assert listed(desk) == ["kann nicht verarbeitet werden"]
    assert listed(desk.later(13 * 60)) == []


def test_many_copies_of_one_refusal_push_no_other_out() -> None:
    desk = warned()
    refused(desk, "first")
    for _ in range(300):
        refused(desk, "R")
    assert [one.key for one in desk.board.rejected] == ["R", "first"]


# -- the report --------------------------------------------------------------------------------------------------------

NONE = {"de": ("Keine.", "Nichts."), "en": ("None.", "Nothing.")}


def sections(desk: Desk, language: str = "de") -> dict[str, Any]:
    """What stands under each heading of the report, by the heading without its count."""
    page: Any = html.document_fromstring(desk.page(f"/lagebericht?lang={language}"))
    found: dict[str, Any] = {}
    for one in page.xpath("//main/h2/following-sibling::*"):
        if one.tag == "h2":
            continue
        (heading,) = one.xpath("preceding-sibling::h2[1]")
        found.setdefault(re.sub(r" \(\d+\)", "", heading.text), []).append(one)
    return found


@pytest.mark.parametrize("language", NONE)
def test_a_section_of_the_report_without_entries_says_so(language: str) -> None:
    desk = Desk().take(tick(0), snapshot(0))
    desk.put("impacts", "", snapshot(0).to_bytes())
    found = sections(desk, language)
    said = [" ".join(one.text_content() for one in parts if "screen-only" not in one.get("class", ""))
        for parts in found.values()]  # fmt: skip
    none, nothing = NONE[language]
    assert said[1:] == [none, none, none, none, none, none, nothing]


@pytest.mark.parametrize("state", STATES)
def test_no_list_and_no_table_of_the_report_is_empty(state: str) -> None:
    for heading, parts in sections(town_in(state)).items():
        for one in parts:
            entries = one.xpath("self::ul/li | self::table/tbody/tr | self::p/text() | self::p/* | self::h3/text()")
            assert entries, heading


def test_where_nothing_is_known_the_report_does_not_say_that_nothing_was_held_back() -> None:
    for desk in (Desk(), warned().later(10)):
        (said,) = sections(desk)["Zurückgehalten"]
        assert said.text == "Keine verlässlichen Daten"


def test_where_no_source_was_ever_heard_the_report_does_not_say_that_none_was_missing() -> None:
    (said,) = sections(Desk())["Ausfälle"]
    assert said.text == "Keine verlässlichen Daten"


def test_what_came_and_is_not_decided_is_counted_in_the_report() -> None:
    desk = Desk().take(tick(0), snapshot(0))
    desk.put_alert("Z", b"<alert/>")
    counted, _ = sections(desk)["Eingegangen"]
    assert counted.text == "keine Entscheidung bekannt: 1"


def test_the_report_names_the_event_of_what_warns_nobody() -> None:
    desk = warned().later(1).take(tick(1), cancel("C", "A", 1))
    test = outcome("T", decided="not_live", sent=1, stamp=1).model_copy(update={"reason": "test: status Test, II 98"})
    desk.take(test)
    rows = [" ".join(one.text_content().split()) for table in sections(desk)["Eingegangen"] for one in table.iter("tr")]
    (ended,), (tested,) = ([row for row in rows if said in row] for said in ("(Aufhebung)", "Testmeldung"))
    assert "heftiger Starkregen (Aufhebung)" in ended
    own = in_brief(None, desk.board.alerts["T"]).events["de"]
    assert own
    assert f"{own} (neu)" in tested


def test_a_row_of_the_report_finds_the_event_of_a_cancel_whose_message_came_later() -> None:
    desk = Desk().take(tick(0), cancel("C", "A"))
    desk.page("/lagebericht")
    desk.take(outcome("A", meaning()))
    assert "heftiger Starkregen (Aufhebung)" in desk.page("/lagebericht")


def test_the_report_names_the_event_that_somebody_has_seen() -> None:
    desk = warned()
    form = {"city": "x", "base_id": "A", "level": "3", "by": "Platz 7"}
    desk.operators.post("/act/acknowledge", data=form, auth=LOGIN, headers=ORIGIN)
    (seen,) = sections(desk)["Gesehen"]
    assert seen.text_content() == "Mi 14.07. 14:00: Stufe 3 von 4 heftiger Starkregen – Platz 7"
    desk.board.outcomes.clear()
    (unknown,) = sections(desk)["Gesehen"]
    assert unknown.text_content().endswith("Stufe 3 von 4 A – Platz 7")


def test_a_running_stop_stands_in_the_report_once_with_its_time() -> None:
    desk = warned().later(1)
    order(desk, 30)
    (stops,) = sections(desk)["Angehalten und wieder aufgenommen"]
    (entry,) = stops.xpath("./li")
    assert entry.text_content().startswith("Mi 14.07. 14:01: Push angehalten bis Mi 14.07. 14:31: Fehlalarm")
    desk.board.stop_log.clear()
    (stops,) = sections(desk)["Angehalten und wieder aufgenommen"]
    (entry,) = stops.xpath("./li")
    assert entry.text_content() == "Push ist angehalten bis Mi 14.07. 14:31: Fehlalarm (Leitstelle A)"


UNREAD = "kein lesbares XML"


@pytest.mark.parametrize("days", [-400, 400], ids=["broker behind", "broker ahead"])
def test_in_an_exercise_what_is_unreadable_stands_on_all_pages_at_the_storys_time(days: int) -> None:
    town = Town(stage="storm", ahead=timedelta(days=days)).tick(-5)
    for minute in (-5, 0):
        town.snap(minute, HEAT, broken=[FLOOD])
    for path in ("/", "/lagebericht", "/meldungen"):
        text = town.page(path)
        assert UNREAD in text, path
        assert "Mi 14.07. 13:55" in text.rpartition(UNREAD)[0][-700:], path
        assert f"{town.now + town.ahead:%d.%m.}" not in text, path
    town.snap(13 * 60, HEAT, broken=[FLOOD])
    for path in ("/", "/lagebericht"):
        assert UNREAD in town.page(path), "it stands"
    town.snap(13 * 60 + 1, HEAT)
    for path in ("/", "/lagebericht", "/meldungen?hours=12"):
        assert UNREAD not in town.page(path)
    for path in ("/lagebericht?hours=14", "/meldungen?hours=14"):
        assert UNREAD in town.page(path), "that it was there is told"


@pytest.mark.parametrize("days", [-400, 400], ids=["broker behind", "broker ahead"])
def test_of_what_only_the_brokers_time_is_known_an_exercise_tells_no_time(days: int) -> None:
    town = Town(stage="storm", ahead=timedelta(days=days)).snap(0, HEAT)
    town.put("rejected", "x", b"<no", {**BROKEN, "reason": "city: x: KeyError", "agent": "settle"})
    for path in ("/", "/lagebericht", "/meldungen"):
        text = town.page(path)
        assert "kann nicht verarbeitet werden" in text, path
        assert f"{town.now + town.ahead:%d.%m.}" not in text, path


# -- marks and looks --------------------------------------------------------------------------------------------------

PAGES = ("/", "/start", "/district/d1", "/stele/d1", "/embed/d1", "/lagebericht", "/alert/A", "/stop/push",
    "/meldungen", "/hilfe", "/bezirk/d1")  # fmt: skip


@pytest.mark.parametrize("path", PAGES)
def test_every_page_on_the_embedded_broker_says_that_it_is_not_for_operation(path: str) -> None:
    assert "nicht für den Betrieb" in warned().page(path)
    real = settings()
    real = real.model_copy(update={"broker": real.broker.model_copy(update={"url": "kafka://broker:9092"})})
    desk = Desk(real).take(tick(0), outcome("A", meaning("Severe")), snapshot(0, "A"))
    assert "nicht für den Betrieb" not in desk.page(path)


def test_an_exercise_is_marked_once_by_title_icon_frame_and_banner() -> None:
    text = Desk(stage="storm").page("/")
    assert text.count("ÜBUNG") == 2, "the title and the banner"
    assert "<title>ÜBUNG – " in text
    assert "icon-exercise.svg" in text
    assert 'class="desk-page one-screen is-exercise"' in text
    assert "icon-exercise" not in Desk().page("/")


def test_a_steles_further_languages_say_that_it_is_an_exercise() -> None:
    """Who reads no German would take the official text beside the banner for a real warning."""
    for state, exercise in (("exercise", True), ("severe", False)):
        page: Any = html.fromstring(STATES[state]().public.get("/stele/solingen-1").text)
        headings = [str(one.text_content()) for one in page.xpath("//article//h2")]
        assert headings
        assert all(one.startswith("EXERCISE – ") == exercise for one in headings), headings


def test_every_drawing_is_within_its_page() -> None:
    """One by an address vanishes for a moment with each refresh, and for good while the server is away."""
    desk = STATES["exercise"]()
    for path in ("/", "/meldungen", "/lagebericht", "/hilfe", "/bezirk/solingen-1", "/start", "/district/solingen-1"):
        page = desk.page(path)
        assert "icons.svg" not in page, path
        assert '<svg class="icon"' in page, path


@pytest.mark.parametrize("sheet", ["warnsys.css", "desk.css", "pages.css"])
def test_styles_use_only_tokens_that_there_are(sheet: str) -> None:
    folder = Path(app.__file__).parent / "static"
    defined = set(re.findall(r"(--[\w-]+):", (folder / "warnsys.css").read_text("utf-8")))
    assert set(re.findall(r"var\((--[\w-]+)", (folder / sheet).read_text("utf-8"))) <= defined


@pytest.mark.parametrize("sheet", ["warnsys.css", "desk.css", "pages.css"])
def test_an_edge_bar_is_drawn_however_low_its_box_is(sheet: str) -> None:
    """A browser draws no edge whose slices above and below are together higher than the box."""
    text = (Path(app.__file__).parent / "static" / sheet).read_text("utf-8")
    said = [one.partition(";")[0] for one in text.split("border-image:")[1:]]
    slices = {one.rpartition(") ")[2] for one in said if "gradient" in one}
    assert slices <= {"1", "0 30"}


def test_each_kind_of_refusal_has_its_words() -> None:
    from warnsys.web.unreadable import KINDS
    from warnsys.web.words import words

    assert {f"unreadable-{kind}" for kind in (*KINDS, "other")} <= words("de").keys


def test_what_ended_in_the_last_hours_stays_in_the_timeline() -> None:
    text = STATES["calm"]().page("/")
    part = text[text.index('class="timeline"') :].partition("</svg>")[0]
    assert re.search(r'class="lane over" aria-label="[^"]*Windböen', part)


def to_come() -> Desk:
    """A storm of level 2 is in force, one of level 4 begins in three hours."""
    wind, rain = meaning("Moderate", group="WIND", ii="52"), meaning("Extreme", onset=180, expires=600)
    return Desk().take(tick(0), outcome("W", wind), outcome("R", rain), snapshot(0, "W", "R"))


def test_map_and_list_say_from_when_the_worst_warning_is_in_force_while_that_lies_ahead() -> None:
    desk = to_come()
    page: Any = html.document_fromstring(desk.page("/"))
    (row,) = page.xpath("//tr[@id='district-d1']")
    assert row.get("data-later") == "ab 17:00"
    assert " ".join(row.text_content().split()).startswith("District 1 Stufe 4 von 4 ab 17:00")
    assert "from 17:00" in desk.page("/?lang=en")
    assert "Stufe 4 von 4</span> ab 17:00" in desk.page("/bezirk/d1")
    begun = desk.later(181).take(snapshot(181, "W", "R"), tick(181)).page("/")
    assert "data-later" not in begun


def test_a_worst_warning_that_is_in_force_beside_a_later_one_of_its_level_has_no_from_when() -> None:
    desk = to_come().take(outcome("N", meaning("Extreme", group="WIND", ii="55")), snapshot(1, "W", "R", "N"))
    assert "data-later" not in desk.page("/")


@pytest.mark.parametrize("path", ["/", "/bezirk/d1", "/lagebericht"])
def test_what_is_in_force_stands_before_what_begins_later_which_has_its_own_heading(path: str) -> None:
    page = to_come().page(path)
    page = page[page.index("Was jetzt gilt") :]
    assert page.index("Sturmböen") < page.index("Was später beginnt") < page.index("heftiger Starkregen")
    assert "Was später beginnt" not in warned().page(path)


ADVANCE = meaning("Severe", urgency="Future", onset=600, expires=900)
IN_FORCE = "Zurzeit ist keine Wetterwarnung in Kraft."


def under_now(desk: Desk, path: str) -> str:
    """What stands under "Was jetzt gilt" before any other heading."""
    page: Any = html.document_fromstring(desk.page(path))
    if path == "/lagebericht":
        (heading,) = page.xpath("//h2[text()='Was jetzt gilt']")
    else:
        (heading,) = page.xpath("//section[contains(@class, 'holds')]/h2")
    texts = []
    for one in heading.itersiblings():
        if one.tag in ("h2", "h3"):
            break
        texts.append(" ".join(one.text_content().split()))
    return " ".join(texts).strip()


@pytest.mark.parametrize("path", ["/", "/bezirk/d1", "/lagebericht"])
def test_where_nothing_is_in_force_that_is_said_and_an_advance_notice_has_its_own_heading(path: str) -> None:
    desk = Desk().take(tick(0), outcome("V", ADVANCE), snapshot(0, "V"))
    assert under_now(desk, path) == IN_FORCE
    text = desk.page(path)
    assert text.index(IN_FORCE) < text.index(">Vorabinformationen</h3>")
    assert "Was später beginnt" not in text
    coming = Desk().take(tick(0), outcome("L", meaning(onset=180, expires=600)), snapshot(0, "L"))
    assert under_now(coming, path) == IN_FORCE
    assert ">Vorabinformationen</h3>" not in coming.page(path)
    assert IN_FORCE not in warned().page(path)


@pytest.mark.parametrize("path", ["/", "/bezirk/d1", "/lagebericht"])
def test_what_steles_show_full_screen_though_it_begins_in_minutes_is_named_first(path: str) -> None:
    heat = meaning("Moderate", group="HEAT", ii="247")
    storm = meaning("Severe", group="THUNDERSTORM", ii="46", onset=5, expires=60)
    desk = Desk().take(tick(0), outcome("H", heat), outcome("S", storm), snapshot(0, "H", "S"))
    record = desk.board.stele("d1")
    assert record
    assert (record.items[0].base_id, record.items[0].presentation) == ("S", "full")
    assert under_now(desk, path).startswith("Als Nächstes: Stufe 3 von 4 schweres Gewitter")
    assert "Als Nächstes" not in desk.later(6).take(tick(6)).page(path), "it is in force"
    assert "Als Nächstes" not in to_come().page(path), "what is in force is shown larger"
    alone = Desk().take(tick(0), outcome("S", storm), snapshot(0, "S"))
    assert "Als Nächstes" not in alone.page(path)


@pytest.mark.parametrize("path", ["/", "/bezirk/d1", "/lagebericht"])
def test_where_data_are_in_doubt_no_page_says_that_nothing_is_in_force(path: str) -> None:
    desk = Desk().take(tick(0), outcome("V", ADVANCE), snapshot(0, "V"))
    for name, record in desk.board.steles.items():
        desk.board.steles[name] = record.model_copy(update={"freshness": "stale"})
    assert under_now(desk, path).startswith("Keine verlässlichen Daten")


@pytest.mark.parametrize("state", ["stale", "calm"])
def test_a_source_that_is_out_of_date_promises_nothing_that_does_not_hold(state: str) -> None:
    page = STATES[state]().later(40).page("/")
    assert "Zuletzt bekannte Warnungen bleiben bis zu ihrem Ende stehen." in page
    assert "bleibt gewarnt" not in page


@pytest.mark.parametrize("path", ["/", "/bezirk/solingen-1", "/lagebericht"])
def test_what_has_expired_unconfirmed_has_its_own_heading_and_is_not_what_holds(path: str) -> None:
    town = STATES["expired"]()
    text = town.page(path)
    assert ">Was abgelaufen ist, ohne Bestätigung</h3>" in text
    assert "Stufe 3" not in under_now(town, path)
    assert IN_FORCE not in text
    assert under_now(town.later(40).tick(40), path).startswith("Keine verlässlichen Daten")


def test_a_district_without_sight_keeps_no_level_in_its_title() -> None:
    page: Any = html.document_fromstring(STATES["severe"]().page("/bezirk/solingen-1"))
    (title,) = page.xpath("//h1")
    assert "Stufe 3" in title.text_content()
    assert "Stufe" not in "".join(title.itertext()).replace(title.xpath("string(span[@class='now'])"), "")

"""The list of all messages: nothing is left out silently, figures agree with desk and report, and it has an end."""

import asyncio
import html
import re
import threading
from collections.abc import Hashable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from lxml import html as lxml_html
from starlette.responses import Response

from tests.support import at, cancel, meaning, outcome, rejected, snapshot, tick
from tests.web.conftest import served
from tests.web.sites import LOGIN, Desk, settings
from tests.web.states import STATES, town_in
from warnsys.cap import CapError, read_alert
from warnsys.cap.model import level
from warnsys.records import AlertHeaders
from warnsys.web import message_list
from warnsys.web.board import HeldAlert
from warnsys.web.in_brief import _Info, _infos, in_brief, text_of
from warnsys.web.message_list import MOST, KnownMessages, ListedMessage, MessagePage, listed_messages
from warnsys.web.message_list import STATES as DECISIONS

BROKEN = {"reason": "not-xml at line 1: no end tag", "agent": "match", "topic": "cap.alerts", "offset": "7"}
LOCAL_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
INFO = (
    "<info><language>de-DE</language><event>{event}</event><urgency>{urgency}</urgency><severity>{severity}</severity>"
    "<headline>{headline}</headline><area><areaDesc>{area}</areaDesc></area></info>"
)


def said(event: str = "STURMBÖEN", severity: str = "Moderate", urgency: str = "Immediate",
         headline: str = "Amtliche WARNUNG", area: str = "Kreis Köln") -> bytes:  # fmt: skip
    info = INFO.format(event=event, severity=severity, urgency=urgency, headline=headline, area=area)
    return f'<?xml version="1.0"?><alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">{info}</alert>'.encode()


def desk() -> Desk:
    """One message of each decision."""
    made = Desk().take(tick(0), outcome("here", meaning("Severe")), outcome("A-test", decided="not_live"))
    made.put_alert("far", said())
    made.take(outcome("far", decided="no_district"), rejected("bad", 0), snapshot(0, "here", "A-test", "far", "bad"))
    made.put("rejected", "bad", b"<no", BROKEN)
    made.put_alert("new", said("HITZE", "Minor", area="Kreis Bonn"))
    return made


def held(body: bytes) -> HeldAlert:
    return HeldAlert(AlertHeaders(stage="live", source="dwd", id="A", stamp=at(0), seen=at(0)), body, at(0))


def rows(text: str) -> list[str]:
    part = text.partition("<tbody>")[2].partition("</tbody>")[0]
    return [html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row))) for row in part.split("</tr>")[:-1]]


def names(text: str) -> set[str]:
    return {name for row in rows(text) for name in ("here", "A-test", "far", "bad", "new") if f" {name} " in row}


def counts(text: str) -> dict[str, int]:
    part = re.sub(r"<[^>]+>", "", text.partition('class="counts">')[2].partition("</p>")[0])
    return {
        name: int(count)
        for name, count in re.findall(
            r"(alle|trifft zu|anderswo|Aufhebung|warnt nicht|nicht lesbar|keine [\w ]+?) (\d+)", part
        )
    }


# -- everything, with what was decided of it ------------------------------------------------------------------------


def test_every_message_that_the_board_holds_is_listed_with_its_decision() -> None:
    text = desk().page("/meldungen")
    assert names(text) == {"here", "A-test", "far", "bad", "new"}
    assert counts(text) == {
        "alle": 5, "trifft zu": 1, "anderswo": 1, "Aufhebung": 0, "warnt nicht": 1, "nicht lesbar": 1,
        "keine Entscheidung bekannt": 1,
    }  # fmt: skip
    assert "Gehalten werden 5 Meldungen, die älteste bekannt seit Mi 14.07.2027 14:00" in text


@pytest.mark.parametrize(
    ("state", "name"),
    [("matched", "here"), ("no_district", "far"), ("not_live", "A-test"), ("rejected", "bad"), ("undecided", "new")],
)
def test_a_decision_filters_the_list_and_leaves_the_counts(state: str, name: str) -> None:
    text = desk().page(f"/meldungen?decided={state}")
    assert names(text) == {name}
    assert counts(text)["alle"] == 5


def test_a_cancellation_is_called_one_and_has_no_level() -> None:
    made = Desk().take(tick(0), outcome("here", meaning("Severe")), snapshot(0, "here"))
    made.put_alert("end", said("SCHWERES GEWITTER", "Severe"))
    test = outcome("no", sent=1, stamp=1, msg_type="Cancel", decided="not_live")
    made.take(cancel("end", "here", 1), test.model_copy(update={"reason": "test: status Test, II 98"}))
    text = made.page("/meldungen?decided=cancel")
    assert counts(made.page("/meldungen"))["Aufhebung"] == counts(made.page("/meldungen"))["warnt nicht"] == 1
    (row,) = rows(text)
    assert "Kreis Köln Aufhebung dwd" in row
    assert "Stufe" not in row
    assert 'class="badge' not in text.partition("<tbody>")[2]
    (told,) = [row for row in made.page("/lagebericht").split("<tr>") if "(Aufhebung)</td><td>Aufhebung</td>" in row]
    assert "Stufe" not in told
    assert "Entscheidung: Aufhebung" in made.page("/alert/end")


def test_a_message_that_is_replaced_or_over_says_so_beside_its_decision() -> None:
    made = Desk().take(tick(0))
    gale = meaning("Moderate", group="WIND", ii="52", districts=["d1"])
    made.take(
        outcome("old", meaning("Moderate")), outcome("ended", gale),
        outcome("short", meaning("Minor", group="HEAT", ii="247", expires=5)),
        outcome("left", meaning("Minor", group="FROST", ii="22")), snapshot(0, "old", "ended", "short", "left"),
    )  # fmt: skip
    made.later(1).take(
        tick(1), outcome("new", meaning("Severe"), supersedes=["old"], sent=1, stamp=1), cancel("end", "ended", 1),
        snapshot(1, "new", "short", "left"),
    )  # fmt: skip
    said = {name: row for row in rows(made.page("/meldungen")) for name in ("old", "new", "ended", "end", "short")
        if f" {name} " in row}  # fmt: skip
    assert "trifft zu , ersetzt" in said["old"]
    assert "trifft zu , steht im Lagebild" in said["new"]
    assert "trifft zu , beendet" in said["ended"]
    assert not re.search("ersetzt|beendet|abgelaufen|Lagebild", said["end"])
    for minute in range(2, 20):
        made.later(minute).take(tick(minute), snapshot(minute, "new"))
    said = {name: row for row in rows(made.page("/meldungen")) for name in ("short", "left") if f" {name} " in row}
    assert "trifft zu , abgelaufen" in said["short"]
    assert "trifft zu , beendet" in said["left"], "no district has it any more"
    test = outcome("T", sent=20, stamp=20, supersedes=["new"], msg_type="Cancel", decided="not_live")
    made.take(test.model_copy(update={"reason": "test: status Test, II 98"}))
    made.later(40)  # nothing holds for certain
    (row,) = [row for row in rows(made.page("/meldungen")) if " new " in row]
    assert not re.search("ersetzt|beendet|abgelaufen|Lagebild", row)


def test_a_row_leads_to_the_message_or_to_the_bytes_that_were_refused() -> None:
    made = desk()
    text = made.page("/meldungen")
    for name in ("here", "A-test", "far", "new"):
        assert f'href="/alert/{name}"' in text
        assert name in made.page(f"/alert/{name}")
    (address,) = re.findall(r'href="(/meldungen/\w+/rohdaten)"', text)
    made.put("rejected", "worse", b"<worse", BROKEN)  # the link stays that of its row
    answer = made.operators.get(address, auth=LOGIN)
    assert answer.content == b"<no"
    assert answer.headers["content-disposition"].startswith("attachment")
    made.board.rejected.clear()
    assert made.operators.get(address, auth=LOGIN).status_code == 404


def test_a_message_whose_bytes_are_gone_is_listed_without_a_link() -> None:
    made = desk()
    del made.board.alerts["far"]
    text = made.page("/meldungen?q=far")
    assert names(text) == {"far"}
    assert 'href="/alert/far"' not in text


def test_a_board_that_has_read_nothing_does_not_look_calm() -> None:
    text = Desk().page("/meldungen")
    assert "Das sagt nichts darüber, ob etwas gilt" in text
    blind = desk()
    blind.board.connected = False
    assert 'role="alert">Keine Daten.' in blind.page("/meldungen")


def test_the_list_is_the_operators() -> None:
    assert desk().operators.get("/meldungen").status_code == 401
    assert desk().public.get("/meldungen").status_code == 404


# -- figures that agree ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_the_figures_are_those_of_report_and_desk(state: str) -> None:
    town = town_in(state)
    found, report = counts(town.page("/meldungen?hours=12")), town.page("/lagebericht?hours=12")
    (received,) = re.findall(r"Eingegangen \((\d+)\)", report)
    assert found["trifft zu"] + found["Aufhebung"] + found["warnt nicht"] == int(received)
    unread = report.partition("<h2>Nicht lesbar</h2>")[2].count("<li>")
    assert found["nicht lesbar"] == unread
    (now_unreadable,) = re.findall(r"Nicht lesbar: (\d+)", town.page("/"))
    assert town.page("/meldungen?decided=rejected").count("steht noch an") == int(now_unreadable)


@pytest.mark.parametrize("state", STATES)
def test_what_the_desk_shows_now_is_marked_and_nothing_else(state: str) -> None:
    town = town_in(state)
    desk = town.page("/").partition("<main")[2].partition("</section>")[0].partition("<h3>Zuletzt bekannt")[0]
    marked = {
        re.findall(r'href="/alert/([^"]+)"', row)[0]
        for row in town.page("/meldungen?hours=48").partition("<tbody>")[2].split("</tr>")
        if "steht im Lagebild" in row
    }
    assert marked == set(re.findall(r'class="warning [^>]*\bdata-id="([^"]+)"', desk))


def test_the_desk_counts_all_that_is_unreadable_and_lists_some() -> None:
    made = Desk().take(tick(0), snapshot(0))
    for number in range(30):
        made.put("rejected", f"R{number}", b"<no", BROKEN)
    text = made.page("/")
    assert "Nicht lesbar: 30" in text
    assert text.count("kein lesbares XML") == 20
    assert counts(made.page("/meldungen"))["nicht lesbar"] == 30


def test_a_level_and_an_event_are_called_as_the_desk_calls_them() -> None:
    town = town_in("extreme")
    text = town.page("/meldungen?decided=matched")
    assert "Stufe 4 von 4" in text
    assert "Vorabinformation, Stufe 3 von 4" in text
    assert "ganz Solingen" in text


# -- filters --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("level=3", {"here", "bad", "A-test", "new"}), ("level=2", {"here", "far", "bad", "A-test", "new"}),
        ("event=sturm", {"far"}),
        ("q=K%C3%96LN", {"far"}), ("q=kreis+hitze", {"new"}), ("q=kreis+nirgends", set()), ("q=HERE", {"here"}),
        ("source=dwd", {"here", "A-test", "far", "bad", "new"}), ("source=own", set()), ("district=d1", {"here"}),
        ("q=amtliche", {"far", "new"}), ("q=%20", {"here", "A-test", "far", "bad", "new"}),
    ],
)  # fmt: skip
def test_filters_of_level_event_source_district_and_words(asked: str, found: set[str]) -> None:
    assert names(desk().page(f"/meldungen?{asked}")) == found


def test_no_level_hides_what_cannot_be_read() -> None:
    made = desk()
    made.put_alert("bad", said(severity="Minor"))
    assert "bad" in names(made.page("/meldungen?level=4"))


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("hours=1", {"second"}), ("hours=3", {"first", "second"}), ("from=2027-07-14T15:00", {"second"}),
        ("to=2027-07-14T15:00", {"first"}), ("from=2027-07-14T14:00&to=2027-07-14T14:00", {"first"}),
        ("from=2027-07-14&to=2027-07-14", {"first", "second"}), ("to=2027-07-13", set()),
        ("hours=1&from=2027-07-14T13:00", {"first", "second"}), ("from=2027-07-14T13:30Z", {"second"}),
    ],
)  # fmt: skip
def test_a_span_is_in_hours_back_or_by_the_clocks_of_the_city(asked: str, found: set[str]) -> None:
    made = Desk().take(tick(0), outcome("first", decided="no_district"))
    made.later(90).take(tick(90), outcome("second", decided="no_district", sent=90)).later(100)
    assert {name for name in ("first", "second") if f">{name}</span>" in made.page(f"/meldungen?{asked}")} == found


def test_in_the_hour_that_comes_twice_an_end_is_the_later_one() -> None:
    made = Desk(now=at(0).replace(month=10, day=31, hour=1, minute=30))  # 02:30 for the second time
    made.put("impacts", "", outcome("night", decided="no_district").to_bytes())
    assert ">night</span>" in made.page("/meldungen?from=2027-10-31T02:00&to=2027-10-31T02:45")


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ("hours=0", "Stunden zurück: eine ganze Zahl"), ("hours=x", "Stunden zurück: eine ganze Zahl"),
        ("from=yesterday", "in der Form 2027-07-14T12:00"), ("to=0001-01-01", "in der Form 2027-07-14T12:00"),
        ("to=9999-12-31T23:59", "in der Form 2027-07-14T12:00"), ("level=9", "Diese Auswahl gibt es nicht"),
        ("district=nope", "Diese Auswahl gibt es nicht"),
        ("decided=x", "Diese Auswahl gibt es nicht"), ("before=x", "Diese Auswahl gibt es nicht"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_said_and_keeps_what_was_typed(asked: str, why: str) -> None:
    answer = desk().operators.get(f"/meldungen?{asked}&q=gewitter", auth=LOGIN)
    assert answer.status_code == 422
    assert why in answer.text
    assert 'name="q" id="q" maxlength="200" size="32" value="gewitter"' in answer.text
    assert "<tbody>" not in answer.text


def fields(text: str) -> dict[str, str]:
    """What the form sends when it is submitted as it stands: a browser drops a local time in another form."""
    page: Any = lxml_html.document_fromstring(text)
    form = next(one for one in page.forms if one.get("action") == "/meldungen")
    sent = {str(name): str(value) for name, value in form.form_values()}
    for one in form.iter("input"):
        if one.get("type") == "datetime-local" and not LOCAL_TIME.fullmatch(one.get("value") or ""):
            sent[str(one.get("name"))] = ""
    return sent


@pytest.mark.parametrize(
    "asked",
    [
        {"from": "2027-07-14"}, {"to": "2027-07-14"}, {"from": "2027-07-14T14:00", "to": "2027-07-14T16:00+02:00"},
        {"source": "nope"}, {"source": "dwd"}, {"district": "d1"}, {"decided": "rejected"}, {"level": "3"},
        {"event": "sturm", "q": "köln"}, {"hours": "5"}, {"from": "2027-07-14", "to": "gestern"},
    ],
)  # fmt: skip
def test_the_form_shows_all_that_is_asked_and_asks_it_again(asked: dict[str, str]) -> None:
    answer = desk().operators.get("/meldungen", params=asked, auth=LOGIN)
    assert {name: fields(answer.text)[name] for name in asked} == asked


@pytest.mark.parametrize("event", ["hitze", "starkregen"])
def test_a_message_of_two_events_is_found_by_either(event: str) -> None:
    made = Desk().take(tick(0), outcome("two", meaning("Extreme"), meaning("Minor", group="HEAT", ii="247")))
    info = INFO.format(event="HITZE", urgency="Immediate", severity="Minor", headline="H", area="A")
    made.put_alert("far", said("STARKREGEN").replace(b"</alert>", info.encode() + b"</alert>"))
    text = made.page(f"/meldungen?event={event}")
    assert {name for name in ("two", "far") if f">{name}</span>" in text} == {"two", "far"}
    offered = re.findall(r'<option value="([^"]+)"></option>', text)
    assert any("itze" in one for one in offered)
    assert "HITZE" in offered
    assert "STARKREGEN" in offered


def test_two_agents_that_refuse_one_record_at_once_have_a_row_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(message_list, "MOST", 1)
    made = Desk().take(tick(0))
    for agent in ("match", "settle"):
        made.put("rejected", "R", f"<no {agent}".encode(), {**BROKEN, "agent": agent})
    text = made.page("/meldungen")
    text += made.page(html.unescape(re.findall(r'rel="next" href="([^"]+)"', text)[0]))
    found = re.findall(r'href="(/meldungen/\w+/rohdaten)"', text)
    assert {made.operators.get(one, auth=LOGIN).content for one in found} == {b"<no match", b"<no settle"}


def test_the_desk_leads_to_bytes_that_were_refused_whatever_comes_in() -> None:
    made = desk()
    (address,) = re.findall(r'href="([^"]+)" download', made.page("/").partition('id="strip"')[2])
    made.put("rejected", "worse", b"<worse", BROKEN)
    assert made.operators.get(address, auth=LOGIN).content == b"<no"


def test_an_empty_form_is_the_whole_list() -> None:
    text = desk().page("/meldungen?q=&decided=&level=&event=&source=&district=&hours=&from=&to=")
    assert len(rows(text)) == 5


# -- an end ---------------------------------------------------------------------------------------------------------


def test_the_newest_stand_on_a_page_and_a_link_leads_to_each_older_one_once() -> None:
    made = Desk().take(tick(0))
    count = 2 * MOST + 7
    for number in range(count):
        made.now = at(0) + timedelta(seconds=number // 3)
        made.put("impacts", "", outcome(f"M{number:03}", decided="no_district").to_bytes())
    seen, address = list[str](), "/meldungen?decided=no_district&lang=de"
    for page in range(3):
        text = made.page(address)
        found = re.findall(r">(M\d{3})</span>", text)
        assert len(found) == (MOST if page < 2 else 7)
        seen += found
        made.put("impacts", "", outcome(f"new{page}", decided="no_district").to_bytes())  # what comes meanwhile
        if page < 2:
            address = html.unescape(re.findall(r'rel="next" href="([^"]+)"', text)[0])
    assert sorted(seen) == [f"M{number:03}" for number in range(count)]
    assert 'rel="next"' not in text
    assert "Zu den neuesten" in text


def test_a_filter_stays_on_the_way_to_older_ones() -> None:
    made = Desk().take(tick(0))
    for number in range(MOST + 1):
        made.put("impacts", "", outcome(f"M{number}", decided="no_district").to_bytes())
    text = made.page("/meldungen?q=m&hours=48&lang=en")
    (link,) = re.findall(r'rel="next" href="([^"]+)"', text)
    assert "q=m&amp;hours=48&amp;before=" in link
    assert "lang=en" in link


def test_texts_of_a_message_are_escaped_and_turn_nothing_round() -> None:
    made = Desk().take(tick(0), outcome("evil", decided="no_district"))
    made.put_alert(
        "evil", said(event="&lt;3 script&gt;x\u202e", headline="&lt;img src=x&gt;", area="\u2066" + "W" * 500)
    )
    text = made.page("/meldungen?q=%3C3+script%3E")
    assert "&lt;3 script&gt;x" in text
    assert not set(text) & set("\u202e\u2066")
    assert "<3 script>x" not in text
    assert "<img src=x" not in text
    assert "W" * 100 not in text


def test_a_message_with_a_prefix_or_in_another_encoding_says_what_it_is() -> None:
    made = Desk().take(tick(0), outcome("p", decided="no_district"), outcome("u", decided="no_district"))
    prefixed = re.sub(rb"<(/?)(?=[a-z])", rb"<\1cap:", said(event="<![CDATA[A & B]]>"))
    made.put_alert("p", prefixed.replace(b"xmlns=", b"xmlns:cap="))
    assert "A &amp; B" in made.page("/meldungen?q=p")
    town = STATES["severe"]()
    held = next(iter(town.board.alerts.values()))
    wide = held.body.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")
    town.put_alert("wide", wide)
    assert ">wide</span>" in town.page("/meldungen?q=wide+windb%C3%B6en")


# -- what a message says in brief -------------------------------------------------------------------------------------

DECOYS = (
    "", "<!-- <urgency>Future</urgency> <severity>Minor</severity> -->", "<?x <severity>Minor</severity>?>",
    "<parameter><valueName>v</valueName><value><![CDATA[<severity>Minor</severity>]]></value></parameter>",
    "<parameter><severity>Minor</severity><urgency>Future</urgency></parameter>",
    "<x:severity xmlns:x='urn:x'>Minor</x:severity>", "<!--</info><info>-->", "<area><areaDesc>Vorn</areaDesc></area>",
)  # fmt: skip
WAYS = ("{}", "<!-- a -->{}", "<![CDATA[{}]]>", " {}\n", "<?x?>{}", "<b>{}</b>")
ENCODINGS = ("", "UTF-8", "ISO-8859-1", "UTF-16", "US-ASCII")


@st.composite
def written_infos(draw: st.DrawFn) -> str:
    def element(name: str, *values: str) -> str:
        attributes = draw(st.sampled_from(["", "", " lang='de'", " "]))
        text = draw(st.sampled_from(WAYS)).format(draw(st.sampled_from(values)))
        return f"<{name}{attributes}>{text}</{name}>"

    decoys = st.sampled_from(DECOYS)
    return "".join([
        "<info>", draw(decoys), element("language", "de-DE", "en", "DEU"), element("category", "Met"), draw(decoys),
        element("event", "GLÄTTE", "HITZE"), element("urgency", "Immediate", "Future", "future", "Later"),
        element("severity", "Minor", "Moderate", "Severe", "Extreme", "extreme", "Bad"),
        element("certainty", "Likely"), draw(decoys), "<area>", element("areaDesc", "Köln", "Bonn"), "</area>",
        draw(decoys), draw(st.sampled_from(["", "<area><areaDesc>Kreis</areaDesc></area>\n"])), "</info>",
    ])  # fmt: skip


@st.composite
def written_messages(draw: st.DrawFn) -> bytes:
    encoding, infos = draw(st.sampled_from(ENCODINGS)), "".join(draw(st.lists(written_infos(), min_size=1, max_size=3)))
    head = "".join(f"<{name}>{value}</{name}>" for name, value in (
        ("identifier", "A"), ("sender", "s"), ("sent", "2027-07-14T12:00:00+02:00"), ("status", "Actual"),
        ("msgType", "Alert"), ("scope", "Public")))  # fmt: skip
    text = (
        f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">{draw(st.sampled_from(DECOYS[:3]))}{head}{infos}</alert>'
    )
    if draw(st.booleans()):
        text = re.sub(r"<(/?)(?=[a-zA-Z]+[ >])", r"<\1cap:", text).replace("xmlns=", "xmlns:cap=")
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding else ""
    return (declared + text).encode(encoding or "utf-8", "xmlcharrefreplace")


@settings_of(max_examples=200)
@given(written_messages())
def test_in_brief_a_message_is_as_bad_as_it_is_read(body: bytes) -> None:
    try:
        infos = read_alert(body).infos
    except CapError:
        return
    said = in_brief(None, held(body))
    worst = max(infos, key=lambda info: (info.urgency != "Future", level(info.severity)))
    assert (said.level, said.advance) == (level(worst.severity), worst.urgency == "Future")
    assert set(said.every_event["de"]) <= {info.event for info in infos}
    text = text_of(held(body))
    for info in infos:
        assert all(one.casefold() in text for one in (info.event, info.headline, *(area.desc for area in info.areas)))


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("<info>", "<info><!-- <urgency>Future</urgency> <severity>Minor</severity> -->", (4, False)),
        ("<severity>", "<severity><!-- a -->", (4, False)), ("<event>", '<event lang="de">', (4, False)),
        ("<area>", "<area><!-- </area></info><info> -->", (4, False)), (">Extreme<", ">EXTREME <", (4, False)),
    ],
)  # fmt: skip
def test_what_stands_around_an_element_changes_nothing_of_a_message(
    old: str, new: str, found: tuple[int, bool]
) -> None:
    body = said("GLÄTTE", "Extreme").decode().replace(old, new, 1)
    for encoding in ("UTF-8", "ISO-8859-1"):
        declared = body.replace('version="1.0"', f'version="1.0" encoding="{encoding}"')
        brief = in_brief(None, held(declared.encode(encoding)))
        assert ((brief.level, brief.advance), brief.events["de"], brief.areas) == (found, "GLÄTTE", ("Kreis Köln",))


def test_a_level_hides_neither_what_is_undecided_nor_what_is_unreadable() -> None:
    assert {"new", "bad"} <= names(desk().page("/meldungen?level=4"))


def test_what_cannot_be_read_is_found_by_whatever_stands_there() -> None:
    made = desk()
    made.put_alert("bad", b"<alert><event>Hagel")
    assert names(made.page("/meldungen?q=hagel")) == {"bad"}


def test_a_message_is_searched_through_once_and_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made, read = desk(), list[bytes]()
    made.page("/meldungen?q=nirgends")
    found = _infos

    def counted(body: bytes) -> list[_Info]:
        read.append(body)
        return found(body)

    monkeypatch.setattr("warnsys.web.in_brief._infos", counted)
    made.put_alert("new", said("HAGEL", "Minor"))
    for asked in ("q=hagel", "q=hitze", "", "q=bonn&level=2"):
        made.page(f"/meldungen?{asked}")
    assert len(read) == 1


async def test_searches_hold_up_no_other_page(monkeypatch: pytest.MonkeyPatch) -> None:
    made, may_go, went, asked_for = desk(), threading.Event(), list[bool](), list[Hashable]()
    once = made.site.pictures.once

    def slow(*asked: Any) -> MessagePage:
        went.append(may_go.wait(60))
        return listed_messages(*asked)

    async def counted(key: Hashable, *given: Any, **how: Any) -> Response:
        asked_for.append(key)
        return await once(key, *given, **how)

    monkeypatch.setattr("warnsys.web.desk_pages.listed_messages", slow)
    monkeypatch.setattr(made.site.pictures, "once", counted)
    async with served(made) as address, httpx.AsyncClient(base_url=address, auth=LOGIN, timeout=60) as http:
        searches = [asyncio.create_task(http.get(f"/meldungen?q={word}")) for word in ("sturm", "hitze", "frost")]
        while len(asked_for) < 3:  # noqa: ASYNC110 - the pages set no event
            await asyncio.sleep(0.01)
        assert (await http.get("/hilfe")).status_code == 200
        assert not any(one.done() for one in searches)
        may_go.set()
        assert [answer.status_code for answer in await asyncio.gather(*searches)] == [200] * 3
    assert went == [True] * 3


def test_the_rows_of_a_board_that_goes_on_are_those_of_the_board_as_it_is() -> None:
    made, known = Desk().take(tick(0)), KnownMessages()

    def listed() -> dict[str, ListedMessage]:
        found = known.of(made.board)
        assert found == KnownMessages().of(made.board)
        return {one.key: one for one in found}

    made.put_alert("A", said())
    assert listed()["A"].state == "undecided"
    made.take(outcome("A", decided="no_district"), outcome("B", meaning("Severe")))
    assert listed()["A"].state == "no_district"
    kept = listed()
    made.take(outcome("A", meaning("Minor")))  # as after new geofences
    found = listed()
    assert found["A"].state == "matched"
    assert found["A"].districts == {"d1", "d2"}
    assert found["B"] is kept["B"], "what was worked out of it stays, too"
    made.put_alert("B", said("HAGEL"))
    assert listed()["B"].held is made.board.alerts["B"]
    made.put("rejected", "C", b"<no", BROKEN)
    assert [one.key for one in known.of(made.board) if one.refused] == [one for one in listed() if one.startswith("C ")]
    del made.board.outcomes["A"], made.board.alerts["A"]
    assert "A" not in listed()


def test_a_name_beyond_what_is_kept_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("warnsys.web.in_brief.MOST_SEARCHED", 10)
    assert names(desk().page("/meldungen?q=kreis+bonn+hitze")) == {"new"}


async def test_in_an_exercise_no_span_leaves_out_what_has_only_the_brokers_time() -> None:
    town = STATES["exercise"]()
    town.put("rejected", "bad", b"<no", BROKEN)
    assert ">bad</span>" in town.page("/meldungen?to=2027-07-14T00:00")


def test_every_decision_has_its_words() -> None:
    from warnsys.web.words import words

    assert {f"decided-{one}" for one in DECISIONS} <= words("de").keys
    assert {f"wrong-{field}" for field in ("hours", "time", "filter")} <= words("de").keys


def test_sources_of_the_settings_are_offered_before_anything_came() -> None:
    cities = settings().cities
    assert '<option value="dwd">dwd</option>' in Desk(settings(cities=[dict(one) for one in cities])).page("/meldungen")


def test_what_is_offered_is_bounded() -> None:
    made = Desk().take(tick(0))
    for number in range(message_list.MOST_EVENTS + 20):
        made.put_alert(f"M{number}", said(event=f"EVENT {number:03}"))
    assert made.page("/meldungen").count('<option value="EVENT') == message_list.MOST_EVENTS

"""The pages say in the reader's words why a message was decided as it was."""

import re

import pytest

from tests.support import meaning, outcome, rejected, snapshot, tick
from tests.web.sites import Desk
from tests.web.states import STATES, town_in
from warnsys.web.reasons import in_words
from warnsys.web.words import words

BROKEN = "not-xml at line 47: Premature end of data in tag contact"


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("cell 805122000", "Warnzelle 805122000"),
        ("cells listed, none of ours", "nennt Warnzellen, keine davon hier"),
        ("area 0.5816", "die Fläche der Meldung bedeckt 58,16 % des Bezirks"),
        ("area 1.0000, shapes-touched", "die Fläche der Meldung bedeckt 100 % des Bezirks (shapes-touched)"),
        ("part 0.0500 of a shape", "5 % einer Fläche der Meldung liegen im Bezirk"),
        ("share 0.0099 below 0.01", "die Fläche der Meldung bedeckt nur 0,99 % des Bezirks, nötig sind 1 %"),
        ("ground up to 223 m lies below 600 m", "der Bezirk reicht bis 223 m, die Meldung gilt erst ab 600 m"),
        ("no overlap; share 0.0000 below 0.01",
         "die Fläche der Meldung liegt anderswo; die Fläche der Meldung bedeckt nur 0 % des Bezirks, nötig sind 1 %"),
        ("test: status Test, II 98", "Testmeldung (status Test, II 98)"),
        ("msgType Ack", "keine Warnung (msgType Ack)"),
        ("scope Private", "nicht für die Öffentlichkeit (scope Private)"),
        ("cancel: names 1, warns nobody", "hebt eine Meldung auf"),
        ("cancel: names 3, warns nobody", "hebt 3 Meldungen auf"),
        ("all clear", "meldet nur, dass etwas vorbei ist"),
        ("not-xml at line 47: no end tag", "(not-xml at line 47: no end tag)"),
        ("share 1e400 below ..", "(share 1e400 below ..)"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_reason_is_said_in_words_and_codes_stay_in_brackets(reason: str, said: str) -> None:
    assert in_words(reason, "de") == said


@pytest.mark.parametrize("language", ["de", "en"])
def test_every_reason_of_a_message_that_can_be_read_has_its_words(language: str) -> None:
    for state in STATES:
        for one in town_in(state).board.outcomes.values():
            if one.decided != "rejected":
                assert not in_words(one.reason, language).startswith("(")


def test_the_page_of_a_message_speaks_the_readers_language() -> None:
    town = town_in("extreme")
    listed = next(one.listed_id for one in town.board.outcomes.values() if one.supersedes)
    page = town.page(f"/alert/{listed}")
    assert "trifft zu</b> – Warnzelle" in page
    assert "<td>Warnzelle</td>" in page
    assert " – Aktualisierung, Stufe 4 von 4 " in page
    assert not re.search(r"</a> – Alert|Severe THUNDERSTORM|<td>cell", page)
    assert " – update, Level 4 of 4 " in town.page(f"/alert/{listed}?lang=en").replace("Update,", "update,")


@pytest.mark.parametrize("path", ["/meldungen", "/lagebericht", "/meldungen?without=record"])
def test_of_what_cannot_be_read_the_readers_language_comes_first_and_the_technical_text_is_marked(path: str) -> None:
    desk = Desk().take(tick(0), rejected("R").model_copy(update={"reason": BROKEN}))
    desk.put_alert("R", b"<no")
    if "without" not in path:  # its refusal is forgotten before its outcome is
        desk.put("rejected", "R", b"<no", {"reason": BROKEN, "agent": "match", "topic": "cap.alerts", "offset": "7"})
    text = " ".join(desk.page(path).split())
    assert text.index("kein lesbares XML") < text.index(f'technisch: <span lang="en">{BROKEN}</span>')
    assert f"({BROKEN})" not in text
    assert text.count(BROKEN) == 1
    assert "nicht lesbar</b> – kein lesbares XML" in desk.page("/alert/R"), "decided anew there, with another detail"


@pytest.mark.parametrize(("count", "said"), [(1, "und eine Meldung für andere"), (2, "und 2 Meldungen für andere")])
def test_the_report_counts_in_words_that_fit(count: int, said: str) -> None:
    desk = Desk().take(tick(0), *(outcome(f"F{n}", decided="no_district") for n in range(count)))
    assert said in desk.page("/lagebericht")


def test_a_warning_without_an_end_says_so_once() -> None:
    page = Desk().take(tick(0), outcome("A", meaning(expires=None)), snapshot(0, "A")).page("/")
    assert re.search(r"Ende offen · <b>läuft</b>", re.sub(r"\s+", " ", page))


def test_one_name_stands_for_the_state_without_data_on_the_map_in_its_legend_and_in_the_list() -> None:
    page = Desk().page("/")
    assert 'data-nothing="keine Daten"' in page
    assert "nichts bekannt" not in page
    assert words("de")("legend-unknown") == words("de")("status-no_data") == "keine Daten"

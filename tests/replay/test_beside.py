"""Two replays side by side: other settings, other versions, the wording and the steles included."""

from pathlib import Path
from typing import Any

import pytest
from lxml import html
from typer.testing import CliRunner, Result

from geofences import bundled
from tests.support import City, meaning, outcome, snapshot, tick
from warnsys.cli.main import app
from warnsys.replay.beside import side_by_side
from warnsys.replay.compare import as_lines, differences
from warnsys.replay.tape import Line, Tape, read_tape

SETTINGS = """\
[[cities]]
id = "solingen"
name = "Solingen"
geofences = "{geofences}"

[policy]
{policy}
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def warnsys(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def compared(page: str) -> list[list[Any]]:
    parsed: Any = html.fromstring(Path(page).read_text("utf-8"))
    return [list(row) for row in parsed.xpath("//table[@class='compared']/tbody/tr")]


def text(cell: Any) -> str:
    return " ".join(cell.text_content().split())


def test_two_settings_are_shown_side_by_side_with_what_steles_showed() -> None:
    Path("then.toml").write_text(SETTINGS.format(geofences=bundled(), policy='full_from = "Extreme"'), "utf-8")
    found = warnsys("replay", "storm", "--than", "then.toml", "--report", "r.html")
    assert found.exit_code == 1, found.output
    rows = compared("r.html")
    assert rows
    stele = next(row for row in rows if text(row[1]) == "Stele")
    assert "(Banner)" in text(stele[3])
    assert "(Vollbild)" in text(stele[4])
    assert [text(one) for one in stele[3].iter("del")]
    assert [text(one) for one in stele[4].iter("ins")]
    assert not any(text(row[1]).startswith("Push") for row in rows), "the settings differ in what is shown alone"


def test_the_same_settings_differ_in_nothing() -> None:
    Path("same.toml").write_text(SETTINGS.format(geofences=bundled(), policy=""), "utf-8")
    found = warnsys("replay", "snow", "--than", "same.toml", "--report", "r.html")
    assert found.exit_code == 0, found.output
    assert "as expected" in found.output
    assert compared("r.html") == []
    assert "Kein Unterschied." in Path("r.html").read_text("utf-8")


def test_another_wording_of_an_earlier_version_is_found_and_marked() -> None:
    assert warnsys("replay", "snow", "--full", "--out", "whole.jsonl").exit_code == 0
    earlier = Path("whole.jsonl").read_text("utf-8").replace("Markante Wetterwarnung", "Deutliche Wetterwarnung")
    Path("earlier.jsonl").write_text(earlier, "utf-8")
    assert warnsys("replay", "snow", "--full", "--expect", "whole.jsonl").exit_code == 0
    found = warnsys("replay", "snow", "--full", "--expect", "earlier.jsonl", "--report", "r.html")
    assert found.exit_code == 1
    assert "Deutliche Wetterwarnung" in found.output
    rows = compared("r.html")
    assert {text(row[1]).partition(",")[0] for row in rows} == {"Stele", "Push"}
    for row in rows:
        assert ([text(one) for one in row[3].iter("del")], [text(one) for one in row[4].iter("ins")]) == (
            ["Deutliche"],
            ["Markante"],
        )


def test_without_the_words_on_both_sides_only_who_is_told_of_what_is_compared() -> None:
    assert warnsys("replay", "snow", "--out", "plain.jsonl").exit_code == 0
    found = warnsys("replay", "snow", "--full", "--expect", "plain.jsonl", "--report", "r.html")
    assert found.exit_code == 0, found.output
    assert "Verglichen ist, wer wann wovon erfährt." in Path("r.html").read_text("utf-8")


def test_a_record_of_another_release_is_compared_as_it_stands() -> None:
    assert warnsys("replay", "snow", "--full", "--out", "whole.jsonl").exit_code == 0
    other = Path("whole.jsonl").read_text("utf-8").replace('"title":', '"heading":')
    Path("other.jsonl").write_text(other, "utf-8")
    found = warnsys("replay", "snow", "--full", "--expect", "other.jsonl")
    assert found.exit_code == 1
    assert '"heading":' in found.output


def test_comparing_with_two_things_at_once_is_refused() -> None:
    assert warnsys("replay", "snow", "--out", "a.jsonl").exit_code == 0
    refused = warnsys("replay", "snow", "--expect", "a.jsonl", "--than", "x.toml")
    assert (refused.exit_code, "one thing at a time" in refused.output) == (2, True)


def test_the_report_has_lanes_for_the_steles_and_those_that_show_the_same_share_one() -> None:
    assert warnsys("replay", "snow", "--report", "snow.html").exit_code == 0
    assert warnsys("replay", "storm", "--report", "storm.html").exit_code == 0
    lanes = {page: _lanes(page) for page in ("snow.html", "storm.html")}
    assert lanes["snow.html"] == ["Stelen"]
    assert len(lanes["storm.html"]) == 2
    assert "Stelen: Ohligs, Aufderhöhe und Merscheid" in lanes["storm.html"]
    page: Any = html.fromstring(Path("storm.html").read_text("utf-8"))
    shown = " ".join(page.xpath("//svg//title/text()"))
    assert "Vollbild: schweres Gewitter" in shown
    assert "Banner: " in shown


def _lanes(page: str) -> list[str]:
    parsed: Any = html.fromstring(Path(page).read_text("utf-8"))
    return [name for name in parsed.xpath("//svg/text/title/text()") if name.startswith("Stelen")]


def test_an_advance_notice_is_called_one_in_every_heading_of_the_report() -> None:
    assert warnsys("replay", "storm", "--report", "r.html").exit_code == 0
    page: Any = html.fromstring(Path("r.html").read_text("utf-8"))
    notices = page.xpath("//article[starts-with(@id, 'n')]")
    told = [(text(one.find("h3")), text(one.find("blockquote"))) for one in notices]
    advance = [(heading, said) for heading, said in told if "Vorabinfo" in said and "aus der Vorabinfo" not in said]
    assert advance
    assert all("Neue Vorabinformation, Stufe" in heading for heading, _ in advance), advance
    assert not any("Vorabinformation" in heading for heading, said in told if "Vorabinfo" not in said)


HEADER = {
    "kind": "replay",
    "cities": {"x": {"name": "Xstadt", "timezone": "Europe/Berlin", "districts": {"d1": "D1", "d2": "D2"}}},
}


def lines_of(urgency: str) -> list[Line]:
    """What the staff is told and the steles show of one message."""
    city = City().take(tick(0), outcome("A", meaning("Severe", urgency=urgency, onset=300, expires=500)))
    lines: list[str] = []
    tape = Tape(HEADER, lines.append)
    for notice in city.take(snapshot(0, "A"), tick(1)).notices:
        tape(notice)
    tape.close()
    return [one for one in read_tape("".join(lines))[1] if one["audience"] == "staff" or "status" in one]


def test_without_the_words_an_advance_notice_is_called_one_on_the_page_and_in_the_terminal() -> None:
    found = differences(lines_of("Future"), lines_of("Immediate"))
    rows = side_by_side("before", HEADER, HEADER, found).rows
    said = {
        (row.who, " ".join(text for text, _ in row.before), " ".join(text for text, _ in row.after)) for row in rows
    }
    new = "Stufe 3, RAIN [galt hier vorher nicht]"
    assert ("Push, Stab", f"Neue Vorabinformation, {new}", f"Neue Warnung, {new}") in said
    steles = {words for who, *both in said if who == "Stele" for words in both}
    assert "gewarnt, Daten aktuell: Stufe 3 (Vorabinformation, Kachel)" in steles
    assert "gewarnt, Daten aktuell: Stufe 3 (Warnung, Kachel)" in steles
    lines = list(as_lines(found, HEADER))
    assert any("before  warn (entered): advance notice, RAIN, level 3" in line for line in lines)
    assert any("after   warn (entered): RAIN, level 3" in line for line in lines)


def test_notices_of_a_release_that_did_not_say_what_is_an_advance_notice_are_compared_without() -> None:
    announced = lines_of("Future")
    older = [{name: value for name, value in line.items() if name != "advance"} for line in announced]
    assert older != announced
    assert differences(older, announced) == []

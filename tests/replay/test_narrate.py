"""What happened, told as people read it: `warnsys scenario run`, `warnsys replay --tell`, `warnsys match`."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geofences import bundled
from tests.cap.oddities import message
from warnsys.cli.main import app
from warnsys.replay.narrate import Narrator
from warnsys.replay.read import of_scenario
from warnsys.replay.run import Replay, header_cities, settings_of
from warnsys.simulation.scenario import load

CAP = """\
<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>{name}</identifier><sender>leitstelle@solingen.example</sender><sent>2027-07-14T12:00:00+00:00</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Public</scope>
  <info>
    <language>de-DE</language><category>Met</category><event>STURMBÖEN</event><urgency>{urgency}</urgency>
    <severity>{severity}</severity><certainty>Observed</certainty><onset>2027-07-14T13:00:00+00:00</onset>
    <expires>2027-07-14T16:00:00+00:00</expires>
    <headline>Sturmböen</headline><description>Es treten Sturmböen auf.</description>
    <area><areaDesc>Solingen</areaDesc><geocode><valueName>WARNCELLID</valueName><value>{cell}</value></geocode></area>
  </info>
</alert>
"""


def cap(name: str, severity: str = "Severe", urgency: str = "Immediate", cell: str = "805122000") -> str:
    return CAP.format(name=name, severity=severity, urgency=urgency, cell=cell)


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def warnsys(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def told(story: str) -> list[str]:
    material = of_scenario(load(story))
    settings, lines = settings_of(None, material.sources), list[str]()
    player = Replay(settings, lambda event: narrator(event))
    narrator = Narrator(header_cities(player.pure.cities), lines.append)
    player.play(material)
    narrator.close()
    return lines


def test_a_story_is_told_in_order_with_chapters_places_and_words() -> None:
    lines = told("storm")
    said = "\n".join(lines)
    assert lines[0].startswith("Mi 14.07. 14:00")
    assert "Mi 14.07. 14:10  Aus der Vorabinformation wird eine Warnung" in said
    assert "Push (Öffentlichkeit und Stab, ganz Solingen): ÜBUNG – Extreme Unwetterwarnung" in said or (
        "Push (Öffentlichkeit, ganz Solingen): ÜBUNG – Extreme Unwetterwarnung" in said
    )
    assert "SMS (Öffentlichkeit und Stab, Ohligs, Aufderhöhe und Merscheid): ÜBUNG: Unwetterwarnung" in said
    clocks = [line[:16] for line in lines if line[:16].strip()]
    assert clocks == sorted(clocks)
    assert len(clocks) == len(set(clocks)), "each time stands there once"


@pytest.mark.parametrize("story", ["storm", "snow", "flapping", "outage", "new-profile"])
def test_nothing_is_told_twice_at_one_time_and_every_line_marks_the_exercise(story: str) -> None:
    lines = told(story)
    at, seen = "", set[tuple[str, str]]()
    for line in lines:
        at = line[:16].strip() or at
        assert (at, line[16:]) not in seen, line
        seen.add((at, line[16:]))
        if re.match(r".{16}  (Stele|Push|SMS) \(", line):
            assert "ÜBUNG" in line


def test_scenario_run_prints_what_happened_and_quiet_does_not() -> None:
    loud, quiet = warnsys("scenario", "run", "snow"), warnsys("scenario", "run", "snow", "--quiet")
    assert (loud.exit_code, quiet.exit_code) == (0, 0)
    assert "Push (Öffentlichkeit und Stab, ganz Solingen): ÜBUNG – Markante Wetterwarnung" in loud.output
    assert "Push" not in quiet.output
    assert quiet.stdout.splitlines() == loud.stdout.splitlines()[-2:]


def test_replay_tells_only_when_it_is_asked_to() -> None:
    assert "Stele (" not in warnsys("replay", "snow").output
    assert "Stele (ganz Solingen)" in warnsys("replay", "snow", "--tell").output


def test_match_takes_folders_and_says_each_channels_words() -> None:
    Path("in/side").mkdir(parents=True)
    Path("in/side/a.xml").write_text(cap("a"))
    Path("in/b.cap").write_text(cap("b", severity="Minor"))
    Path("in/readme.txt").write_text("no CAP")
    result = warnsys("match", "in", "--at", "2027-07-14T13:30")
    assert result.exit_code == 0, result.output
    assert result.output.index("in/b.cap") < result.output.index("in/side/a.xml")
    assert "readme" not in result.output
    assert "SMS (Öffentlichkeit und Stab, ganz Solingen): Unwetterwarnung: STURMBÖEN." in result.output
    assert "Stele (ganz Solingen): Unwetterwarnung, Stufe 3 von 4: STURMBÖEN" in result.output
    assert "– SMS, Öffentlichkeit: Zurückgehalten: Warnungen gehen hier erst ab Stufe 3 hinaus." in result.output


def test_match_of_an_exercise_says_whom_it_would_warn_in_one_if_asked() -> None:
    Path("a.xml").write_text(cap("a").replace("<status>Actual<", "<status>Exercise<"))
    assert "; --exercise says whom it would warn in one" in warnsys("match", "a.xml").output
    asked = warnsys("match", "a.xml", "--exercise").output
    assert "Ohligs" in asked
    assert "ÜBUNG" in asked


def test_match_in_json_has_the_words_in_two_languages_and_the_reasons_for_silence() -> None:
    Path("a.xml").write_text(cap("a", severity="Moderate"))
    (found,) = [json.loads(line) for line in warnsys("match", "a.xml", "--json").stdout.splitlines()]
    push = next(one for one in found["told"] if (one["channel"], one["audience"]) == ("push", "public"))
    assert push["districts"] == [f"solingen-{number}" for number in range(1, 6)]
    assert push["de"].startswith("Markante Wetterwarnung")
    assert push["en"].startswith("Significant weather warning")
    assert any(line.startswith("SMS, Öffentlichkeit: ") for line in found["silent"])


def test_match_in_json_has_the_words_of_a_message_in_one_language_under_that_alone() -> None:
    Path("a.xml").write_text(cap("a"))
    city = f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled("solingen")}"\n'
    rule = '[[policy.rules]]\naudience = "public"\nchannel = "sms"\nwarnings = "Severe"\nlanguages = ["de", "en"]\n'
    Path("warnsys.toml").write_text(city + rule)
    (line,) = warnsys("match", "a.xml", "--settings", "warnsys.toml", "--json").stdout.splitlines()
    sms = [one for one in json.loads(line)["told"] if (one["channel"], one["audience"]) == ("sms", "public")]
    german, english = sorted(sms, key=lambda one: "en" in one)
    assert "en" not in german
    assert "de" not in english
    assert german["de"].startswith("Unwetterwarnung")
    assert english["en"].startswith("Severe weather warning")


def test_match_of_an_advance_notice_says_so_and_of_what_does_not_match_says_nothing() -> None:
    Path("a.xml").write_text(cap("a", urgency="Future"))
    Path("b.xml").write_text(cap("b", cell="805124000"))
    said = warnsys("match", "a.xml").output
    assert "Vorabinformation" in said
    assert "Öffentlichkeit: Zurückgehalten: Vorabinformationen gehen nicht auf diesen Kanal." in said
    (found,) = [json.loads(line) for line in warnsys("match", "b.xml", "--json").stdout.splitlines()]
    assert (found["outcome"], found["told"], found["silent"]) == ("no_district", [], [])


def test_match_of_a_danger_that_is_over_says_so_and_who_hears_of_it() -> None:
    Path("a.xml").write_text(cap("a", urgency="Past"))
    said = warnsys("match", "a.xml").output
    for channel in ("Push", "SMS"):
        assert f"– {channel}, Öffentlichkeit: Zurückgehalten: die Gefahr ist schon vorbei (Past). Das zeigen" in said
    assert "erst ab Stufe" not in said


def test_match_with_settings_asks_their_policy() -> None:
    Path("a.xml").write_text(cap("a"))
    city = f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled("solingen")}"\n'
    rule = '[[policy.rules]]\naudience = "staff"\nchannel = "push"\nwarnings = "Extreme"\n'
    Path("warnsys.toml").write_text(city + 'link = "https://city.example"\n')
    assert warnsys("match", "a.xml", "--settings", "warnsys.toml").exit_code == 0
    Path("warnsys.toml").write_text(city + rule)
    said = warnsys("match", "a.xml", "--settings", "warnsys.toml").output
    assert "Push, Stab: Zurückgehalten: Warnungen gehen hier erst ab Stufe 4 hinaus." in said
    both = warnsys("match", "a.xml", "--settings", "warnsys.toml", "--geofences", str(bundled()))
    assert (both.exit_code, "leave out --geofences" in both.output) == (2, True)


@pytest.mark.parametrize(
    ("options", "decided"),
    [
        (["--at", "2027-07-14T16:30"], "not_live"),
        (["--at", "2027-07-14T16:30", "--local"], "matched"),
        (["--at", "2027-07-14T18:30", "--local"], "not_live"),
        (["--at", "2027-07-14T18:30+04:00"], "matched"),
        (["--at", "2027-07-14T18:30+02:00", "--local"], "not_live"),
    ],
)
def test_a_time_may_be_by_the_citys_clocks_or_have_an_offset(options: list[str], decided: str) -> None:
    Path("a.xml").write_text(cap("a"))
    (found,) = [json.loads(line) for line in warnsys("match", "a.xml", "--json", *options).stdout.splitlines()]
    assert found["outcome"] == decided


@pytest.mark.parametrize("start", ["2027-07-14T14:20", "2027-07-14T12:20+00:00"])
def test_a_replay_begins_at_a_local_time(start: str) -> None:
    assert warnsys("replay", "storm", "--from", start, "--local", "--out", "a.jsonl").exit_code == 0
    assert json.loads(Path("a.jsonl").read_text().splitlines()[0])["from"] == "2027-07-14T12:20:00+00:00"


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    result = warnsys("match", str(tmp_path / "empty"))
    assert result.exit_code == 2
    assert "nothing in it is CAP" in result.output


def test_a_message_that_cannot_be_read_is_said_in_a_folder_of_others() -> None:
    Path("in").mkdir()
    Path("in/a.xml").write_bytes(message()[:200])
    Path("in/b.xml").write_text(cap("b"))
    result = warnsys("match", "in")
    assert result.exit_code == 0
    assert result.output.count("rejected") == 1
    assert "matched b" in result.output

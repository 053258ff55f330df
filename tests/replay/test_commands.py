"""`warnsys replay` and `warnsys scenario`, as a tester types them."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from warnsys.cli.main import app

SETTINGS = """\
[[cities]]
id = "solingen"
name = "Solingen"
geofences = "{geofences}"

[[policy.rules]]
audience = "public"
channel = "push"
warnings = "Severe"
"""


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def warnsys(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_two_replays_write_the_same_bytes_and_the_second_is_as_expected() -> None:
    assert warnsys("replay", "snow", "--out", "one.jsonl").exit_code == 0
    again = warnsys("replay", "snow", "--out", "two.jsonl", "--expect", "one.jsonl")
    assert again.exit_code == 0, again.output
    assert "as expected" in again.output
    assert Path("one.jsonl").read_bytes() == Path("two.jsonl").read_bytes()


def test_other_settings_are_compared_in_the_same_way_and_end_with_one() -> None:
    from geofences import bundled

    Path("city.toml").write_text(SETTINGS.format(geofences=bundled("solingen")), "utf-8")
    assert warnsys("replay", "outage", "--out", "before.jsonl").exit_code == 0
    found = warnsys("replay", "outage", "--settings", "city.toml", "--expect", "before.jsonl")
    assert found.exit_code == 1
    assert "public push  warnings from Severe, no advance notices (settings)" in found.output
    assert "staff sms    warnings from Severe, advance notices from Severe (default)" in found.output
    assert "policy: " in found.output
    assert "Solingen, the whole city: push, public" in found.output
    assert "before  warn (entered): WIND, level 2" in found.output
    assert found.output.endswith("1 difference\n")


def test_written_zips_are_replayed_from_their_folder() -> None:
    written = warnsys("scenario", "write", "outage", "zips")
    assert "warnsys replay zips" in written.output
    assert len(list(Path("zips").glob("Z_CAP_C_EDZW_*.zip"))) == 17
    assert warnsys("replay", "outage", "--out", "story.jsonl").exit_code == 0
    found = warnsys("replay", "zips", "--expect", "story.jsonl")
    assert found.exit_code == 0, found.output


def test_writing_over_files_is_refused() -> None:
    Path("zips").mkdir()
    Path("zips/mine.txt").write_text("mine", "utf-8")
    refused = warnsys("scenario", "write", "snow", "zips")
    assert refused.exit_code == 2
    assert "name an empty folder" in refused.output


def test_a_report_is_written_beside_the_notices() -> None:
    assert warnsys("replay", "rhineland", "--out", "n.jsonl", "--report", "r.html").exit_code == 0
    assert Path("r.html").read_text("utf-8").startswith("<!doctype html>")
    assert Path("n.jsonl").read_text("utf-8").count("\n") > 3


def test_a_bundled_story_runs_against_its_golden_file() -> None:
    found = warnsys("scenario", "run", "two-feeds")
    assert found.exit_code == 0, found.output
    assert "as expected" in found.output


def test_stories_are_listed_and_shown() -> None:
    listed = warnsys("scenario", "list").output
    assert all(name in listed for name in ("bernd", "thunderstorms", "two-feeds"))
    shown = warnsys("scenario", "show", "bernd").output
    assert "188 l/m²" in shown
    assert "2021-07-14 11:00  dwd: Extrem ergiebiger Dauerregen" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["replay", "nowhere"], "bundled stories are: bernd"),
        (["replay", "snow", "--from", "2030-01-01"], "nothing between 2030-01-01"),
        (["replay", "snow", "--from", "soon"], "is no time"),
        (["replay", "snow", "--stage", "live"], "stage of its own"),
        (["replay", "snow", "--expect", "none.jsonl"], "write it first with"),
        (["replay", "snow", "--broker", "embedded", "--out", "x"], "written offline"),
        (["scenario", "show", "nowhere"], "bundled stories are"),
    ],
)
def test_what_cannot_be_done_is_said_with_the_remedy(arguments: list[str], said: str) -> None:
    refused = warnsys(*arguments)
    assert refused.exit_code == 2
    assert said in refused.output

"""`warnsys archive`: what a person finds in it, and what is copied out for a replay."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from geofences import bundled
from warnsys.archive.store import archive_for
from warnsys.cap import read_bundle
from warnsys.cli.main import app
from warnsys.feeds.names import stamp_in
from warnsys.settings import load
from warnsys.simulation.scenario import Scenario
from warnsys.simulation.scenario import load as load_scenario

CITY = '[[cities]]\nid = "solingen"\nname = "Solingen"\n'


@pytest.fixture(scope="module")
def storm() -> Scenario:
    return load_scenario("storm")


@pytest.fixture
def settings(tmp_path: Path, storm: Scenario) -> Path:
    """Of a city whose archive holds a storm; an exercise, as a live city is touched by no made-up message."""
    file = tmp_path / "warnsys.toml"
    file.write_text(f'stage = "test"\n{CITY}geofences = "{bundled()}"\n[archive]\nfolder = "kept"\nmin_free_mb = 0\n')
    archive = archive_for(load(file))
    for step in storm.steps:
        archive.keep("dwd", step.at, step.bundle)
    return file


def warnsys(settings: Path, *words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["archive", *words, "--settings", str(settings)])
    assert result.exit_code == code, result.output
    return result


def listed(settings: Path, *words: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in warnsys(settings, "list", "--json", *words).stdout.splitlines()]


def test_list_shows_every_snapshot_with_what_it_touches(settings: Path, storm: Scenario) -> None:
    found = listed(settings)
    assert len(found) == len(storm.steps)
    assert found[0]["cities"] == {"solingen": 3}
    assert Path(str(found[0]["file"])).read_bytes() == storm.steps[0].bundle
    table = warnsys(settings, "list").stdout
    assert "2027-07-14 12:00:00" in table
    assert f"{len(storm.steps)} snapshots of 1 days" in table


def test_list_is_narrowed_by_time_level_and_city(settings: Path) -> None:
    assert len(listed(settings, "--to", "2027-07-14T12:10")) == 3
    assert listed(settings, "--to", "2027-07-13") == []
    assert len(listed(settings, "--from", "2027-07-14", "--to", "2027-07-14")) == len(listed(settings))
    worst = listed(settings, "--city", "solingen", "--level", "4")
    assert 0 < len(worst) < len(listed(settings))
    assert listed(settings, "--source", "other") == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["list", "--from", "yesterday"], "write 2027-07-14"),
        (["list", "--city", "bonn"], "the settings have solingen"),
        (["export", "OUT", "--source", "other"], "the archive has dwd"),
        (["show", "2020-01-01"], "nothing was kept up to"),
        (["list", "--folder", "nowhere"], "no such folder"),
    ],
)
def test_wrong_question_is_answered_with_the_remedy(settings: Path, words: list[str], said: str) -> None:
    assert said in warnsys(settings, *words, code=2).output


def test_show_gives_the_snapshot_that_held_then_and_what_its_messages_are(settings: Path) -> None:
    said = warnsys(settings, "show", "2027-07-14T12:17").stdout
    assert "2027-07-14 12:15:00 dwd" in said
    assert "matched" in said
    assert "test: status Test" in said


def test_verify_says_what_it_mended_and_fails_for_what_is_lost(settings: Path) -> None:
    assert "snapshots are whole" in warnsys(settings, "verify").stdout
    path = Path(str(listed(settings)[0]["file"]))
    (settings.parent / "kept" / "index.sqlite").unlink()
    assert "mended: " in warnsys(settings, "verify").stdout
    path.unlink()
    assert f"lost: {path}" in warnsys(settings, "verify", code=1).stdout
    assert "lost" not in warnsys(settings, "verify").stdout


def test_prune_keeps_the_newest_day(settings: Path, storm: Scenario) -> None:
    archive = archive_for(load(settings))
    archive.keep("dwd", storm.start.replace(day=20), storm.steps[0].bundle)
    assert "2027-07-14: removed" in warnsys(settings, "prune", "--keep-days", "3").stdout
    assert len(listed(settings)) == 1


def test_export_gives_the_zips_as_the_dwd_dates_them(settings: Path, storm: Scenario, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    said = warnsys(settings, "export", str(folder), "--to", "2027-07-14T12:10").stdout
    assert f"warnsys replay {folder}" in said
    files = sorted(folder.iterdir())
    assert [stamp_in(path.name) for path in files] == [step.at for step in storm.steps[:3]]
    assert [read_bundle(path.read_bytes()) for path in files] == [read_bundle(s.bundle) for s in storm.steps[:3]]
    assert "name an empty folder" in warnsys(settings, "export", str(folder), code=2).output


def test_export_of_other_bytes_under_one_stamp_loses_neither(settings: Path, storm: Scenario, tmp_path: Path) -> None:
    archive_for(load(settings)).keep("dwd", storm.start, storm.steps[-1].bundle)
    warnsys(settings, "export", str(tmp_path / "out"), "--to", "2027-07-14T12:00")
    assert {path.read_bytes() for path in (tmp_path / "out").iterdir()} == {
        storm.steps[0].bundle, storm.steps[-1].bundle
    }  # fmt: skip


def test_without_an_archive_the_remedy_is_said(tmp_path: Path) -> None:
    file = tmp_path / "warnsys.toml"
    file.write_text(f'{CITY}geofences = "{bundled()}"\n')
    assert "write [archive]" in warnsys(file, "list", code=2).output

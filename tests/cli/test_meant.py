"""What somebody meant who mistyped: commands, options, keys of settings, stories; and what a shell completes."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

from warnsys.cli.main import app
from warnsys.nearest import did_you_mean, no_such_key
from warnsys.settings import Settings, SettingsError, load, parse

CITY = {"id": "x", "name": "X", "geofences": "x.geojson"}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["mach", "x.xml"], "'match'"),
        (["doktor"], "'doctor'"),
        (["scenario", "rum", "storm"], "'run'"),
        (["geofences", "chek", "x"], "'check'"),
        (["match", "--geofence", "x", "y.xml"], "--geofences"),
        (["replay", "strom"], "'storm'"),
        (["demo", "--headless", "--scenario", "floods"], "'flood'"),
        (["serve-feed", "storm", "--fault", "halff"], "did you mean"),
    ],
)
def test_a_mistyped_command_option_or_name_says_what_was_meant(words: list[str], meant: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert meant in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("content", "key", "near"),
    [
        ({"brokr": {}}, "brokr", "broker"),
        ({"cities": [{**CITY, "warncells": []}]}, "cities.0.warncells", "warn_cells"),
        ({"sources": [{"name": "x", "URL": "http://x"}]}, "sources.0.URL", "url"),
        ({"web": {"publicport": 1}}, "web.publicport", "public_port"),
        ({"broker": {"sasl": {"user": "x"}}}, "broker.sasl.user", "username"),
        ({"policy": {"baner_from": "Minor"}}, "policy.baner_from", "banner_from"),
    ],
)
def test_a_mistyped_key_of_the_settings_says_which_was_meant(content: dict[str, object], key: str, near: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parse({"cities": [CITY], **content})
    assert f"{key}: there is no such key here; did you mean '{near}'?" in str(refused.value)


def test_a_mistyped_variable_says_which_was_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "warnsys.toml").write_text('[[cities]]\nid = "x"\nname = "X"\ngeofences = "x"\n')
    monkeypatch.setenv("WARNSYS_BROKR__URL", "embedded")
    with pytest.raises(SettingsError, match=r"no setting 'brokr'; did you mean 'broker'\?"):
        load(tmp_path / "warnsys.toml")


def test_a_mistyped_key_of_a_story_says_which_was_meant(tmp_path: Path) -> None:
    story = Path(__file__).parents[2] / "warnsys/simulation/scenarios/snow.yaml"
    (tmp_path / "mine.yaml").write_text(story.read_text("utf-8").replace("minutes:", "minuts:", 1), "utf-8")
    result = CliRunner().invoke(app, ["scenario", "show", str(tmp_path / "mine.yaml")])
    assert result.exit_code == 2
    assert "minuts: there is no such key here; did you mean 'minutes'?" in result.output


def test_nothing_is_guessed_where_nothing_is_near() -> None:
    assert did_you_mean("zzz", ["cities", "broker"]) == ""
    assert no_such_key(Settings, ("cities", 0, "qqqq")) == "there is no such key here"
    assert no_such_key(Settings, ("nowhere", "at", "all")) == "there is no such key here"


@pytest.mark.parametrize("key", ["cities", "sources", "archive", "audit", "broker", "web", "policy"])
@pytest.mark.parametrize("value", ["3", '"x"', "[1]", "[[1]]", "true", "{x = 1}", "{sasl = 3}"])
def test_a_key_that_is_of_another_kind_is_an_error_with_its_name(key: str, value: str, tmp_path: Path) -> None:
    city = "" if key == "cities" else '[[cities]]\nid = "x"\nname = "X"\ngeofences = "x"\n'
    (tmp_path / "warnsys.toml").write_text(f"{key} = {value}\n{city}")
    with pytest.raises(SettingsError, match=key):
        load(tmp_path / "warnsys.toml")


def test_the_version_is_said() -> None:
    result = CliRunner().invoke(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.startswith(f"warnsys {version('warnsys')} (Python {sys.version_info.major}.")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("warnsys sc", {"scenario"}),
        ("warnsys scenario ", {"list", "show", "run", "write"}),
        ("warnsys scenario run st", {"storm"}),
        ("warnsys replay be", {"bernd"}),
        ("warnsys demo --scenario sn", {"snow"}),
        ("warnsys tail pu", {"push"}),
        ("warnsys serve-feed storm --fault nor", set()),
        ("warnsys match --geo", {"--geofences"}),
    ],
)
def test_a_shell_completes_commands_options_and_names(typed: str, offered: set[str]) -> None:
    """As bash asks; completion is typer's own."""
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(len(typed.split(" ")) - 1), "_WARNSYS_COMPLETE": "complete_bash"}
    done = subprocess.run(
        [sys.executable, "-c", "from warnsys.cli.main import app; app(prog_name='warnsys')"],
        env={**os.environ, **asked}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert not done.stderr
    assert offered <= set(done.stdout.split())
    assert all(word.startswith(typed.split(" ")[-1]) for word in done.stdout.split())

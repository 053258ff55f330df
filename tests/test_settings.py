"""Settings are checked as a whole at start, and an error names the key."""

import re
from pathlib import Path
from typing import Any

import pytest

from warnsys.settings import SettingsError, load, parse

CITY = {"id": "x", "name": "X", "geofences": "x.geojson"}


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({}, "cities"),
        ({"cities": []}, "cities"),
        ({"cities": [{**CITY, "id": "X Stadt"}]}, "cities.0.id"),
        ({"cities": [{**CITY, "warn_cells": ["5122000"]}]}, "cities.0.warn_cells.0"),
        ({"cities": [{**CITY, "timezone": "Europe/Solingen"}]}, "cities.0.timezone"),
        ({"cities": [CITY, CITY]}, "cities: x stands there twice"),
        ({"cities": [CITY], "sources": [{"name": "dwd", "url": "ftp://x"}]}, "sources.0.url"),
        ({"cities": [CITY], "broker": {"url": "localhost"}}, "broker.url"),
        ({"cities": [CITY], "brokr": {}}, "brokr"),
        ({"cities": [CITY], "policy": {"banner_from": "Red"}}, "policy.banner_from"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_key(content: dict[str, Any], key: str) -> None:
    with pytest.raises(SettingsError, match=key.replace(".", r"\.")):
        parse(content)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="warnsys init"):
        load(tmp_path / "warnsys.toml")


def test_broken_toml_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "warnsys.toml").write_text("[[cities]\n")
    with pytest.raises(SettingsError, match="line 1"):
        load(tmp_path / "warnsys.toml")


def test_the_environment_wins_and_paths_count_from_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "warnsys.toml"
    file.write_text('[[cities]]\nid = "x"\nname = "X"\ngeofences = "x.geojson"\n[broker]\npartitions = 2\n')
    monkeypatch.setenv("WARNSYS_BROKER__URL", "kafka://broker:9092")
    monkeypatch.setenv("WARNSYS_STAGE", "rehearsal")
    settings = load(file)
    assert settings.cities[0].geofences == tmp_path / "x.geojson"
    assert (settings.broker.url, settings.broker.partitions) == ("kafka://broker:9092", 2)
    assert settings.exercise


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (
            {"url": "https://warn.example/x.zip", "kind": "folder"},
            "kind folder needs folder, but url https://warn.example/x.zip is given; write folder in place of url",
        ),
        (
            {"folder": "/own", "kind": "zip"},
            "kind zip needs url, but folder /own is given; write url in place of folder",
        ),
    ],
)
def test_a_place_that_a_source_of_its_kind_cannot_have_is_refused_with_the_remedy(
    source: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError, match=re.escape(said)) as refused:
        parse({"cities": [CITY], "sources": [{"name": "own", **source}]})
    assert "sources.0" in str(refused.value)


def test_without_a_source_the_dwd_is_read() -> None:
    (source,) = parse({"cities": [CITY]}).sources
    assert source.name == "dwd"
    assert "COMMUNEUNION" in source.url


FILE = '[[cities]]\nid = "x"\nname = "X"\ngeofences = "x.geojson"\n'


def settings_file(folder: Path, more: str = "", mark: str = "") -> Path:
    file = folder / "warnsys.toml"
    file.write_text(mark + FILE + more, encoding="utf-8")
    return file


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    assert load(settings_file(tmp_path, mark="\ufeff")).cities[0].id == "x"


@pytest.mark.parametrize("of_file", [False, True])
def test_the_usual_file_is_looked_for_where_the_environment_says(
    of_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = settings_file(tmp_path)
    monkeypatch.setenv("WARNSYS_CONFIG", str(file if of_file else tmp_path))
    assert load(Path("warnsys.toml")).cities[0].geofences == tmp_path / "x.geojson"
    assert load(file).cities[0].geofences.parent == tmp_path  # a file that is named wins


@pytest.mark.parametrize("value", ["dwd", "[", "1"])
@pytest.mark.parametrize("name", ["WARNSYS_SOURCES", "WARNSYS_CITIES", "WARNSYS_BROKER"])
def test_a_list_in_the_environment_that_is_none_is_an_error_with_its_name(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"(?i){name}|{name.removeprefix('WARNSYS_')}"):
        load(settings_file(tmp_path))


def test_a_list_in_the_environment_is_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARNSYS_SOURCES", '[{"name": "own", "folder": "/own"}]')
    assert [source.name for source in load(settings_file(tmp_path)).sources] == ["own"]


@pytest.mark.parametrize("name", ["WARNSYS_BROKR__URL", "WARNSYS_SOURCES__0__URL", "WARNSYS_STAGE__X", "WARNSYS_"])
def test_what_is_no_setting_is_refused_by_its_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "x")
    with pytest.raises(SettingsError, match=name):
        load(settings_file(tmp_path))


def test_a_password_comes_from_a_file_of_secrets_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "warnsys_broker__password").write_text("s3cret\n")
    (secrets / "somebody-elses").write_bytes(b"\xff")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secrets))
    file = settings_file(tmp_path, '[broker.sasl]\nusername = "w"\n')
    for expected in ("s3cret", "other"):
        password = load(file).broker.password
        assert password is not None
        assert password.get_secret_value() == expected
        monkeypatch.setenv("WARNSYS_BROKER__PASSWORD", "other")


def test_a_file_of_secrets_that_is_no_text_is_refused_by_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "WARNSYS_STAGE").write_bytes(b"\xff\xfe")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    with pytest.raises(SettingsError, match=str(tmp_path)):
        load(settings_file(tmp_path))


def test_no_error_quotes_a_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARNSYS_BROKER__PASSWORD", "s3cret")
    with pytest.raises(SettingsError) as refused:
        load(settings_file(tmp_path))
    assert "s3cret" not in str(refused.value)

"""Settings are checked as a whole at start, and an error names the key."""

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


def test_without_a_source_the_dwd_is_read() -> None:
    (source,) = parse({"cities": [CITY]}).sources
    assert source.name == "dwd"
    assert "COMMUNEUNION" in source.url

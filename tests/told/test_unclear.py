"""What CAP leaves open, and how it is read: decided in docs/adr/0021."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.told.play import DISTRICT, Play, Said
from warnsys import settings
from warnsys.warning.policy import Policy

STORM = Said(severity="Severe", event="Sturm", category="Met")
GREEN = (("awareness_level", "1; green; Minor"),)


def update(**changed: object) -> Said:
    return replace(STORM, identifier="2027-002", sent=6, of=STORM.name, **changed)  # type: ignore[arg-type]


@pytest.mark.parametrize("severity", ["Minor", "Severe", "Extreme"])
def test_what_is_over_from_the_start_stands_quietly_and_tells_the_public_nothing(play: Play, severity: str) -> None:
    play.look(0, replace(STORM, urgency="Past", severity=severity))
    assert (play.told("push"), play.told("sms")) == ([], [])
    assert play.stands() == [f"{severity} Sturm"]
    held = play.offline.situations()["solingen"].districts[DISTRICT]
    assert Policy().presentation(held.standing[0].meaning, play.now) == "tile"


@pytest.mark.parametrize("severity", ["Minor", "Moderate", "Severe"])
def test_an_update_to_past_ends_the_warning_for_who_was_told(play: Play, severity: str) -> None:
    play.look(0, STORM)
    past = update(urgency="Past", severity=severity)
    play.look(6, STORM, past)
    assert [one.partition(" ")[0] for one in play.told("push")] == ["ended"]
    assert [one.partition(" ")[0] for one in play.told("sms")] == ["ended"]
    assert play.stands() == [f"{severity} Sturm"]
    play.look(12, past)
    assert play.told("push") == []


def test_what_was_over_and_begins_again_is_told_again(play: Play) -> None:
    past = update(urgency="Past")
    play.look(0, STORM)
    play.look(6, STORM, past)
    play.look(12, past, replace(STORM, identifier="2027-003", sent=12, of=past.name))
    assert [one.partition(" ")[0] for one in play.told("push")] in (["warn"], ["update"])


@pytest.mark.parametrize("level", ["1; green; Minor", "1;green;Minor", "1; Green", "green"])
def test_meteoalarms_green_warns_nobody(play: Play, level: str) -> None:
    play.look(0, replace(STORM, severity="Minor", parameters=(("awareness_level", level),)))
    assert (play.told(), play.stands()) == ([], [])


def test_an_update_to_green_ends_the_warning(play: Play) -> None:
    play.look(0, STORM)
    play.look(6, STORM, update(severity="Minor", parameters=GREEN))
    assert [one.partition(" ")[0] for one in play.told()] == ["ended"]
    assert play.stands() == []


@pytest.mark.parametrize("severity", ["Moderate", "Severe", "Extreme", "Unknown"])
def test_what_is_worse_than_minor_is_no_green(play: Play, severity: str) -> None:
    play.look(0, replace(STORM, severity=severity, parameters=GREEN))
    assert play.stands() == [f"{severity} Sturm"]


def test_an_end_in_the_year_9999_stands_until_it_is_ended(play: Play) -> None:
    play.look(0, replace(STORM, until=None))
    assert play.told() == ["warn entered Severe"]
    assert play.stands() == ["Severe Sturm"]


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_settings_are_read_with_a_byte_order_mark_or_without(tmp_path: Path, mark: str, end: str) -> None:
    lines = "[[cities]]", 'id = "x"', 'name = "X"', 'geofences = "x.geojson"', ""
    (tmp_path / "warnsys.toml").write_bytes((mark + end.join(lines)).encode())
    assert settings.load(tmp_path / "warnsys.toml").cities[0].name == "X"

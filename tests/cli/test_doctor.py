"""`warnsys doctor` says what is missing and what is wrong, each with its remedy."""

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from geofences import bundled
from warnsys import doctor
from warnsys.cli.main import app
from warnsys.feeds.answer import Answer
from warnsys.settings import Source, parse
from warnsys.simulation.standin import StandIn

CITY = """\
[[cities]]
id = "solingen"
name = "Solingen"
geofences = "solingen.geojson"
warn_cells = ["805122000"]
link = "https://city.example/{city}/{district}"

[web]
port = 0
public_port = 0
operators = {"anna" = "scrypt"}
"""
OWN = '[[sources]]\nname = "city"\nfolder = "own"\n'
NOBODY = '[[sources]]\nname = "x"\nurl = "http://127.0.0.1:9/x.zip"\n'
KEPT = '[archive]\nfolder = "kept"\nmin_free_mb = 0\n'


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("solingen.geojson").write_bytes(bundled("solingen").read_bytes())
    Path("own").mkdir()
    Path("own/warnsys.folder").touch()


def rows(settings: str, *options: str, code: int) -> dict[str, dict[str, Any]]:
    Path("warnsys.toml").write_text(settings, "utf-8")
    result = CliRunner().invoke(app, ["doctor", "--json", *options])
    assert result.exit_code == code, result.output
    return {(row := json.loads(line))["what"]: row for line in result.stdout.splitlines()}


def test_an_installation_that_is_well_ends_with_zero_and_says_what_is_only_for_trying_out() -> None:
    found = rows(CITY + OWN + KEPT, code=0)
    assert found["Python"]["health"] == found["packages"]["health"] == found["settings"]["health"] == "ok"
    assert found["geofences of Solingen"]["says"] == "5 districts"
    assert found["source city"]["says"].startswith("0 messages, as of ")
    assert (found["broker"]["health"], "nicht für den Betrieb" in found["broker"]["says"]) == ("note", True)
    assert found["operators"]["says"] == "1 by name"


def test_every_row_that_is_not_well_has_a_remedy() -> None:
    bad = CITY.replace("solingen.geojson", "none.geojson") + OWN.replace("own", "other")
    bad = bad.replace("port = 0", "port = 1", 1) + '[archive]\nfolder = "solingen.geojson"\n[broker]\n'
    found = rows(bad + 'url = "kafka://127.0.0.1:9"\n', code=1)
    ill = {name for name, row in found.items() if row["health"] == "wrong"}
    assert {"geofences of Solingen", "source city", "archive.folder", "broker"} <= ill
    assert all(row["remedy"] for row in found.values() if row["health"] != "ok"), found


@pytest.mark.parametrize(
    ("settings", "row", "says", "remedy"),
    [
        (CITY.replace("solingen.geojson", "none.geojson"), "geofences of Solingen", "none.geojson", "geofences check"),
        (CITY.replace('"solingen"', '"koeln"'), "geofences of Solingen", "koeln", "geofences check"),
        (CITY + OWN.replace("own", "other"), "source city", "warnsys.folder is missing", "touch"),
        (CITY + NOBODY, "source x", "no whole answer", "network"),
        (CITY + '[broker]\nurl = "kafka://127.0.0.1:9"\n', "broker", "nobody listens at 127.0.0.1:9", "make kafka"),
        (CITY + '[audit]\nfolder = "solingen.geojson"\n', "audit.folder", "is a file", "name a folder"),
        (CITY + KEPT.replace("= 0", "= 1e12"), "archive.folder", "so that nothing is kept", "archive prune"),
        (CITY.replace("operators =", "open = true\noperators ="), "operators", "everybody", "take web.open out"),
        (CITY.replace("cities]]", "citys]]"), "settings", "did you mean 'cities'?", "warnsys.toml"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_with_its_remedy(settings: str, row: str, says: str, remedy: str) -> None:
    sources = "" if "[[sources]]" in settings or "citys" in settings else OWN
    found = rows(settings + sources, code=1)[row]
    assert found["health"] == "wrong"
    assert says in found["says"]
    assert remedy in found["remedy"]


def test_without_settings_the_rest_is_looked_at_all_the_same() -> None:
    result = CliRunner().invoke(app, ["doctor", "--settings", "none.toml"])
    assert result.exit_code == 1
    assert "3.1" in result.output
    assert "warnsys init" in result.output


def test_a_port_that_somebody_has_is_wrong_and_one_that_is_free_is_not() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        found = rows(CITY.replace("port = 0", f"port = {port}", 1) + OWN, "--offline", code=1)
    assert found["web.port"]["health"] == "wrong"
    assert f"127.0.0.1:{port}" in found["web.port"]["says"]
    assert "another port" in found["web.port"]["remedy"]
    assert found["web.public_port"]["health"] == "ok"


def test_offline_nobody_is_asked() -> None:
    found = rows(CITY + NOBODY, "--offline", code=0)
    assert not {"source x", "broker", "clock"} & found.keys()


def test_a_server_that_answers_says_how_old_its_listing_is_and_compares_the_clocks() -> None:
    with StandIn() as server:
        server.publish(datetime.now(UTC), _empty_zip())
        found = rows(CITY + f'[[sources]]\nname = "dwd"\nurl = "{server.url}"\n', code=0)
    assert found["source dwd"]["says"].startswith("0 messages, as of ")
    assert found["clock"]["health"] == "ok"


NOW = datetime(2027, 7, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("apart", "health"),
    [(0, "ok"), (9, "ok"), (11, "note"), (-11, "note"), (301, "wrong"), (-301, "wrong")],
)
async def test_two_clocks_are_told_from_each_other(apart: int, health: str, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Answer(NOW, _empty_zip(), {}, date=NOW + timedelta(seconds=apart))
    found = await _looked(answer, monkeypatch)
    assert [row.health for row in found if row.what == "clock"] == [health]


async def test_a_listing_that_is_old_or_has_no_time_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    for stamp in (NOW - timedelta(hours=1), None):
        (row,) = await _looked(Answer(stamp, _empty_zip(), {}), monkeypatch)
        assert (row.health, bool(row.remedy)) == ("wrong", True)
    (row,) = await _looked(Answer(NOW, b"no zip", {}), monkeypatch)
    assert "no whole ZIP" in row.says


async def _looked(answer: Answer, monkeypatch: pytest.MonkeyPatch) -> list[doctor.CheckRow]:
    class Answers:
        async def ask(self, *_: object) -> Answer:
            return answer

    monkeypatch.setattr(doctor, "asks", lambda *_: Answers())
    source = Source(name="dwd", url="http://127.0.0.1/x.zip")
    return await doctor.of_source(source, None, lambda: NOW)  # type: ignore[arg-type]


def test_a_package_of_another_version_than_the_pinned_one_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda _: ["faust-streaming==0.0.1", "no-such-package>=1", "numpy>=2"])
    (row,) = (one for one in doctor.of_python() if one.what == "packages")
    assert row.health == "wrong"
    assert "faust-streaming" in row.says
    assert "expected 0.0.1" in row.says
    assert "no-such-package" in row.says
    assert "numpy" not in row.says


def test_every_key_of_a_folder_or_port_in_the_settings_is_looked_at() -> None:
    """A new one that is not would be found at the start of operation only."""
    settings = parse({"cities": [{"id": "x", "name": "x", "geofences": "x"}]})
    named = {f"web.{name}" for name in type(settings.web).model_fields if name.endswith("port")}
    named |= {f"{table}.folder" for table in ("archive", "audit")} | {"metrics.port", "runtime_folder"}
    text = Path(doctor.__file__).read_text("utf-8")
    assert all(f'"{name}"' in text for name in named)


def _empty_zip() -> bytes:
    return b"PK\x05\x06" + bytes(18)

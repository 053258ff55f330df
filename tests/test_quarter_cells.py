"""Cities that the DWD warns by their quarters: nobody writes down a cell that does not exist without being told."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner, Result

from geofences import Area, GeofenceIndex, bundled, check, load
from geofences.authoring.names import slug
from geofences.files.rules import _of_cells, unknown_cells
from geofences.files.warn_cells import COMMUNE, QUARTER, KnownCells
from tests.geofences.fences import block, fence
from tests.geofences.fences import write as write_fences
from tests.support import NOON
from tests.web.sites import LOGIN, Desk
from tests.web.states import SEVERE
from warnsys.cap import cells
from warnsys.cli.main import app
from warnsys.metrics import Metrics
from warnsys.partition import Offline
from warnsys.reach import Reach
from warnsys.records import AlertHeaders, Snapshot
from warnsys.renewal import watch
from warnsys.settings import load as load_settings
from warnsys.settings import parse
from warnsys.simulation.message import write
from warnsys.web.app import operators_site

BUNDLED = cells.bundled()
KNOWN = KnownCells(BUNDLED)
CITIES = {
    "Augsburg": ("09761000", 17), "Berlin": ("11000000", 97), "Bielefeld": ("05711000", 2), "Bremen": ("04011000", 2),
    "Bremerhaven": ("04012000", 1), "Chemnitz": ("14511000", 5), "Dortmund": ("05913000", 2),
    "Dresden": ("14612000", 19), "Duisburg": ("05112000", 2), "Düsseldorf": ("05111000", 4), "Erfurt": ("16051000", 5),
    "Essen": ("05113000", 2), "Frankfurt am Main": ("06412000", 2), "Freiburg": ("08311000", 2),
    "Hamburg": ("02000000", 9), "Kaiserslautern": ("07312000", 2), "Köln": ("05315000", 9),
    "Landau in der Pfalz": ("07313000", 2), "Leipzig": ("14713000", 10), "Lübeck": ("01003000", 2),
    "München": ("09162000", 25), "Münster": ("05515000", 2), "Nürnberg": ("09564000", 10), "Potsdam": ("12054000", 2),
    "Saarbrücken": ("10041100", 3), "Stuttgart": ("08111000", 3), "Wiesbaden": ("06414000", 2),
}  # fmt: skip
"""Key and number of quarters; no commune cell of them is in the DWD's catalogue."""


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a catalogue of their own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, list(map(str, arguments)))


def drawn(tmp_path: Path, *cells: str, city: str = "x") -> Path:
    return write_fences(tmp_path / "city.geojson", fence("a", block(0, 0, 900, 900), city=city, warn_cells=list(cells)))


def test_every_commune_of_the_catalogue_is_reached_by_its_own_cell_or_by_quarters_alone() -> None:
    keys = KNOWN.keys()
    assert len(keys) == 10_998
    for key in keys:
        own, quarters = f"{COMMUNE}{key}" in BUNDLED, KNOWN.quarters(key)
        assert own != bool(quarters), key
        assert KNOWN.reaching(key) == ((f"{COMMUNE}{key}",) if own else quarters)
    by_quarters = {key for key in keys if KNOWN.quarters(key)}
    assert {key for key, _ in CITIES.values()} == by_quarters - {"01051031", "01051034"}  # an island, and its parish
    every = sorted(cell for key in keys for cell in KNOWN.reaching(key))
    assert every == sorted(cell for cell in BUNDLED if cell.startswith((COMMUNE, QUARTER)))


def test_what_is_proposed_for_any_commune_is_fine_for_its_districts() -> None:
    for key in KNOWN.keys():  # noqa: SIM118 - no dict
        proposed = KNOWN.proposed(key)
        assert [*_of_cells(proposed), *unknown_cells(proposed, KNOWN)] == [], key


@pytest.mark.parametrize("city", CITIES)
def test_the_cell_that_a_city_with_quarters_does_not_have_is_refused_and_its_quarters_named(
    tmp_path: Path, city: str
) -> None:
    key, count = CITIES[city]
    (quarters,) = (KNOWN.quarters(key),)
    assert len(quarters) == count
    result = run("geofences", "check", drawn(tmp_path, f"8{key}"))
    assert result.exit_code == 1
    assert f"error cell-unknown: feature 0 (a): warn cell 8{key} is not in the DWD's catalogue" in result.output
    assert all(f"{cell} {BUNDLED[cell]}" in result.output for cell in quarters[:30])
    assert (f"and {count - 30} more" in result.output) == (count > 30)
    shown = run("cells", "show", f"8{key}")
    assert (shown.exit_code, all(cell in shown.output for cell in quarters[:50])) == (0, True)


@pytest.mark.parametrize("city", CITIES)
def test_a_district_with_all_cells_of_a_city_with_quarters_is_fine(tmp_path: Path, city: str) -> None:
    key, _ = CITIES[city]
    assert cells.communes_named(BUNDLED, city) == (key,)
    result = run("geofences", "check", drawn(tmp_path, *KNOWN.proposed(key)))
    assert (result.exit_code, "errors: 0, warnings: 0" in result.output) == (0, True), result.output


def test_a_quarter_that_no_district_has_is_said(tmp_path: Path) -> None:
    found = check(drawn(tmp_path, "105315000", *KNOWN.quarters("05315000")[:-1]), known_cells=BUNDLED)
    assert [(one.code, one.severity) for one in found] == [("quarters-left-out", "warning")]
    assert "705315109 Köln-Mülheim" in found[0].says


@pytest.mark.parametrize(
    ("given", "code", "severity"),
    [
        (("705315101", "105315000"), "quarters-left-out", "warning"),
        (("705315199", "105315000"), "cell-unknown", "error"),
        (("105315000",), "kreis-cell", "error"),
        (("710041101", "110041000"), "kreis-cell", "error"),  # the Regionalverband has other communes, too
        (("709162001", "109162000"), "cell-unknown", "warning"),  # needless beside a quarter
        (("809162000", "109162000"), "cell-unknown", "error"),
        (("711001001", "111000000"), "quarters-left-out", "warning"),  # Berlin's quarters have keys of several Kreise
        (("705315101", "105122000"), "kreis-cell", "error"),
        (("201068001",), "cell-unknown", "error"),
    ],
)
def test_quarters_and_kreis_cells_go_together_where_the_city_is_its_own_kreis(
    tmp_path: Path, given: tuple[str, ...], code: str, severity: str
) -> None:
    found = check(drawn(tmp_path, *given), known_cells=BUNDLED)
    assert (code, severity) in [(one.code, one.severity) for one in found]
    assert any(one.severity == "error" for one in found) == (severity == "error")


def test_after_a_reform_the_old_key_is_an_error_by_the_newer_catalogue(tmp_path: Path) -> None:
    newer = tmp_path / "newer.csv"
    reformed = {**BUNDLED, "805122999": "Stadt Neu-Solingen"}
    del reformed["805122000"]
    newer.write_bytes(cells.written(reformed))
    fences = drawn(tmp_path, "805122000")
    assert run("geofences", "check", fences).exit_code == 0
    assert run("geofences", "check", fences, "--known-cells", newer).exit_code == 1
    assert run("cells", "update", newer).exit_code == 0
    result = run("geofences", "check", fences)
    assert (result.exit_code, "take the new key" in result.output) == (1, True)


def test_import_puts_all_quarters_in_place_of_a_cell_that_does_not_exist_and_says_so(tmp_path: Path) -> None:
    source = tmp_path / "communes.geojson"
    rows = [("05315000", block(0, 0, 900, 900)), ("05122000", block(900, 0, 900, 900))]
    features = [
        {"type": "Feature", "properties": {"ags": ags}, "geometry": shape.__geo_interface__} for ags, shape in rows
    ]
    source.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    fields = ("--city", "x", "--id-field", "ags", "--name-field", "ags", "--cell", "8{ags}")
    result = run("geofences", "import", source, *fields, "--out", tmp_path / "out.geojson")
    assert result.exit_code == 0, result.output
    assert "warning cell-quarters: feature 0 (05315000): the DWD has no cell 805315000" in result.output
    cologne, solingen = json.loads((tmp_path / "out.geojson").read_bytes())["features"]
    assert sorted(cologne["properties"]["warn_cells"]) == [f"70531510{n}" for n in range(1, 10)]
    assert solingen["properties"]["warn_cells"] == ["805122000"]


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("köln", ("05315000",)),
        ("Stadt Köln", ("05315000",)),
        ("Landeshauptstadt München", ("09162000",)),
        ("Frankfurt", ("06412000",)),
        ("Freiburg im Breisgau", ("08311000",)),
        ("Landau", ("07313000",)),
        ("Solingen", ("05122000",)),
        ("Garching b. München", ("09184119",)),
        ("Atlantis", ()),
    ],
)
def test_a_city_is_found_by_the_names_that_people_use(name: str, keys: tuple[str, ...]) -> None:
    assert cells.communes_named(BUNDLED, name) == keys


def test_a_name_of_several_communes_gives_them_all() -> None:
    assert len(cells.communes_named(BUNDLED, "Neustadt")) > 1


@pytest.mark.parametrize("city", CITIES)
def test_init_proposes_the_quarters_of_each_city_that_has_them(tmp_path: Path, city: str) -> None:
    key, _ = CITIES[city]
    fences = drawn(tmp_path, city=slug(city))  # a district without cells
    result = run("init", "--city", city, "--geofences", fences, "--out", tmp_path / "warnsys.toml")
    assert result.exit_code == 0, result.output
    assert set(load_settings(tmp_path / "warnsys.toml").cities[0].warn_cells) == set(KNOWN.proposed(key))
    assert f"{KNOWN.quarters(key)[0]} " in result.output


@pytest.mark.parametrize("city", CITIES)
@pytest.mark.parametrize("given", ["of its districts", "as an option"])
def test_init_refuses_the_cell_that_such_a_city_does_not_have_and_names_its_quarters(
    tmp_path: Path, city: str, given: str
) -> None:
    key, _ = CITIES[city]
    cells_, options = ([f"8{key}"], []) if given == "of its districts" else ([], ["--cell", f"8{key}"])
    fences = drawn(tmp_path, *cells_, city=slug(city))
    result = run("init", "--city", city, "--geofences", fences, *options, "--out", tmp_path / "warnsys.toml")
    assert result.exit_code == 2
    assert f"8{key} is not in the DWD's catalogue" in result.output
    assert KNOWN.quarters(key)[0] in result.output
    assert not (tmp_path / "warnsys.toml").exists()


def test_init_of_a_bundled_city_needs_its_name_alone(tmp_path: Path) -> None:
    assert run("init", "--city", "Köln", "--out", tmp_path / "warnsys.toml").exit_code == 0
    assert load_settings(tmp_path / "warnsys.toml").cities[0].geofences == bundled("koeln")


def test_a_name_of_several_communes_is_proposed_nothing(tmp_path: Path) -> None:
    result = run("init", "--city", "Neustadt", "--geofences", drawn(tmp_path, city="neustadt"), "--out", tmp_path / "x")
    assert result.exit_code == 2
    assert "communes of that name (01055032, " in result.output


# -- running ----------------------------------------------------------------------------------------------------------


def metric(metrics: Metrics, city: str) -> float | None:
    return metrics.registry.get_sample_value("warnsys_city_cells_unknown", {"city": city})


def without(tmp_path: Path, *gone: str) -> Path:
    """A newer catalogue that lacks some cells."""
    newer = tmp_path / "newer.csv"
    newer.write_bytes(cells.written({cell: name for cell, name in BUNDLED.items() if cell not in gone}))
    return newer


def test_a_catalogue_that_lacks_our_cell_is_an_alarm_at_the_start_and_no_refusal(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cells.update(without(tmp_path, "805122000"))
    metrics = Metrics()
    Reach(load(bundled()), metrics).look()
    assert metric(metrics, "solingen") == 1
    assert "warn cell 805122000 is not in the DWD's catalogue" in caplog.text
    assert "Gräfrath" in caplog.text


def test_a_catalogue_renewed_while_we_run_raises_the_alarm_and_ends_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    reach = Reach(load(bundled("koeln")), metrics)
    reach.look()
    assert (metric(metrics, "koeln"), caplog.text) == (0, "")
    cells.update(without(tmp_path, "705315108", "705315109"))
    reach.look()
    reach.look()
    assert metric(metrics, "koeln") == 2
    assert caplog.text.count("warn cell 705315108 is not in") == 1
    assert [one.districts for one in reach.now()] == [("Kalk",), ("Mülheim",)]
    cells.own_file().unlink()
    reach.look()
    assert metric(metrics, "koeln") == 0
    assert "the catalogue has all cells" in caplog.text


async def test_the_watch_on_geofences_looks_at_the_catalogue_too(tmp_path: Path) -> None:
    city = {"id": "koeln", "name": "Köln", "geofences": str(bundled("koeln"))}
    metrics, rounds = Metrics(), list[float | None]()

    async def sleep(_: float) -> None:
        rounds.append(metric(metrics, "koeln"))
        if len(rounds) == 1:
            cells.update(without(tmp_path, "705315101"))
        if len(rounds) == 2:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        await watch(parse({"cities": [city]}), sleep, Reach(load(bundled("koeln")), metrics))
    assert rounds == [0, 1]


def test_operators_see_on_their_page_and_its_figures_which_cells_do_not_exist(tmp_path: Path) -> None:
    desk = Desk()
    cells.update(without(tmp_path, "705315108"))
    assert "gibt es beim DWD nicht" not in desk.page("/")
    site = replace(desk.site, reach=Reach(load(bundled("koeln"))))
    client = TestClient(operators_site(site), base_url="http://desk")
    assert "Die Warnzelle 705315108 gibt es beim DWD nicht: für Kalk kommt" in client.get("/", auth=LOGIN).text
    assert "The DWD has no warn cell 705315108" in client.get("/?lang=en", auth=LOGIN).text
    assert 'warnsys_city_cells_unknown{city="koeln"} 1.0' in client.get("/metrics").text


# -- districts that are warned apart ----------------------------------------------------------------------------------


def test_a_quarter_of_koeln_is_warned_alone_and_the_kreis_warns_all() -> None:
    index = GeofenceIndex(load(bundled("koeln")))
    for cell, warned in [("705315108", ["Kalk"]), ("705315101", ["Innenstadt"]), ("805315000", [])]:
        found = index.match([Area(cells=(cell,))]).concerned
        assert [match.district.name for match in found if match.matched] == warned
    assert sum(match.matched for match in index.match([Area(cells=("105315000",))]).concerned) == 9


async def test_two_quarters_of_koeln_show_different_warnings_at_the_same_time() -> None:
    city = {"id": "koeln", "name": "Köln", "geofences": str(bundled("koeln"))}
    offline = Offline(parse({"cities": [city]}))
    offline.tick(NOON)
    quarters = {"705315101": "Severe", "705315108": "Moderate"}
    for cell, severity in quarters.items():
        message = SEVERE.model_copy(update={"severity": severity, "cells": (cell,)})
        body = write(message, NOON, f"{cell}.MUL", cells=BUNDLED, note="made up")
        await offline.alert(AlertHeaders(stage="live", source="dwd", id=cell, stamp=NOON, seen=NOON), body)
    await offline.snapshot(Snapshot(stage="live", source="dwd", stamp=NOON, checked=NOON, ids=tuple(quarters)))
    situation = offline.situations()["koeln"]
    held = {
        district: [standing.meaning.severity for standing in one.standing]
        for district, one in situation.districts.items()
        if one.standing
    }
    assert held == {"koeln-1": ["Severe"], "koeln-8": ["Moderate"]}

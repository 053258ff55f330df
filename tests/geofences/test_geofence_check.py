"""All that is wrong with a file is said at once, with feature, place and remedy; what is fine is not talked about."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import Polygon, mapping
from typer.testing import CliRunner, Result

from geofences import Finding, GeofenceError, bundled, check, load
from geofences.authoring.coverage import Tolerance
from tests import like_dwd
from tests.geofences.fences import METRE_LAT, METRE_LON, block, fence, write
from warnsys.cap import cells
from warnsys.cli.main import app

KNOWN = {"805122000", "105122000", "805158004", "805158008", "105158000", "105315000"}


@pytest.fixture
def findings(tmp_path: Path) -> Callable[..., list[Finding]]:
    def findings(*features: dict[str, Any], **options: Any) -> list[Finding]:
        return check(write(tmp_path / "fences.geojson", *features), **options)

    return findings


Check = Callable[..., list[Finding]]


def codes(found: list[Finding]) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.id) for finding in found]


def test_the_bundled_districts_are_fine() -> None:
    assert check(bundled(), known_cells=KNOWN) == []


def test_a_file_broken_in_four_ways_gets_each_named_with_feature_and_remedy(tmp_path: Path) -> None:
    bow_tie = Polygon([(7, 51), (7.1, 51.1), (7.1, 51), (7, 51.1)])
    swapped = Polygon([(lat, lon) for lon, lat in shapely.get_coordinates(block(0, 0, 900, 900)).tolist()])
    path = write(
        tmp_path / "broken.geojson",
        fence("bow-tie", bow_tie),
        fence("twice", block(0, 0, 900, 900)),
        fence("twice", block(900, 0, 900, 900)),
        fence("swapped", swapped),
        fence("village", block(1800, 0, 900, 900), warn_cells=["805158004", "105158000"]),
    )
    found = check(path, known_cells=KNOWN)
    assert [(finding.feature, finding.code, finding.id) for finding in found] == [
        (0, "outline-invalid", "bow-tie"),
        (2, "duplicate-id", "twice"),
        (3, "swapped", "swapped"),
        (4, "kreis-cell", "village"),
    ]
    assert {finding.severity for finding in found} == {"error"}
    assert found[0].position == pytest.approx((7.05, 51.05))
    assert found[2].position == pytest.approx((7, 51))
    assert "Fix geometries" in found[0].remedy
    assert found[1].says == "id 'twice' stands at feature 1 already"
    assert found[2].remedy == "exchange the two numbers"
    assert found[3].remedy == "list the commune's cell (8…) alone, or those of its quarters (7…)"
    with pytest.raises(GeofenceError) as refused:
        load(path)
    assert refused.value.findings == tuple(found)


def test_areas_side_by_side_are_fine_also_where_one_has_a_corner_more(findings: Check) -> None:
    assert findings(
        fence("a", block(0, 0, 900, 900)), fence("b", block(900, 0, 900, 500)), fence("c", block(900, 500, 900, 400))
    ) == []  # fmt: skip


def test_an_overlap_is_named_with_both_areas_its_size_and_place(findings: Check) -> None:
    (found,) = findings(fence("a", block(0, 0, 900, 900)), fence("b", block(890, 0, 900, 900)))
    assert (found.code, found.severity, found.feature, found.id) == ("overlap", "error", 1, "b")
    assert "overlaps a by 90" in found.says
    assert "m² (9.9 m wide)" in found.says
    assert found.position == pytest.approx((7 + 895 * METRE_LON, 51 + 450 * METRE_LAT))
    assert "shared border" in found.remedy


@pytest.mark.parametrize("second", [block(0, 0, 900, 900), block(100, 100, 300, 300)])
def test_one_area_upon_or_inside_another_overlaps(findings: Check, second: Polygon) -> None:
    assert codes(findings(fence("a", block(0, 0, 900, 900)), fence("b", second))) == [("overlap", "b")]


def test_a_gap_that_opens_to_the_outside_is_found(findings: Check) -> None:
    (found,) = findings(fence("a", block(0, 0, 900, 900)), fence("b", block(905, 0, 900, 900)))
    assert (found.code, found.severity, found.id) == ("gap", "error", "a")
    assert "between a and b belong to no district" in found.says
    assert found.position == pytest.approx((7 + 902.5 * METRE_LON, 51 + 450 * METRE_LAT))


def test_a_gap_that_is_closed_all_round_is_found_once(findings: Check) -> None:
    left = shapely.difference(block(0, 0, 900, 900), block(895, 300, 5, 300))
    (found,) = findings(fence("a", left), fence("b", block(900, 0, 900, 900)))
    assert (found.code, found.severity) == ("gap", "error")
    assert found.says.startswith("1500 m² (4.9 m wide)")


def test_a_bay_of_the_outer_border_is_no_gap(findings: Check) -> None:
    bay = Polygon([(7 + x * METRE_LON, 51 + y * METRE_LAT) for x, y in [(890, 900), (900, 500), (910, 900)]])
    left, right = (shapely.difference(block(x, 0, 900, 900), bay) for x in (0, 900))
    assert findings(fence("a", left), fence("b", right)) == []


def test_land_of_another_city_inside_is_a_warning_only(findings: Check) -> None:
    (found,) = findings(fence("a", shapely.difference(block(0, 0, 2000, 2000), block(500, 500, 800, 800))))
    assert (found.code, found.severity) == ("hole", "warning")
    assert "another city's land" in found.remedy


@pytest.mark.parametrize("distance", [899.5, 900.5])
def test_slivers_within_the_tolerance_pass_and_may_be_asked_for(findings: Check, distance: float) -> None:
    features = fence("a", block(0, 0, 900, 900)), fence("b", block(distance, 0, 900, 900))
    assert findings(*features) == []
    assert len(findings(*features, tolerance=Tolerance(0.1, 10))) == 1


def test_an_area_with_an_error_of_its_own_hides_no_other_finding(findings: Check) -> None:
    nameless = fence("a", block(0, 0, 900, 900), name="")
    nameless["properties"] |= {"warn_cells": ["80512200"], "ground_min_m": "low"}
    del nameless["geometry"]
    found = findings(nameless, fence("b", block(0, 0, 900, 900)), fence("c", block(890, 0, 900, 900)))
    assert sorted(codes(found)) == [
        ("cell-form", "a"),
        ("geometry-missing", "a"),
        ("height", "a"),
        ("overlap", "c"),
        ("property", "a"),
    ]


def test_a_cell_that_the_catalogue_does_not_know_is_an_error(findings: Check) -> None:
    (found,) = findings(fence("a", block(0, 0, 900, 900), warn_cells=["805122009"]), known_cells=KNOWN)
    assert (found.code, found.severity) == ("cell-unknown", "error")
    assert "805122009" in found.says
    assert not findings(fence("a", block(0, 0, 900, 900), warn_cells=["805122009"]))


def test_a_kreis_with_communes_is_no_city_even_when_its_commune_is_made_up(findings: Check) -> None:
    found = findings(fence("a", block(0, 0, 9, 9), warn_cells=["105158000", "805158000"]), known_cells=KNOWN)
    assert [(finding.code, finding.severity) for finding in found] == [
        ("kreis-cell", "error"),
        ("cell-unknown", "error"),
    ]


def test_a_city_of_which_the_catalogue_lists_only_the_kreis_is_its_own_kreis(findings: Check) -> None:
    cologne = fence("a", block(0, 0, 900, 900), warn_cells=["105315000", "805315000"])
    assert codes(findings(cologne, known_cells=KNOWN)) == [("cell-unknown", "a")]


@pytest.mark.parametrize(
    ("heights", "code"),
    [
        ({"ground_min_m": 53, "ground_max_m": 276, "ground_source": "DGM1"}, None),
        ({"ground_min_m": 53, "ground_max_m": 276, "ground_source": "approximate"}, None),
        ({}, None),
        ({"ground_min_m": 53, "ground_max_m": 276}, "height-source"),
        ({"ground_max_m": 276, "ground_source": "DGM1"}, "height-missing"),
        ({"ground_min_m": 0, "ground_max_m": 0, "ground_source": "DGM1"}, "height-flat"),
        ({"ground_min_m": -9999, "ground_max_m": 276, "ground_source": "DGM1"}, "height"),
        ({"ground_min_m": 5300, "ground_max_m": 27600, "ground_source": "DGM1"}, "height"),
    ],
)
def test_heights_are_held_against_the_earth_and_their_source(
    findings: Check, heights: dict[str, Any], code: str | None
) -> None:
    found = findings(fence("a", block(0, 0, 900, 900), **heights))
    assert [finding.code for finding in found] == ([code] if code else [])


def test_names_that_do_not_fit_or_cannot_be_told_apart_are_warned_of(findings: Check) -> None:
    found = findings(
        fence("a", block(0, 0, 900, 900), short_name="Mitte"),
        fence("b", block(900, 0, 900, 900), short_name="Mitte"),
        fence("c", block(1800, 0, 900, 900), short_name="Ohligs und Merscheid"),
        fence("d", block(2700, 0, 900, 900), short_name="Mitte", city="other"),
    )
    assert codes(found) == [("name-twice", "b"), ("short-name-long", "c")]
    assert {finding.severity for finding in found} == {"warning"}


def test_quarters_lie_in_their_district_and_beside_each_other(findings: Check) -> None:
    city = fence("city", block(0, 0, 1800, 900))
    west, east = (fence(name, block(x, 0, 900, 900), parent="city") for name, x in (("west", 0), ("east", 900)))
    north = fence("north", block(0, 450, 900, 450), parent="west")
    assert findings(city, west, east, north) == []
    stray = fence("stray", block(850, 0, 500, 450), parent="west")
    found = findings(city, west, east, north, stray)
    assert codes(found) == [("outside-parent", "stray")]
    assert found[0].says.startswith("lies outside its parent west by 202")


def test_parents_that_lead_in_a_circle_are_refused(findings: Check) -> None:
    found = findings(
        fence("a", block(0, 0, 900, 900), parent="b"),
        fence("b", block(900, 0, 900, 900), parent="a"),
        fence("c", block(1800, 0, 900, 900), parent="a"),
    )
    assert codes(found) == [("parent-circle", "a"), ("parent-circle", "b")]
    assert "(a → b → a)" in found[0].says


@pytest.mark.parametrize("content", ["{", "[]", '{"type": "FeatureCollection", "features": []}'])
def test_a_file_that_is_no_geojson_is_one_finding(tmp_path: Path, content: str) -> None:
    path = tmp_path / "fences.geojson"
    path.write_text(content, encoding="utf-8")
    (found,) = check(path)
    assert (found.code, found.feature, found.remedy[:23]) == ("file", None, "export the districts as")


def test_a_finding_is_said_in_one_line(findings: Check) -> None:
    (found,) = findings(fence("a", block(0, 0, 900, 900), warn_cells=["1"]))
    assert str(found).startswith("feature 0 (a): properties.warn_cells.0: String should match pattern")


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.geodata)])
def communes(request: pytest.FixtureRequest) -> list[dict[str, Any]]:
    if request.param == "ours":
        return [fence(district.id, district.geometry) for district in like_dwd.districts()]
    content = json.loads((request.getfixturevalue("geodata") / "nrw_gemeinden_vg250.geojson").read_bytes())
    return [fence(each["properties"]["ags"], shapely.geometry.shape(each["geometry"])) for each in content["features"]]


def test_communes_have_neither_overlaps_nor_gaps(tmp_path: Path, communes: list[dict[str, Any]]) -> None:
    features = communes
    assert check(write(tmp_path / "nrw.geojson", *features)) == []
    features[7]["geometry"] = mapping(shapely.affinity.translate(shapely.geometry.shape(features[7]["geometry"]), 1e-3))
    moved = check(write(tmp_path / "nrw.geojson", *features))
    assert {finding.code for finding in moved} == {"gap", "overlap"}
    assert all(features[7]["properties"]["id"] in (finding.id, *finding.says.split()) for finding in moved)


def run(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["geofences", "check", *map(str, arguments)])


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.geodata)])
def catalogue(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Warn cells as JSON: the bundled ones, or the file that lists them."""
    if request.param == "real":
        folder: Path = request.getfixturevalue("geodata")
        return folder / "dwd_warncells_id_name.json"
    (tmp_path / "cells.json").write_text(json.dumps(cells.bundled()), "utf-8")
    return tmp_path / "cells.json"


def test_the_command_tells_findings_in_words_and_as_json(tmp_path: Path, catalogue: Path) -> None:
    path = write(
        tmp_path / "broken.geojson",
        fence("village", block(0, 0, 900, 900), warn_cells=["805158000", "105158000"]),
        fence("b", block(890, 0, 900, 900)),
    )
    result = run(path, "--known-cells", catalogue)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].startswith("error kreis-cell: feature 0 (village): warn cell 105158000 is of a Kreis with several")
    assert lines[1].startswith("error cell-unknown: feature 0 (village): warn cell 805158000 is not in the DWD's")
    assert lines[2].startswith("error overlap: feature 1 (b): overlaps village by")
    assert lines[2].endswith("(at 51.00405 N, 7.01279 E)")
    assert lines[3] == f"{path}: errors: 3, warnings: 0"
    found = json.loads(run(path, "--known-cells", catalogue, "--json").stdout)
    assert [(each["code"], each["feature"]) for each in found] == [
        ("kreis-cell", 0),
        ("cell-unknown", 0),
        ("overlap", 1),
    ]
    assert set(found[0]) == {"code", "severity", "feature", "id", "position", "says", "remedy"}


def test_the_command_ends_well_where_nothing_must_be_mended(tmp_path: Path) -> None:
    result = run(bundled())
    assert (result.exit_code, "errors: 0, warnings: 0" in result.stdout) == (0, True)
    wide = write(tmp_path / "f.geojson", fence("a", block(0, 0, 900, 900)), fence("b", block(902, 0, 900, 900)))
    assert run(wide).exit_code == 1
    assert run(wide, "--width-m", "3").exit_code == 0
    assert run(wide, "--area-m2", "5000").exit_code == 0


@pytest.mark.parametrize("content", [None, "{", "[]", "{}"])
def test_a_catalogue_that_is_none_is_named(tmp_path: Path, content: str | None) -> None:
    catalogue = tmp_path / "cells.json"
    if content is not None:
        catalogue.write_text(content, encoding="utf-8")
    result = run(bundled(), "--known-cells", catalogue)
    assert (result.exit_code, "cells.json" in result.output) == (2, True)

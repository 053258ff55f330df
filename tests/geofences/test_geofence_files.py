"""A geofence file is read whole or refused with file, feature, expectation and remedy."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from geofences import GeofenceError, bundled, check, load

Json = dict[str, Any]
RING = [[7.0, 51.0], [7.1, 51.0], [7.1, 51.1], [7.0, 51.1], [7.0, 51.0]]


def feature(**properties: Any) -> Json:
    return {
        "type": "Feature",
        "properties": {
            "id": "a",
            "name": "Ort A",
            "short_name": "A",
            "city": "ort",
            "warn_cells": ["805122000"],
            "ground_min_m": 53,
            "ground_max_m": 276,
            "ground_source": "DGM1",
            **properties,
        },
        "geometry": {"type": "Polygon", "coordinates": [RING]},
    }


def without(name: str) -> Json:
    made = feature()
    del made["properties"][name]
    return made


def drawn(coordinates: Any, kind: str = "Polygon") -> Json:
    return {**feature(), "geometry": {"type": kind, "coordinates": coordinates}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(*features: Any) -> Path:
        path = tmp_path / "fences.geojson"
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        return path

    return write


def test_a_feature_becomes_a_district(write: Callable[..., Path]) -> None:
    (district,) = load(write(feature()))
    assert (district.id, district.name, district.short_name, district.city) == ("a", "Ort A", "A", "ort")
    assert district.warn_cells == {"805122000"}
    assert (district.ground_min_m, district.ground_max_m, district.ground_is_surveyed) == (53, 276, True)
    assert district.geometry.equals(shapely.Polygon(RING))


def test_missing_heights_are_unknown(write: Callable[..., Path]) -> None:
    bare = feature()
    for name in ("ground_min_m", "ground_max_m", "ground_source"):
        del bare["properties"][name]
    (district,) = load(write(bare))
    assert (district.ground_min_m, district.ground_max_m, district.ground_source) == (None, None, "unknown")


def test_heights_in_the_coordinates_are_ignored(write: Callable[..., Path]) -> None:
    (district,) = load(write(drawn([[[*position, 100.0] for position in RING]])))
    assert not district.geometry.has_z


def test_a_ring_may_have_heights_at_some_positions_only(write: Callable[..., Path]) -> None:
    (district,) = load(write(drawn([[[*RING[0], 100.0], *RING[1:]]])))
    assert district.geometry.equals(shapely.Polygon(RING))


def test_a_quarter_knows_its_district(write: Callable[..., Path]) -> None:
    quarter, district = load(write(feature(id="quarter", parent="a"), feature()))
    assert (quarter.parent, district.parent) == ("a", None)


def test_all_errors_come_with_the_first(write: Callable[..., Path]) -> None:
    path = write(feature(name=" ", warn_cells=[]), feature(warn_cells=[]))
    with pytest.raises(GeofenceError, match=r"feature 0 \(a\): .* \(and 3 more: warnsys geofences check") as caught:
        load(path)
    assert [(finding.feature, finding.code) for finding in caught.value.findings] == [
        (0, "property"),
        (0, "no-cells"),
        (1, "no-cells"),
        (1, "duplicate-id"),
    ]


def test_the_given_cells_serve_districts_without_their_own(write: Callable[..., Path]) -> None:
    path = write(feature(warn_cells=[]), feature(id="b", warn_cells=["805124000"]))
    a, b = load(path, warn_cells=["805122000", "105122000"])
    assert a.warn_cells == {"805122000", "105122000"}
    assert b.warn_cells == {"805124000"}


def test_the_given_city_fills_in_and_leaves_out_others(write: Callable[..., Path]) -> None:
    nameless = without("city")
    nameless["properties"]["id"] = "b"
    path = write(feature(id="c", city="other"), nameless, feature())
    assert [(district.id, district.city) for district in load(path, city="ort")] == [("b", "ort"), ("a", "ort")]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        (without("id"), r"feature 1 \(without id\): properties.id: Field required: add or correct id"),
        (without("name"), r"feature 1 \(a\): properties.name: Field required"),
        (without("short_name"), "short_name: Field required"),
        (without("city"), "no city: add the property city, or name the city"),
        (feature(name=" "), "name: String should have at least 1 character"),
        ({"type": "Feature", "geometry": feature()["geometry"]}, "properties: Field required: add the member"),
        (feature(id="first"), r"id 'first' stands at feature 0 already: give each district its own id"),
        (feature(warn_cells=["80512200"]), r"warn_cells.0: .*9.*: list 9-digit warn cells"),
        (feature(warn_cells=[805122000]), "warn_cells.0: .*valid string.*list 9-digit warn cells as strings"),
        (feature(warn_cells=[]), "no warn cells, so no DWD warning would ever reach it"),
        (feature(warn_cells=["805124000", "105122000"]), "105122000 is a Kreis, expected only beside 805122000"),
        (feature(ground_min_m="low"), "ground_min_m: .*give a number of metres, or null"),
        (feature(ground_min_m=277), "ground_min_m 277 is above ground_max_m 276"),
        (feature(ground_min_m=-9999), "ground_min_m -9999 is no height on Earth.*no data means null"),
        (feature(warn_cells=["805158004", "105158004"]), "105158004 is of a Kreis with several communes"),
        (feature(parent="a2"), "parent 'a2' is no area of this city in the file"),
        (feature(parent="a"), "its parents lead back to itself .a → a."),
        ({**feature(), "geometry": None}, "no geometry, expected a polygon"),
        (drawn([7.0, 51.0], "Point"), "geometry: .*'Point'.*draw the district as a Polygon"),
        (drawn([]), "geometry is empty, expected a polygon"),
        (drawn(None), "polygon 0: expected a list of rings, found None"),
        (drawn([1], "MultiPolygon"), "polygon 0: expected a list of rings, found 1"),
        (drawn(1, "MultiPolygon"), "expected a list of polygons, found 1"),
        (drawn([[True]]), "position 0: expected two numbers, found True"),
        (drawn([None]), "ring 0: expected a list of positions, found None"),
        (drawn([[[7.0, 51.0], [7.1]]]), r"polygon 0, ring 0, position 1: expected two numbers, found \[7.1\]"),
        (drawn([[[7.0, 51.0], [7.1, 51.0]]]), "coordinates cannot be read"),
        (drawn([[["x", 51.0], [7.1, 51.0], [7.1, 51.1]]]), r"position 0: expected two numbers, found \['x', 51.0\]"),
        (
            drawn([[[lat, lon] for lon, lat in RING]]),
            r"position \[51, 7\] \(of 5 such\) looks swapped, expected .lon, lat.: exchange",
        ),
        (drawn([[[x * 5e4, y * 1e5] for x, y in RING]]), "out of range.*export as WGS 84"),
        (drawn([[[7, 51], [7.1, 51.1], [7.1, 51], [7, 51.1], [7, 51]]]), "outline is not valid.*mend it"),
        (drawn([[[7, 51], [7.1, 51.1], [7, 51], [7, 51]]]), "outline is not valid"),
    ],
)
def test_a_broken_feature_is_refused_with_place_and_remedy(write: Callable[..., Path], broken: Json, says: str) -> None:
    path = write(feature(id="first"), broken)
    with pytest.raises(GeofenceError, match=says) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: feature 1 (")


def test_the_given_cells_are_checked_too(write: Callable[..., Path]) -> None:
    with pytest.raises(GeofenceError, match="warn cell '80512200x' is not 9 digits"):
        load(write(feature(warn_cells=[])), warn_cells=["80512200x"])


def test_a_city_that_is_not_in_the_file_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(GeofenceError, match="no district of city 'remscheid'"):
        load(write(feature()), city="remscheid")


def test_positions_that_are_no_numbers_are_refused(write: Callable[..., Path]) -> None:
    path = write(drawn([[RING[0], [float("nan"), 51.0], *RING[2:]]]))
    with pytest.raises(GeofenceError, match=r"position 1: expected two numbers, found \[nan, 51.0\]"):
        load(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "not valid JSON"),
        (b"\xff\xfe\xfa", "not valid JSON"),
        (b"[]", "expected a GeoJSON FeatureCollection"),
        (b'{"type": "Feature"}', "expected a GeoJSON FeatureCollection"),
        (b'{"type": "FeatureCollection", "features": []}', "at least one feature"),
        (b'{"type": "FeatureCollection", "features": [1]}', "expected a GeoJSON FeatureCollection"),
    ],
)
def test_a_file_that_is_no_geojson_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "fences.geojson"
    path.write_bytes(content)
    with pytest.raises(GeofenceError, match=says):
        load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(GeofenceError, match=r"none\.geojson: cannot be read .*give the path"):
        load(tmp_path / "none.geojson")


def test_an_unknown_bundled_city_names_the_known_ones() -> None:
    with pytest.raises(GeofenceError, match=r"'atlantis'.*solingen"):
        bundled("atlantis")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(["type", "coordinates"]), inner),
    max_leaves=20,
)
POSITIONS = st.lists(st.lists(st.sampled_from([7, 7.1, 51.0, 51, -1e308, None]), max_size=4), max_size=6)
GEOMETRIES = st.fixed_dictionaries(
    {
        "type": st.sampled_from(["Polygon", "MultiPolygon", "Point", None]),
        "coordinates": JSON | st.lists(POSITIONS, max_size=3) | st.lists(st.lists(POSITIONS, max_size=2), max_size=2),
    }
)
PROPERTIES = JSON | st.fixed_dictionaries(dict.fromkeys(feature()["properties"], JSON))


@given(st.lists(st.fixed_dictionaries({"properties": PROPERTIES, "geometry": GEOMETRIES | JSON}) | JSON), JSON)
def test_any_json_is_read_or_refused_in_words(
    tmp_path_factory: pytest.TempPathFactory, features: list[Any], description: Any
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.geojson"
    content = {"type": "FeatureCollection", "features": [feature(), *features], "description": description}
    path.write_text(json.dumps(content), encoding="utf-8")
    found = check(path)
    if any(finding.severity == "error" for finding in found if finding.code not in ("overlap", "gap")):
        with pytest.raises(GeofenceError):
            load(path)
    else:
        assert len(load(path)) == 1 + len(features)


def test_json_that_nests_without_end_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.geojson"
    path.write_text("[" * 200_000, encoding="utf-8")
    with pytest.raises(GeofenceError, match="not valid JSON"):
        load(path)

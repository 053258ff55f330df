"""The bundled districts: one city without gaps or overlaps, near the true boundary, matched as DWD means it."""

import json
from itertools import combinations
from pathlib import Path

import pytest
import shapely
from shapely.geometry import shape

import geofences
from geofences import Area, District, GeofenceIndex, bundled, load
from geofences.files.load import boundary
from tests.like_dwd import moved_boundary


@pytest.fixture(scope="module")
def solingen() -> list[District]:
    return load(bundled("solingen"))


def test_the_five_districts_are_there(solingen: list[District]) -> None:
    assert [district.id for district in solingen] == [f"solingen-{n}" for n in range(1, 6)]
    assert {district.city for district in solingen} == {"solingen"}
    assert {district.warn_cells for district in solingen} == {frozenset({"805122000", "105122000"})}


def test_short_names_fit_an_sms(solingen: list[District]) -> None:
    assert all(len(district.short_name) <= 14 for district in solingen)


def test_heights_are_within_the_citys_and_never_spare(solingen: list[District]) -> None:
    assert min(district.ground_min_m or 0 for district in solingen) == 53
    assert max(district.ground_max_m or 0 for district in solingen) == 276
    assert not any(district.ground_is_surveyed for district in solingen)


def test_the_file_says_what_it_is() -> None:
    content = json.loads(bundled().read_bytes())
    for words in ("drawn by hand for warnsys", "approximate", "not an official boundary", "GeoBasis-DE / BKG"):
        assert words in content["description"]
    assert {feature["properties"]["accuracy"] for feature in content["features"]} == {"approximate"}


def test_districts_cover_the_city_without_gaps(solingen: list[District]) -> None:
    city = shapely.union_all([district.geometry for district in solingen])
    assert isinstance(city, shapely.Polygon)
    assert not city.interiors


def test_districts_do_not_overlap(solingen: list[District]) -> None:
    for a, b in combinations(solingen, 2):
        assert a.geometry.intersection(b.geometry).area == 0, (a.id, b.id)


def test_districts_lie_beside_each_other_as_they_do(solingen: list[District]) -> None:
    mitte, ohligs, wald, burg, graefrath = (district.geometry.centroid for district in solingen)
    assert graefrath.y > wald.y > mitte.y > burg.y
    assert ohligs.x < wald.x < mitte.x < burg.x


def test_the_outline_is_near_the_true_boundary(solingen: list[District], solingen_boundary: Path) -> None:
    truth = boundary(solingen_boundary)
    city = shapely.union_all([district.geometry for district in solingen])
    assert city.intersection(truth).area / city.union(truth).area > 0.95


def test_an_alert_along_the_true_boundary_of_a_neighbour_warns_no_district(
    solingen: list[District], geodata: Path
) -> None:
    content = json.loads((geodata / "solingen_and_neighbours_vg250.geojson").read_bytes())
    index = GeofenceIndex(solingen)
    for feature in content["features"]:
        parts = tuple(shapely.get_parts(shape(feature["geometry"])).tolist())
        matches = index.match([Area(polygons=parts)])
        own = feature["properties"]["ags"] == "05122000"
        assert all(match.matched is own for match in matches), feature["properties"]


def test_an_alert_along_the_boundary_of_a_neighbour_as_others_draw_it_warns_no_district(
    solingen: list[District], tmp_path: Path
) -> None:
    """Slivers of the districts lie across it."""
    own, index = boundary(moved_boundary(tmp_path / "boundary.geojson")), GeofenceIndex(solingen)
    assert all(match.matched for match in index.match([Area(polygons=tuple(shapely.get_parts(own).tolist()))]))
    lon, lat = own.centroid.coords[0]
    for west, south in ((lon - 0.3, lat), (lon, lat), (lon - 0.3, lat - 0.2), (lon, lat - 0.2)):
        neighbour = shapely.box(west, south, west + 0.3, south + 0.2).difference(own)
        matches = index.match([Area(polygons=tuple(shapely.get_parts(neighbour).tolist()))])
        assert any(match.share for match in matches)
        assert not any(match.matched for match in matches)


def test_snow_above_200_m_warns_all_of_solingen_and_says_so(solingen: list[District]) -> None:
    matches = GeofenceIndex(solingen).match([Area(cells=("805122000",), floor_m=200.0)])
    assert all(match.matched and match.floor_m == 200.0 for match in matches)


def test_exported_names_are_complete_and_sorted() -> None:
    assert geofences.__all__ == sorted(geofences.__all__)
    assert all(hasattr(geofences, name) for name in geofences.__all__)

"""Official borders become districts: any format and projection in, WGS 84 without gaps out, on every level alike."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw  # type: ignore[import-untyped]
import pyproj
import pytest
import rasterio  # type: ignore[import-untyped]
import shapely
from affine import Affine
from shapely.geometry import Polygon, shape
from typer.testing import CliRunner, Result

from geofences import GeofenceError, bundled, check, load
from geofences.authoring.coverage import Tolerance, gaps, overlaps
from geofences.authoring.names import LENGTH, short_names, slug
from geofences.authoring.sources import read
from geofences.authoring.tidy import polygonal, tidied
from geofences.files.load import save
from tests import like_dwd
from tests.geofences.fences import block, fence, write
from warnsys.cli.main import app

EXACT = Tolerance(0, 0)
TO_UTM = pyproj.Transformer.from_crs(4326, 25832, always_xy=True)


def in_utm(geometries: list[Polygon]) -> Any:
    return shapely.transform(
        np.array(geometries, dtype=object), lambda points: np.column_stack(TO_UTM.transform(*points.T))
    )


def put(path: Path, geometries: Any, crs: str | None = "EPSG:25832", layer: str | None = None, **columns: Any) -> Path:
    pyogrio.raw.write(
        path,
        shapely.to_wkb(geometries),
        [np.array(column) for column in columns.values()],
        list(columns),
        geometry_type="Polygon",
        crs=crs,
        layer=layer,
        append=path.exists(),
    )
    return path


def run(source: Any, out: Path, *arguments: Any) -> Result:
    fields = ("--city", "Solingen", "--id-field", "key", "--name-field", "name", "--cell", "805122000")
    return CliRunner().invoke(
        app, ["geofences", "import", str(source), *fields, "--out", str(out), *map(str, arguments)]
    )


@pytest.fixture
def imported(tmp_path: Path) -> Callable[..., Any]:
    """Import and read back."""

    def imported(source: Any, *arguments: Any) -> Any:
        result = run(source, tmp_path / "out.geojson", *arguments)
        assert result.exit_code == 0, result.output
        return load(tmp_path / "out.geojson")

    return imported


def test_real_communes_are_simplified_to_a_fifth_without_gaps_or_overlaps(geodata: Path, tmp_path: Path) -> None:
    source, out = geodata / "nrw_gemeinden_vg250.geojson", tmp_path / "nrw.geojson"
    arguments = ["--city", "{name}", "--id-field", "ags", "--name-field", "name", "--cell", "8{ags}"]
    result = CliRunner().invoke(
        app, ["geofences", "import", str(source), *arguments, "--simplify", "300", "--out", str(out)]
    )
    assert result.exit_code == 0, result.output
    assert "396 districts, 103685 points made 20473 (20%)" in result.output
    before = [shape(feature["geometry"]) for feature in json.loads(source.read_bytes())["features"]]
    after = [district.geometry for district in load(out)]
    assert shapely.get_num_coordinates(after).sum() <= 0.2 * shapely.get_num_coordinates(before).sum()
    assert shapely.coverage_is_valid(after)
    assert overlaps(after, EXACT) == gaps(after, EXACT) == []
    off = shapely.area(shapely.symmetric_difference(before, after)) / shapely.area(before)
    assert off.mean() < 0.025
    assert off.max() < 0.06


def bricks() -> list[Polygon]:
    """Areas with crooked borders, laid so that where two meet is no corner of the third."""
    return [like_dwd.outline((x, y), (x + 1, y)) for y in range(6) for x in range(y % 2, 10, 2)]


def test_crooked_borders_are_simplified_without_gaps_or_overlaps(tmp_path: Path) -> None:
    before = bricks()
    source = write(tmp_path / "communes.geojson", *(fence(f"{one}", each) for one, each in enumerate(before)))
    out = tmp_path / "out.geojson"
    arguments = ["--city", "Ort", "--id-field", "id", "--name-field", "name", "--cell", "805122000"]
    arguments += ["--simplify", "900"]
    result = CliRunner().invoke(app, ["geofences", "import", str(source), *arguments, "--out", str(out)])
    assert result.exit_code == 0, result.output
    after = [one.geometry for one in load(out)]
    assert shapely.get_num_coordinates(after).sum() < 0.6 * shapely.get_num_coordinates(before).sum()
    assert shapely.coverage_is_valid(after)
    assert overlaps(after, EXACT) == gaps(after, EXACT) == []
    off = shapely.area(shapely.symmetric_difference(before, after)) / shapely.area(before)
    assert 0 < off.mean() < 0.15


@pytest.mark.parametrize("name", ["areas.gpkg", "areas.shp", "areas.geojson"])
def test_any_format_and_projection_becomes_wgs84(imported: Callable[..., Any], tmp_path: Path, name: str) -> None:
    drawn = [block(0, 0, 900, 900), block(900, 0, 900, 900)]
    source = put(tmp_path / name, in_utm(drawn), key=["w", "e"], name=["Solingen-Mitte", "Gräfrath"])
    west, east = imported(source)
    assert (west.id, west.name, west.short_name, west.city) == ("w", "Solingen-Mitte", "Mitte", "solingen")
    assert west.warn_cells == {"805122000"}
    assert (west.ground_min_m, west.ground_source, west.parent) == (None, "unknown", None)
    assert west.geometry.symmetric_difference(drawn[0]).area < 1e-5 * drawn[0].area
    assert shapely.coverage_is_valid([west.geometry, east.geometry])
    assert east.name == "Gräfrath"


@pytest.fixture
def wfs() -> Iterator[str]:
    """The address of a service with two districts; in a process of its own, as GDAL waits with the interpreter held."""
    drawn = in_utm([block(0, 0, 900, 900), block(900, 0, 900, 900)])
    positions = [" ".join(map(str, shapely.get_coordinates(each).ravel().tolist())) for each in drawn]
    command = [sys.executable, "-m", "tests.geofences.wfs", *positions]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield server.stdout.readline().strip()
        server.terminate()


def test_a_wfs_address_is_asked_for_its_areas(imported: Callable[..., Any], wfs: str) -> None:
    west, east = imported(wfs)
    assert (west.id, east.id) == ("w", "e")
    assert west.geometry.bounds == pytest.approx(block(0, 0, 900, 900).bounds, abs=1e-6)


def test_a_service_that_does_not_answer_is_named(tmp_path: Path) -> None:
    result = run("http://127.0.0.1:9/wfs", tmp_path / "out.geojson")
    assert (result.exit_code, "http://127.0.0.1:9/wfs: cannot be read" in result.output) == (2, True)


def test_a_source_that_does_not_say_its_projection_is_told_it(imported: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="crs"):
        source = put(tmp_path / "a.shp", in_utm([block(0, 0, 900, 900)]), crs=None, key=["w"], name=["West"])
    (west,) = imported(source, "--crs", "EPSG:25832")
    assert west.geometry.bounds == pytest.approx(block(0, 0, 900, 900).bounds, abs=1e-6)
    result = run(source, tmp_path / "none.geojson")
    assert (result.exit_code, "name it with --crs" in result.output) == (2, True)


def test_bow_ties_slits_and_overlaps_are_mended(imported: Callable[..., Any], tmp_path: Path) -> None:
    bow_tie = Polygon([*block(0, 0, 900, 900).exterior.coords[:2], *block(0, 900, 900, 900).exterior.coords[:2]])
    source = put(
        tmp_path / "a.gpkg",
        in_utm([bow_tie, block(901, 0, 900, 900), block(1800, 0, 900, 900)]),
        key=["tie", "b", "c"],
        name=["Tie", "B", "C"],
    )
    districts = imported(source)
    assert [district.id for district in districts] == ["tie", "b", "c"]
    assert districts[0].geometry.area == pytest.approx(block(0, 0, 900, 900).area / 2, rel=0.01)
    assert check(tmp_path / "out.geojson", tolerance=Tolerance(0.1, 10)) == []


def test_one_area_upon_another_is_refused_and_nothing_written(tmp_path: Path) -> None:
    drawn = [block(0, 0, 900, 900), block(100, 100, 300, 300)]
    source = put(tmp_path / "a.gpkg", drawn, "EPSG:4326", key=["a", "b"], name=["A", "B"])
    result = run(source, tmp_path / "out.geojson")
    assert result.exit_code == 1
    assert "error overlap: feature 1 (b): 100% of it lies upon other areas" in result.output
    assert "--parent-field" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["a.gpkg"]


def test_rows_of_one_key_and_name_are_one_district(imported: Callable[..., Any], tmp_path: Path) -> None:
    drawn = [block(0, 0, 900, 900), block(900, 0, 900, 900), block(5000, 0, 900, 900)]
    source = put(tmp_path / "a.gpkg", drawn, "EPSG:4326", key=["a", "a", "a"], name=["A", "A", "A"])
    (district,) = imported(source)
    assert [len(part.exterior.coords) for part in shapely.get_parts(district.geometry)] == [7, 5]


def test_one_key_for_two_names_is_refused(tmp_path: Path) -> None:
    drawn = [block(0, 0, 900, 900), block(900, 0, 900, 900)]
    source = put(tmp_path / "a.gpkg", drawn, "EPSG:4326", key=["a", "a"], name=["A", "B"])
    result = run(source, tmp_path / "out.geojson")
    assert (result.exit_code, "id 'a' is that of 'A' and of 'B'" in result.output) == (2, True)


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.geodata)])
def communes_of_kreise(request: pytest.FixtureRequest) -> dict[str, list[Any]]:
    """The outlines of communes, by the Kreis that they are of."""
    kreise: dict[str, list[Any]] = {}
    if request.param == "ours":
        for brick in bricks():
            kreise.setdefault(f"{brick.centroid.x // 0.5}", []).append(brick)
    else:
        content = (request.getfixturevalue("geodata") / "solingen_and_neighbours_vg250.geojson").read_bytes()
        for feature in json.loads(content)["features"]:
            kreise.setdefault(feature["properties"]["ags"][:5], []).append(polygonal(shape(feature["geometry"])))
    return kreise


@pytest.mark.parametrize("simplify", [None, 60.0, 900.0])
def test_borders_are_common_on_all_levels(communes_of_kreise: dict[str, list[Any]], simplify: float | None) -> None:
    communes = [commune for of_one in communes_of_kreise.values() for commune in of_one]
    of = [kreis for kreis, of_one in enumerate(communes_of_kreise.values()) for _ in of_one]
    larger = [polygonal(shapely.union_all(of_one)) for of_one in communes_of_kreise.values()]
    found = tidied(
        communes + larger,
        [len(communes) + kreis for kreis in of] + [None] * len(larger),
        gap_m=2.0,
        simplify_m=simplify,
    )
    assert max(found.lost) < 1e-9
    inner, outer = found.shapes[: len(communes)], found.shapes[len(communes) :]
    assert shapely.coverage_is_valid(inner)
    assert shapely.coverage_is_valid(outer)
    for kreis, whole in enumerate(outer):
        parts = [commune for commune, own in zip(inner, of, strict=True) if own == kreis]
        assert whole.equals(shapely.coverage_union_all(parts))


def test_what_no_quarter_covers_stays_with_the_district(imported: Callable[..., Any], tmp_path: Path) -> None:
    drawn = [block(0, 0, 900, 900), block(0.5, 0, 300, 900), block(899, 0, 900, 900)]
    source = put(
        tmp_path / "a.gpkg", drawn, "EPSG:4326", key=["a", "quarter", "b"], name=["A", "Q", "B"], part_of=["", "a", ""]
    )
    a, quarter, b = imported(source, "--parent-field", "part_of")
    assert (a.parent, quarter.parent, b.parent) == (None, "a", None)
    assert a.geometry.area == pytest.approx(drawn[0].area, rel=0.005)
    assert quarter.geometry.difference(a.geometry).area == 0
    assert shapely.coverage_is_valid([a.geometry, b.geometry])


def test_a_quarter_far_from_its_district_is_refused(tmp_path: Path) -> None:
    drawn = [block(0, 0, 900, 900), block(5000, 0, 300, 900)]
    source = put(tmp_path / "a.gpkg", drawn, "EPSG:4326", key=["a", "q"], name=["A", "Q"], part_of=[None, "a"])
    result = run(source, tmp_path / "out.geojson", "--parent-field", "part_of")
    assert result.exit_code == 1
    assert "outside-parent: feature 1 (q): lies outside its parent a by 2699" in result.output


def test_keys_that_a_table_keeps_as_numbers_get_their_zeros_back(imported: Callable[..., Any], tmp_path: Path) -> None:
    source = put(tmp_path / "a.gpkg", [block(0, 0, 9, 900)], "EPSG:4326", key=["a"], name=["A"], ags=[5122000.0])
    (district,) = imported(source, "--cell", "8{ags:0>8}", "--cell", "1{ags:0>8}")
    assert district.warn_cells == {"805122000", "105122000"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--name-field", "gen"), "no field 'gen': name one of its fields (key, name)"),
        (("--cell", "8{}"), "template '8{}' cannot be filled"),
        (("--layer", "rivers"), "no layer 'rivers': name one with --layer (areas)"),
        (("--crs", "nowhere"), "unknown coordinate system 'nowhere'"),
        (("--heights", "none.tif"), "none.tif: cannot be read"),
        (("--out", "nowhere/out.geojson"), "nowhere: no such file or folder; name one that is there"),
    ],
)
def test_what_does_not_fit_the_source_is_named(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    source = put(tmp_path / "areas.gpkg", [block(0, 0, 900, 900)], "EPSG:4326", key=["a"], name=["A"])
    result = run(source, tmp_path / "out.geojson", *arguments)
    assert result.exit_code == 2
    assert says in result.output
    assert not (tmp_path / "out.geojson").exists()


def test_of_several_layers_one_must_be_named(imported: Callable[..., Any], tmp_path: Path) -> None:
    for layer in ("quarters", "districts"):
        source = put(tmp_path / "a.gpkg", [block(0, 0, 90, 900)], "EPSG:4326", layer, key=[layer], name=[layer])
    assert "several layers: name one with --layer (districts, quarters)" in run(source, tmp_path / "o.geojson").output
    (district,) = imported(source, "--layer", "districts")
    assert district.id == "districts"


@pytest.mark.parametrize(("name", "says"), [("no.gpkg", "no such file"), ("text.gpkg", "cannot be read")])
def test_a_source_that_is_none_is_named(tmp_path: Path, name: str, says: str) -> None:
    (tmp_path / "text.gpkg").write_text("hello", encoding="utf-8")
    with pytest.raises(GeofenceError, match=says):
        read(str(tmp_path / name))


def test_rows_that_are_no_areas_are_named(tmp_path: Path) -> None:
    point = write(tmp_path / "points.geojson", fence("a", shapely.Point(7, 51)))
    with pytest.raises(GeofenceError, match="row 0 is a Point, expected areas"):
        read(str(point))


@pytest.mark.parametrize("module", ["pyogrio", "rasterio"])
def test_without_the_extra_its_name_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    source = put(tmp_path / "areas.gpkg", [block(0, 0, 900, 900)], "EPSG:4326", key=["a"], name=["A"])
    monkeypatch.setitem(sys.modules, module, None)
    result = run(source, tmp_path / "out.geojson", "--heights", tmp_path / "t.tif")
    assert result.exit_code == 2
    assert f"{module}, which is not installed: install the extra gis (in the clone: make gis;" in result.output


# -- heights ----------------------------------------------------------------------------------------------------------


def terrain(path: Path, heights: Any, west: float, north: float, **options: Any) -> Path:
    with rasterio.open(
        path, "w", width=heights.shape[1], height=heights.shape[0], count=1, dtype=heights.dtype,
        transform=Affine(10.0, 0.0, west, 0.0, -10.0, north), **options,
    ) as file:  # fmt: skip
        file.write(heights, 1)
    return path


@pytest.fixture
def hill() -> tuple[Any, float, float]:
    """A plain of 100.4 m with one peak, in UTM, 3 km a side, around the block of 900 m; west, north."""
    west, north = TO_UTM.transform(7, 51)
    heights = np.full((300, 300), 100.4, dtype="float32")
    heights[160, 140] = 251.5
    return heights, west - 1000, north + 2000


@pytest.mark.parametrize("name", ["dgm10.tif", "dgm10.asc"])
def test_heights_come_from_a_terrain_model_rounded_outwards(
    imported: Callable[..., Any], tmp_path: Path, hill: tuple[Any, float, float], name: str
) -> None:
    model = terrain(tmp_path / name, *hill, crs="EPSG:25832" if name.endswith("tif") else None)
    for leftover in (*tmp_path.glob("*.prj"), *tmp_path.glob("*.xml")):
        leftover.unlink()
    drawn = [block(0, 0, 900, 900), block(900, 0, 900, 900)]
    source = put(tmp_path / "a.gpkg", drawn, "EPSG:4326", key=["a", "b"], name=["A", "B"])
    crs = () if name.endswith("tif") else ("--heights-crs", "EPSG:25832")
    a, b = imported(source, "--heights", model, "--heights-source", "DGM10 NRW", *crs)
    assert (a.ground_min_m, a.ground_max_m, a.ground_source) == (100, 252, "DGM10 NRW")
    assert (b.ground_min_m, b.ground_max_m) == (100, 101)
    assert a.ground_is_surveyed


@pytest.mark.parametrize("lack", ["hole", "edge"])
def test_a_district_whose_ground_is_not_all_known_gets_no_heights(
    tmp_path: Path, hill: tuple[Any, float, float], lack: str
) -> None:
    heights, west, north = hill
    if lack == "hole":
        heights[150, 150] = -9999
    else:
        west += 1100
    model = terrain(tmp_path / "dgm10.tif", heights, west, north, crs="EPSG:25832", nodata=-9999)
    source = put(tmp_path / "a.gpkg", [block(0, 0, 900, 900)], "EPSG:4326", key=["a"], name=["A"])
    result = run(source, tmp_path / "out.geojson", "--heights", model)
    assert result.exit_code == 0
    assert "warning height-missing: feature 0 (a): dgm10.tif does not have all of its ground" in result.output
    (a,) = load(tmp_path / "out.geojson")
    assert (a.ground_min_m, a.ground_max_m, a.ground_is_surveyed) == (None, None, False)


def test_heights_in_feet_are_refused(tmp_path: Path, hill: tuple[Any, float, float]) -> None:
    model = terrain(tmp_path / "dgm10.tif", *hill, crs="EPSG:25832")
    with rasterio.open(model, "r+") as file:
        file.units = ["ft"]
    source = put(tmp_path / "a.gpkg", [block(0, 0, 900, 900)], "EPSG:4326", key=["a"], name=["A"])
    assert "heights in ft, expected metres" in run(source, tmp_path / "out.geojson", "--heights", model).output


# -- names and files --------------------------------------------------------------------------------------------------


def test_short_names_lose_the_kind_and_the_city_and_stay_apart() -> None:
    names = [
        "Solingen-Mitte", "Stadtbezirk Wald", "Ohligs, Aufderhöhe und Merscheid", "Burg an der Wupper / Höhscheid",
        "Stadtbezirk 4", "Solingen",
    ]  # fmt: skip
    assert short_names(names, "solingen") == [
        "Mitte", "Wald", "Ohligs/Aufder.", "Burg an der W.", "Stadtbezirk 4", "Solingen",
    ]  # fmt: skip
    assert short_names(["Mülheim an der Ruhr-Speldorf"], "muelheim-an-der-ruhr") == ["Speldorf"]
    alike = short_names(["Neustadt-Nordstadt", "Neustadt-Nordost", "Neustadt-Nordstern"] * 5, "x")
    assert len(set(alike)) == len(alike)
    assert max(map(len, alike)) <= LENGTH


def test_a_city_has_the_id_that_init_gives_it() -> None:
    assert slug("Mülheim an der Ruhr") == "muelheim-an-der-ruhr"


def test_what_is_saved_is_read_back_alike(tmp_path: Path) -> None:
    districts = load(bundled())
    save(tmp_path / "again.geojson", districts, description="Bündel", accuracy="approximate")
    assert load(tmp_path / "again.geojson") == districts
    content = json.loads((tmp_path / "again.geojson").read_text("utf-8"))
    assert (content["description"], content["features"][0]["properties"]["accuracy"]) == ("Bündel", "approximate")

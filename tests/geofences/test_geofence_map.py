"""Districts drawn: every one named or numbered without a collision, and all of it readable without the picture."""

import re
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import shapely
from matplotlib.image import imread
from matplotlib.textpath import TextPath
from pyproj import Geod
from typer.testing import CliRunner, Result

from geofences import bundled, load
from geofences.drawing.labels import width
from geofences.drawing.page import page
from geofences.drawing.picture import COLOURS, LETTERS, MARGIN, picture
from geofences.files.load import boundary
from tests.geofences.fences import block, fence, write
from warnsys.cli.main import app


def show(*arguments: Any) -> Result:
    return CliRunner().invoke(app, ["geofences", "show", *map(str, arguments)])


class Page(HTMLParser):
    """What stands in a page: its elements with their attributes, and each table row's cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.rows: list[list[str]] = []
        self._open: str = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag == "tr":
            self.rows.append([])
        if tag in ("th", "td"):
            self.rows[-1].append("")
        self._open = tag

    def handle_data(self, data: str) -> None:
        if self._open in ("th", "td", "span") and data.strip():
            self.rows[-1][-1] += data.strip()

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_solingens_districts_all_have_their_name_and_none_collides() -> None:
    drawn = picture(load(bundled()))
    labels = [label for label in drawn.labels if label]
    assert [label.text for label in labels] == [district.short_name for district in drawn.districts]
    for label, shape in zip(labels, drawn.shapes, strict=True):
        assert shape.contains(label.box)
        # The box is at least as wide as the letters are in a wide font.
        assert TextPath((0, 0), label.text, size=LETTERS).get_extents().width <= width(label.text, LETTERS)


def test_solingens_picture_looks_like_solingen(solingen_boundary: Path) -> None:
    truth = boundary(solingen_boundary)
    drawn = picture(load(bundled()), truth)
    assert drawn.agreement is not None
    assert drawn.agreement > 0.97
    assert drawn.boundary is not None
    assert shapely.hausdorff_distance(shapely.union_all(drawn.shapes), drawn.boundary) < drawn.scale_px / drawn.scale_km
    assert sum(drawn.areas_km2) == pytest.approx(89.54, rel=0.02)
    west, south, east, north = shapely.total_bounds([district.geometry for district in drawn.districts]).tolist()
    middle = (south + north) / 2
    _, _, (across, down) = Geod(ellps="WGS84").inv([west, west], [middle, south], [east, west], [middle, north])
    assert (drawn.width - 2 * MARGIN) / (drawn.height - 2 * MARGIN) == pytest.approx(across / down, rel=0.01)


def test_hundreds_of_labels_do_not_collide(tmp_path: Path) -> None:
    west, south, east, north = 6.6898, 50.9197, 7.3136, 51.3815
    fences = [
        fence(f"{x}-{y}", shapely.box(west + x * step, south + y * step, west + (x + 1) * step, south + (y + 1) * step))
        for step in ((east - west) / 20,)
        for x in range(20)
        for y in range(int((north - south) / step))
    ]
    drawn = picture(load(write(tmp_path / "many.geojson", *fences)))
    boxes = [label.box for label in drawn.labels if label]
    assert len(boxes) == len(fences) > 250
    assert drawn.letters < picture(load(bundled())).letters == LETTERS
    assert not any(a.intersects(b) for a, b in combinations(boxes, 2))


def test_a_name_that_does_not_fit_becomes_a_number_and_a_sliver_gets_none(tmp_path: Path) -> None:
    fences = [
        fence("wide", block(0, 0, 9000, 9000)),
        fence("small", block(9000, 0, 500, 500), short_name="Kleinod"),
        fence("sliver", block(9000, 500, 50, 500)),
    ]
    drawn = picture(load(write(tmp_path / "f.geojson", *fences)))
    assert [label.text if label else None for label in drawn.labels] == ["wide", "2", None]
    assert [row[:2] for row in Page(page(drawn, title="Ort")).rows[1:]] == [
        ["1", "Ort wide"],
        ["2", "Ort small"],
        ["3", "Ort sliver"],
    ]


def test_neighbours_differ_in_colour() -> None:
    drawn = picture(load(bundled()))
    for a, b in combinations(range(5), 2):
        if drawn.shapes[a].intersects(drawn.shapes[b]):
            assert drawn.colours[a] != drawn.colours[b]


def test_letters_stand_out_from_every_colour() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in COLOURS:
        assert (luminance(colour) + 0.05) / (luminance("#1a1a1a") + 0.05) > 7


def test_the_page_works_without_script_and_network(tmp_path: Path, solingen_boundary: Path) -> None:
    out = tmp_path / "solingen.html"
    result = show(bundled(), "--html", out, "--beside", solingen_boundary)
    assert result.exit_code == 0, result.output
    agreement = picture(load(bundled()), boundary(solingen_boundary)).agreement
    assert agreement is not None
    common = f"{100 * agreement:.1f}"
    assert common.startswith("98.")
    assert f"{common}% of the area is that of" in result.output
    text = out.read_text("utf-8")
    found = Page(text)
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in found.elements}
    assert not re.search(r"https?:|url\(|@import|\son\w+=", text)
    assert found.all("html") == [{"lang": "de"}]
    assert f"Beiden gemeinsam sind {common.replace('.', ',')} % der Fläche" in text
    assert "GeoBasis-DE / BKG" in text


def test_the_page_can_be_used_by_keyboard_and_read_aloud() -> None:
    found = Page(page(picture(load(bundled())), title="Solingen"))
    links = found.all("a")
    assert [link["href"] for link in links] == [f"#gebiet-{n}" for n in range(1, 6)]
    assert {row["id"] for row in found.all("tr") if row} == {f"gebiet-{n}" for n in range(1, 6)}
    assert links[0]["aria-label"] == "Solingen-Mitte, Warnzellen 805122000 und 105122000; zur Zeile in der Tabelle"
    assert found.all("svg")[0]["aria-label"] == "Karte der Warngebiete, Norden ist oben"
    assert [head["scope"] for head in found.all("th")] == ["col"] * 7 + ["row"] * 5
    assert found.rows[0] == ["Nr.", "Gebiet", "Kurzname", "Kennung", "Warnzellen", "Höhe", "Fläche"]
    assert found.rows[1][1:6] == [
        "Solingen-Mitte", "Mitte", "solingen-1", "805122000, 105122000", "80 bis 255 m (geschätzt)",
    ]  # fmt: skip


def test_the_table_says_whose_part_a_quarter_is_and_where_heights_are_from(tmp_path: Path) -> None:
    path = write(
        tmp_path / "nested.geojson",
        fence("a", block(0, 0, 900, 900), ground_min_m=53, ground_max_m=276, ground_source="DGM1"),
        fence("q", block(0, 0, 300, 900), parent="a", ground_max_m=100),
        fence("r", block(300, 0, 600, 900), parent="a"),
    )
    drawn = picture(load(path))
    assert [colour is None for colour in drawn.colours] == [True, False, False]
    rows = Page(page(drawn, title="Ort")).rows
    assert [row[-1] for row in rows] == ["Teil von", "", "Ort a", "Ort a"]
    assert [row[5] for row in rows[1:]] == ["53 bis 276 m (DGM1)", "? bis 100 m (geschätzt)", "unbekannt"]


def test_names_cannot_break_the_page(tmp_path: Path) -> None:
    sly = '<script>alert("1")</script>'
    path = write(tmp_path / "sly.geojson", fence("a", block(0, 0, 9000, 900), name=sly, short_name=sly, city=sly))
    out = tmp_path / "sly.html"
    assert show(path, "--html", out).exit_code == 0
    assert "script" not in {tag for tag, _ in Page(out.read_text("utf-8")).elements}


def test_the_image_has_land_and_paper(tmp_path: Path) -> None:
    out = tmp_path / "solingen.png"
    assert show(bundled(), "--png", out, "--title", "Solingen").exit_code == 0
    pixels = imread(out)
    assert pixels.shape[1] == 1600
    seen = {f"#{r:02x}{g:02x}{b:02x}" for r, g, b in (pixels[::7, ::7, :3] * 255).round().astype(int).reshape(-1, 3)}
    assert {"#ffffff", *COLOURS[:3]} <= seen


@pytest.mark.parametrize(
    ("arguments", "says"),
    [((), "--html FILE, --png FILE"), (("--html", "x.html", "--city", "atlantis"), "no district of city 'atlantis'")],
)
def test_what_cannot_be_drawn_is_said(arguments: tuple[str, ...], says: str) -> None:
    result = show(bundled(), *arguments)
    assert result.exit_code == 2
    assert says in result.output


def test_a_boundary_without_outline_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "point.geojson", fence("a", shapely.Point(7, 51)))
    result = show(bundled(), "--html", tmp_path / "x.html", "--beside", path)
    assert (result.exit_code, "no valid outline in it" in result.output) == (2, True)

"""The import graph: what counts as a circle and as running back up, and that ours has neither between its rooms."""

from pathlib import Path

from tools.import_graph import Graph, circles, drawing, line, read, room_of, upward

ROOT = Path(__file__).parents[2]
ROUND = Graph(
    ("a.one.x", "a.one.y", "a.two.x", "a.low"),
    frozenset(
        {
            ("a.one.x", "a.two.x"), ("a.one.y", "a.two.x"), ("a.two.x", "a.one.y"), ("a.two.x", "a.low"),
            ("a.one.x", "a.one.y"),
        }
    ),
)  # fmt: skip


def test_a_room_is_a_package_and_a_module_beside_the_rooms_is_its_own() -> None:
    assert [room_of(name) for name in ("w.cap.read", "w.cap", "w.settings", "w")] == [
        "w.cap",
        "w.cap",
        "w.settings",
        "w",
    ]
    assert ROUND.rooms == {"a.one": 2, "a.two": 1, "a.low": 1}


def test_names_that_reach_one_another_are_one_circle() -> None:
    assert circles(ROUND.modules, ROUND.imports) == [("a.one.y", "a.two.x")]
    assert circles("abcd", [("a", "b"), ("b", "c"), ("c", "a"), ("c", "d")]) == [("a", "b", "c")]


def test_the_fewer_of_two_directions_run_back_up() -> None:
    assert upward(ROUND.rooms, ROUND.between_rooms) == [("a.two", "a.one")]
    assert upward("ab", {("a", "b"): 1}) == []


def test_the_line_tells_every_figure() -> None:
    assert line("now", ROUND) == "| now | 4 | 5 | 1 (of 2) | 3 | 3 | 1 (of 2) | 1 (1 imports) |"


def test_the_drawing_has_a_box_a_room_and_a_line_an_arrow() -> None:
    drawn = drawing(Graph(("warnsys.a", "streams.b"), frozenset({("streams.b", "warnsys.a")})))
    assert drawn.count("<rect") == 3
    assert "streams.b imports warnsys.a: 1" in drawn


def test_no_import_of_ours_runs_back_up_between_rooms() -> None:
    present = read(ROOT)
    assert upward(present.rooms, present.between_rooms) == []


def test_the_page_shows_both_trees() -> None:
    text = (ROOT / "docs" / "reference" / "import-graph.md").read_text("utf-8")
    for name in ("before", "now"):
        assert f"| {name} |" in text
        assert (ROOT / "docs" / "reference" / f"import-graph-{name}.svg").is_file()


def test_each_long_file_says_why_it_is_one() -> None:
    page = (ROOT / "docs/reference/import-graph.md").read_text()
    shipped = [path for room in ("warnsys", "streams", "geofences") for path in (ROOT / room).rglob("*.py")]
    long = {str(path.relative_to(ROOT)) for path in shipped if len(path.read_text().splitlines()) > 400}
    listed = {row.split("`")[1] for row in page.splitlines() if row.startswith("| `") and row.count("`") == 2}
    assert long == listed

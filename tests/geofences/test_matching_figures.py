"""The benchmarks run, on few fences, and their figures become the page of the reference. No time is judged here."""

import json
from pathlib import Path

from typer.testing import CliRunner

from benchmarks.__main__ import app
from tests.like_dwd import ours
from tools.docs.matching import app as write_page

RUN = CliRunner()


def test_the_figures_of_the_benchmarks_become_a_page_with_a_drawing(tmp_path: Path) -> None:
    message = tmp_path / "light.xml"
    message.write_bytes(ours().light)
    match, files, page = (tmp_path / name for name in ("match.json", "files.json", "matching.md"))
    ran = RUN.invoke(app, ["match", str(message), "--counts", "5,40", "--points", "12", "--json", str(match)])
    assert ran.exit_code == 0, ran.output
    rows = json.loads(match.read_text("utf-8"))["rows"]
    assert [
        (row["count"], row["scene"], row["warned"]) for row in rows if row["scene"] in ("far away", "whole country")
    ] == [
        (5, "far away", 0),
        (5, "whole country", 5),
        (40, "far away", 0),
        (40, "whole country", 40),
    ]
    ran = RUN.invoke(app, ["files", "--count", "40", "--points", "12", "--json", str(files)])
    assert ran.exit_code == 0, ran.output
    ran = RUN.invoke(write_page, [str(page), "--match", str(match), "--files", str(files), "--note", "a test"])
    assert ran.exit_code == 0, ran.output
    assert "| 40 | whole country | 40 |" in page.read_text("utf-8")
    assert "read GeoPackage" in page.read_text("utf-8")
    assert page.with_suffix(".svg").read_text("utf-8").startswith("<?xml")

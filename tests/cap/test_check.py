"""`warnsys check`: every oddity is found, judged and explained."""

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.cap.oddities import ODDITIES, Oddity, bundle, code, message, swap
from tests.like_dwd import DwdMessages
from tools.docs import findings
from warnsys.cap.codes import CODES
from warnsys.check import check, check_message
from warnsys.cli.main import app

NOW = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


def write(folder: Path, name: str, body: bytes) -> Path:
    path = folder / name
    path.write_bytes(body)
    return path


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_each_oddity_gets_its_verdict_and_its_codes(oddity: Oddity, tmp_path: Path) -> None:
    (checked,) = check(write(tmp_path, "a.xml", oddity.body), NOW)
    assert checked.verdict == oddity.verdict
    assert tuple(dict.fromkeys(one.code for one in checked.findings)) == oddity.codes


@pytest.mark.parametrize("oddity", ODDITIES, ids=lambda oddity: oddity.name)
def test_every_finding_says_where_it_is_and_what_to_do(oddity: Oddity, tmp_path: Path) -> None:
    (checked,) = check(write(tmp_path, "a.xml", oddity.body), NOW)
    for one in checked.findings:
        assert one.xpath
        assert len(one.text) > len(one.code)
        assert one.level == CODES[one.code].level


def test_every_code_has_an_oddity_made_for_it_or_a_test_of_its_own() -> None:
    elsewhere = {"update-unplaced", "update-over"}  # domain/test_odd_forms.py
    elsewhere |= {"sender-foreign", "cell-new", "zip-too-large", "zip-members", "zip-ratio"}
    elsewhere |= {
        "outline-hull",
        "outlines-hull",
        "hole-left-out",
        "circle-box",
        "share-left-out",
        "outline-box",
        "infos-left-out",
    }  # domain/test_budgets.py, geofences/test_budget.py
    assert {code for oddity in ODDITIES for code in oddity.codes} == CODES.keys() - elsewhere


def test_an_unknown_warn_cell_is_new_and_taken() -> None:
    cell = b"<geocode><valueName>WARNCELLID</valueName><value>805122999</value></geocode></area>"
    body = message().replace(b"</area>", cell)
    checked = check_message("x", body, NOW, known_cells={"805122000"})
    assert (checked.verdict, [one.code for one in checked.findings]) == ("ok", ["cell-new"])


def test_a_bad_member_does_not_spoil_the_others(tmp_path: Path) -> None:
    path = write(tmp_path, "a.zip", bundle(("one.xml", message()), ("two.xml", b"<alert"), ("three.xml", message())))
    assert [one.verdict for one in check(path, NOW)] == ["ok", "rejected", "ok"]


def test_a_folder_is_checked_with_what_lies_in_it(tmp_path: Path) -> None:
    write(tmp_path, "a.xml", message())
    (tmp_path / "more").mkdir()
    write(tmp_path / "more", "b.cap", message(code("II", "997")))
    write(tmp_path, "notes.txt", b"none of ours")
    assert [Path(one.file).name for one in check(tmp_path, NOW)] == ["a.xml", "b.cap"]


def test_the_command_writes_one_object_a_message_and_fails_for_a_rejected_one(tmp_path: Path) -> None:
    past = message(swap("<sent>2027", "<sent>2020"))
    good, bad = write(tmp_path, "good.xml", past), write(tmp_path, "bad.xml", b"<x/>")
    done = CliRunner().invoke(app, ["check", str(good), str(bad), "--json"])
    assert done.exit_code == 1
    first, second = map(json.loads, done.output.splitlines())
    assert (first["identifier"], first["verdict"], first["findings"]) == ("A", "ok", [])
    assert second["verdict"] == "rejected"
    assert second["findings"][0].keys() == {"code", "level", "xpath", "text"}
    assert CliRunner().invoke(app, ["check", str(good)]).exit_code == 0


def test_the_whole_corpus_is_checked_without_a_crash(corpus: Path) -> None:
    checked = list(check(corpus, NOW))
    assert len(checked) >= 25
    assert {one.verdict for one in checked} == {"ok", "mended", "rejected"}
    assert all(one.verdict != "rejected" for one in checked if "/dwd/" in one.file)


def test_what_the_dwd_sends_is_taken(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    """An event number or a group may be new."""
    names = {"test.zip": dwd_messages.test, "a.xml": dwd_messages.snow, "b.xml": dwd_messages.update}
    for name, body in names.items():
        write(tmp_path, name, body)
    found = list(check(tmp_path, NOW))
    assert len(found) == 3
    assert all(one.verdict in ("ok", "mended") for one in found)


def test_a_message_of_megabytes_takes_no_longer_than_its_size_deserves() -> None:
    """A hang would take seconds; what a message costs is measured by `python -m benchmarks parse`."""
    ring = " ".join(f"{51 + i / 1e5:.5f},{7 + (i % 2) / 1e3:.4f}" for i in range(150_000))
    body = message().replace(b"51,7 51,7.1 51.1,7.1 51,7", f"{ring} 51.00000,7.0000".encode())
    started = time.perf_counter()
    check_message("x", body, NOW)
    assert time.perf_counter() - started < 10


def test_the_table_in_the_docs_is_what_the_code_says(corpus: Path) -> None:
    """Write it again with: make docs."""
    written = Path(findings.__file__).parents[2] / "docs" / "reference" / "findings.md"
    assert written.read_text("utf-8") == findings.page(corpus)


def test_the_codes_and_oddities_in_the_docs_are_what_the_code_says(tmp_path: Path) -> None:
    written = Path(findings.__file__).parents[2] / "docs" / "reference" / "findings.md"
    ours, head, _ = findings.page(tmp_path).partition("## Real messages")
    assert head
    assert written.read_text("utf-8").startswith(ours + head)

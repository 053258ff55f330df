"""The catalogue of warn cells: bundled, looked up, replaced, and never in a warning's way."""

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from geofences import GeofenceIndex, bundled, load
from tests.like_dwd import DwdMessages
from warnsys.cap import cells, dwd, read_alert, read_bundle
from warnsys.cli.main import app
from warnsys.records import AlertHeaders
from warnsys.warning.matching import Matcher

HEAD = "# WARNCELLID;NAME;KURZNAME;CCC;BL\n"


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a catalogue of their own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def lines(*changed: str) -> str:
    """The bundled catalogue as the DWD writes it, with more lines at the end."""
    rows = [f"{cell};{name};{name[:6]};XX;NW" for cell, name in cells.bundled().items()]
    return HEAD + "\n".join((*rows, *changed)) + "\n"


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["cells", *arguments])
    return result.exit_code, " ".join(result.output.split())


def test_solingen_is_a_commune_and_its_own_kreis() -> None:
    code, said = run("show", "solingen")
    assert (code, said) == (0, "105122000 Stadt Solingen (Kreis) 805122000 Stadt Solingen (commune)")
    assert run("show", "05122000") == (code, said)
    assert run("show", "805122000") == (0, "805122000 Stadt Solingen (commune)")


def test_what_is_not_in_the_catalogue_is_said_with_the_remedy() -> None:
    code, said = run("show", "899999999")
    assert code == 1
    assert "'899999999' is not among the 11647 cells" in said
    assert "warnsys cells update FILE" in said


def test_a_newer_list_of_the_dwd_replaces_the_catalogue(tmp_path: Path) -> None:
    newer = tmp_path / "cap_warncellids_csv.csv"
    text = lines("805122999;Stadt Neu-Solingen;SG-Neu;SG;NW").replace(
        "805122000;Stadt Solingen;", "805122000;Klingenstadt;"
    )
    newer.write_bytes(text.encode("utf-8-sig"))
    code, said = run("update", str(newer))
    assert code == 0
    assert "cells.csv: 11648 cells; 1 new, 0 gone, 1 renamed." in said
    assert run("show", "805122999") == (0, "805122999 Stadt Neu-Solingen (commune)")
    assert run("show", "805122000") == (0, "805122000 Klingenstadt (commune)")


def test_a_gzipped_list_with_commas_and_without_head_is_taken(tmp_path: Path) -> None:
    rows = (f'{cell},"{name}"' for cell, name in cells.bundled().items())
    newer = tmp_path / "cells.csv.gz"
    newer.write_bytes(gzip.compress("\r\n".join(rows).encode()))
    assert run("update", str(newer))[0] == 0
    assert cells.read(cells.own_file()) == cells.bundled()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (lines("80512200;Stadt Solingen").encode(), ", line 11649: '80512200' is no warn cell of nine digits; take"),
        (lines("899999999; ;x").encode(), ", line 11649: cell 899999999 has no name; take the list"),
        (lines("805122000;Stadt Remscheid").encode(), ", line 11649: 805122000 is 'Stadt Remscheid' here, 'Stadt Sol"),
        (lines("899999999;M\u00fcnster").encode("latin-1", "replace"), ": not UTF-8; save the list as UTF-8"),
        (lines()[:100_000].rpartition("\n")[0].encode(), "cells, where 11647 are known: cut off? take"),
        (b"", ": no cells; take the list that the DWD offers"),
        (HEAD.encode(), ": no cells; take the list that the DWD offers"),
        (b"<html><body>503</body></html>", ", line 1: '<html><body>503</body></html>' is no warn cell"),
        (gzip.compress(lines().encode())[:-2000], ": no whole gzip"),
        (b"\x1f\x8bnonsense", ": no whole gzip"),
        (
            json.dumps({"805122000": "Stadt Solingen"}).encode(),
            ', line 1: \'{"805122000": "Stadt Solingen"}\' is no warn',
        ),
        (b'805122000;"Stadt Solingen', ", line 1: unexpected end of data; take"),
    ],
)
def test_a_broken_list_is_refused_with_line_and_remedy_and_changes_nothing(
    tmp_path: Path, content: bytes, said: str
) -> None:
    broken = tmp_path / "broken.csv"
    broken.write_bytes(content)
    with pytest.raises(cells.CatalogueError) as error:
        cells.update(broken)
    assert str(broken) in str(error.value)
    assert said in str(error.value)
    assert not cells.own_file().exists()
    assert run("update", str(broken))[0] == 2


def test_a_list_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert run("update", str(tmp_path / "none.csv")) == (
        2,
        f"{tmp_path / 'none.csv'}: no such file or folder; name one that is there",
    )


def test_a_spoilt_catalogue_of_the_user_is_said_and_the_bundled_one_used(caplog: pytest.LogCaptureFixture) -> None:
    cells.own_file().parent.mkdir(parents=True)
    cells.own_file().write_text("nonsense")
    assert cells.catalogue() == cells.bundled()
    assert "line 1: 'nonsense' is no warn cell" in caplog.text
    assert "warnsys cells update FILE" in caplog.text


def test_every_cell_of_a_message_is_in_the_catalogue(dwd_messages: DwdMessages) -> None:
    """Of communes and of quarters."""
    (test,) = read_bundle(dwd_messages.test)
    for body in (test.body, dwd_messages.snow, dwd_messages.update, dwd_messages.light):
        alert = read_alert(body)
        assert list(dwd.new_cells(alert, cells.bundled())) == []
        assert list(dwd.new_cells(alert, ())) != []


def test_a_message_with_an_unknown_cell_is_taken_and_says_so(dwd_messages: DwdMessages) -> None:
    body = dwd_messages.snow.replace(b">805124000<", b">805124999<")
    matcher = Matcher(GeofenceIndex(load(bundled("solingen"))), known_cells=cells.bundled())
    outcome = matcher.decide_bytes(
        body, AlertHeaders(stage="live", source="dwd", id="x", seen=datetime(2019, 1, 27, tzinfo=UTC))
    ).outcome
    assert outcome.decided == "matched"
    assert "cell-new" in outcome.findings


def test_check_names_the_unknown_cell(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    body = dwd_messages.snow.replace(b">805124000<", b">805124999<")
    (tmp_path / "one.xml").write_bytes(body)
    result = CliRunner().invoke(app, ["check", str(tmp_path / "one.xml"), "--json"])
    assert result.exit_code == 0
    (told,) = (one for one in json.loads(result.output)["findings"] if one["code"] == "cell-new")
    assert told["level"] == "new"
    assert "warn cell 805124999" in told["text"]
    assert "warnsys cells update FILE" in told["text"]

"""`warnsys check` and `warnsys match` in folders with what cannot be read: it is named, and the rest is told."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.cap.oddities import message
from warnsys.cli.main import app


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in/side").mkdir(parents=True)
    Path("in/b.xml").write_bytes(message())
    Path("in/side/c.cap").write_bytes(message())


def files_told(result: Result) -> list[str]:
    return [json.loads(line)["file"] for line in result.stdout.splitlines()]


def told(command: str, *paths: str) -> Result:
    result = CliRunner().invoke(app, [command, "--json", *paths])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    return result


@pytest.mark.parametrize("command", ["check", "match"])
def test_a_broken_link_is_named_and_the_rest_of_its_folder_is_told(command: str) -> None:
    Path("in/a.xml").symlink_to("nowhere.xml")
    Path("in/aa.xml").symlink_to("aa.xml")
    result = told(command, "in")
    assert files_told(result) == ["in/b.xml", "in/side/c.cap"]
    assert result.exit_code == 2
    assert "in/a.xml: no such file or folder; name one that is there" in result.stderr
    assert "in/aa.xml: this link leads in a circle; name the file itself" in result.stderr


@pytest.mark.parametrize("command", ["check", "match"])
def test_a_link_to_its_own_folder_makes_no_message_come_twice(command: str) -> None:
    Path("in/again").symlink_to(Path("in").absolute())
    result = told(command, "in")
    assert (result.exit_code, files_told(result)) == (0, ["in/b.xml", "in/side/c.cap"])
    Path("elsewhere").symlink_to("in")
    assert files_told(told(command, "elsewhere")) == ["elsewhere/b.xml", "elsewhere/side/c.cap"], (
        "named, it is followed"
    )


@pytest.mark.parametrize("command", ["check", "match"])
def test_a_pipe_or_a_device_is_refused_and_the_rest_is_told(command: str) -> None:
    os.mkfifo("in/a.xml")
    result = told(command, "/dev/zero", "in")
    assert (result.exit_code, files_told(result)) == (2, ["in/b.xml", "in/side/c.cap"])
    for place in ("/dev/zero", "in/a.xml"):
        assert f"{place}: this is a pipe, a socket or a device; save what comes from it in a file" in result.stderr


def test_an_empty_folder_does_not_silence_what_is_named_after_it() -> None:
    Path("empty").mkdir()
    result = told("match", "empty", "in")
    assert (result.exit_code, files_told(result)) == (2, ["in/b.xml", "in/side/c.cap"])
    assert "empty: nothing in it is CAP" in result.stderr

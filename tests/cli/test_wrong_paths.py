"""Every command with every wrong path: an error that names place and remedy, and no traceback.

The commands and their parameters come from the parser itself, so that a new one is walked, too: it fails here until it
says what a good value of each of its arguments is, and which of its texts name a place on the disk.
"""

import errno
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, get_args

import pytest
import typer.main
from typer.testing import CliRunner, Result

from geofences import bundled
from warnsys.cli.main import Commands, app
from warnsys.disk import disk_says

GOOD = {
    "files": "message.xml", "paths": "story.yaml", "file": "districts.geojson", "what": "story.yaml",
    "name": "storm", "source": "districts.geojson", "channel": "push", "case": "none", "wanted": "Solingen",
    "stamp": "2027-07-14", "to_folder": "exported", "folder": "written",
}  # fmt: skip
"""For arguments that have to be given."""
ALWAYS = {
    "demo": ["--headless"],
    "init": ["--city", "Solingen", "--geofences", "districts.geojson", "--cell", "805122000", "--out", "new.toml"],
    "geofences import": [
        "--city", "solingen", "--id-field", "id", "--name-field", "name", "--cell", "805122000", "--out", "new.json"
    ],
    "geofences show": ["--html", "page.html"],
    "dead-letters retry": ["--all"],
    "rejected retry": ["--all"],
}  # fmt: skip
"""Options without which a command does not come to its paths."""
TEXTS_THAT_ARE_PLACES = {
    ("demo", "scenario"), ("replay", "paths"), ("geofences import", "source"), ("serve-feed", "what"),
    ("scenario show", "name"), ("scenario run", "name"), ("scenario write", "name"),
}  # fmt: skip
TEXTS_THAT_ARE_NONE = {"channel", "case", "cases", "wanted", "stamp"}
NAMES_THAT_ARE_NONE = {("gateway", "name")}
"""Beside the names of other commands, which are places."""
WRITTEN = {
    ("demo", "json_file"), ("init", "file"), ("replay", "out"), ("replay", "report"), ("scenario run", "out"),
    ("scenario run", "report"), ("scenario write", "folder"), ("geofences import", "file"), ("geofences show", "html"),
    ("geofences show", "png"), ("dead-letters show", "to_file"), ("rejected show", "to_file"),
    ("archive export", "to_folder"),
}  # fmt: skip
"""What a command writes, and therefore may be missing."""
FOLDERS = {("scenario write", "folder"), ("archive export", "to_folder")}
"""Written ones that are folders: one that is there and empty is right."""
READ_KINDS = ("missing", "folder", "below a file", "in a circle", "empty", "binary", "of a long name")
WRITTEN_KINDS = ("folder", "below a file", "below what is missing")
RIGHT = {
    **{(name, "folder", "folder"): "an empty folder is an empty archive"
       for name in ("archive list", "archive verify", "archive prune", "archive export")},
    ("audit verify", "folder", "folder"): "an empty folder is an empty audit",
    ("audit show", "folder", "folder"): "an empty folder is an empty audit",
    ("check", "files", "folder"): "nothing is wrong with nothing",
    ("check", "files", "empty"): "says of the message that it is rejected, and why",
    ("check", "files", "binary"): "says of the message that it is rejected, and why",
    ("match", "files", "empty"): "says of the message that it is rejected, and why",
    ("match", "files", "binary"): "says of the message that it is rejected, and why",
}  # fmt: skip
"""Where a wrong path is none, with the reason."""
REMEDY = re.compile(r"\b(name|give|take|make|mend|write|export|save|see|look after|as docs/how-to)\b")


class Case(NamedTuple):
    """One parameter of one command, given a wrong path."""

    command: str
    parameter: str
    kind: str


def leaves(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command by its whole name."""
    if hasattr(command, "commands"):
        for each, inside in command.commands.items():
            yield from leaves(inside, f"{name} {each}".strip())
    else:
        yield name, command


COMMANDS = dict(leaves(typer.main.get_command(app)))


def is_path(parameter: Any) -> bool:
    annotation = parameter.type_descriptor.annotation
    return annotation is Path or Path in get_args(annotation)


def is_argument(parameter: Any) -> bool:
    return not any(name.startswith("-") for name in parameter.opts)


def places() -> Iterator[tuple[str, Any]]:
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if is_path(parameter) or (name, parameter.name) in TEXTS_THAT_ARE_PLACES:
                yield name, parameter


def kinds_for(command: str, parameter: str) -> tuple[str, ...]:
    """All of them; of the settings, which one function reads for all commands, one command's are enough."""
    if parameter in ("settings", "than") and command != "up":
        return READ_KINDS[:2]
    return WRITTEN_KINDS if (command, parameter) in WRITTEN else READ_KINDS


CASES = [Case(name, parameter.name, kind) for name, parameter in places() for kind in kinds_for(name, parameter.name)]


def wrong(kind: str, folder: Path) -> Path:
    """A path of this kind, of a name that an error can be asked for."""
    place = folder / "wrong-place"
    match kind:
        case "folder":
            place.mkdir()
        case "below a file":
            (folder / "a-file").write_text("x")
            return folder / "a-file" / "wrong-place"
        case "below what is missing":
            return folder / "nowhere" / "wrong-place"
        case "in a circle":
            place.symlink_to(place)
        case "empty":
            place.touch()
        case "binary":
            place.write_bytes(b"\xff\xfe\x00\x01" * 100)
        case "of a long name":
            return folder / ("wrong-place" * 50)
    return place


@pytest.fixture(autouse=True)
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder that has a good file of each kind."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("COLUMNS", "80")
    shutil.copy(bundled("solingen"), "districts.geojson")
    shutil.copy(Path(__file__).parents[2] / "warnsys/simulation/scenarios/test-messages.yaml", "story.yaml")
    for folder in ("kept", "audited"):
        Path(folder).mkdir()
    Path("message.xml").write_text("<alert/>")
    Path("warnsys.toml").write_text(
        '[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "districts.geojson"\n'
        '[archive]\nfolder = "kept"\n[audit]\nfolder = "audited"\n'
    )


def asked(case: Case, path: Path) -> list[str]:
    """The words of the command line."""
    words, options = case.command.split(), list(ALWAYS.get(case.command, []))
    for parameter in COMMANDS[case.command].params:
        given = str(path) if parameter.name == case.parameter else GOOD.get(parameter.name, "")
        if is_argument(parameter):
            if parameter.name == case.parameter or parameter.required:
                words.append(given)
        elif parameter.name == case.parameter:
            option = parameter.opts[0]
            if option in options:
                del options[options.index(option) : options.index(option) + 2]
            options += [option, given]
    return [*words, *options]


def run(case: Case, path: Path) -> Result:
    return CliRunner().invoke(app, asked(case, path))


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(case).replace(" ", "-"))
def test_a_wrong_path_ends_each_command_with_place_and_remedy(case: Case, tmp_path: Path) -> None:
    path = wrong(case.kind, tmp_path)
    result = run(case, path)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    if (case.command, case.parameter) in FOLDERS and case.kind in ("folder", "below what is missing"):
        return
    if tuple(case) in RIGHT:
        assert result.exit_code in (0, 1, 2), result.output
        return
    assert result.exit_code in (1, 2), result.output
    named = [str(path), str(path.parent), str(path.parent.parent / "a-file")]
    assert any(place in line for line in result.output.splitlines() for place in named), result.output
    assert REMEDY.search(result.output.replace(str(path), "")), result.output


def test_every_text_that_has_to_be_given_is_a_place_or_none() -> None:
    """A new argument is looked at once by a person: whether it may name a file."""
    for name, command in COMMANDS.items():
        for parameter in command.params:
            if is_argument(parameter) and not is_path(parameter):
                known = (name, parameter.name) in TEXTS_THAT_ARE_PLACES | NAMES_THAT_ARE_NONE
                known |= parameter.name in TEXTS_THAT_ARE_NONE
                assert known, f"warnsys {name}: may {parameter.name} name a file?"


def test_every_argument_has_a_good_value_to_walk_with() -> None:
    lacking = {p.name for command in COMMANDS.values() for p in command.params if p.required and is_argument(p)}
    assert lacking <= GOOD.keys()


def test_a_path_that_fails_in_a_task_is_said_as_well_and_another_error_keeps_its_traceback() -> None:
    trial = typer.Typer(cls=Commands)
    lost = FileNotFoundError(errno.ENOENT, "No such file", "/some/place")
    raised: list[BaseException] = [
        lost, ExceptionGroup("tasks", [ExceptionGroup("inside", [lost])]),
        ExceptionGroup("tasks", [lost, ValueError("a bug")]), ConnectionResetError(errno.ECONNRESET, "reset"),
    ]  # fmt: skip

    @trial.command()
    def fails(number: int) -> None:
        raise raised[number]

    @trial.command()
    def other() -> None: ...

    results = [CliRunner().invoke(trial, ["fails", str(number)]) for number in range(len(raised))]
    assert [result.exit_code for result in results] == [2, 2, 1, 1]
    assert all("/some/place: no such file or folder; name one" in result.output for result in results[:2])
    assert [result.exception for result in results[2:]] == raised[2:]


@pytest.mark.parametrize("number", sorted(errno.errorcode))
def test_whatever_a_disk_refuses_is_said_with_the_place_and_a_remedy(number: int) -> None:
    said = disk_says(OSError(number, "words of the system", "/some/place"))
    assert said.startswith("/some/place: ")
    assert REMEDY.search(said)

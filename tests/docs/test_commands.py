"""Commands in README and docs: each exists, and those that need no Kafka and end by themselves are run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import typer.main
from markdown_it import MarkdownIt
from markdown_it.token import Token
from typer.testing import CliRunner

from geofences import bundled
from warnsys.cli.main import app

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIALS = ROOT / "docs/tutorial"
SHELL = {"sh", ""}
OTHER_LANGUAGES = {"javascript", "json", "nginx", "python", "text", "toml", "xml", "yaml", "{toctree}"}

NOT_RUN = {
    "audit": "needs a Kafka, or an audit that one wrote: tests/audit",
    "archive": "needs an archive that a live feed has kept: tests/feeds",
    "doctor": "says what the machine lacks that runs the tests: tests/cli",
    "canary": "needs a Kafka: tests/kafka",
    "feed": "needs a Kafka, and runs until it is ended: tests/kafka",
    "gateway": "needs a Kafka, and runs until it is ended: tests/kafka",
    "geofences import": "needs the extra gis and official borders: tests/geofences",
    "hash-password": "asks for a password at the terminal",
    "dead-letters": "needs a Kafka: tests/kafka",
    "serve-feed": "serves until it is ended: tests/feeds",
    "tail": "needs a Kafka, and runs until it is ended: tests/kafka",
    "topics": "needs a Kafka: tests/kafka",
    "up": "runs until it is ended: the tutorial below, tests/test_live_stage.py",
    "web": "needs a Kafka, and runs until it is ended: tests/kafka",
    "worker": "needs a Kafka, and runs until it is ended: tests/kafka",
}
"""Commands of warnsys that no test here runs, each with the reason."""
NOT_RUN_WITH = {"--broker": "plays through a broker, at its own time: tests/replay"}

PROGRAMS = {
    ".", "apt", "cat", "cd", "cp", "curl", "date", "docker", "echo", "export", "gdalbuildvrt", "git", "install",
    "kubectl", "mkdir", "mutmut", "ogr2ogr", "pip", "pre-commit", "rabbitmqctl", "rsync", "systemctl", "touch",
    "ulimit", "useradd",
}  # fmt: skip


class Command(NamedTuple):
    """One command as a page shows it, without the variables before it."""

    page: Path
    words: tuple[str, ...]
    inline: bool
    """In the middle of a sentence, where arguments may be left out."""

    @property
    def program(self) -> str:
        return Path(self.words[0]).name

    @property
    def shown(self) -> str:
        return f"{self.page.relative_to(ROOT)}: {shlex.join(self.words)}"


@cache
def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def shell_blocks(page: Path) -> list[str]:
    blocks = [token for token in tokens(page) if token.type in ("fence", "code_block")]
    return [block.content for block in blocks if block.info.strip() in SHELL]


def commands_in(script: str) -> Iterator[tuple[str, ...]]:
    """The simple commands of a shell script; what here-documents hold is left out."""
    script = re.sub(r"<<'?(\w+)'?\n.*?\n\1\n", "\n", script.replace("\\\n", " "), flags=re.DOTALL)
    for line in script.splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="&|;<>")
        lexer.commenters, lexer.whitespace_split = "#", True
        words = list[str]()
        for word in [*lexer, ";"]:
            if set(word) <= set("&|;"):
                while words and re.match(r"[A-Z_]+=", words[0]):
                    words.pop(0)
                if words:
                    yield tuple(words)
                words = []
            else:
                words.append(word)


@cache
def commands(page: Path) -> list[Command]:
    return list(_commands(page))


def _commands(page: Path) -> Iterator[Command]:
    for block in shell_blocks(page):
        for words in commands_in(block):
            yield Command(page, words, inline=False)
    for token in tokens(page):
        for child in token.children or ():
            code = " ".join(child.content.split())
            if child.type == "code_inline" and re.match(r"(\S*/)?(warnsys|make|python -m)( |$)", code):
                for words in commands_in(code):
                    yield Command(page, words, inline=True)


ALL = [command for page in PAGES for command in commands(page)]
OURS = sorted({command for command in ALL if command.program == "warnsys"})
ROOT_COMMAND = typer.main.get_command(app)


def resolved(command: Command) -> tuple[Any, str, list[str]]:
    """The command of the command line, its name, and its arguments."""
    found: Any = ROOT_COMMAND
    names, words = list[str](), list(command.words[1:])
    while hasattr(found, "commands") and words and words[0] != "…" and not words[0].startswith("-"):
        assert words[0] in found.commands, f"{command.shown}: there is no `warnsys {' '.join([*names, words[0]])}`"
        names.append(words.pop(0))
        found = found.commands[names[-1]]
    return found, " ".join(names), words


@pytest.mark.parametrize("command", OURS, ids=lambda command: command.shown)
def test_a_command_in_the_docs_exists_with_all_its_options(command: Command) -> None:
    found, name, words = resolved(command)
    if hasattr(found, "commands"):
        if words and set(words) <= {option for one in found.params for option in one.opts}:
            return  # warnsys --version
        assert command.inline, f"{command.shown}: {sorted(found.commands)} which of them?"
        return
    context = found.make_context(name, [], resilient_parsing=True)
    given, _, _ = found.make_parser(context).parse_args([word for word in words if word not in "<>"])
    if not command.inline:
        missing = [option.name for option in found.params if option.required and option.name not in given]
        assert not missing or "…" in words, f"{command.shown}: without {missing}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_code_block_says_its_language(page: Path) -> None:
    found = {token.info.strip().partition(" ")[0] for token in tokens(page) if token.type == "fence"}
    assert found <= SHELL | OTHER_LANGUAGES, f"{page}: shell commands stand in ```sh"


def test_make_targets_and_variables_in_the_docs_exist() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    variables = set(re.findall(r"\$\(([A-Z_]+)\)", makefile))
    for command in ALL:
        if command.program != "make":
            continue
        for word in command.words[1:]:
            if "=" in word:
                assert word.partition("=")[0] in variables, command.shown
            elif re.fullmatch(r"[a-z-]+", word):
                assert word in targets, command.shown


def test_make_can_say_what_each_target_of_the_docs_would_do() -> None:
    targets = {word for command in ALL if command.program == "make" for word in command.words[1:]}
    for target in sorted(word for word in targets if re.fullmatch(r"[a-z][a-z-]+", word)):
        made = subprocess.run(["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert made.returncode == 0, f"make {target}: {made.stderr}"


def test_modules_that_the_docs_run_exist() -> None:
    modules = {command.words[2]: command for command in ALL if command.words[:2] == ("python", "-m")}
    assert modules
    for module, command in modules.items():
        assert find_spec(module) is not None, command.shown


def test_other_programs_in_the_docs_are_known() -> None:
    known = PROGRAMS | {"make", "python", "warnsys"}
    unknown = [command.shown for command in ALL if command.program not in known]
    assert not unknown, "a misspelt program, or one to add to PROGRAMS"


def reason_not_to_run(command: Command) -> str | None:
    _, name, words = resolved(command)
    reasons = [why for prefix, why in NOT_RUN.items() if f"{name} ".startswith(f"{prefix} ")]
    reasons += [why for option, why in NOT_RUN_WITH.items() if option in words]
    return reasons[0] if reasons else None


def to_run(page: Path) -> list[Command]:
    shown = [command for command in commands(page) if command.program == "warnsys" and not command.inline]
    return [command for command in shown if reason_not_to_run(command) is None]


RUN = [page for page in PAGES if not page.is_relative_to(TUTORIALS) and to_run(page)]


@pytest.mark.parametrize("page", RUN, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_the_commands_of_a_page_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In order, in a folder that holds the files that the pages speak of."""
    monkeypatch.chdir(tmp_path)
    prepare(tmp_path)
    for command in to_run(page):
        words = [PLACEHOLDERS.get(word, word) for word in command.words[1:]]
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, f"{command.shown}: {result.output}"


PLACEHOLDERS = {
    "SOME-CAP-FILE-OR-ZIP": "message.zip",
    "YOUR.geojson": "solingen.geojson",
    "FILE…": "message.zip",
    "/etc/warnsys/districts.geojson": "solingen.geojson",
    "bernd": "mine.yaml",  # a shorter story
    "flood": "test-messages",
    "2027-07-01": "2027-07-14",  # an archive of an hour
}


def prepare(folder: Path) -> None:
    """Puts there what a reader of the how-tos has by then; of the storm only as much as they need."""
    shutil.copy(bundled("solingen"), folder / "solingen.geojson")
    shutil.copy(bundled("solingen"), folder / "city-boundary.geojson")
    settings = ["init", "--city", "Solingen", "--geofences", "solingen.geojson", "--cell", "805122000", "--out"]
    for words in (["scenario", "write", "storm", "written"], [*settings, "now.toml"], [*settings, "then.toml"]):
        assert CliRunner().invoke(app, words).exit_code == 0
    for name in ("storms/2027-07-14", "archive", "folder1", "folder2"):
        (folder / name).mkdir(parents=True)
        for snapshot in sorted((folder / "written").glob("*.zip"))[:3]:
            shutil.copy(snapshot, folder / name)
    shutil.copy(next((folder / "written").glob("*1232*.zip")), folder / "message.zip")
    shutil.copy(ROOT / "warnsys/simulation/scenarios/test-messages.yaml", folder / "mine.yaml")


def test_reasons_not_to_run_a_command_are_all_needed() -> None:
    names = [resolved(command)[1] for command in OURS]
    for prefix in NOT_RUN:
        assert any(f"{name} ".startswith(f"{prefix} ") for name in names), f"no page speaks of `warnsys {prefix}`"


def script_of(page: Path) -> str:
    """A tutorial as one script: the files that it asks to save, and its commands up to those that run on and on."""
    lines = ["set -euo pipefail"]
    name: str | None = None
    for token in tokens(page):
        if token.type == "inline" and (saved := re.search(r"Save this as `([^`]+)`", token.content)):
            name = saved[1]
        if token.type != "fence":
            continue
        if name and token.info.strip() not in SHELL:
            lines.append(f"cat > {name} <<'END_OF_FILE'\n{token.content}END_OF_FILE")
        elif token.info.strip() in SHELL and not re.search(r"^(make demo|warnsys up)$", token.content, re.MULTILINE):
            lines.append(token.content)
        name = None
    return "\n".join(lines)


def test_the_tutorial_warns_one_district_and_not_the_other(tmp_path: Path) -> None:
    programs = tmp_path / ".venv/bin"
    programs.mkdir(parents=True)
    (programs / "warnsys").write_text(f'#!/bin/sh\nexec {sys.executable} -m warnsys "$@"\n', "utf-8")
    (programs / "warnsys").chmod(0o755)
    environment = {**os.environ, "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "WARNSYS_WEB__PORT": "0"}
    page = TUTORIALS / "first-district.md"
    done = subprocess.run(
        ["bash", "-c", script_of(page)], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "errors: 0, warnings: 0" in done.stdout
    assert re.search(r"Hafen +warned +0\.3600 +area", done.stdout)

    command = [str(programs / "warnsys"), "up"]
    running = subprocess.Popen(
        command,
        cwd=tmp_path / "musterstadt",
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = ""
    try:
        assert running.stdout is not None
        for line in running.stdout:
            said += line
            if "sms öffentlich warn" in line:
                break
    finally:
        running.terminate()
        running.wait(30)
        if running.stdout is not None:
            running.stdout.close()
    assert "push öffentlich warn: Unwetterwarnung, Stufe 3 von 4: STURMBÖEN – Hafen." in said, said
    assert "stele Altstadt: Unwetter" not in said

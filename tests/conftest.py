"""What all tests share: the folders of real data, and what a run leaves out.

Real messages and boundaries lie beside the project and are never copied into it. Tests that need them run where the
options name their folders; elsewhere they are left out, and the summary names them. With `--quick` slow ones are left
out, too, and the summary says how many and why.

Side by side (`-n auto --dist loadgroup`), the tests that share a costly fixture of their file run in one process.
"""

import gc
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from tests import like_dwd
from tests.programs import installed
from tests.slow import SLOW as SLOW_TESTS
from tests.slow import how_late, why_slow

os.environ["COLUMNS"] = "200"
"""Commands wrap their lines here: the long names of temporary folders stay whole."""

gc.set_threshold(50_000, 20, 50)
"""A run holds millions of objects, and the collector's defaults pass over all of them every few tests, for seconds."""

os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
"""Tests start hundreds of processes: each would compile all of this anew, and so would those that collect tests."""

settings.register_profile("warnsys", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile(  # for `make mutants`: whether a test fails is asked thousands of times, not how
    "mutants",
    deadline=None,
    derandomize=True,
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.register_profile("quick", settings.get_profile("warnsys"), max_examples=30)
settings.load_profile("warnsys")

FOLDERS = {"corpus": "--cap-corpus", "geodata": "--geodata"}
"""The fixtures of real data, and the options that give them."""

SLOW = "slow, "
"""What reasons begin with of tests that `make test-all` runs."""

_left_out: dict[str, list[str]] = {}
"""By reason, the tests that this run leaves out."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--quick", action="store_true", help="leave out what tests/slow.py names; 30 examples a law")
    parser.addoption("--cap-corpus", type=Path, default=None, help="folder of real CAP messages")
    parser.addoption("--geodata", type=Path, default=None, help="folder of real boundaries")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--quick"):
        settings.load_profile("quick")


def _folder(config: pytest.Config, option: str) -> Path:
    folder: Path | None = config.getoption(option)
    if folder is None or not folder.is_dir():
        pytest.fail(f"this test needs {option} FOLDER, and there is no folder {folder}")
    return folder


@pytest.fixture(autouse=True, scope="session")
def _patient_workers() -> Iterator[None]:
    """Workers in this process have a minute to stop, and to be held up: their hard end would be that of the tests."""
    with pytest.MonkeyPatch.context() as patched:
        for module, name in (("streams.worker.app", "STOP_S"), ("streams.processes.runtime", "SESSION_S")):
            if found := sys.modules.get(module):  # all tests are collected by now; `make mutants` has no Faust
                patched.setattr(found, name, 60.0)
        yield


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    return _folder(pytestconfig, "--cap-corpus")


@pytest.fixture(scope="session")
def geodata(pytestconfig: pytest.Config) -> Path:
    return _folder(pytestconfig, "--geodata")


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.corpus)])
def dwd_messages(request: pytest.FixtureRequest) -> like_dwd.DwdMessages:
    """Messages of our own in the DWD's form, and where the folder is given its real ones."""
    return like_dwd.ours() if request.param == "ours" else like_dwd.real(request.getfixturevalue("corpus"))


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.geodata)])
def solingen_boundary(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file with the city's boundary as somebody else draws it: ours is that of the districts, moved by 30 m."""
    if request.param == "real":
        folder: Path = request.getfixturevalue("geodata")
        return folder / "solingen_gemeinde_vg250.geojson"
    return like_dwd.moved_boundary(tmp_path / "boundary.geojson")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Passes over whole files and folders of slow tests: to import them alone takes a tenth of a quick run."""
    name = collection_path.relative_to(config.rootpath).as_posix() + "/" * collection_path.is_dir()
    if config.getoption("--quick") and (slow := SLOW_TESTS.get(name)):
        _left_out.setdefault(f"{SLOW}{slow}", []).append(name)
        return True
    return None


def _reason(item: pytest.Item, config: pytest.Config) -> str | None:
    """Why a test is left out; None where it runs. With CI=true a missing program fails the test instead."""
    if config.getoption("--quick") and (slow := why_slow(item.nodeid)):
        return f"{SLOW}{slow}"
    names = getattr(item, "fixturenames", ())
    for fixture, option in FOLDERS.items():
        asked = fixture in names or item.get_closest_marker(fixture)
        if asked and config.getoption(option) is None:
            return f"{option} FOLDER is not given"
    if item.get_closest_marker("kafka") and not os.environ.get("CI"):
        missing = [program for program in ("java", "mvn") if not shutil.which(program)]
        if missing:
            return f"a real Kafka needs {' and '.join(missing)} (Java 17, Maven)"
    if (needs := item.get_closest_marker("needs")) and not os.environ.get("CI"):
        missing = [program for program in needs.args if not installed(program)]
        if missing:
            return f"there is no {' and no '.join(missing)} here"
    return None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Gives each test an id of its own, and keeps together what shares a fixture of its file.

    pytest-xdist runs of several tests with one id only one, and would make such a fixture in each process. Schemathesis
    gives the tests of all operations the name of their function.
    """
    if not item.nodeid.endswith(item.name) and item.parent:
        item._id = item.parent.id.child(item.name)
    if not item.config.pluginmanager.hasplugin("xdist"):
        return
    fixtures = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
    if any(definitions[-1].scope in ("class", "module", "package") for definitions in fixtures.values()):
        item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: how_late(item.nodeid))  # the longest first: none is left over at the end
    stays, goes = [], []
    for item in items:
        if reason := _reason(item, config):
            _left_out.setdefault(reason, []).append(item.nodeid)
            goes.append(item)
        else:
            stays.append(item)
    if goes:
        config.hook.pytest_deselected(items=goes)
        items[:] = stays


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Takes what a process of pytest-xdist left out to the one that prints the summary."""
    _left_out.update(getattr(node, "workeroutput", {}).get("left out", {}))


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left out"] = _left_out
    yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    slow = {reason: tests for reason, tests in sorted(_left_out.items()) if reason.startswith(SLOW)}
    if slow:
        terminalreporter.section("slow tests and whole files of them left out, run them with: make test-all")
        for reason, tests in slow.items():
            terminalreporter.line(f"{len(tests):5} {reason.removeprefix(SLOW)}")
    for reason, tests in sorted(_left_out.items()):
        if reason not in slow:
            terminalreporter.section(f"{len(tests)} tests left out: {reason}")
            for test in tests:
                terminalreporter.line(test)

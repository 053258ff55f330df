"""What all tests share: the folders of real data, which lie beside the project and are never copied into it."""

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

settings.register_profile("warnsys", deadline=None, derandomize=bool(os.environ.get("CI")))
settings.register_profile(  # for `make mutants`: whether a test fails is asked thousands of times, not how
    "mutants",
    deadline=None,
    derandomize=True,
    max_examples=40,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("warnsys")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cap-corpus", type=Path, default=None, help="folder of real CAP messages")
    parser.addoption("--geodata", type=Path, default=None, help="folder of real boundaries")


def _folder(config: pytest.Config, option: str) -> Path:
    folder: Path | None = config.getoption(option)
    if folder is None or not folder.is_dir():
        pytest.fail(f"this test needs {option} FOLDER (make test gives it); there is no {folder}")
    return folder


@pytest.fixture(scope="session")
def corpus(pytestconfig: pytest.Config) -> Path:
    return _folder(pytestconfig, "--cap-corpus")


@pytest.fixture(scope="session")
def geodata(pytestconfig: pytest.Config) -> Path:
    return _folder(pytestconfig, "--geodata")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without Java the tests on a real Kafka are left out, and said; with CI=true they stay, and fail."""
    if os.environ.get("CI") or (shutil.which("java") and shutil.which("mvn")):
        return
    kafka = [item for item in items if item.get_closest_marker("kafka")]
    if kafka:
        print("left out, as Java 17 and Maven are missing:", *(item.nodeid for item in kafka), sep="\n  ")
        config.hook.pytest_deselected(items=kafka)
        items[:] = [item for item in items if item not in kafka]

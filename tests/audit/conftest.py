"""One chain for all tests here; each breaks a copy of it."""

from pathlib import Path

import pytest

from tests.audit.story import storm, write
from warnsys.audit.entries import Stood


@pytest.fixture(scope="session")
def records() -> list[Stood]:
    return storm().records


@pytest.fixture(scope="session")
def whole(records: list[Stood], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "audit"
    write(folder, records)
    return folder

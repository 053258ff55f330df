from pathlib import Path

import pytest

from tests.told.play import Play


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path)

"""Half a minute of fuzzing each time; longer by hand: python -m tools.fuzz cap --seconds 600 --corpus PATH"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cap.oddities import ODDITIES
from tests.like_dwd import ours

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(params=["ours", pytest.param("real", marks=pytest.mark.corpus)])
def seeds(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of messages to begin with."""
    if request.param == "real":
        corpus: Path = request.getfixturevalue("corpus")
        return corpus.resolve()
    folder = tmp_path_factory.mktemp("seeds")
    (folder / "test.zip").write_bytes(ours().test)
    (folder / "snow.xml").write_bytes(ours().snow)
    for number, oddity in enumerate(ODDITIES):
        if len(oddity.body) < 10_000 and not oddity.body.startswith(b"PK"):
            (folder / f"{number}.xml").write_bytes(oddity.body)
    return folder


@pytest.mark.parametrize("target", ["cap", "bundle"])
def test_whatever_comes_only_a_cap_error_leaves_the_reader(target: str, seeds: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.fuzz", target, "--seconds", "15", "--corpus", str(seeds)]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]

"""Half a minute of fuzzing each time; longer by hand: python -m tools.fuzz cap --seconds 600 --corpus PATH"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("target", ["cap", "bundle"])
def test_whatever_comes_only_a_cap_error_leaves_the_reader(target: str, corpus: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tools.fuzz", target, "--seconds", "15", "--corpus", str(corpus.resolve())]
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr[-3000:]

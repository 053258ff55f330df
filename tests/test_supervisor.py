"""A worker that ended itself comes back; one that was ended, or failed otherwise, does not."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warnsys.supervisor import ENDED_WITHOUT_COMMIT, supervise, tell_ready


def test_a_worker_that_ended_without_a_commit_is_started_again(tmp_path: Path) -> None:
    lives = tmp_path / "lives"
    code = (
        f"from pathlib import Path; p = Path({str(lives)!r}); n = int(p.read_text() if p.exists() else 0) + 1;"
        f"p.write_text(str(n)); raise SystemExit({ENDED_WITHOUT_COMMIT} if n < 3 else 5)"
    )
    assert supervise([sys.executable, "-c", code], pause=lambda _: None) == 5
    assert lives.read_text() == "3"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("code_of_worker", [3, ENDED_WITHOUT_COMMIT])
def test_a_signal_reaches_the_worker_and_ends_the_supervisor(number: signal.Signals, code_of_worker: int) -> None:
    worker = (
        f"import signal, sys, time; h = lambda *_: sys.exit({code_of_worker});"
        "signal.signal(signal.SIGTERM, h); signal.signal(signal.SIGINT, h); print('ready', flush=True); time.sleep(30)"
    )
    code = f"from warnsys.supervisor import supervise;import sys;sys.exit(supervise([sys.executable,'-c',{worker!r}]))"
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"ready\n"
        time.sleep(0.2)
        supervisor.send_signal(number)
        assert supervisor.wait(10) == code_of_worker


def test_systemd_is_told_when_the_worker_consumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell_ready()
        assert systemd.recv(100) == b"READY=1"
    monkeypatch.delenv("NOTIFY_SOCKET")
    tell_ready()

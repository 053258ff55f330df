"""Whose end nobody asked for comes back, later each time; who was ended, or refused at its start, does not."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from warnsys.supervisor import (
    ENDED_FOR_NEWER,
    ENDED_TO_RENEW,
    ENDED_WITHOUT_COMMIT,
    LIVED_S,
    LONGEST_PAUSE_S,
    REFUSED,
    supervise,
    tell_ready,
)


def ends_with(folder: Path, *codes: str) -> list[str]:
    """A command that ends like this, one after the other."""
    lives = folder / "lives"
    code = (
        f"import os, signal; from pathlib import Path; p = Path({str(lives)!r});"
        "n = int(p.read_text()) if p.exists() else 0; p.write_text(str(n + 1));"
        f"eval({codes!r}[n])"
    )
    return [sys.executable, "-c", code]


def exits(code: int) -> str:
    return f"exit({code})"


KILLED = "os.kill(os.getpid(), signal.SIGKILL)"


def patience(limit: int) -> "list[float]":
    class Waits(list[float]):
        def append(self, seconds: float) -> None:
            assert len(self) < limit, "it is started for ever"
            super().append(seconds)

    return Waits()


@pytest.mark.parametrize(
    "end",
    [exits(ENDED_WITHOUT_COMMIT), exits(ENDED_TO_RENEW), exits(ENDED_FOR_NEWER), exits(1), KILLED, "[][0]"],
    ids=["watchdog", "renew", "newer", "failed", "killed", "traceback"],
)
def test_any_end_that_nobody_asked_for_is_followed_by_a_start(tmp_path: Path, end: str) -> None:
    waits = patience(5)
    assert supervise(ends_with(tmp_path, end, end, exits(0)), pause=waits.append) == 0
    assert (tmp_path / "lives").read_text() == "3"


def test_who_fails_at_once_is_started_later_each_time_and_who_lived_long_soon(tmp_path: Path) -> None:
    waits, fails = patience(20), [exits(70)] * 9
    assert supervise(ends_with(tmp_path, *fails, exits(0)), pause=waits.append) == 0
    assert waits[:4] == [1, 2, 4, 8]
    assert waits[-1] == LONGEST_PAUSE_S
    (tmp_path / "x").mkdir()
    clock, waits = iter(n * LIVED_S for n in range(100)), patience(20)
    assert supervise(ends_with(tmp_path / "x", *fails, exits(0)), waits.append, lambda: next(clock)) == 0
    assert set(waits) == {1}


def test_settings_that_are_refused_at_the_first_start_end_it_and_later_they_do_not(tmp_path: Path) -> None:
    """Later it is a broker that is away, which is refused as settings are."""
    assert supervise(ends_with(tmp_path, exits(REFUSED)), pause=patience(0).append) == REFUSED
    (tmp_path / "later").mkdir()
    again = ends_with(tmp_path / "later", exits(70), exits(REFUSED), exits(0))
    assert supervise(again, pause=patience(5).append) == 0


def test_a_signal_in_a_pause_ends_it() -> None:
    code = (
        "import sys; from warnsys import supervisor as s; s.PAUSE_S = s.LONGEST_PAUSE_S = 600.0;"
        "sys.exit(s.supervise([sys.executable, '-c', 'raise SystemExit(70)'], now=lambda: 0))"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    with supervisor:
        assert supervisor.stderr is not None
        assert b"started again in 600 s" in supervisor.stderr.readline()
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(60) == ENDED_WITHOUT_COMMIT


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("code_of_worker", [3, ENDED_WITHOUT_COMMIT])
def test_a_signal_reaches_the_worker_and_ends_the_supervisor(number: signal.Signals, code_of_worker: int) -> None:
    worker = (
        f"import signal, sys, time; h = lambda *_: sys.exit({code_of_worker});"
        "signal.signal(signal.SIGTERM, h); signal.signal(signal.SIGINT, h); print('ready', flush=True); time.sleep(120)"
    )
    code = f"from warnsys.supervisor import supervise;import sys;sys.exit(supervise([sys.executable,'-c',{worker!r}]))"
    supervisor = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    with supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"ready\n"
        time.sleep(2)
        supervisor.send_signal(number)
        assert supervisor.wait(60) == code_of_worker


def test_systemd_is_told_when_the_worker_consumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        tell_ready()
        assert systemd.recv(100) == b"READY=1"
    monkeypatch.delenv("NOTIFY_SOCKET")
    tell_ready()

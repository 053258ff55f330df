"""`warnsys demo` at a terminal: it lives until somebody ends it, and plays again at a key."""

import os
import pty
import select
import signal
import socket
import subprocess
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from tests.patient import PATIENT
from warnsys.cli.main import app

STARTS, OVER = "startet", "bleiben"
"""Words of the view at the start, and after the end of the story; no line is broken inside them."""
PATIENCE_S = 120
STORY = """\
title: Kurze Hitze
start: 2027-07-14 14:00:00
minutes: 3
cells: {805122000: Stadt Solingen}
alerts:
  - key: heat
    at: 0
    until: 60
    ii: 247
    groups: [HEAT]
    severity: Minor
    cells: [805122000]
    texts:
      de: {event: STARKE HITZE, headline: Amtliche WARNUNG vor HITZE, description: Es ist heiß.}
      en: {event: STRONG HEAT, headline: Official WARNING of HEAT, description: It is hot.}
"""


class Terminal:
    """A program at a terminal of 80 columns, and what it has written there."""

    def __init__(self, words: list[str]) -> None:
        self._controller, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, 80))
        self.process = subprocess.Popen(
            [*PATIENT, *words], stdin=terminal, stdout=terminal, stderr=terminal,
            start_new_session=True, env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"},
        )  # fmt: skip
        os.close(terminal)
        self.said = ""

    def wait_for(self, word: str) -> None:
        """Reads until a word has come, and forgets what stood before it."""
        deadline = time.monotonic() + PATIENCE_S
        while word not in self.said:
            assert time.monotonic() < deadline, self.said[-3000:]
            ready, _, _ = select.select([self._controller], [], [], 1)
            if ready:
                self.said += os.read(self._controller, 65536).decode("utf-8", "replace")
        self.said = self.said.partition(word)[2]

    def type(self, key: str) -> None:
        os.write(self._controller, key.encode())

    def rest(self) -> str:
        """Everything up to its end."""
        try:
            while part := os.read(self._controller, 65536):
                self.said += part.decode("utf-8", "replace")
        except OSError:  # the program has left the terminal
            pass
        return self.said


@contextmanager
def terminal(*words: str) -> Iterator[Terminal]:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has its children ignore it
    try:
        found = Terminal(list(words))
    finally:
        signal.signal(signal.SIGINT, before)
    try:
        yield found
    finally:
        found.process.kill()
        found.process.wait()


@pytest.mark.parametrize("end", ["q", "SIGINT", "SIGTERM"])
def test_the_demo_waits_at_its_end_plays_again_at_a_key_and_ends_in_order(end: str, tmp_path: Path) -> None:
    story = tmp_path / "short.yaml"
    story.write_text(STORY, "utf-8")
    with terminal("demo", "--scenario", str(story), "--speed", "10000", "--port", "0") as demo:
        for again in (True, False):
            demo.wait_for(STARTS)
            demo.wait_for(OVER)
            demo.wait_for("r: von vorn")
            assert demo.process.poll() is None
            if again:
                demo.type("r")
        if end == "q":
            demo.type("q")
        else:
            demo.process.send_signal(signal.Signals[end])
        said = demo.rest()
        assert demo.process.wait(PATIENCE_S) == 0
    assert "Traceback" not in said


def test_the_demo_obeys_an_order_to_stop_a_channel() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
    form = {"channel": "push", "reason": "Fehlalarm", "minutes": "60", "by": "Leitstelle A"}
    words = [*PATIENT, "demo", "--speed", "60", "--port", address.rpartition(":")[2]]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as demo, httpx.Client() as http:
        try:
            wait_until(lambda: http.get(f"{address}/health/ready").status_code == 200)
            assert http.post(f"{address}/act/stop", data=form, headers={"Origin": address}).status_code == 303
            wait_until(lambda: "Push ist angehalten bis" in http.get(address).text)
        finally:
            demo.kill()


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with suppress(httpx.ConnectError):
            if true():
                return
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_a_port_that_is_taken_is_said_at_once_with_the_remedy() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for words in (
            ["demo", "--port", port],
            ["replay", "snow", "--broker", "embedded", "--port", port],
            ["serve-feed", "snow", "--port", port],
        ):
            result = CliRunner().invoke(app, words)
            assert result.exit_code == 2, result.output
            assert f"port {port} of 127.0.0.1" in result.output
            assert "another with --port" in result.output


def test_make_demo_takes_a_port() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "demo", "PORT=9123"], capture_output=True, text=True, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert "warnsys demo --port 9123" in done.stdout

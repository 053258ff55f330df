"""The commands as a person runs them."""

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from geofences import bundled
from tests.cap.oddities import EXTERNAL, message
from tests.like_dwd import DwdMessages
from tests.patient import PATIENT
from tools.local_kafka import free_ports
from warnsys.cli.main import app
from warnsys.settings import load
from warnsys.supervisor import ENDED_WITHOUT_COMMIT

PROGRAM = [sys.executable, "-m", "warnsys"]


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def matched(*arguments: str | Path) -> list[dict[str, Any]]:
    result = run("match", "--json", *arguments)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def kept(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file


def test_match_says_for_each_alert_who_is_warned_and_why(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    (found,) = matched(kept(tmp_path / "snow.xml", dwd_messages.snow))
    assert (found["outcome"], found["severity"], found["urgency"]) == ("matched", "Moderate", "Immediate")
    assert (found["status"], found["msg_type"], found["event"]) == ("Actual", "Alert", "SCHNEEFALL")
    assert [match["via"] for match in found["matches"]] == ["cell"] * 5
    assert {match["reason"] for match in found["matches"]} == {"cell 805122000"}
    assert "oberhalb 200 m" in found["text"][0]


def test_match_judges_at_the_alerts_own_time_unless_told_otherwise(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    file = kept(tmp_path / "snow.xml", dwd_messages.snow)
    (later,) = matched(file, "--at", "2019-01-28T22:00:00")
    assert (later["outcome"], later["reason"]) == ("not_live", "expired 2019-01-28T22:00:00+01:00")
    (sooner,) = matched(file, "--at", "2019-01-28T20:59:59")
    assert sooner["outcome"] == "matched"


def test_match_opens_zips_and_names_what_is_wrong_with_a_file(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    whole, truncated = (kept(tmp_path / name, dwd_messages.test) for name in ("whole.zip", "half.zip"))
    truncated.write_bytes(whole.read_bytes()[:-100])
    found = matched(whole, truncated, kept(tmp_path / "entity.cap", EXTERNAL.encode() + message()))
    assert [one["outcome"] for one in found] == ["not_live", "rejected", "rejected"]
    assert "zip-broken" in found[1]["reason"]
    assert "dtd" in found[2]["reason"]


def test_match_in_words_shows_districts_and_reasons(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    result = run("match", kept(tmp_path / "light.xml", dwd_messages.light))
    assert result.exit_code == 0
    assert "no_district" in result.output
    assert "Gräfrath" in result.output


def test_a_file_that_cannot_be_opened_does_not_stop_the_others(dwd_messages: DwdMessages, tmp_path: Path) -> None:
    result = run("match", tmp_path / "none.xml", kept(tmp_path / "light.xml", dwd_messages.light))
    assert result.exit_code == 2
    assert "none.xml" in result.output
    assert "no_district" in result.output


def test_init_writes_settings_that_can_be_loaded(tmp_path: Path) -> None:
    file = tmp_path / "warnsys.toml"
    result = run("init", "--city", "Solingen", "--geofences", bundled(), "--cell", "805122000", "--out", file)
    assert result.exit_code == 0, result.output
    (city,) = load(file).cities
    assert (city.id, city.name, city.warn_cells) == ("solingen", "Solingen", ("805122000",))
    assert "public push  warnings from Moderate, no advance notices (default)" in result.output
    again = run("init", "--city", "Solingen", "--geofences", bundled(), "--cell", "805122000", "--out", file)
    assert again.exit_code == 2
    assert "--force" in again.output


def test_init_refuses_geofences_of_another_city(tmp_path: Path) -> None:
    result = run(
        "init", "--city", "Wuppertal", "--geofences", bundled(), "--cell", "805124000", "--out", tmp_path / "x"
    )
    assert result.exit_code == 2
    assert "wuppertal" in result.output


@pytest.mark.parametrize("command", ["up", "worker", "feed"])
def test_operation_without_settings_is_refused(command: str, tmp_path: Path) -> None:
    result = run(command, "--settings", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "warnsys init" in result.output


@pytest.mark.parametrize("command", ["worker", "feed"])
def test_a_process_of_its_own_needs_a_real_broker(command: str, tmp_path: Path) -> None:
    file = tmp_path / "warnsys.toml"
    run("init", "--city", "Solingen", "--geofences", bundled(), "--cell", "805122000", "--out", file)
    result = run(command, "--settings", file)
    assert result.exit_code == 2
    assert "kafka://host:port" in result.output


@contextmanager
def heeded(sent: signal.Signals) -> Iterator[None]:
    """Not ignored by a process that is started within: a shell has its background jobs ignore SIGINT, and theirs."""
    before = signal.signal(sent, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(sent, before)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_demo_in_order(sent: signal.Signals) -> None:
    (port,) = map(str, free_ports(1))
    with heeded(sent):
        process = subprocess.Popen(
            [*PATIENT, "demo", "--speed", "240", "--port", port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
    try:
        deadline = time.monotonic() + 120
        while not answers(int(port)):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.2)
        time.sleep(3)  # well past the start, well before the end of the story
        assert process.poll() is None
        process.send_signal(sent)
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode in (0, 130)
    assert b"Traceback" not in output
    assert "ÜBUNG".encode() in output


STUBBORN = """
import asyncio
from warnsys.cli import common

async def stubborn():
    print("at work", flush=True)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass

common.ENDS_WITHIN_S = 0.5
common.run(stubborn())
"""


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_a_dead_broker_holds_up_ends_hard_when_it_was_asked_to_end(sent: signal.Signals) -> None:
    with heeded(sent):
        process = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        assert process.stdout
        assert process.stdout.readline() == b"at work\n"
        process.send_signal(sent)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert (process.returncode, said.decode()) == (
        ENDED_WITHOUT_COMMIT, "not ended in order within 0.5 s; ended hard, which loses nothing\n"
    )  # fmt: skip


def test_up_says_that_the_embedded_broker_is_not_for_operation(tmp_path: Path) -> None:
    """Against a server that refuses: the feed says so, nothing turns clear, and a signal ends it."""
    file = tmp_path / "warnsys.toml"
    run("init", "--city", "Solingen", "--geofences", bundled(), "--cell", "805122000", "--out", file)
    with file.open("a") as settings:
        settings.write("[web]\nport = 0\npublic_port = 0\n")
        settings.write('[[sources]]\nname = "dwd"\nurl = "http://127.0.0.1:9/none.zip"\n')
    said = tmp_path / "said.txt"
    with said.open("wb") as out:
        process = subprocess.Popen([*PROGRAM, "up", "--settings", file], stdout=out, stderr=subprocess.STDOUT)
    try:
        deadline = time.monotonic() + 120
        while "Gräfrath: Keine verlässlichen Daten" not in said.read_text() and time.monotonic() < deadline:
            time.sleep(0.2)
        time.sleep(1)  # what else it may say
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=60)
    finally:
        process.kill()
    output = said.read_text()
    assert "nicht für den Betrieb" in output
    assert "public push  warnings from Moderate, no advance notices (default)" in output
    assert "Gräfrath: Keine verlässlichen Daten" in output
    assert "Keine Wetterwarnung" not in output
    assert "Traceback" not in output


def test_dead_letters_still_answers_to_its_name_until_0_1_0() -> None:
    """Scripts and alarms that name `warnsys rejected` go on working; the help names the new one alone."""
    new, old = run("dead-letters", "retry", "--help"), run("rejected", "retry", "--help")
    assert (new.exit_code, old.exit_code) == (0, 0)
    listed = run("--help").stdout
    assert "dead-letters" in listed
    assert "│ rejected" not in listed


def test_no_line_with_a_path_is_broken_however_narrow_the_terminal(tmp_path: Path) -> None:
    folder = tmp_path / "a-folder-with-a-name" / "that-is-longer-than-a-line-of-a-terminal" / "could-ever-hold"
    told = [
        run("scenario", "write", "storm", folder / "storm"),
        run("init", "--city", "Solingen", "--geofences", bundled(), "--out", tmp_path / f"{'x' * 90}.toml"),
        run("geofences", "show", bundled(), "--html", tmp_path / f"{'x' * 90}.html"),
    ]
    assert [one.exit_code for one in told] == [0, 0, 0], [one.output for one in told]
    assert [len(one.stdout.splitlines()) for one in told] == [1, 1, 1]

"""`warnsys serve-feed`: what a tester points a city at."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from warnsys.cli.main import app
from warnsys.cli.serve_feed import publish, read_publications
from warnsys.feeds.names import file_name
from warnsys.simulation.scenario import load
from warnsys.simulation.standin import StandIn

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)


def test_scenario_a_folder_and_a_file_are_read_in_order_of_time(tmp_path: Path) -> None:
    storm = [(step.at, step.bundle) for step in load("storm").steps]
    assert read_publications("storm") == storm
    for stamp, content in reversed(storm):
        (tmp_path / file_name(stamp)).write_bytes(content)
    (tmp_path / "notes.zip").touch()
    assert read_publications(str(tmp_path)) == storm
    assert read_publications(str(tmp_path / file_name(storm[0][0]))) == storm[:1]


@pytest.mark.parametrize("own_stamps", [True, False])
def test_snapshots_come_as_they_came_so_many_times_as_fast(own_stamps: bool) -> None:
    now, pauses = NOON + timedelta(days=1), list[float]()

    def sleep(seconds: float) -> None:
        nonlocal now
        pauses.append(seconds)
        now += timedelta(seconds=seconds)

    story = [(NOON, b"one"), (NOON + timedelta(minutes=5), b"two"), (NOON + timedelta(minutes=20), b"three")]
    with StandIn() as server:
        publish(server, story, speed=60, own_stamps=own_stamps, clock=lambda: now, sleep=sleep)
        answer = httpx.get(server.url)
    assert pauses == [5, 15]
    assert answer.text == "three"
    assert answer.headers["last-modified"][5:25] == ("14 Jul 2027 12:20:00" if own_stamps else "15 Jul 2027 12:00:20")


def test_command_says_its_address_and_is_broken_and_mended_while_it_runs() -> None:
    command = [sys.executable, "-m", "warnsys", "serve-feed", "storm", "--port", "0", "--fault", "status-503"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            assert "nothing of it is the DWD's" in process.stdout.readline()
            url = process.stdout.readline().strip()
            assert httpx.get(url).status_code == 503
            httpx.post(str(httpx.URL(url).join("/fault/none")))
            assert httpx.get(url).content == load("storm").steps[0].bundle
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["storm", "--fault", "earthquake"], "status-503: HTTP 503"),
        (["nowhere.yaml"], "nowhere.yaml"),
        (["nowhere.zip"], "nowhere.zip"),
        (["."], "no ZIP in it has a time in its name"),
        (["storm", "--port", "1"], "take another with --port"),
    ],
)
def test_wrong_words_are_answered_with_the_remedy(
    words: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    if words[-1] == "1":
        with StandIn() as other:
            result = CliRunner().invoke(app, ["serve-feed", *words[:-1], other.address.rpartition(":")[2]])
    else:
        result = CliRunner().invoke(app, ["serve-feed", *words])
    assert result.exit_code == 2
    assert said in result.output

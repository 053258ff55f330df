"""The audit as a process on a real Kafka, killed with SIGKILL while it writes: nothing missing, nothing twice."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from typer.testing import CliRunner

from geofences import bundled
from streams.kafka.admin import create_missing
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.processes.audit import anchors
from tests.audit.story import STAGE, TOPICS, auditor, storm
from tests.audit.test_anchor import written_anew
from tools.local_kafka import LocalKafka
from warnsys.audit.chain import entries_of, files_of, verify
from warnsys.audit.entries import Stood
from warnsys.cli.main import app
from warnsys.settings import load

pytestmark = pytest.mark.kafka
PATIENCE_S = 60
ROUNDS = 5


def settings_file(folder: Path, kafka: LocalKafka) -> Path:
    file = folder / "warnsys.toml"
    file.write_text(
        f'stage = "{STAGE}"\n[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
        f'[broker]\nurl = "kafka://{kafka.bootstrap}"\npartitions = {TOPICS.partitions}\n[audit]\nfolder = "audit"\n'
    )
    return file


@contextmanager
def running(settings: Path) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-m", "warnsys", "audit", "run", "--settings", str(settings)])
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in files_of(folder))


def wait_for(what: str, ready: Any) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not ready():
        assert time.monotonic() < deadline, what
        time.sleep(0.005)


async def send(bootstrap: str, records: Sequence[Stood]) -> None:
    async with KafkaSender(bootstrap, Progress()) as sender:
        for record in records:
            one = ProducerRecord(record.topic, record.partition, record.key, record.value, dict(record.headers))
            await sender.send([one])


def plain(entries: Sequence[dict[str, Any]]) -> list[str]:
    """Without what differs by run: on `ops.actions` the audit's own anchors stand between the orders."""
    aside = ("n", "at", "prev", "hash")
    kept = [{name: value for name, value in one.items() if name not in aside} for one in entries]
    for one in kept:
        if TOPICS.actions.name in one.get("place", ""):
            one["place"] = one["place"].partition("@")[0]
    return sorted(json.dumps(one, sort_keys=True) for one in kept if one["what"] != "opened")


def written(folder: Path) -> list[str]:
    return plain([entry for _, entry in entries_of(folder)])


def test_killed_while_it_writes_the_audit_goes_on_where_it_stood(kafka: LocalKafka, tmp_path: Path) -> None:
    settings, folder, records = settings_file(tmp_path, kafka), tmp_path / "audit" / STAGE, storm().records
    create_missing(kafka.bootstrap, TOPICS, 1)
    part = len(records) // ROUNDS + 1
    for start in range(0, len(records), part):
        before = size(folder)
        with running(settings):  # and killed as soon as something new is on the disk, while more is coming
            coming = Thread(target=asyncio.run, args=(send(kafka.bootstrap, records[start : start + part]),))
            coming.start()
            wait_for("the audit writes nothing", lambda before=before: size(folder) > before)
        coming.join()
    notes = auditor()
    expected = plain([entry for record in records if (entry := notes.note(record))])
    with running(settings):
        wait_for("the audit does not catch up", lambda: len(written(folder)) >= len(expected))
        wait_for("nothing is anchored", lambda: asyncio.run(anchors(load(settings))))
    assert written(folder) == expected
    assert verify(folder).wrong == []
    shown = CliRunner().invoke(app, ["audit", "show", "--settings", str(settings), "--what", "stopped"])
    assert "why=Fehlalarm" in shown.output
    verified = CliRunner().invoke(app, ["audit", "verify", "--settings", str(settings)])
    assert verified.exit_code == 0, verified.output
    assert verify(folder).head in verified.output
    assert "anchors on the broker are in it" in verified.output

    repeated = [record for record in records if record.kind == "push"][:1]
    with running(settings) as process:
        asyncio.run(send(kafka.bootstrap, repeated))
        wait_for("the audit does not go on", lambda: len(written(folder)) == len(expected) + 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    assert verify(folder).wrong == []

    written_anew(folder)
    assert verify(folder).wrong == [], "every hash fits"
    found = CliRunner().invoke(app, ["audit", "verify", "--settings", str(settings)])
    assert (found.exit_code, "the chain was written anew" in found.output) == (1, True)

"""What was rejected goes through again after a fix: judged as of now, harmless when repeated, with its history."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from geofences import bundled
from streams.processes.demo import Transcript
from streams.processes.runtime import Pipeline, broker_of, pipeline_on
from tools.local_kafka import LocalKafka
from warnsys.cap import read_bundle
from warnsys.cli.main import app
from warnsys.pipeline import by_channel
from warnsys.records import AlertHeaders, Snapshot
from warnsys.settings import load
from warnsys.simulation.scenario import load as load_scenario

pytestmark = pytest.mark.kafka
STORM = load_scenario("storm").steps[2]
"""A snapshot with warnings for Solingen."""


def settings_file(folder: Path, kafka: LocalKafka, stage: str, sender: str) -> Path:
    file = folder / "warnsys.toml"
    file.write_text(
        f'stage = "{stage}"\n[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
        f'[[sources]]\nname = "dwd"\nurl = "https://example.org/x.zip"\nsenders = ["{sender}"]\n'
        f'[broker]\nurl = "kafka://{kafka.bootstrap}"\npartitions = 2\n'
    )
    return file


@asynccontextmanager
async def working(file: Path) -> AsyncIterator[tuple[Pipeline, Transcript]]:
    heard, settings = Transcript(), load(file)
    with broker_of(settings) as bootstrap:
        async with pipeline_on(settings, bootstrap, heard) as pipeline:
            yield pipeline, heard


async def publish(pipeline: Pipeline, at: datetime) -> None:
    stage, members = pipeline.topics.stage, read_bundle(STORM.bundle)
    for member in members:
        headers = AlertHeaders(stage=stage, source="dwd", id=member.stem, stamp=STORM.at, seen=at)
        await pipeline.publisher.alert(headers, member.body)
    ids = tuple(member.stem for member in members)
    await pipeline.publisher.snapshot(Snapshot(stage=stage, source="dwd", stamp=STORM.at, checked=at, ids=ids))
    await pipeline.tick(at)
    await pipeline.drained()


async def warnsys(file: Path, *words: str) -> Result:
    arguments = ["dead-letters", *words, "--settings", str(file)]
    return await asyncio.to_thread(CliRunner().invoke, app, arguments)


async def listed(file: Path, *words: str) -> list[dict[str, Any]]:
    result = await warnsys(file, "list", "--json", *words)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def told(heard: Transcript) -> list[str]:
    channels = by_channel(heard.notices)
    return [notice.id for channel in ("push", "sms") for notice in channels[channel]]


async def test_after_a_fix_what_was_rejected_warns_once_and_tells_how_often_it_was_refused(
    kafka: LocalKafka, tmp_path: Path
) -> None:
    file = settings_file(tmp_path, kafka, "retry", sender="somebody@example.org")
    async with working(file) as (pipeline, heard):
        await publish(pipeline, STORM.at)
        await publish(pipeline, STORM.at + timedelta(minutes=1))
        found = await listed(file)
        assert len(found) == len(read_bundle(STORM.bundle))
        assert {(one["times"], one["decided"], one["topic"]) for one in found} == {(2, "", "retry.cap.alerts")}
        case = found[0]["case"]
        unchanged = await warnsys(file, "retry", case)
        assert unchanged.exit_code == 1
        assert "rejected again: sender-foreign" in unchanged.output
        again = next(one for one in await listed(file) if one["case"] == case)
        assert [past["reason"].split()[0] for past in again["history"]] == ["sender-foreign"] * 2
        assert told(heard) == []

    settings_file(tmp_path, kafka, "retry", sender="opendata@dwd.de")
    async with working(file) as (pipeline, heard):
        result = await warnsys(file, "retry", "--all")
        assert result.exit_code == 0, result.output
        assert f"{case}: matched: cell 805122000" in result.output
        await pipeline.drained()
        first = told(heard)
        assert first
        assert len(set(first)) == len(first)
        assert await listed(file, "--open") == []
        repeated = await warnsys(file, "retry", case)
        assert repeated.exit_code == 0, repeated.output
        await pipeline.drained()
        assert told(heard) == first, "a repeat tells nobody anything"
        shown = await warnsys(file, "show", case)
        assert "since: matched" in shown.output
        assert "<identifier>" in shown.output


async def test_what_is_over_by_now_is_understood_and_told_to_nobody(kafka: LocalKafka, tmp_path: Path) -> None:
    file = settings_file(tmp_path, kafka, "retry-late", sender="somebody@example.org")
    async with working(file) as (pipeline, _):
        await publish(pipeline, STORM.at)
    settings_file(tmp_path, kafka, "retry-late", sender="opendata@dwd.de")
    async with working(file) as (pipeline, heard):
        await pipeline.tick(STORM.at + timedelta(days=1))
        await pipeline.drained()
        assert (await warnsys(file, "retry", "--all")).exit_code == 0
        await pipeline.drained()
        assert told(heard) == []


async def test_without_a_worker_a_retry_says_that_nothing_was_handled(kafka: LocalKafka, tmp_path: Path) -> None:
    file = settings_file(tmp_path, kafka, "retry-alone", sender="somebody@example.org")
    async with working(file) as (pipeline, _):
        await publish(pipeline, STORM.at)
    result = await warnsys(file, "retry", "--all", "--wait", "1")
    assert result.exit_code == 1
    assert "does a worker run?" in result.output

"""Writes down what a release puts on its topics in the first half hour of a storm.

Run it once, as `python -m tests.upgrade.freeze 0.3.0`, when that release is made, and never again, because later
releases have to read just these records.
"""

import asyncio
import gzip
import json
import sys
from pathlib import Path
from typing import Any

import httpx

from tests.audit.story import HERE, STAGE, Recorder
from tests.kafka.story import settings_of
from warnsys.feeds.poller import DwdFeed
from warnsys.records import AlertHeaders, Record, Snapshot
from warnsys.settings import Settings
from warnsys.simulation.scenario import Scenario, load
from warnsys.simulation.standin import StandIn

FOLDER = Path(__file__).parent
STORY, STEPS, MIDDLE = "storm", 8, 4


class Frozen(Recorder):
    """The pipeline that keeps also what came in."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.lines: list[dict[str, Any]] = []

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        said = headers.model_dump(mode="json", exclude_none=True)
        self.lines.append({"topic": "cap.alerts", "headers": said, "value": body.decode()})
        await super().alert(headers, body)

    async def snapshot(self, snapshot: Snapshot) -> None:
        self.lines.append({"topic": "cap.alerts", "headers": {"kind": "snapshot"}, "value": _plain(snapshot)})
        await super().snapshot(snapshot)

    def keep(self, before: int) -> None:
        for record in self.log.records[before:]:
            if record.partition == HERE or record.kind != "impacts":
                self.lines.append({"topic": f"warn.{record.kind}", "value": json.loads(record.value or b"null")})

    def remember(self) -> None:
        ledger, states = _plain(self.partition.ledger), {c: _plain(s) for c, s in self.partition.states.items()}
        self.lines.append({"topic": "warn.state", "value": {"ledger": ledger, "cities": states}})


def _plain(record: Record) -> Any:
    return json.loads(record.to_bytes())


def freeze(folder: Path) -> None:
    lines = asyncio.run(_lines(load(STORY)))
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    (folder / "storm.jsonl.gz").write_bytes(gzip.compress(text.encode(), mtime=0))


async def _lines(story: Scenario) -> list[dict[str, Any]]:
    with StandIn() as server:
        settings = settings_of(STAGE, "localhost:1", server.url, partitions=1)
        recorder = Frozen(settings)
        async with httpx.AsyncClient(trust_env=False) as client:
            feed = DwdFeed(settings.sources[0], STAGE, client, recorder, lambda: recorder.now)
            for number, step in enumerate(story.steps[:STEPS]):
                before = len(recorder.log.records)
                recorder.now = step.at
                server.publish(step.at, step.bundle)
                recorder.tick(step.at)
                await feed.look()
                recorder.keep(before)
                if number in (MIDDLE, STEPS - 1):
                    recorder.remember()
        return recorder.lines


if __name__ == "__main__":
    freeze(FOLDER / sys.argv[1])

"""A storm with a stop and an acknowledgement, as its records stand on the topics: two partitions of everything."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from streams.kafka.topics import Topics
from tests.kafka.story import settings_of
from tests.support import NOON
from warnsys.audit.chain import Chain
from warnsys.audit.entries import Auditor, Memory, Stood, TopicKind
from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Offline
from warnsys.pipeline import channel_of
from warnsys.records import Acknowledgement, ChannelPause, ImpactRecord, SteleRecord
from warnsys.settings import Settings
from warnsys.simulation.scenario import load
from warnsys.simulation.standin import StandIn
from warnsys.warning.matching import for_cities

STAGE = "audit"
TOPICS = Topics(STAGE, 2)
HERE = TOPICS.partition_of("solingen")
NAMES: Mapping[str, TopicKind] = {
    TOPICS.impacts.name: "impacts", TOPICS.stele.name: "stele", TOPICS.push.name: "push", TOPICS.sms.name: "sms",
    TOPICS.rejected.name: "rejected", TOPICS.actions.name: "actions",
}  # fmt: skip


class Log:
    """What stands on the topics, in an order in which a consumer may read it."""

    def __init__(self) -> None:
        self.records: list[Stood] = []
        self._ends: dict[str, int] = {}

    def add(
        self, topic: str, partition: int, at: datetime, value: bytes | None, key: str = "",
        headers: Mapping[str, str] = {},
    ) -> Stood:  # fmt: skip
        line = f"{topic}/{partition}"
        offset = self._ends.get(line, 0)
        self._ends[line] = offset + 1
        self.records.append(Stood(NAMES[topic], topic, partition, offset, at, key, value, headers))
        return self.records[-1]


class Recorder(Offline):
    """The pipeline that keeps what would stand on the topics."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings)
        self.log, self.now = Log(), NOON

    def settle(self, record: ImpactRecord) -> None:
        for partition in range(TOPICS.partitions):
            here = tuple(city for city in self.cities if TOPICS.partition_of(city) == partition)
            value = for_cities(record, here) if record.kind == "outcome" else record
            self.log.add(TOPICS.impacts.name, partition, self.now, value.to_bytes())
        before = len(self.notices)
        super().settle(record)
        for notice in self.notices[before:]:
            topic = TOPICS.channel(channel_of(notice)).name
            key = notice.district if isinstance(notice, SteleRecord) else notice.id
            self.log.add(topic, HERE, self.now, notice.to_bytes(), key)


def storm(steps: int = 6) -> Log:
    return asyncio.run(_storm(steps))


async def _storm(steps: int) -> Log:
    story = load("storm")
    with StandIn() as server:
        settings = settings_of(STAGE, "localhost:1", server.url)
        recorder = Recorder(settings)
        async with httpx.AsyncClient(trust_env=False) as client:
            feed = DwdFeed(settings.sources[0], STAGE, client, recorder, lambda: recorder.now)
            for number, step in enumerate(story.steps[:steps]):
                recorder.now = step.at
                server.publish(step.at, step.bundle)
                recorder.tick(step.at)
                await feed.look()
                if number == 2:
                    recorder.settle(stop(step.at, "sms"))
    acknowledged = Acknowledgement(
        stage=STAGE, city="solingen", base_id="2.49.0.0.276.0.X", level=3, by="Leitstelle A", at=recorder.now
    )
    recorder.log.add(TOPICS.actions.name, 0, recorder.now, acknowledged.to_bytes(), acknowledged.key)
    return recorder.log


def stop(at: datetime, channel: str, reason: str = "Fehlalarm") -> ChannelPause:
    until = at + timedelta(hours=1)
    return ChannelPause.model_validate(
        {"stage": STAGE, "channel": channel, "reason": reason, "until": until, "by": "Leitstelle A", "at": at}
    )


def auditor(memory: Memory | None = None) -> Auditor:
    settings = settings_of(STAGE, "localhost:1")
    return Auditor(STAGE, settings.policy, {HERE: ("solingen",)}, memory or Memory())


DAY = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
AT_ONCE = 7


def write(folder: Path, records: Sequence[Stood]) -> None:
    """As the consumer does it: what was read before is passed over, half of it on the next day."""
    with Chain(folder) as chain:
        memory = Memory()
        for written in chain.entries:
            memory.take(written)
        notes = auditor(memory)
        for start in range(0, len(records), AT_ONCE):
            now = DAY + timedelta(days=start > len(records) / 2)
            chain.turn(notes.memory.plain, now)
            if entries := [entry for one in records[start : start + AT_ONCE] if (entry := notes.note(one))]:
                chain.append(entries)

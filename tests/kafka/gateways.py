"""A gateway as a process on a real Kafka, with the topic it reads, and what it tells."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

from geofences import bundled
from streams.kafka.admin import Admin
from streams.kafka.topics import Topics
from tests.delivery.notices import NOON, push
from tests.kafka.house import until
from tools.local_kafka import LocalKafka
from warnsys.records import ChannelPause, ChannelState, PushNotice, Record

SOON_S = 60.0


@dataclass
class Station:
    """A gateway called `staff`, its settings and its ledger in a folder."""

    kafka: LocalKafka
    topics: Topics
    folder: Path
    targets: str
    """As the settings file has them."""
    channel: str = "push"
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self._producer = Producer({"bootstrap.servers": self.kafka.internal})
        (self.folder / "warnsys.toml").write_text(
            f'stage = "{self.topics.stage}"\nlog_level = "info"\n'
            f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
            f'[broker]\nurl = "kafka://{self.kafka.bootstrap}"\npartitions = {self.topics.partitions}\n'
            f'[gateways.staff]\nchannel = "{self.channel}"\n{self.targets}'
        )

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "warnsys", "gateway", "staff", "--settings", str(self.folder / "warnsys.toml")],
                env={**os.environ, **self.environment}, stdout=log, stderr=log,
            )  # fmt: skip

    def end(self, how: signal.Signals = signal.SIGKILL) -> int:
        process, self.process = self.process, None
        if process is None:
            return 0
        process.send_signal(how)
        return process.wait(30)

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text("utf-8", "replace")

    def publish(self, *records: Record) -> None:
        """Notices of a city onto their channel, orders and answers onto theirs; returns once the broker has them."""
        for one in records:
            action = isinstance(one, ChannelPause | ChannelState)
            topic = self.topics.actions if action else self.topics.channel(self.channel)
            key = one.key if isinstance(one, ChannelPause | ChannelState) else "solingen"
            self._producer.produce(topic.name, one.to_bytes(), key.encode(), self.topics.partition_of(key))
        assert self._producer.flush(30) == 0

    def told(self, topic: str) -> dict[str, dict[str, Any]]:
        """The newest record of each key."""
        consumer = Consumer({"bootstrap.servers": self.kafka.internal, "group.id": "t", "enable.partition.eof": True})
        consumer.assign([TopicPartition(topic, number, 0) for number in range(self.topics.partitions)])
        found, ended = dict[str, dict[str, Any]](), 0
        while ended < self.topics.partitions:
            if (message := consumer.poll(10)) is None:
                continue
            if message.error():
                ended += 1
            else:
                found[(message.key() or b"").decode()] = json.loads(message.value() or b"{}")
        consumer.close()
        return found

    def counts(self) -> dict[str, dict[str, Any]]:
        """By notice."""
        return {one["id"]: one for one in self.told(self.topics.delivery.name).values()}

    def settled(self, *names: str) -> None:
        """Returns once the gateway tells of each of these that none waits."""

        def all_told() -> bool:
            assert self.process is None or self.process.poll() is None, self.log[-3000:]
            counts = self.counts()
            return all(name in counts and counts[name]["waiting"] == 0 for name in names)

        until(f"{len(names)} notices are settled", all_told, SOON_S)


@contextmanager
def station(
    kafka: LocalKafka, stage: str, folder: Path, targets: str, channel: str = "push", **environment: str
) -> Iterator[Station]:
    topics = Topics(stage, 2)
    Admin(kafka.internal, topics, 1).create()
    found = Station(kafka, topics, folder, targets, channel, environment)
    try:
        yield found
    finally:
        found.end()


def notice(name: str, stage: str, severity: str = "Minor", **said: Any) -> PushNotice:
    """A push that is issued now."""
    at = (datetime.now(UTC) - NOON).total_seconds()
    return push(name, at, severity, stage=stage, exercise=stage != "live", **said)


def order(stage: str, minutes: int) -> ChannelPause:
    now = datetime.now(UTC)
    return ChannelPause(
        stage=stage, channel="push", reason="Fehlalarm", by="Leitstelle A", at=now,
        until=now + timedelta(minutes=minutes),
    )  # fmt: skip


def eventually(what: str, condition: Callable[[], Any], seconds: float = SOON_S) -> float:
    return until(what, condition, seconds)

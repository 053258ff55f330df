"""The audit process: reads what the agents and operators published, and writes it down in the order of each topic.

Its position stands in the audit's files, not with the broker. It writes an entry and the place that the entry was read
from in one go, so after any end no entry is missing and none stands there twice. The audit holds up no warning. While
it cannot write, it waits and says so.
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from streams.kafka import credentials as security
from streams.kafka.readers import FETCH_BYTES, incoming, read_once
from streams.kafka.records import ProducerRecord, Progress, Sender, SendError
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics, topics_for
from streams.processes.runtime import broker_of, metrics_served
from warnsys.audit.chain import AuditError, Chain, ChainAnchor, Entry
from warnsys.audit.entries import Auditor, Memory, Stood, TopicKind
from warnsys.channels.registry import channels
from warnsys.headers import record_time
from warnsys.metrics import Metrics
from warnsys.records import AuditHead, read_action
from warnsys.settings import Settings, SettingsError
from warnsys.supervisor import tell_ready

log = logging.getLogger(__name__)
AGAIN_S = 5.0
"""After so long the audit begins again, or anchors again, if that has failed."""
ANCHOR_S = 600.0
"""How often the newest hash is anchored."""
SEND_S = 5.0
"""How long the broker may take to acknowledge an anchor."""
READ_S = 30.0
"""How long reading all anchors may take."""
heads = logging.getLogger("warnsys.audit.head")
"""Logs each anchored hash, whatever log level the settings have. A log that is kept elsewhere proves the hash."""
heads.setLevel(logging.INFO)


async def audit(settings: Settings) -> None:
    """Runs the audit alone until it is interrupted. Raises `SettingsError` without a folder, and for a broken chain."""
    folder_of(settings)
    metrics = Metrics()
    with broker_of(settings, "audit") as bootstrap, metrics_served(settings, metrics):
        tell_ready()
        await auditing(settings, bootstrap, metrics)


def folder_of(settings: Settings) -> Path:
    """Gives the audit's folder, one for each stage. Raises `SettingsError` if the settings name none."""
    if settings.audit.folder is None:
        raise SettingsError('audit.folder: there is none; write [audit] with folder = "audit" into the settings')
    return settings.audit.folder / settings.stage


async def auditing(settings: Settings, bootstrap: str, metrics: Metrics) -> None:
    """Writes for ever. Begins again if the broker or the disk fails. Raises `SettingsError` for a broken chain."""
    while True:
        try:
            with Chain(folder_of(settings)) as chain:
                await _write(settings, bootstrap, metrics, chain)
        except AuditError as error:
            raise SettingsError(str(error)) from error
        except (KafkaError, SendError, OSError) as error:
            log.error("the audit cannot be written: %r; tried again in %g s", error, AGAIN_S)  # noqa: TRY400 - it says all
        await asyncio.sleep(AGAIN_S)


async def _write(settings: Settings, bootstrap: str, metrics: Metrics, chain: Chain) -> None:
    login = security.for_librdkafka(settings.broker)
    async with KafkaSender(bootstrap, Progress(), security=login) as sender:
        await _write_on(settings, bootstrap, metrics, chain, Anchoring(topics_for(settings), sender, metrics))


@dataclass
class Anchoring:
    """Publishes the newest hash on `ops.actions` and in the log. Whoever can write the files can change neither."""

    topics: Topics
    sender: Sender
    metrics: Metrics
    _anchored: str = ""
    """The hash that was anchored last."""
    _next: float = 0.0
    """When to look next, in monotonic seconds."""

    async def look(self, chain: Chain, now: datetime, elapsed: float) -> None:
        """Anchors the newest hash, if it is new and it is time. Logs a failure, and tries again soon."""
        if elapsed < self._next or not chain.next:
            return
        self._next = elapsed + ANCHOR_S
        if chain.head != self._anchored:
            head = AuditHead(stage=self.topics.stage, number=chain.next - 1, head=chain.head, at=now)
            heads.info("audit: entry %d has the hash %s", head.number, head.head)
            name, partition = self.topics.actions.name, self.topics.partition_of(head.key)
            try:
                async with asyncio.timeout(SEND_S):
                    await self.sender.send([ProducerRecord(name, partition, head.key, head.to_bytes())])
            except (SendError, TimeoutError) as error:
                log.error("audit: the newest hash cannot be anchored on %s: %r", name, error)  # noqa: TRY400
                self._next = elapsed + AGAIN_S
                return
        self._anchored = chain.head
        self.metrics.audit_anchored.set(now.timestamp())


async def anchors(settings: Settings) -> list[ChainAnchor]:
    """Reads the anchors of a stage that the broker still has. Raises the broker's errors."""
    topics, found = topics_for(settings), list[ChainAnchor]()
    places = [(topics.actions.name, number) for number in range(topics.partitions)]
    bootstrap = settings.broker.url.removeprefix("kafka://")
    async with asyncio.timeout(READ_S):
        async for record in read_once(bootstrap, places, security.for_aiokafka(settings.broker)):
            try:
                action = read_action(record.value)
            except ValidationError:
                continue
            if isinstance(action, AuditHead) and action.stage == topics.stage:
                stood = record_time(record.timestamp)
                found.append(ChainAnchor(action.number, action.head, action.at, stood))
    return found


async def _write_on(settings: Settings, bootstrap: str, metrics: Metrics, chain: Chain, anchoring: Anchoring) -> None:
    """Reads the topics from where the chain ends, and writes entries and anchors, until something fails."""
    topics = topics_for(settings)
    kinds = _kinds(topics)
    cities = topics.by_partition(city.id for city in settings.cities)
    auditor = Auditor(settings.stage, settings.policy, cities, _remembered(chain))
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES, fetch_max_wait_ms=100, **security.for_aiokafka(settings.broker),
    )  # fmt: skip
    await consumer.start()
    try:
        places = [TopicPartition(name, number) for name in kinds for number in range(topics.partitions)]
        consumer.assign(places)
        chain.turn(auditor.memory.plain, datetime.now(UTC))
        if gaps := await _seek(consumer, places, auditor.memory.next, topics):
            await asyncio.to_thread(chain.append, gaps)
            for gap in gaps:
                auditor.memory.take(gap)
                log.error("audit: %s: %s", gap["line"], gap["why"])
        while True:
            found = await consumer.getmany(timeout_ms=1000)
            chain.turn(auditor.memory.plain, datetime.now(UTC))
            records = [incoming(one) for some in found.values() for one in some if one.value is not None]
            entries = [entry for some in found.values() for one in some if (entry := auditor.note(_stood(one, kinds)))]
            if entries:
                await asyncio.to_thread(chain.append, entries)
                for entry in entries:
                    metrics.audited.labels(entry["what"]).inc()
            await anchoring.look(chain, datetime.now(UTC), time.monotonic())
            if records:
                metrics.audit_read.set(max(record.timestamp for record in records))
    finally:
        await consumer.stop()


def _kinds(topics: Topics) -> dict[str, TopicKind]:
    return {
        topics.impacts.name: "impacts",
        **{topics.channel(one.name).name: one.name for one in channels() if "audit" in one.readers},
        topics.rejected.name: "rejected", topics.actions.name: "actions",
    }  # fmt: skip


def _remembered(chain: Chain) -> Memory:
    """Takes a chain's entries into the auditor's memory. Raises `AuditError` for one that warnsys did not write."""
    memory = Memory()
    for entry in chain.entries:
        try:
            memory.take(entry)
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            raise AuditError(
                f"{chain.folder}: warnsys did not write entry {entry['n']} ({error!r}); keep this folder as it is for "
                f"whoever investigates, and name a new one in the settings"
            ) from error
    chain.entries.clear()
    return memory


async def _seek(
    consumer: Any,
    places: list[TopicPartition],
    next_offsets: Mapping[str, int],
    topics: Topics,
) -> list[Entry]:
    """Goes to where the entries end. Gives an entry for each gap: records that the broker lost, a topic made anew."""
    starts, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
    kept = {topic.name for topic in topics.all() if not topic.compacted}
    gaps: list[Entry] = []
    for place in places:
        line = f"{place.topic}/{place.partition}"
        wanted, start = next_offsets.get(line, 0), starts[place]
        if wanted > ends[place]:
            gaps.append(_gap(line, wanted, start, "the topic was made anew: its records are counted from the start"))
            wanted = start
        elif 0 < wanted < start and place.topic in kept:
            gaps.append(
                _gap(line, wanted, start, "the broker no longer has these records: the audit was away too long")
            )
        consumer.seek(place, max(wanted, start))
    return gaps


def _gap(line: str, wanted: int, start: int, why: str) -> Entry:
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    return {"what": "gap", "at": at, "line": line, "missing_from": wanted, "goes_on_at": start, "why": why}


def _stood(record: Any, kinds: Mapping[str, TopicKind]) -> Stood:
    """Gives a record as the auditor takes it. Of a tombstone the value is None."""
    one = incoming(record)
    return Stood(
        kinds[one.topic], one.topic, one.partition, one.offset, record_time(one.timestamp),
        one.key.decode("utf-8", "replace"), record.value, one.headers,
    )  # fmt: skip

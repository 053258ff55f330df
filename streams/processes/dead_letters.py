"""Lists the records that agents have rejected, and retries them after a fix.

The feed publishes an unreadable message every ten minutes while its source lists it. So the same bytes on
`warn.rejected` are one dead letter, however often they were refused. A retry puts them back on their topic, with a
header `history`: when, by whom and why they were refused before. A retry is harmless however often it is done, because
the agents treat the record like any late message: a state joins facts in any order, and time comes from ticks.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from confluent_kafka import ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka import credentials as security
from streams.kafka.readers import TopicAndPartition, ends_of, read_once
from streams.kafka.records import ConsumedRecord, Headers, ProducerRecord, Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import Topics, topics_for
from streams.worker.failures import CITY, HISTORY
from warnsys.headers import PUBLISHED, record_time, whole
from warnsys.records import Outcome, Tick, read_impact_record
from warnsys.settings import Settings

ADDED = ("agent", "reason", "topic", "partition", "offset", CITY, HISTORY)
"""The headers that a rejection adds to those of the record."""
MAX_HISTORY = 20
"""A retry carries so many earlier refusals: the first, and the newest."""
ASK_EVERY_S = 0.2
"""How often a retry asks the broker whether the agents have handled the records."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """When, by whom and why a record was refused once."""

    at: str
    agent: str
    reason: str
    place: str
    """Where the record had stood: topic/partition@offset."""
    rejected: str
    """Where the refusal stands on `warn.rejected`: partition@offset."""

    def plain(self) -> dict[str, str]:
        """Gives the fields for JSON."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True)
class DeadLetter:
    """All refusals of the same bytes on the same topic."""

    id: str
    """Twelve hexadecimal digits, from topic and bytes."""
    record: ConsumedRecord
    """The newest refusal, as it stands on `warn.rejected`."""
    times: int = 1
    """How often the bytes were refused."""
    first: float = 0.0
    """When they were refused first, in seconds since 1970."""
    decided: str = ""
    """How the message was decided later, in whatever way it came again; "" if it was not."""
    history: tuple[Refusal, ...] = ()
    """The refusals before each retry, and the newest."""

    @property
    def topic(self) -> str:
        """The topic that the record was refused on."""
        return self.record.headers.get("topic", "")

    @property
    def listed_id(self) -> str:
        return self.record.headers.get("id", "")

    @property
    def last(self) -> datetime:
        """When the bytes were refused last."""
        return record_time(self.record.timestamp)


def cases(records: Iterable[ConsumedRecord]) -> dict[str, DeadLetter]:
    """Groups the records of `warn.rejected` into dead letters, by id, the newest last."""
    found: dict[str, DeadLetter] = {}
    for record in sorted(records, key=lambda one: one.timestamp):
        topic = record.headers.get("topic", "")
        name = hashlib.sha256(topic.encode() + b"\0" + record.value).hexdigest()[:12]
        known = found.pop(name, None)
        found[name] = DeadLetter(
            name, record, known.times + 1 if known else 1, known.first if known else record.timestamp,
            history=(*earlier(record.headers), refusal(record)),
        )  # fmt: skip
    return found


def refusal(record: ConsumedRecord) -> Refusal:
    """Reads the refusal that a record of `warn.rejected` stands for."""
    headers = record.headers
    place = f"{headers.get('topic', '?')}/{headers.get('partition', '?')}@{headers.get('offset', '?')}"
    return Refusal(
        at=record_time(record.timestamp).isoformat(timespec="seconds"),
        agent=headers.get("agent", "?"),
        reason=headers.get("reason", "?"),
        place=place,
        rejected=f"{record.partition}@{record.offset}",
    )


def earlier(headers: Mapping[str, str]) -> tuple[Refusal, ...]:
    """Reads the earlier refusals from a record's headers. Gives none if they cannot be read."""
    try:
        return tuple(Refusal(**{name: str(one[name]) for name in Refusal.__slots__}) for one in _listed(headers))
    except (ValueError, TypeError, KeyError, RecursionError):
        return ()


def _listed(headers: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(headers.get(HISTORY, "[]"))
    return found


def again(case: DeadLetter, topics: Topics, now: float) -> ProducerRecord:
    """Makes the record that a retry puts back, with its history. Raises `ValueError` if it must not go back."""
    record, headers = case.record, case.record.headers
    keeps = timedelta(hours=topics.alerts.retention_h)
    if case.topic not in {topic.name for topic in topics.inputs}:
        raise ValueError(f"stood on {case.topic or 'no topic'}, which is no input of this stage")
    if now - record.timestamp > keeps.total_seconds():
        hours = keeps / timedelta(hours=1)
        raise ValueError(f"refused more than {hours:g} hours ago: what superseded it may be forgotten, it stays out")
    if case.topic == topics.impacts.name and _is_tick(record.value):
        raise ValueError("is a tick, whose time is over: the ticks since then say more")
    history = case.history[:1] + case.history[1:][-(MAX_HISTORY - 1) :]
    if (partition := whole(headers.get("partition"))) is None or partition >= topics.partitions:
        raise ValueError("does not say of which partition it was")
    kept: Headers = {name: value for name, value in headers.items() if name not in ADDED}
    if PUBLISHED in kept:
        kept[PUBLISHED] = repr(now)
    kept[HISTORY] = json.dumps([one.plain() for one in history], ensure_ascii=False)
    return ProducerRecord(case.topic, partition, record.key.decode("utf-8", "replace"), record.value, kept)


def _is_tick(value: bytes) -> bool:
    """Says whether a record is a tick; no, if it cannot be read."""
    try:
        return isinstance(read_impact_record(value), Tick)
    except ValueError:
        return False


class DeadLetters:
    """The rejected records of a stage on its broker."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._topics = settings, topics_for(settings)
        self._bootstrap = settings.broker.url.removeprefix("kafka://")
        self._login = security.for_aiokafka(settings.broker)

    async def cases(self) -> dict[str, DeadLetter]:
        """Gives the dead letters that the broker still has, with how each message was decided since."""
        found = cases([record async for record in self._read(self._topics.rejected.name)])
        since = time.time() - self._topics.impacts.retention_h * 3600
        wanted = {case.listed_id: case.record.timestamp for case in found.values() if case.last.timestamp() > since}
        outcomes = await self._outcomes(wanted, since=since) if wanted else {}
        return {name: replace(case, decided=_decided(outcomes.get(case.listed_id))) for name, case in found.items()}

    def why_not(self, case: DeadLetter) -> str:
        """Says why a dead letter must not be retried; "" if it may."""
        try:
            again(case, self._topics, time.time())
        except ValueError as error:
            return str(error)
        return ""

    async def retry(self, chosen: Sequence[DeadLetter], patience_s: float) -> dict[str, str]:
        """Puts dead letters back and waits until they are handled. Says, by id, what became of each; "" if unknown."""
        records = {case.id: again(case, self._topics, time.time()) for case in chosen}
        asked = self._places(self._topics.rejected.name, self._topics.impacts.name)
        before = await ends_of(self._bootstrap, asked, self._login)
        async with KafkaSender(
            self._bootstrap, Progress(), security=security.for_librdkafka(self._settings.broker)
        ) as sender:
            await sender.send(list(records.values()))
        inputs = sorted({(record.topic, record.partition) for record in records.values()})
        handled = await self._handled(await ends_of(self._bootstrap, inputs, self._login), patience_s)
        refused = {
            past[-1].rejected: record.headers.get("reason", "?")
            async for record in self._read(self._topics.rejected.name, starts=before)
            if (past := earlier(record.headers))
        }
        outcomes = await self._outcomes({case.listed_id: 0.0 for case in chosen}, starts=before)
        became = {}
        for case in chosen:
            if (reason := refused.get(case.history[-1].rejected)) is not None:
                became[case.id] = f"rejected again: {reason}"
            elif (records[case.id].topic, records[case.id].partition) not in handled:
                became[case.id] = ""
            else:
                became[case.id] = _decided(outcomes.get(case.listed_id)) or "handled"
        return became

    async def _handled(self, ends: Mapping[TopicAndPartition, int], patience_s: float) -> set[TopicAndPartition]:
        """Gives the partitions on which the agents have handled all records before these offsets."""
        admin = AdminClient({"bootstrap.servers": self._bootstrap, **security.for_librdkafka(self._settings.broker)})
        group, deadline = f"warnsys-{self._topics.stage}", time.monotonic() + patience_s
        while True:
            asked = ConsumerGroupTopicPartitions(group, [TopicPartition(*place) for place in ends])
            answer = await asyncio.wrap_future(admin.list_consumer_group_offsets([asked])[group])
            known = {(one.topic, one.partition): one.offset for one in answer.topic_partitions}
            done = {place for place, end in ends.items() if known.get(place, -1) >= end}
            if len(done) == len(ends) or time.monotonic() > deadline:
                return done
            await asyncio.sleep(ASK_EVERY_S)

    async def _outcomes(
        self,
        wanted: Mapping[str, float],
        *,
        since: float | None = None,
        starts: Mapping[TopicAndPartition, int] | None = None,
    ) -> dict[str, Outcome]:
        """Gives the newest outcome of each listed id that is later than its time and no rejection.

        It reads one city's partition only, because every partition has the outcomes of all messages.
        """
        found: dict[str, Outcome] = {}
        place = (self._topics.impacts.name, self._topics.partition_of(self._settings.cities[0].id))
        starts = None if starts is None else {place: starts[place]}
        async for record in read_once(self._bootstrap, [place], self._login, since=since, starts=starts):
            if b'"kind":"outcome"' in record.value[:200]:
                outcome = read_impact_record(record.value)
                later = record.timestamp > wanted.get(getattr(outcome, "listed_id", ""), float("inf"))
                if isinstance(outcome, Outcome) and later and outcome.decided != "rejected":
                    found[outcome.listed_id] = outcome
        return found

    def _read(self, topic: str, starts: Mapping[TopicAndPartition, int] | None = None) -> Any:
        starts = None if starts is None else {place: starts[place] for place in self._places(topic)}
        return read_once(self._bootstrap, self._places(topic), self._login, starts=starts)

    def _places(self, *names: str) -> list[TopicAndPartition]:
        return [(name, partition) for name in names for partition in range(self._topics.partitions)]


def _decided(outcome: Outcome | None) -> str:
    return f"{outcome.decided}: {outcome.reason}" if outcome else ""

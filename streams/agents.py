"""The two agents, without what carries their records: take one, decide, publish, remember. Only then is it handled.

Every decision is a pure function of `warnsys.pipeline`; here is the order of the effects. Killed at any point, the
record comes again, and the same notices go out under the same ids. Where more records wait, what came of several is
remembered at once, and until then none of them is handled.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime

from pydantic import ValidationError

from streams.records import Headers, Incoming, Outgoing, Sender
from streams.state import Kept, StateStore
from streams.topics import MIB, Topics
from streams.trail import Trail
from warnsys.cap import CapError
from warnsys.cap.model import level
from warnsys.metrics import Metrics
from warnsys.orders import answers
from warnsys.pipeline import CityRules, CityState, ForeignStageError, channel_of, settle
from warnsys.records import (
    AlertHeaders,
    ChannelState,
    Notice,
    Outcome,
    Said,
    Snapshot,
    SteleRecord,
    Tick,
    read_impact_record,
)
from warnsys.settings import LIVE
from warnsys.warning.impact import Matcher, for_cities

PUBLISHED = "published_at"
"""Header: when the feed published it, seconds since 1970. For latency only."""
LARGE = MIB
"""Bytes of an outcome from which on its acknowledgement is waited for at once: a refusal is this record's own."""


class MatchAgent:
    """cap.alerts → warn.impacts: what each message means, to every partition that has a city. Keeps nothing."""

    name = "match"

    def __init__(
        self,
        matcher: Matcher,
        cities: Iterable[str],
        topics: Topics,
        sender: Sender,
        metrics: Metrics,
        heard: Callable[[Outcome], None] = lambda _: None,
    ) -> None:
        self._matcher, self._topics, self._sender = matcher, topics, sender
        self._metrics, self._heard = metrics, heard
        self._owed: dict[tuple[str, int], list[Awaitable[None]]] = {}
        self._cities = topics.by_partition(cities)

    async def handle(self, record: Incoming) -> None:
        """Raises for a record that is none of ours; what stands in a CAP message is always an outcome."""
        started = time.perf_counter()
        if record.headers.get("kind") == "snapshot":
            snapshot = Snapshot.from_bytes(record.value)
            self._check_stage(snapshot.stage)
            self._metrics.read(snapshot, record.topic)
            await self._begin(record, dict.fromkeys(self._cities, snapshot.to_bytes()), Trail())
            return
        headers = AlertHeaders.model_validate(record.headers)
        self._check_stage(headers.stage)
        trail = Trail.read(record.headers).at("match", time.time())
        try:
            alert = self._matcher.read(record.value, headers.source)
        except CapError as error:
            outcome = self._matcher.refuse(headers, error).outcome
        else:
            parsed = time.perf_counter()
            outcome = self._matcher.decide(alert, headers).outcome
            trail = trail.took("parsed", parsed - started).took("decided", time.perf_counter() - parsed)
        if outcome.sent:
            trail = trail.at("sent", outcome.sent.timestamp())
        if outcome.decided == "rejected":
            await self._sender.send([rejection(self._topics, record, self.name, outcome.reason)])
            self._metrics.rejected.labels(self.name, code_of(outcome.reason)).inc()
        said = {partition: for_cities(outcome, cities).to_bytes() for partition, cities in self._cities.items()}
        await self._begin(record, said, trail)
        worst = max((m.severity for m in outcome.meanings), key=level, default="")
        self._metrics.alerts.labels(headers.source, outcome.msg_type or "", worst, outcome.decided).inc()
        for code in outcome.findings:
            self._metrics.findings.labels(headers.source, code).inc()
        self._heard(outcome)

    async def _begin(self, record: Incoming, said: Mapping[int, bytes], trail: Trail) -> None:
        """Send, and owe the acknowledgement; what may be too large for the broker is waited for here."""
        acknowledged = await self._sender.begin(
            [self._to(partition, value, record, trail) for partition, value in said.items()]
        )
        if any(len(value) > LARGE for value in said.values()):
            await acknowledged
        else:
            self._owed.setdefault((record.topic, record.partition), []).append(acknowledged)

    def owes(self, record: Incoming) -> bool:
        """Whether something was sent that is not yet acknowledged, from the partition that a record came from."""
        return (record.topic, record.partition) in self._owed

    async def remember(self, record: Incoming) -> None:
        """Returns when all is acknowledged that was sent for a record's partition."""
        await asyncio.gather(*self._owed.pop((record.topic, record.partition), ()))

    def _check_stage(self, stage: str) -> None:
        if stage != self._topics.stage:
            raise ForeignStageError(stage, self._topics.stage)

    def _to(self, partition: int, value: bytes, record: Incoming, trail: Trail) -> Outgoing:
        kept = {PUBLISHED: record.headers[PUBLISHED]} if PUBLISHED in record.headers else {}
        return Outgoing(self._topics.impacts.name, partition, "", value, {**kept, **trail.header()})


class SettleAgent:
    """warn.impacts → the channels: what holds in each city, and what is worth telling. Keeps a state a city.

    Of orders to hold a channel back it says on `ops.actions` what became of them.
    """

    name = "settle"

    def __init__(
        self,
        cities: Mapping[str, CityRules],
        topics: Topics,
        sender: Sender,
        store: StateStore,
        metrics: Metrics,
        heard: Callable[[Notice], None] = lambda _: None,
    ) -> None:
        self._cities, self._topics, self._sender, self._store = cities, topics, sender, store
        self._metrics, self._heard = metrics, heard
        self._kept: dict[int, dict[str, Kept]] = {}
        self._owed: dict[int, set[str]] = {}
        """By partition the cities of which something was published that is not yet remembered."""
        self._epoch = 0

    def forget(self) -> None:
        """Partitions were revoked or assigned: what is remembered is read again before the next record."""
        self._kept.clear()
        self._owed.clear()
        self._epoch += 1

    def owes(self, record: Incoming) -> bool:
        """Whether something was published that is not yet remembered, of the cities of a record's partition."""
        return record.partition in self._owed

    async def remember(self, record: Incoming) -> None:
        """Returns when all that was published for a record's partition has its state kept."""
        partition = record.partition
        if owed := self._owed.get(partition):
            await self._store.save(partition, {city: self._kept[partition][city] for city in sorted(owed)})
            self._owed.pop(partition, None)

    def state(self, city: str) -> CityState | None:
        kept = self._kept.get(self._topics.partition_of(city), {}).get(city)
        return kept.state if kept else None

    async def handle(self, record: Incoming) -> None:
        """Publish and wait; `remember` is another step.

        What comes again to a city whose state covers it is passed over there: it was published, and looking at what
        came after it now would tell that at another time, under other ids. Where the partition was taken away
        meanwhile, it is remembered here: nobody would ask for it. Raises for a record that is none of ours, and when a
        send fails.
        """
        started, taken = time.perf_counter(), time.time()
        said = self._timed(read_impact_record(record.value), record)
        self._metrics.read(said, record.topic)
        epoch = self._epoch
        before = await self._restored(record.partition)
        notices: list[Notice] = []
        after = dict(before)
        outgoing: list[Outgoing] = []
        for city, kept in before.items():
            if kept.has(record.offset, record.timestamp):
                continue
            state, found = settle(kept.state, said, self._cities[city])
            notices += found
            removed = sorted(kept.state.steles.keys() - state.steles.keys())
            outgoing += [self._tombstone(district, record) for district in removed]
            outgoing += map(self._answer, answers(kept.state, state, said))
            after[city] = Kept(state, record.offset, record.timestamp)
        trail = Trail.read(record.headers).at("settle", taken).took("settled", time.perf_counter() - started)
        outgoing += [self._notice(notice, record, trail) for notice in notices]
        await self._sender.send(outgoing)
        changed = {city for city, kept in after.items() if kept.state is not before[city].state}
        if epoch == self._epoch:
            self._kept[record.partition] = after
            if owed := self._owed.get(record.partition, set[str]()) | changed:
                self._owed[record.partition] = owed
        else:  # the partition may have been another worker's in between
            await self._store.save(record.partition, after)
        for notice in notices:
            self._count(notice)
            self._heard(notice)
        if isinstance(said, Outcome):
            for stage, seconds in trail.stages(time.time()).items():
                self._metrics.took(stage, seconds)
        if isinstance(said, Tick):
            for city, kept in after.items():
                if situation := self._cities[city].situation(kept.state):
                    self._metrics.settled(city, situation)

    def _count(self, notice: Notice) -> None:
        if isinstance(notice, SteleRecord):
            self._metrics.notices.labels("stele", "public", "state", notice.status).inc()
        else:
            self._metrics.notices.labels(channel_of(notice), notice.audience, notice.kind, notice.reason).inc()

    def _timed(self, said: Said, record: Incoming) -> Said:
        """In a live stage the broker's clock says when a tick was, whatever the worker's says."""
        if isinstance(said, Tick) and self._topics.stage == LIVE:
            return said.model_copy(update={"at": datetime.fromtimestamp(record.timestamp, UTC)})
        return said

    async def _restored(self, partition: int) -> dict[str, Kept]:
        if partition in self._kept:
            return self._kept[partition]
        epoch, found = self._epoch, await self._store.load(partition)
        ours = self._topics.by_partition(self._cities).get(partition, ())
        kept = {city: found.get(city) or Kept(CityState(city=city)) for city in ours}
        if epoch == self._epoch:
            self._kept[partition] = kept
        return kept

    def _answer(self, answer: ChannelState) -> Outgoing:
        partition = self._topics.partition_of(answer.key)
        return Outgoing(self._topics.actions.name, partition, answer.key, answer.to_bytes())

    def _tombstone(self, district: str, record: Incoming) -> Outgoing:
        """Of a district that the geofences no longer have."""
        headers = {"stage": self._topics.stage, "covers": str(record.offset)}
        return Outgoing(self._topics.stele.name, record.partition, district, None, headers)

    def _notice(self, notice: Notice, record: Incoming, trail: Trail) -> Outgoing:
        topic = self._topics.channel(channel_of(notice))
        key = notice.district if isinstance(notice, SteleRecord) else notice.id
        headers = {"id": notice.id, "stage": notice.stage, "covers": str(record.offset)}
        if PUBLISHED in record.headers:
            headers[PUBLISHED] = record.headers[PUBLISHED]
        return Outgoing(topic.name, record.partition, key, notice.to_bytes(), {**headers, **trail.header()})


def rejection(topics: Topics, record: Incoming, agent: str, reason: str) -> Outgoing:
    """The record's bytes as they came, with where it stood and why it was refused."""
    headers: Headers = {
        **record.headers,
        "agent": agent,
        "reason": reason,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
    }
    key = record.headers.get("id", record.key.decode("utf-8", "replace"))
    return Outgoing(topics.rejected.name, topics.partition_of(key), key, record.value, headers)


def code_of(reason: str) -> str:
    """The stable beginning of a reason: what comes after it has no end of variants."""
    return reason.split(maxsplit=1)[0].rstrip(":") if reason else ""


def explain(error: Exception) -> str:
    """Why an agent could not take a record, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        return f"record: {'.'.join(map(str, first['loc']))}: {first['msg']}"
    return f"{type(error).__name__}: {error}"

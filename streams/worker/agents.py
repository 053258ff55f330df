"""The settle agent: takes a record, decides, publishes, then stores its state. Only then is the record handled.

The match agent is in `streams.worker.match`. Each decision is a pure function of `warnsys.pipeline`; this module does
the effects, in their order. After a kill at any point the record comes again, and the same notices go out under the
same ids. While more records wait, the agent stores the state once for several of them; no record of these counts as
handled before the state is stored.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace

from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender, TooLargeError
from streams.kafka.topics import Topics
from streams.kafka.trail import TraceHeader
from streams.worker.failures import Charge, CityError, PoisonError, charge, code_of, unharmed
from streams.worker.failures import error_reason as error_reason
from streams.worker.failures import rejection as rejection
from streams.worker.hand import place_of
from streams.worker.match import MatchAgent as MatchAgent
from streams.worker.state import StateStore, StoredState, Unread
from streams.worker.trial import NOT_TRIED, TrialPart, Trials
from warnsys.headers import COVERS, PUBLISHED, record_time, stamped
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules, CityState, ForeignStageError, channel_of, set_aside, settle
from warnsys.records import (
    ChannelState,
    ImpactRecord,
    Notice,
    Outcome,
    SteleRecord,
    Tick,
    read_impact_record,
)
from warnsys.settings import LIVE
from warnsys.warning.pauses import answers
from warnsys.warning.reduce import reduced

log = logging.getLogger(__name__)
ENVELOPE = 16 * 1024
"""The most bytes that a record has beside its value."""
GIVEN_UP_AFTER = 3
"""A city that fails at so many ticks in a row begins anew. A tick has no content, so the state must be at fault."""


class SettleAgent:
    """Reads warn.impacts, keeps a state a city, and writes the channels: what holds, and what people are told.

    It answers each order to pause a channel on `ops.actions`.
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
        self._metrics, self._heard = metrics, unharmed(heard)
        self._kept: dict[int, dict[str, StoredState]] = {}
        """By partition and city, the newest state in memory."""
        self._owed: dict[int, set[str]] = {}
        """By partition, the cities whose notices are published and whose state is not yet stored."""
        self._epoch = 0
        """Counts rebalances: a change while a record is processed means that the partition may be another worker's."""
        self._failing: dict[str, int] = {}
        """By city, how many ticks in a row it failed at."""
        self._convicted: dict[str, dict[str, str]] = {}
        """By the record's place and by city ("" for all cities): why `handle` has to set the record aside there."""
        self._reported = set[int]()
        """Partitions whose cities the metrics show."""
        self._at_fault: set[str] = set()
        """Cities whose stored state ends the process, whichever record comes."""

    def forget(self) -> None:
        """Forgets all states, because partitions were revoked or assigned. The next record has them read again."""
        self._failing.clear()
        self._at_fault.clear()
        self._kept.clear()
        self._owed.clear()
        self._epoch += 1

    def owes(self, record: ConsumedRecord) -> bool:
        """Says whether a city of the record's partition has published notices and not yet stored its state."""
        return record.partition in self._owed

    async def remember(self, record: ConsumedRecord) -> None:
        """Stores the states of all cities of the record's partition that have published notices."""
        partition = record.partition
        if owed := self._owed.get(partition):
            try:
                await self._store.save(partition, {city: self._kept[partition][city] for city in sorted(owed)})
            except TooLargeError:
                for city in sorted(owed):
                    await self._save_reduced(partition, city)
            self._owed.pop(partition, None)

    async def _save_reduced(self, partition: int, city: str) -> None:
        """Makes the state of one city smaller until the broker takes it, and stores it.

        A state that is too large is the failure of that city. Else the worker would end and start again for ever.
        """
        kept = self._kept[partition][city]
        why = "what was remembered was more than can be kept"
        for state in (kept.state, *reduced(kept.state, why)):
            try:
                smaller = replace(kept, state=state)
                await self._store.save(partition, {city: smaller})
            except TooLargeError:
                log.critical("%s: the city's state is larger than the broker takes; a smaller one is tried", city)
                self._metrics.state_lost.labels(city).set(time.time())
                continue
            self._kept[partition][city] = smaller
            return
        raise TooLargeError(f"{city}: the broker does not even take an empty state")

    def only(self, partitions: Collection[int]) -> None:
        """Limits the metrics to the cities of these partitions, because other workers own the others."""
        if partitions == self._reported:
            return
        self._reported = set(partitions)
        self._metrics.only_cities(city for city in self._cities if self._topics.partition_of(city) in partitions)

    def state(self, city: str) -> CityState | None:
        kept = self._kept.get(self._topics.partition_of(city), {}).get(city)
        return kept.state if kept else None

    async def handle(self, record: ConsumedRecord) -> None:
        """Settles a record in each city, publishes the notices and waits for them. `remember` stores the states later.

        A city whose state covers the record skips the record: its notices are published already. Settling it again with
        facts that came later would publish the same news under other ids. If the partition was revoked meanwhile, this
        method stores the states itself, because nobody calls `remember` for that partition.

        Raises for a record of another stage, and when a send fails.
        """
        started, taken = time.perf_counter(), time.time()
        said = self._timed(read_impact_record(record.value), record)
        if said.stage != self._topics.stage:
            raise ForeignStageError(said.stage, self._topics.stage)
        self._metrics.read(said, record.topic)
        epoch = self._epoch
        before = await self._restored(record.partition)
        notices: list[Notice] = []
        after = dict(before)
        outgoing: list[ProducerRecord] = []
        trail = TraceHeader.read(record.headers).at("settle", taken)
        whys = self._convicted.pop(place_of(record), {})
        for city, kept in before.items():
            if kept.has(record.offset, record.timestamp):
                continue
            try:
                if why := whys.get(city) or whys.get(""):
                    raise PoisonError(why)
                state, found = settle(kept.state, said, self._cities[city])
                to_send = self._outgoing(kept.state, state, found, record)
                to_send += map(self._answer, answers(kept.state.stopped, state.stopped, said, city, state.facts.now))
            except MemoryError:
                raise
            except Exception as error:
                failed = CityError(city, error)
                failed.__cause__ = error
                state, found, to_send = self._set_aside(kept.state, said, record, failed)
            else:
                self._failing.pop(city, None)
            notices += found
            outgoing += to_send
            after[city] = StoredState(state, record.offset, stamped(record.timestamp) or kept.covers_at)
        trail = trail.took("settled", time.perf_counter() - started)
        await self._sender.send([_with(trail, one) for one in outgoing])
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
                self._metrics.troubles.labels(city).set(len(kept.state.troubles))
                with suppress(Exception):  # a city that fails here has noted a trouble already
                    if situation := self._cities[city].situation(kept.state):
                        self._metrics.settled(city, situation)

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Tries a suspect record in a trial process, city by city. Gives the cities that fail, and why.

        A record is suspect when a worker ended while it processed the record. If even `set_aside` fails in the trial,
        the state of that city is at fault.
        """
        said = self._timed(read_impact_record(record.value), record)
        before = {
            city: kept.state
            for city, kept in (await self._restored(record.partition)).items()
            if not kept.has(record.offset, record.timestamp)
        }
        whys = await trials.tried(
            [TrialPart(city, settle, (state, said, self._cities[city])) for city, state in before.items()]
        )
        aside = [
            TrialPart(city, set_aside, (before[city], said, why, self._cities[city])) for city, why in whys.items()
        ]
        failed = await trials.tried(aside) if aside else {}
        self._at_fault |= {city for city, why in failed.items() if not why.startswith(NOT_TRIED)}
        return self.convict(record, whys)

    def convict(self, record: ConsumedRecord, whys: dict[str, str]) -> dict[str, str]:
        """Notes for which cities `handle` has to set a record aside, and why."""
        if whys:
            self._convicted[place_of(record)] = whys
        return whys

    def _set_aside(
        self, state: CityState, said: ImpactRecord, record: ConsumedRecord, error: CityError
    ) -> tuple[CityState, tuple[Notice, ...], list[ProducerRecord]]:
        """Rejects a record for the one city that fails at it. The city goes on without the record, as incomplete."""
        city, reason = error.city, str(error)
        log.error(
            "settle: %s/%d@%d: %s", record.topic, record.partition, record.offset, reason, exc_info=error.__cause__
        )
        kept = rejection(self._topics, record, self.name, reason, city)
        self._metrics.rejected.labels(self.name, code_of(reason)).inc()
        self._failing[city] = self._failing.get(city, 0) + 1 if isinstance(said, Tick) else self._failing.get(city, 0)
        unfit = not isinstance(error.__cause__, PoisonError) and not isinstance(said, Tick) and self._unfit(state)
        if self._failing[city] >= GIVEN_UP_AFTER or city in self._at_fault or unfit:
            del self._failing[city]
            self._at_fault.discard(city)
            self._metrics.state_lost.labels(city).set(time.time())
            log.critical("%s: the city's state cannot be used and is kept on warn.rejected; the city begins anew", city)
            given_up = replace(
                record, value=state.to_bytes(), topic=self._topics.state.name, key=city.encode(), offset=-1, headers={}
            )  # it was held in memory, so it has no offset
            kept_state = rejection(self._topics, given_up, self.name, f"state: {reason}", city)
            held = CityState(city=city, stopped=state.stopped)  # keeps the operator's stop
            state, notices = set_aside(CityState(city=city), said, reason, self._cities[city])
            with suppress(Exception):  # if this fails, what `set_aside` gave stays
                state, notices = set_aside(held, said, reason, self._cities[city])
            if unfit or isinstance(said, Tick):
                for fresh in (CityState(city=city), held):
                    with suppress(Exception):  # if this fails, what `set_aside` gave stays
                        state, notices = settle(fresh, said, self._cities[city])
            return state, notices, [kept, kept_state, *self._outgoing(state, state, notices, record)]
        after, notices = set_aside(state, said, reason, self._cities[city])
        return after, notices, [kept, *self._outgoing(state, after, notices, record)]

    def _unfit(self, state: CityState) -> bool:
        """Says whether a state that failed at a record is at fault itself: it cannot even take its own time again."""
        try:
            if state.facts.now is not None:
                settle(state, Tick(stage=self._topics.stage, at=state.facts.now), self._cities[state.city])
        except Exception:
            return True
        return False

    def _outgoing(
        self, before: CityState, after: CityState, notices: Iterable[Notice], record: ConsumedRecord
    ) -> list[ProducerRecord]:
        """Gives the records to send for one city. Raises `TooLargeError` for a notice that its topic does not take."""
        removed = sorted(before.steles.keys() - after.steles.keys())
        return [
            *(self._tombstone(district, record) for district in removed),
            *(self._notice(notice, record) for notice in notices),
        ]

    def _count(self, notice: Notice) -> None:
        if isinstance(notice, SteleRecord):
            self._metrics.notices.labels("stele", "public", "state", notice.status).inc()
        else:
            self._metrics.notices.labels(channel_of(notice), notice.audience, notice.kind, notice.reason).inc()

    def _timed(self, said: ImpactRecord, record: ConsumedRecord) -> ImpactRecord:
        """Writes the broker's timestamp into a tick of the live stage, and removes it from any other tick."""
        if isinstance(said, Tick):
            live = self._topics.stage == LIVE
            return said.model_copy(update={"appended": record_time(record.timestamp) if live else None})
        return said

    async def _restored(self, partition: int) -> dict[str, StoredState]:
        if partition in self._kept:
            return self._kept[partition]
        epoch, found = self._epoch, await self._loaded(partition)
        ours = self._topics.by_partition(self._cities).get(partition, ())
        kept = {city: found.get(city) or StoredState(CityState(city=city)) for city in ours}
        if unread := {city: each.unread for city, each in kept.items() if each.unread}:
            await self._keep_unread(unread)
            kept = {city: replace(each, unread=None) for city, each in kept.items()}
            await self._store.save(partition, {city: kept[city] for city in unread})
        if epoch == self._epoch:
            self._kept[partition] = kept
        return kept

    def _answer(self, answer: ChannelState) -> ProducerRecord:
        partition = self._topics.partition_of(answer.key)
        return ProducerRecord(self._topics.actions.name, partition, answer.key, answer.to_bytes())

    async def _loaded(self, partition: int) -> dict[str, StoredState]:
        """Loads the states of a partition; gives none if they cannot be read.

        No record is at fault then. The cities begin anew, and learn from what the feed publishes again.
        """
        try:
            return await self._store.load(partition)
        except Exception as error:
            if charge(error) is Charge.INFRASTRUCTURE:
                raise
            log.critical(
                "settle: the states of partition %d cannot be read, its cities begin anew: %s",
                partition,
                error_reason(error),
            )
            for city in self._topics.by_partition(self._cities).get(partition, ()):
                self._metrics.state_lost.labels(city).set(time.time())
            return {}

    async def _keep_unread(self, unread: Mapping[str, Unread]) -> None:
        """Sends states that cannot be read to `warn.rejected`."""
        for city, one in unread.items():
            log.critical("%s; the bytes are kept on warn.rejected, and the city begins anew", one.reason)
            self._metrics.state_lost.labels(city).set(time.time())
        sent = [rejection(self._topics, one.record, self.name, one.reason, city) for city, one in unread.items()]
        await self._sender.send(sent)

    def _tombstone(self, district: str, record: ConsumedRecord) -> ProducerRecord:
        """Removes the record of a district that the geofences no longer have."""
        headers = {"stage": self._topics.stage, COVERS: str(record.offset)}
        return ProducerRecord(self._topics.stele.name, record.partition, district, None, headers)

    def _notice(self, notice: Notice, record: ConsumedRecord) -> ProducerRecord:
        topic = self._topics.channel(channel_of(notice))
        key = notice.district if isinstance(notice, SteleRecord) else notice.id
        headers = {"id": notice.id, "stage": notice.stage, COVERS: str(record.offset)}
        if PUBLISHED in record.headers:
            headers[PUBLISHED] = record.headers[PUBLISHED]
        value = notice.to_bytes()
        if len(value) > topic.max_bytes - ENVELOPE:
            raise TooLargeError(f"a notice of {len(value)} bytes is more than {topic.name} takes")
        return ProducerRecord(topic.name, record.partition, key, value, headers)


def _with(trail: TraceHeader, record: ProducerRecord) -> ProducerRecord:
    """Adds the trace header to a notice; leaves other records as they are."""
    return replace(record, headers={**record.headers, **trail.header()}) if "id" in record.headers else record

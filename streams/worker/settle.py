"""The settle agent: takes a record, decides, publishes the notices, and then stores its state.

Each decision is a pure function of `warnsys.pipeline`. This module does the effects, in their order. A record counts as
handled only when the state that follows from it is stored. After a kill at any point the record comes again, and the
same notices go out under the same ids. While more records wait, the agent stores one state for several of them.

The match agent is in `streams.worker.match`.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import NamedTuple, TypeVar

from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender, TooLargeError
from streams.kafka.topics import Topics
from streams.kafka.trail import TraceHeader
from streams.worker.failures import (
    Charge,
    CityError,
    PoisonError,
    charge,
    code_of,
    error_reason,
    logging_failures,
    rejection,
)
from streams.worker.hand import place_of
from streams.worker.match import MatchAgent as MatchAgent  # for imports by the old name `streams.agents`, until 0.3.0
from streams.worker.state import StateStore, StoredState, UnreadableState
from streams.worker.trial import NOT_TRIED, TrialPart, Trials
from warnsys.headers import COVERS, PUBLISHED, record_time
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules, CityState, ForeignStageError, channel_of, set_aside, settle
from warnsys.records import ChannelState, ImpactRecord, Notice, Outcome, SteleRecord, Tick, read_impact_record
from warnsys.settings import LIVE
from warnsys.warning.pauses import pause_answers
from warnsys.warning.reduce import reduced

log = logging.getLogger(__name__)
T = TypeVar("T")
HEADER_RESERVE = 16 * 1024
"""Bytes kept free for a record's key and headers. A notice that leaves fewer raises `TooLargeError`."""
GIVEN_UP_AFTER = 3
"""A city begins anew if it fails at so many ticks and settles no record between: the fault lies in its state."""


class _CityResult(NamedTuple):
    """What a record leads to in one city."""

    state: CityState
    notices: tuple[Notice, ...]
    outgoing: list[ProducerRecord]


class SettleAgent:
    """Reads `warn.impacts` and keeps a state for each city. Publishes notices: stele records (what holds) and changes.

    Publishes on `ops.actions` how each city carried out a channel pause. `heard` gets each notice once the broker has
    taken it.
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
        self._metrics, self._heard = metrics, logging_failures(heard)
        self._states: dict[int, dict[str, StoredState]] = {}
        """By partition and city, the newest state in memory."""
        self._unflushed: dict[int, set[str]] = {}
        """By partition, the cities that have settled or set aside a record since their state was stored."""
        self._rebalances = 0
        """How often partitions were assigned or revoked. If it grows during a record, its partition may be lost."""
        self._failed_ticks: dict[str, int] = {}
        """By city, at how many ticks it has failed since it last settled a record."""
        self._convicted: dict[str, dict[str, str]] = {}
        """Why `handle` sets convicted records aside: topic/partition@offset → city → reason. The city "" means all."""
        self._partitions_in_metrics = set[int]()
        self._cities_with_bad_state: set[str] = set()
        """Cities whose state is held to be at fault: in a trial even `set_aside` failed (`trial` says what that is)."""

    def forget(self) -> None:
        """Forgets all states, because partitions were revoked or assigned. The next record reads them again.

        Convictions stay: they belong to a record, not to a state.
        """
        self._failed_ticks.clear()
        self._cities_with_bad_state.clear()
        self._states.clear()
        self._unflushed.clear()
        self._rebalances += 1

    def has_unflushed(self, record: ConsumedRecord) -> bool:
        """Says whether the state of any city of the record's partition has changed and is not yet stored."""
        return record.partition in self._unflushed

    async def flush(self, record: ConsumedRecord) -> None:
        """Stores the states of the record's partition that have changed and are not yet stored."""
        partition, rebalances = record.partition, self._rebalances
        if cities := sorted(self._unflushed.get(partition, ())):
            stored = await self._save(partition, {city: self._states[partition][city] for city in cities})
            if rebalances == self._rebalances:  # else all states are forgotten
                self._states[partition].update(stored)
                self._unflushed.pop(partition)

    async def _save(self, partition: int, states: Mapping[str, StoredState]) -> dict[str, StoredState]:
        """Stores states by city. Gives what it stored: smaller ones for those that are too large for the broker."""
        try:
            await self._store.save(partition, states)
        except TooLargeError:
            return {city: await self._save_reduced(partition, city, stored) for city, stored in states.items()}
        return dict(states)

    async def _save_reduced(self, partition: int, city: str, stored: StoredState) -> StoredState:
        """Stores the state of one city. If it alone is too large for the broker, stores a smaller one, and gives that.

        The city is then incomplete. If the infrastructure were charged instead, the worker would end, meet the
        same state after its restart, and end again.
        """
        reason = "what was remembered was more than can be kept"
        for state in (stored.state, *reduced(stored.state, reason)):
            try:
                candidate = replace(stored, state=state)
                await self._store.save(partition, {city: candidate})
            except TooLargeError:
                log.critical("%s: the city's state is larger than the broker takes", city)
                self._metrics.state_lost.labels(city).set(time.time())
                continue
            return candidate
        raise TooLargeError(
            f"{city}: the broker takes not even an empty state; raise max.message.bytes of {self._topics.state.name}"
        )

    def limit_metrics_to(self, partitions: Collection[int]) -> None:
        """Limits the metrics to the cities of these partitions, because other workers own the others."""
        if partitions == self._partitions_in_metrics:
            return
        self._partitions_in_metrics = set(partitions)
        self._metrics.only_cities(city for city in self._cities if self._topics.partition_of(city) in partitions)

    def state(self, city: str) -> CityState | None:
        """Gives the newest state of a city, if this worker has it in memory."""
        stored = self._states.get(self._topics.partition_of(city), {}).get(city)
        return stored.state if stored else None

    async def handle(self, record: ConsumedRecord) -> None:
        """Settles a record in each city of its partition, publishes the notices and waits for them.

        `flush` stores the states later; after a rebalance this method does.

        A city whose state covers the record skips the record: its notices are published already. Settling it again with
        facts that came later would publish the same news under other ids. Raises for a record that cannot be read or is
        of another stage, and when a send fails.
        """
        began_monotonic, received_at = time.perf_counter(), time.time()
        content = self._with_broker_time(read_impact_record(record.value), record)
        if content.stage != self._topics.stage:
            raise ForeignStageError(content.stage, self._topics.stage)
        self._metrics.count_if_of_newer_release(content, record.topic)
        rebalances = self._rebalances
        before = await self._restored(record.partition)
        after = dict(before)
        notices: list[Notice] = []
        outgoing: list[ProducerRecord] = []
        trail = TraceHeader.read(record.headers).at("settle", received_at)
        reasons = self._convicted.pop(place_of(record), {})
        for city, stored in before.items():
            if stored.covers_record(record.offset, record.timestamp):
                continue
            convicted_for = reasons.get(city) or reasons.get("", "")
            result = self._settle_in(city, stored.state, content, record, convicted_for)
            notices += result.notices
            outgoing += result.outgoing
            after[city] = stored.after(result.state, record.offset, record.timestamp)
        trail = trail.took("settled", time.perf_counter() - began_monotonic)
        await self._sender.send([_traced(trail, one) for one in outgoing])
        if rebalances == self._rebalances:
            self._keep(record.partition, before, after)
        else:
            # A rebalance came, and `forget` has emptied `_states`. If the partition comes back, its states must be read
            # from the store, where another owner may have stored newer ones; so `after` must not be kept in memory. It
            # must not be lost either, because the worker now marks the record as handled. So it is stored at once. It
            # replaces nobody's states there: each process stores under keys of its own.
            await self._save(record.partition, after)
        for notice in notices:
            self._count(notice)
            self._heard(notice)
        self._report(content, after, trail)

    def _settle_in(
        self, city: str, state: CityState, content: ImpactRecord, record: ConsumedRecord, convicted_for: str
    ) -> _CityResult:
        """Settles a record in one city. If the record fails, or is convicted for this city, `_reject_for_city` decides.

        `convicted_for` is the reason for which the record is convicted for this city; "" if it is not.
        """
        try:
            if convicted_for:
                raise PoisonError(convicted_for)
            after, notices = settle(state, content, self._cities[city])
            outgoing = self._outgoing(state, after, notices, record)
            answers = pause_answers(state.stopped, after.stopped, content, city, after.facts.now)
            outgoing += map(self._answer, answers)
        except MemoryError:
            raise
        except Exception as error:
            failure = CityError(city, error)
            failure.__cause__ = error
            return self._reject_for_city(state, content, record, failure)
        self._failed_ticks.pop(city, None)
        return _CityResult(after, notices, outgoing)

    def _keep(self, partition: int, before: Mapping[str, StoredState], after: dict[str, StoredState]) -> None:
        """Keeps the new states in memory, and notes which cities `flush` has to store: all but those that passed the
        record over, because their state covered it."""
        changed = {city for city, stored in after.items() if stored.state is not before[city].state}
        self._states[partition] = after
        if unflushed := self._unflushed.get(partition, set[str]()) | changed:
            self._unflushed[partition] = unflushed

    def _report(self, content: ImpactRecord, after: Mapping[str, StoredState], trail: TraceHeader) -> None:
        """Reports the latency of an outcome, and after a tick what holds in each city."""
        if isinstance(content, Outcome):
            for step, seconds in trail.steps(time.time()).items():
                self._metrics.took(step, seconds)
        if isinstance(content, Tick):
            for city, stored in after.items():
                self._metrics.troubles.labels(city).set(len(stored.state.troubles))
                with suppress(Exception):  # a city that fails here has noted a trouble already
                    if situation := self._cities[city].situation(stored.state):
                        self._metrics.settled(city, situation)

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Tries a suspect record in a trial process, city by city. Gives the cities that fail, and why.

        A record is suspect if a worker ended uncleanly while it processed the record, or if a record with the same
        content is convicted. A part of a trial fails if it takes too much time or memory, or ends the process; not if
        it raises. If even `set_aside` fails in the trial, the state of that city is at fault. Gives nothing if a
        rebalance came meanwhile: the states that were tried are forgotten, and the record comes again.
        """
        rebalances = self._rebalances
        content = self._with_broker_time(read_impact_record(record.value), record)
        before = {
            city: stored.state
            for city, stored in (await self._restored(record.partition)).items()
            if not stored.covers_record(record.offset, record.timestamp)
        }
        reasons = await trials.tried(
            [TrialPart(city, settle, (state, content, self._cities[city])) for city, state in before.items()]
        )
        set_aside_parts = [
            TrialPart(city, set_aside, (before[city], content, reason, self._cities[city]))
            for city, reason in reasons.items()
        ]
        failed = await trials.tried(set_aside_parts) if set_aside_parts else {}
        if rebalances != self._rebalances:
            return {}
        # If `set_aside` was not tried for a city, nothing is known about that city's state. The city sets the record
        # aside all the same.
        self._cities_with_bad_state |= {city for city, reason in failed.items() if not reason.startswith(NOT_TRIED)}
        self.convict(record, reasons)
        return reasons

    def convict(self, record: ConsumedRecord, reasons: dict[str, str]) -> None:
        """Notes for which cities `handle` has to set a record aside, and why."""
        self._convicted[place_of(record)] = reasons

    def _reject_for_city(
        self, state: CityState, content: ImpactRecord, record: ConsumedRecord, failure: CityError
    ) -> _CityResult:
        """Rejects a record for the one city that fails at it. The city goes on without the record, as incomplete.

        If the city's state is at fault, the city begins anew instead.
        """
        city, reason = failure.city, str(failure)
        log.error("settle: %s is rejected for one city: %s", place_of(record), reason, exc_info=failure.__cause__)
        self._metrics.rejected.labels(self.name, code_of(reason)).inc()
        rejected = rejection(self._topics, record, self.name, reason, city)
        is_tick = isinstance(content, Tick)
        if is_tick:
            self._failed_ticks[city] = self._failed_ticks.get(city, 0) + 1
        is_convicted = isinstance(failure.__cause__, PoisonError)
        # A convicted record never reaches `settle`, so its failure says nothing about the state. But `judge` may have
        # tried to set it aside, and noted in `_cities_with_bad_state` where even that failed. For a tick the count
        # `_failed_ticks` decides.
        state_fails = not is_convicted and not is_tick and self._state_fails(state)
        too_many_ticks = self._failed_ticks.get(city, 0) >= GIVEN_UP_AFTER
        if state_fails or too_many_ticks or city in self._cities_with_bad_state:
            # Does the new state settle this record, or set it aside? It settles the record if the old state failed by
            # itself. It settles a tick in any case, even a convicted one: a tick is harmless and gives the new state
            # its time. Any other record that comes here has been convicted, and the new state sets it aside.
            result = self._begin_anew(city, state, content, record, reason, retry=state_fails or is_tick)
        else:
            after, notices = set_aside(state, content, reason, self._cities[city])
            result = self._result_that_fits(state, after, notices, record)
        return result._replace(outgoing=[rejected, *result.outgoing])

    def _state_fails(self, state: CityState) -> bool:
        """Says whether a state is at fault itself: it fails even at a tick of its own time.

        Says no of a state without a time, for which there is no such tick.
        """
        try:
            if state.facts.now is not None:
                settle(state, Tick(stage=self._topics.stage, at=state.facts.now), self._cities[state.city])
        except MemoryError:  # this says nothing about the state
            raise
        except Exception:
            return True
        return False

    def _begin_anew(
        self, city: str, state: CityState, content: ImpactRecord, record: ConsumedRecord, reason: str, *, retry: bool
    ) -> _CityResult:
        """Gives a city a new state, because its old one cannot be used. The old one goes to `warn.rejected`.

        Of four attempts the first that works counts:

        1. settle the record in a state that keeps the operator's pauses of channels, if `retry`;
        2. settle it in an empty state, if `retry`;
        3. set it aside in a state that keeps the pauses;
        4. set it aside in an empty state.
        """
        self._failed_ticks.pop(city, None)
        self._cities_with_bad_state.discard(city)
        self._metrics.state_lost.labels(city).set(time.time())
        log.critical("%s: the city's state cannot be used and is kept on warn.rejected; the city begins anew", city)
        old = replace(
            record, value=state.to_bytes(), topic=self._topics.state.name, key=city.encode(), offset=-1, headers={}
        )  # a rejection needs a record, so the state poses as one of `warn.state`; it was in memory and has no offset
        rejected = rejection(self._topics, old, self.name, f"state: {reason}", city)
        rules, empty, paused = self._cities[city], CityState(city=city), CityState(city=city, stopped=state.stopped)
        attempts: list[Callable[[], tuple[CityState, tuple[Notice, ...]]]] = [
            lambda: settle(paused, content, rules),
            lambda: settle(empty, content, rules),
            lambda: set_aside(paused, content, reason, rules),
            lambda: set_aside(empty, content, reason, rules),
        ]
        after, notices = _first_that_works(attempts if retry else attempts[2:])
        # `_outgoing` takes a state before and one after, and makes a tombstone for each stele that only the first has.
        # A new state has no steles before its first tick, so all would get one, although their districts exist. So both
        # are `after`.
        result = self._result_that_fits(after, after, notices, record)
        return result._replace(outgoing=[rejected, *result.outgoing])

    def _result_that_fits(
        self, before: CityState, after: CityState, notices: Iterable[Notice], record: ConsumedRecord
    ) -> _CityResult:
        """Gives the result for a city that has failed, without the notices that are too large for their topic.

        One such notice would make the worker reject the incoming record for all cities. A stele that gets no new notice
        says that its data grow old.
        """
        fitting = []
        for notice in notices:
            try:
                self._notice(notice, record)  # raises if it is too large
            except TooLargeError as error:
                log.critical("settle: %s", error)
            else:
                fitting.append(notice)
        return _CityResult(after, tuple(fitting), self._outgoing(before, after, fitting, record))

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

    def _with_broker_time(self, content: ImpactRecord, record: ConsumedRecord) -> ImpactRecord:
        """Writes the broker's timestamp into a live tick. In an exercise the tick's own time counts alone."""
        if isinstance(content, Tick):
            live = self._topics.stage == LIVE
            return content.model_copy(update={"appended": record_time(record.timestamp) if live else None})
        return content

    async def _restored(self, partition: int) -> dict[str, StoredState]:
        """Gives the states of a partition's cities, from memory or the store; an empty one for a city that has none."""
        if partition in self._states:
            return self._states[partition]
        rebalances, found = self._rebalances, await self._loaded(partition)
        ours = self._topics.by_partition(self._cities).get(partition, ())
        states = {city: found.get(city) or StoredState(CityState(city=city)) for city in ours}
        if unreadable := {city: stored.unreadable for city, stored in states.items() if stored.unreadable}:
            await self._reject_states(unreadable)
            states = {city: replace(stored, unreadable=None) for city, stored in states.items()}
            await self._store.save(partition, {city: states[city] for city in unreadable})
        if rebalances == self._rebalances:
            self._states[partition] = states
        return states

    def _answer(self, answer: ChannelState) -> ProducerRecord:
        partition = self._topics.partition_of(answer.key)
        return ProducerRecord(self._topics.actions.name, partition, answer.key, answer.to_bytes())

    async def _loaded(self, partition: int) -> dict[str, StoredState]:
        """Loads the states of a partition. Gives none if they cannot be read; raises if the broker fails.

        No record is to blame, so none is rejected: the cities begin anew, and learn from what the feed publishes again.
        """
        try:
            return await self._store.load(partition)
        except Exception as error:
            if charge(error) is Charge.INFRASTRUCTURE:
                raise
            log.critical(
                "settle: the states of partition %d cannot be read, so its cities begin anew: %s",
                partition, error_reason(error),
            )  # fmt: skip
            for city in self._topics.by_partition(self._cities).get(partition, ()):
                self._metrics.state_lost.labels(city).set(time.time())
            return {}

    async def _reject_states(self, unreadable: Mapping[str, UnreadableState]) -> None:
        """Sends states that cannot be read to `warn.rejected`."""
        for city, state in unreadable.items():
            log.critical("%s; the bytes are kept on warn.rejected, and the city begins anew", state.reason)
            self._metrics.state_lost.labels(city).set(time.time())
        await self._sender.send(
            [rejection(self._topics, one.record, self.name, one.reason, city) for city, one in unreadable.items()]
        )

    def _tombstone(self, district: str, record: ConsumedRecord) -> ProducerRecord:
        """Makes the tombstone for the stele of a district that the geofences no longer have."""
        headers = {"stage": self._topics.stage, COVERS: str(record.offset)}
        return ProducerRecord(self._topics.stele.name, record.partition, district, None, headers)

    def _notice(self, notice: Notice, record: ConsumedRecord) -> ProducerRecord:
        topic = self._topics.channel(channel_of(notice))
        key = notice.district if isinstance(notice, SteleRecord) else notice.id
        headers = {"id": notice.id, "stage": notice.stage, COVERS: str(record.offset)}
        if PUBLISHED in record.headers:
            headers[PUBLISHED] = record.headers[PUBLISHED]
        value = notice.to_bytes()
        if len(value) > topic.max_bytes - HEADER_RESERVE:
            raise TooLargeError(f"a notice of {len(value)} bytes is more than {topic.name} takes")
        return ProducerRecord(topic.name, record.partition, key, value, headers)


def _first_that_works(attempts: Sequence[Callable[[], T]]) -> T:
    """Gives the result of the first attempt that does not raise. If all raise, raises the error of the last.

    Raises `MemoryError` at once, because it says nothing about the attempt.
    """
    for attempt in attempts[:-1]:
        try:
            return attempt()
        except MemoryError:
            raise
        except Exception:
            log.debug("settle: an attempt failed", exc_info=True)
    return attempts[-1]()


def _traced(trail: TraceHeader, record: ProducerRecord) -> ProducerRecord:
    """Adds the trace header to a notice; leaves other records as they are.

    The header `id` marks a notice. Rejections copy the headers of `warn.impacts`, which never have it.
    """
    return replace(record, headers={**record.headers, **trail.header()}) if "id" in record.headers else record

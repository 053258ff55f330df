"""The settle agent: takes a record, decides, publishes the notices, and then stores its state.

Each decision is a pure function of `warnsys.pipeline`. This module does the effects, in their order. A record counts as
handled only when the state that follows from it is stored. After a kill at any point the record comes again, and the
same notices go out under the same ids. While more records wait, the agent stores one state for several of them.

The match agent is in `streams.worker.match`.
"""

import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender, TooLargeError
from streams.kafka.topics import Topics
from streams.kafka.trail import TraceHeader
from streams.worker.failures import (
    Charge,
    CityError,
    PoisonError,
    UnlearnedError,
    charge,
    code_of,
    error_reason,
    logging_failures,
    rejection,
)
from streams.worker.hand import place_of
from streams.worker.match import MatchAgent as MatchAgent  # for imports by the old name `streams.agents`, until 0.3.0
from streams.worker.remembered import RememberedPartition, StateStore, UnreadableState
from streams.worker.trial import NOT_TRIED, TrialPart, Trials
from warnsys.headers import COVERS, PUBLISHED, record_time
from warnsys.metrics import Metrics
from warnsys.partition import Partition
from warnsys.pipeline import CityRules, CityState, ForeignStageError, Settled, channel_of, set_aside, settle
from warnsys.records import ChannelState, ImpactRecord, Notice, Outcome, SteleRecord, Tick, read_impact_record
from warnsys.settings import LIVE
from warnsys.warning.city import begun_anew
from warnsys.warning.learned import LearnedRecord, learn
from warnsys.warning.pauses import pause_answers
from warnsys.warning.situation import Situation

log = logging.getLogger(__name__)
T = TypeVar("T")
HEADER_RESERVE = 16 * 1024
"""Bytes kept free for a record's key and headers. A notice that leaves fewer raises `TooLargeError`."""
GIVEN_UP_AFTER = 3
"""A city begins anew if it fails at so many ticks and settles no record between: the fault lies in its state."""


class _CityResult(NamedTuple):
    """What a record leads to in one city."""

    settled: Settled
    outgoing: list[ProducerRecord]


class _Kept(NamedTuple):
    """What the agent has in memory of a partition."""

    partition: Partition
    remembered: RememberedPartition


class SettleAgent:
    """Reads `warn.impacts` and keeps a ledger for each partition, and a state for each city.

    Publishes notices: stele records (what holds) and changes.

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
        self._kept: dict[int, _Kept] = {}
        """By partition, the newest that is remembered."""
        self._unflushed = set[int]()
        """The partitions of which something has changed and is not yet stored."""
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
        self._kept.clear()
        self._unflushed.clear()
        self._rebalances += 1

    def has_unflushed(self, record: ConsumedRecord) -> bool:
        """Says whether anything of the record's partition has changed and is not yet stored."""
        return record.partition in self._unflushed

    async def flush(self, record: ConsumedRecord) -> None:
        """Stores what has changed in the record's partition."""
        partition, rebalances = record.partition, self._rebalances
        if partition in self._unflushed:
            await self._store.save(partition, self._kept[partition].remembered)
            if rebalances == self._rebalances:  # else all is forgotten
                self._unflushed.discard(partition)

    def limit_metrics_to(self, partitions: Collection[int]) -> None:
        """Limits the metrics to the cities of these partitions, because other workers own the others."""
        if partitions == self._partitions_in_metrics:
            return
        self._partitions_in_metrics = set(partitions)
        self._metrics.only_cities(city for city in self._cities if self._topics.partition_of(city) in partitions)

    def state(self, city: str) -> CityState | None:
        """Gives the newest state of a city, if this worker has it in memory."""
        kept = self._kept.get(self._topics.partition_of(city))
        return kept.partition.states.get(city) if kept else None

    def situation(self, city: str) -> Situation | None:
        """Gives what holds in a city, if this worker has its state in memory and a tick has come."""
        kept = self._kept.get(self._topics.partition_of(city))
        return kept.partition.situation(city) if kept and city in kept.partition.states else None

    async def handle(self, record: ConsumedRecord) -> None:
        """Settles a record in the cities that it touches, publishes the notices and waits for them.

        `flush` stores later what is remembered; only if a rebalance came meanwhile, this method stores it.

        A record that is covered is skipped: its notices are published already. Settling it again with facts that came
        later would publish the same news under other ids. Raises for a record that cannot be read or is of another
        stage, and when a send fails.
        """
        began_monotonic, received_at = time.perf_counter(), time.time()
        content = self._with_broker_time(read_impact_record(record.value), record)
        if content.stage != self._topics.stage:
            raise ForeignStageError(content.stage, self._topics.stage)
        self._metrics.count_if_of_newer_release(content, record.topic)
        rebalances = self._rebalances
        kept = await self._restored(record.partition)
        trail = TraceHeader.read(record.headers).at("settle", received_at)
        convicted = self._convicted.pop(place_of(record), {})
        if kept is None or kept.remembered.covers_record(record.offset, record.timestamp):
            return
        partition = kept.partition
        learned, errors = self._learn(partition, content, record, convicted)
        results = {
            city: self._settle_in(partition.states[city], learned, record, errors.get(city) or errors.get(""))
            for city in partition.touched(learned, errors)
        }
        trail = trail.took("settled", time.perf_counter() - began_monotonic)
        await self._sender.send([_traced(trail, one) for result in results.values() for one in result.outgoing])
        partition.keep(learned, {city: result.settled for city, result in results.items()})
        cities = {**kept.remembered.cities, **partition.states}
        after = kept.remembered.after(partition.ledger, cities, record.offset, record.timestamp)
        if rebalances == self._rebalances:
            self._kept[record.partition] = _Kept(partition, after)
            self._unflushed.add(record.partition)
        else:
            # A rebalance came, and `forget` has emptied `_kept`. If the partition comes back, its state must be read
            # from the store, where another owner may have stored a newer one; so `after` must not be kept in memory.
            # It must not be lost either, because the worker now marks the record as handled. So it is stored at once.
            # It replaces nobody's state there: each process stores under keys of its own.
            await self._store.save(record.partition, after)
        for notice in (notice for result in results.values() for notice in result.settled.notices):
            self._count(notice)
            self._heard(notice)
        self._report(content, partition, {city: result.settled for city, result in results.items()}, trail)

    def _learn(
        self, partition: Partition, content: ImpactRecord, record: ConsumedRecord, convicted: dict[str, str]
    ) -> tuple[LearnedRecord, dict[str, Exception]]:
        """Gives what the ledger learns from a record, and why cities do not settle the record ("" means all).

        `Partition.keep` alone changes the ledger.

        A city does not settle it if it is convicted for that city. If it is convicted for all, or if even the ledger
        fails at it, none does.
        """
        errors: dict[str, Exception] = {city: PoisonError(reason) for city, reason in convicted.items()}
        try:
            if "" not in errors:
                return partition.learn(content), errors
        except MemoryError:
            raise
        except Exception as error:
            log.exception("settle: %s cannot be learned, so all cities set it aside", place_of(record))
            errors = {"": UnlearnedError(error_reason(error))}
        return partition.set_aside(content, str(errors[""])), errors

    def _settle_in(
        self, state: CityState, learned: LearnedRecord, record: ConsumedRecord, error: Exception | None
    ) -> _CityResult:
        """Settles a record in one city. If it fails, or if `error` says why not to try, `_reject_for_city` decides."""
        city = state.city
        try:
            if error:
                raise error
            settled = settle(state, learned, self._cities[city])
            outgoing = self._outgoing(state, settled, record)
            answers = pause_answers(state.stopped, settled.state.stopped, learned.record, city, learned.now)
            outgoing += map(self._answer, answers)
        except MemoryError:
            raise
        except Exception as cause:
            failure = CityError(city, cause)
            failure.__cause__ = cause
            return self._reject_for_city(state, learned, record, failure)
        self._failed_ticks.pop(city, None)
        return _CityResult(settled, outgoing)

    def _report(
        self, content: ImpactRecord, partition: Partition, settled: Mapping[str, Settled], trail: TraceHeader
    ) -> None:
        """Reports the latency of an outcome, the time of all cities, and what holds in each that was looked at."""
        ledger = partition.ledger
        if isinstance(content, Outcome):
            for step, seconds in trail.steps(time.time()).items():
                self._metrics.took(step, seconds)
        elif isinstance(content, Tick) and ledger.now:
            clocks_off = ledger.clocks_off
            for city in partition.states:
                self._metrics.ticked(city, ledger.now, clocks_off)
        for city, one in settled.items():
            self._metrics.troubles.labels(city).set(len(one.state.troubles))
            if situation := one.situation:
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
        kept = await self._restored(record.partition)
        if kept is None or kept.remembered.covers_record(record.offset, record.timestamp):
            return {}
        partition = kept.partition
        reasons = await trials.tried([TrialPart("", learn, (content, partition.witnesses))])
        failed = dict[str, str]()
        if not reasons:
            learned = partition.learn(content)
            before = {city: partition.states[city] for city in partition.touched(learned)}
            reasons = await trials.tried(
                [TrialPart(city, settle, (state, learned, self._cities[city])) for city, state in before.items()]
            )
            set_aside_parts = [
                TrialPart(city, set_aside, (before[city], learned, reason, self._cities[city]))
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
        self, state: CityState, learned: LearnedRecord, record: ConsumedRecord, failure: CityError
    ) -> _CityResult:
        """Rejects a record for the one city that fails at it. The city goes on without the record, as incomplete.

        If the city's state is at fault, the city begins anew instead.
        """
        city, reason = failure.city, str(failure)
        log.error("settle: %s is rejected for one city: %s", place_of(record), reason, exc_info=failure.__cause__)
        self._metrics.rejected.labels(self.name, code_of(reason)).inc()
        rejected = rejection(self._topics, record, self.name, reason, city)
        is_tick = isinstance(learned.record, Tick)
        if is_tick:
            self._failed_ticks[city] = self._failed_ticks.get(city, 0) + 1
        # If `settle` was never called, the failure says nothing about the state. But `judge` may have found in a trial
        # process that the state fails, and noted it in `_cities_with_bad_state`. For a tick the count decides.
        settle_failed = not isinstance(failure.__cause__, PoisonError | UnlearnedError)
        state_fails = settle_failed and not is_tick and self._state_fails(state, learned)
        too_many_ticks = is_tick and self._failed_ticks[city] >= GIVEN_UP_AFTER
        if state_fails or too_many_ticks or city in self._cities_with_bad_state:
            # Does the new state settle this record, or set it aside? It settles the record if the old state failed by
            # itself. It settles a tick in any case, even a convicted one: a tick is harmless. What is left is a record
            # for which `judge` has put the city into `_cities_with_bad_state`. Such a record is convicted, and the new
            # state sets it aside.
            result = self._begin_anew(state, learned, record, reason, retry=state_fails or is_tick)
        else:
            result = self._result_that_fits(state, set_aside(state, learned, reason, self._cities[city]), record)
        return result._replace(outgoing=[rejected, *result.outgoing])

    def _state_fails(self, state: CityState, learned: LearnedRecord) -> bool:
        """Says whether a state is at fault itself: it fails even at a tick that says nothing new.

        Says no before the first tick, when no state is settled.
        """
        try:
            if learned.now is not None:
                nothing_new = LearnedRecord(
                    Tick(stage=self._topics.stage, at=learned.now), learned.ledger, learned.witnesses
                )
                settle(state, nothing_new, self._cities[state.city])
        except MemoryError:  # this says nothing about the state
            raise
        except Exception:
            return True
        return False

    def _begin_anew(
        self, state: CityState, learned: LearnedRecord, record: ConsumedRecord, reason: str, *, retry: bool
    ) -> _CityResult:
        """Gives a city a new state, because its old one cannot be used. The old one goes to `warn.rejected`.

        Of four attempts the first that works counts:

        1. settle the record in a state that keeps the operator's pauses of channels, if `retry`;
        2. settle it in an empty state, if `retry`;
        3. set it aside in a state that keeps the pauses;
        4. set it aside in an empty state.
        """
        city = state.city
        self._failed_ticks.pop(city, None)
        self._cities_with_bad_state.discard(city)
        self._metrics.state_lost.labels(city).set(time.time())
        log.critical("%s: the city's state cannot be used and is kept on warn.rejected; the city begins anew", city)
        old = replace(
            record, value=state.to_bytes(), topic=self._topics.state.name, key=city.encode(), offset=-1, headers={}
        )  # a rejection needs a record, so the state poses as one of `warn.state`; it was in memory and has no offset
        rejected = rejection(self._topics, old, self.name, f"state: {reason}", city)
        rules, empty = self._cities[city], begun_anew(city, learned.ledger)
        paused = empty.model_copy(update={"stopped": state.stopped})
        attempts: list[Callable[[], Settled]] = [
            lambda: settle(paused, learned, rules),
            lambda: settle(empty, learned, rules),
            lambda: set_aside(paused, learned, reason, rules),
            lambda: set_aside(empty, learned, reason, rules),
        ]
        settled = _first_that_works(attempts if retry else attempts[2:])
        # `_outgoing` makes a tombstone for each stele that the state before has and the state after has not. The new
        # state lacks steles if no attempt derived a situation. With the old state as the one before, each of these
        # would get a tombstone, although its district exists. So this passes the new state for both.
        result = self._result_that_fits(settled.state, settled, record)
        return result._replace(outgoing=[rejected, *result.outgoing])

    def _result_that_fits(self, before: CityState, settled: Settled, record: ConsumedRecord) -> _CityResult:
        """Gives the result for a city that has failed, without the notices that are too large for their topic.

        One such notice would make the worker reject the incoming record for all cities. A stele that gets no new notice
        says that its data grow old.
        """
        fitting = []
        for notice in settled.notices:
            try:
                self._notice(notice, record)  # raises if it is too large
            except TooLargeError as error:
                log.critical("settle: %s", error)
            else:
                fitting.append(notice)
        settled = settled._replace(notices=tuple(fitting))
        return _CityResult(settled, self._outgoing(before, settled, record))

    def _outgoing(self, before: CityState, settled: Settled, record: ConsumedRecord) -> list[ProducerRecord]:
        """Gives the records to send for one city. Raises `TooLargeError` for a notice that its topic does not take."""
        removed = sorted(before.steles.keys() - settled.state.steles.keys())
        return [
            *(self._tombstone(district, record) for district in removed),
            *(self._notice(notice, record) for notice in settled.notices),
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

    async def _restored(self, partition: int) -> _Kept | None:
        """Gives what is remembered of a partition, from memory or the store; None if no city is on it."""
        if partition in self._kept:
            return self._kept[partition]
        if not (ours := self._topics.by_partition(self._cities).get(partition)):
            return None
        rebalances, found = self._rebalances, await self._loaded(partition, ours)
        restored = Partition({city: self._cities[city] for city in ours}, found.ledger, found.cities)
        kept = _Kept(restored, replace(found, cities={**found.cities, **restored.states}, unreadable={}))
        if found.unreadable:
            await self._reject_states(found.unreadable, ours)
            await self._store.save(partition, kept.remembered)
        if rebalances == self._rebalances:
            self._kept[partition] = kept
        return kept

    def _answer(self, answer: ChannelState) -> ProducerRecord:
        partition = self._topics.partition_of(answer.key)
        return ProducerRecord(self._topics.actions.name, partition, answer.key, answer.to_bytes())

    async def _loaded(self, partition: int, ours: Iterable[str]) -> RememberedPartition:
        """Loads what is remembered of a partition. Gives nothing if it cannot be read; raises if the broker fails.

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
            for city in ours:
                self._metrics.state_lost.labels(city).set(time.time())
            return RememberedPartition()

    async def _reject_states(self, unreadable: Mapping[str, UnreadableState], ours: Iterable[str]) -> None:
        """Sends what is stored and cannot be read to `warn.rejected`. "" is the ledger, which all cities share."""
        for city, one in unreadable.items():
            log.critical("%s; the bytes are kept on warn.rejected; %s begins anew", one.reason, city or "the ledger")
            for each in (city,) if city else ours:
                self._metrics.state_lost.labels(each).set(time.time())
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

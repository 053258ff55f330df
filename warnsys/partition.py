"""The cities of one partition on one ledger: which of them a record can change, and what follows in these.

A record touches the cities that it can change, and no other:

* an outcome: the cities that it warns, and those that have a message which it replaces, revises or brings again
* a snapshot: the cities with a message that it lists and the one before did not, or the reverse
* a tick: the cities whose next time has come (`city.next_time`)

Beside them, what a ledger proves may change a city that is **unsettled**. Such a city waits for a snapshot, lacks a
message, or has learned a message without deriving yet what follows. What all cities show touches all of them: how fresh
the data are, a time that goes back, an operator's order. A city that is touched for nothing has nothing to tell
(docs/adr/0025).
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from warnsys.pipeline import CityRules, CityState, ForeignStageError, Settled, cities_for, matcher_for, settle
from warnsys.records import AlertHeaders, FeedStatus, Freshness, ImpactRecord, Notice, Outcome, Snapshot, Tick
from warnsys.settings import Settings
from warnsys.warning.city import begun_anew
from warnsys.warning.evidence import Evidence, Witnesses
from warnsys.warning.facts import Ledger
from warnsys.warning.learned import LearnedRecord, learn
from warnsys.warning.learning import Needs
from warnsys.warning.matching import Decision, live_at
from warnsys.warning.situation import Situation, freshness_of_all


class Partition:
    """Keeps the ledger and the cities of one partition, and looks up which of these a record touches.

    `learn` changes nothing: it gives a `LearnedRecord`, which `settle` takes into each city. `keep`
    keeps what came of that.
    """

    def __init__(
        self, rules: Mapping[str, CityRules], ledger: Ledger | None = None, states: Mapping[str, CityState] = {}
    ) -> None:
        self.rules = dict(rules)
        common = next(iter(self.rules.values()))
        self._stage, self._stale_after = common.stage, common.stale_after
        ledger = ledger or Ledger()
        self.witnesses = Witnesses(ledger, common.ruleset_version)
        self.states = {city: states.get(city) or begun_anew(city, ledger) for city in rules}
        self._by_id: dict[str, set[str]] = {}
        """By base id and listed id, the cities that have such a message or lack it."""
        self._unsettled = set(self.rules)
        self._troubled = {city for city, state in self.states.items() if state.troubles}
        self._next: dict[str, datetime | None] = dict.fromkeys(self.rules)
        """By city, when time alone may change it; None if the next tick may."""
        self._order = {city: number for number, city in enumerate(self.rules)}
        for city, state in self.states.items():
            self._index(city, CityState(city=city), state)

    @property
    def ledger(self) -> Ledger:
        return self.witnesses.ledger

    def take(self, record: ImpactRecord) -> list[Notice]:
        """Takes a record. Gives what to publish."""
        learned = self.learn(record)
        settled = {city: settle(self.states[city], learned, self.rules[city]) for city in self.touched(learned)}
        self.keep(learned, settled)
        return [notice for one in settled.values() for notice in one.notices]

    def learn(self, record: ImpactRecord) -> LearnedRecord:
        """Gives what the ledger learns from a record; `keep` alone changes it. Raises `ForeignStageError`."""
        if record.stage != self._stage:
            raise ForeignStageError(record.stage, self._stage)
        return learn(record, self.witnesses, Needs(self._by_id, self._last_stamps))

    def set_aside(self, record: ImpactRecord, reason: str) -> LearnedRecord:
        """Leaves out a record for all cities.

        If the record is a message, the ledger learns it as an unreadable one. Of any other record it learns nothing.
        The result has the record as it came, because each city sets it aside by itself (`pipeline.set_aside`).
        """
        learned = LearnedRecord(record, self.ledger, self.witnesses)
        if record.kind != "outcome":
            return learned
        learned = self.learn(learned.unreadable(reason).record)
        return replace(learned, record=record)

    def keep(self, learned: LearnedRecord, settled: Mapping[str, Settled]) -> None:
        """Keeps what the ledger has learned, and what followed in the cities."""
        self.witnesses = learned.witnesses
        for city, after in settled.items():
            if after.state is not self.states[city]:
                self._index(city, self.states[city], after.state)
                self.states[city] = after.state
            (self._unsettled.add if after.unsettled else self._unsettled.discard)(city)
            (self._troubled.add if after.state.troubles else self._troubled.discard)(city)
            self._next[city] = after.next_time

    def situation(self, city: str) -> Situation | None:
        """Gives what holds in a city; None before the first tick."""
        return self.rules[city].situation(self.states[city], self.witnesses)

    # -- whom a record touches --

    def touched(self, learned: LearnedRecord, others: Iterable[str] = ()) -> list[str]:
        """Gives the cities that a record can change, and `others` ("" means all), in their order."""
        if "" in others or self._concerns_all(learned):
            return list(self.rules)
        found = {*self._of(learned), *self._troubled, *others} & self.rules.keys()
        return sorted(found, key=self._order.__getitem__)

    def _of(self, learned: LearnedRecord) -> Iterator[str]:
        match learned.record:
            case Outcome() as outcome:
                yield from (impact.city for meaning in outcome.meanings for impact in meaning.impacts)
                identifier = outcome.base_id.rpartition(",")[2]  # an earlier release knew a message by that
                for one in (outcome.base_id, identifier, outcome.listed_id, *outcome.supersedes):
                    yield from self._by_id.get(one, ())
                if outcome.decided == "rejected" or self._proves_more(learned):
                    yield from self._unsettled
            case Snapshot() as snapshot:
                yield from self._unsettled
                before, now = (_newest_ids(ledger, snapshot.source) for ledger in (learned.before, learned.ledger))
                for one in set(before) ^ set(now) if before is not now else ():
                    yield from self._by_id.get(one, ())
            case Tick():
                yield from self._unsettled
                yield from self._due(learned.now)
            case _:
                yield from self.rules

    def _due(self, now: datetime | None) -> Iterator[str]:
        """Gives the cities whose next time has come."""
        yield from (city for city, moment in self._next.items() if moment is None or (now and moment <= now))

    def _proves_more(self, learned: LearnedRecord) -> bool:
        """Says whether more snapshots are complete or decided than before."""
        before, now = self.witnesses, learned.witnesses
        return before.complete != now.complete or before.decided_stamps != now.decided_stamps

    def _concerns_all(self, learned: LearnedRecord) -> bool:
        before, now = learned.before, learned.ledger
        if now.now is None:  # no tick has come yet
            return False
        if before.now is None or learned.time_went_back:
            return True
        if self._freshness(self.witnesses) != self._freshness(learned.witnesses):
            return True
        match learned.record:
            case Tick():
                return bool(before.early or before.clock.doubt or now.clock.doubt)
            case Snapshot() as snapshot:
                return _adds_to_the_past(snapshot, before, now)
        return False

    def _freshness(self, witnesses: Witnesses) -> Freshness | None:
        """Gives how fresh the data are for a city that lacks no message."""
        now = witnesses.ledger.now
        return freshness_of_all(Evidence(witnesses, {}, {}), self._stale_after, now) if now else None

    # -- what the cities have --

    def _index(self, city: str, before: CityState, after: CityState) -> None:
        """Notes the ids under which a city looks for records."""
        was, now = _ids(before), _ids(after)
        for one in was - now:
            if not (cities := self._by_id[one]) - {city}:
                del self._by_id[one]
            else:
                cities.discard(city)
        for one in now - was:
            self._by_id.setdefault(one, set()).add(city)

    def _last_stamps(self, ledger: Ledger) -> set[tuple[str, datetime | None]]:
        """Gives source and last stamp of each message of a city that has not expired."""
        found, asked = set[tuple[str, datetime | None]](), set[str]()
        for state in self.states.values():
            for fact in state.facts.values():
                live = any(ledger.now is None or live_at(meaning, ledger.now) for meaning in fact.meanings)
                if not live or fact.base_id in asked:
                    continue
                asked.add(fact.base_id)
                for listed_id in fact.listed_as:
                    if listing := ledger.listings.get(listed_id):
                        found.update((source, one.last) for source, one in listing.sightings.items() if one.last)
        return found


def _ids(state: CityState) -> set[str]:
    """Gives the ids of a city's messages: their own, those of revised messages, those under which they are listed."""
    facts = state.facts.values()
    listed_as = (listed_id for fact in facts for listed_id in fact.listed_as)
    return {*state.facts, *(fact.of for fact in facts if fact.of), *listed_as, *state.gaps}


def _newest_ids(ledger: Ledger, source: str) -> tuple[str, ...]:
    return next((one.ids for one in ledger.snapshots.get(source, ())), ())


def _adds_to_the_past(snapshot: Snapshot, before: Ledger, now: Ledger) -> bool:
    """Says whether a snapshot that is not newer than all others of its source adds something: a stamp that was not
    known, or ids to a known one."""
    known, after = before.snapshots.get(snapshot.source, ()), now.snapshots.get(snapshot.source, ())
    if not known or snapshot.stamp > known[0].stamp:
        return False
    was, is_now = (next((one for one in some if one.stamp == snapshot.stamp), None) for some in (known, after))
    return was is None or was != is_now


class Offline:
    """Runs the pipeline without a broker. A feed publishes to it as to the topics; it keeps in memory what follows."""

    def __init__(self, settings: Settings) -> None:
        self.stage = settings.stage
        self.matcher = matcher_for(settings)
        self.cities = cities_for(settings, self.matcher)
        self.partition = Partition(self.cities)
        self.decisions: list[Decision] = []
        self.notices: list[Notice] = []
        self.statuses: list[FeedStatus] = []

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        if headers.stage != self.stage:
            raise ForeignStageError(headers.stage, self.stage)
        decision = self.matcher.decide_bytes(body, headers)
        self.decisions.append(decision)
        self.settle(decision.outcome)

    async def snapshot(self, snapshot: Snapshot) -> None:
        self.settle(snapshot)

    async def status(self, status: FeedStatus) -> None:
        self.statuses.append(status)

    def tick(self, moment: datetime) -> None:
        self.settle(Tick(stage=self.stage, at=moment))

    def settle(self, record: ImpactRecord) -> None:
        self.notices += self.partition.take(record)

    def situations(self) -> dict[str, Situation]:
        """Gives what holds, by city; nothing before the first tick."""
        found = {city: self.partition.situation(city) for city in self.cities}
        return {city: situation for city, situation in found.items() if situation}

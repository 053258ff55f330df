"""The whole job as two pure functions, and one class that runs them without a broker.

    bytes → match → Outcome → settle(state, …) → (state, notices)

The agents in `streams` call the same two; so does a replay. Neither knows a clock: time comes with ticks.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from geofences import District, GeofenceIndex, load
from warnsys.cap.cells import catalogue
from warnsys.channels import push, sms, stele
from warnsys.channels.wording import CityInfo
from warnsys.records import (
    LONGEST_STOP,
    AlertHeaders,
    FeedStatus,
    ImpactRecord,
    Moment,
    Notice,
    Outcome,
    Part,
    PushNotice,
    Record,
    SmsNotice,
    Snapshot,
    SteleRecord,
    Stop,
    Tick,
    utc,
)
from warnsys.settings import City, Settings
from warnsys.warning.bounds import HEAVY, LIGHT, WEIGH_AFTER, held_of, lighter, lighter_held, lighter_told, needs
from warnsys.warning.clock import AGREE
from warnsys.warning.facts import AHEAD, Facts, learn_outcome, learn_snapshot, learn_time, verdict, without_details
from warnsys.warning.matching import Decision, Matcher, for_cities
from warnsys.warning.notification_log import NotificationLog
from warnsys.warning.notify import Change, changes, remember
from warnsys.warning.policy import Policy
from warnsys.warning.scene import Held
from warnsys.warning.situation import Situation, derive, grade, worst_grade
from warnsys.warning.trouble import Troubles, mended, noted, troubled

CROWDED = 8
"""More warnings than this in one district, and what is no worse can wait for the rest of its ZIP."""


class ForeignStageError(ValueError):
    """A record of another stage: an exercise must never reach a live city, nor the other way round."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"foreign stage: this is {expected!r}, the record is of {found!r}")


class _SteleSent(Part):
    content: str
    at: Moment
    warnings: int = 0
    """How many were shown."""
    grade: int = 0
    """Of the worst of them."""


class _Stopped(Part):
    """The newest order to hold back a channel, or to resume it."""

    at: Moment
    until: Moment
    held: Held | None = None
    """What stood when it was stopped, against which it catches up; None once it has."""
    since: Moment | None = None
    """When it was taken, where the clock of the desk that gave it is ahead of the city's time."""

    def over(self, now: datetime) -> bool:
        """An order to resume holds at once, whatever the clock of the desk where it was given."""
        return self.until <= max(self.since or self.at, now)


class CityState(Record):
    """All that is remembered of one city between two records."""

    city: str
    facts: Facts = Facts()
    held: Held = {}
    told: NotificationLog = {}
    steles: dict[str, _SteleSent] = {}
    stopped: dict[str, _Stopped] = {}
    """By channel."""
    troubles: Troubles = {}
    """What could not be taken in: until that is mended, the city's data are incomplete."""


@dataclass(frozen=True)
class CityRules:
    """What decides about one city."""

    place: CityInfo
    stage: str
    rules: str
    policy: Policy
    stale_after: Mapping[str, timedelta]

    def situation(self, state: CityState) -> Situation | None:
        """What holds, or None before the first tick."""
        if state.facts.now is None:
            return None
        districts = [district.id for district in self.place.districts]
        found = derive(state.facts, state.facts.now, districts, self.stale_after, self.rules)
        return troubled(found, state.troubles)


def settle(state: CityState, record: ImpactRecord, city: CityRules) -> tuple[CityState, tuple[Notice, ...]]:
    """Take one record into a city's state; give the new state and what has to be published, the worst first.

    Before the first tick only facts are gathered. Raises `ForeignStageError`.
    """
    if record.stage != city.stage:
        raise ForeignStageError(record.stage, city.stage)
    if state.troubles:
        state = state.model_copy(update={"troubles": mended(state.troubles, record)})
    facts, cause = state.facts, tuple[str, ...]()
    match record:
        case Outcome():
            outcome = for_cities(record, (state.city,))
            facts, cause = learn_outcome(state.facts, outcome, city.rules), (record.base_id, record.decided)
            waits = facts.grown < WEIGH_AFTER and _can_wait(state, outcome)
            if waits and not _completes(state.facts, facts, outcome, city.rules):
                return state.model_copy(update={"facts": facts}), ()
        case Snapshot():
            facts, cause = learn_snapshot(state.facts, record, city.rules), (record.source, utc(record.stamp))
        case Tick():
            facts, cause = learn_time(state.facts, record, city.rules), ("tick", *_times(record))
        case Stop():
            state, cause = _ordered(state, record), (record.key, utc(record.at))
    time_before = state.facts.now
    state = state.model_copy(update={"facts": facts})
    situation = city.situation(state)
    if situation is None:
        return _weighed(state, None), ()
    snapshot = f"{record.source} {utc(record.stamp)}" if isinstance(record, Outcome | Snapshot) and record.stamp else ""
    found, told = list[Change](), state.told
    went_back = time_before is not None and situation.now < time_before
    for channels, stood in _turns(state, situation.now, city.policy):
        before = _without_standing(stood, situation) if went_back else stood
        more, told = changes(facts, situation, before, told, city.policy.only(channels), snapshot)
        found += more
    shown, steles = _steles(state.steles, situation, city, cause)
    held = remember(situation, state.held, facts)
    stopped = _caught_up(state.stopped, situation.now)
    facts = without_details(facts, set(situation.replaced) - _awaited(stopped))
    after = {"facts": facts, "held": held, "told": told, "steles": steles, "stopped": stopped}
    state = _weighed(state.model_copy(update=after), situation)
    return state, (*shown, *(_worded(city, change, situation) for change in found))


def _weighed(state: CityState, situation: Situation | None) -> CityState:
    """The state, lighter where it had grown too heavy (docs/adr/0013)."""
    if state.facts.grown < WEIGH_AFTER:
        return state
    state = state.model_copy(update={"facts": state.facts.model_copy(update={"grown": 0})})
    if len(state.to_bytes()) <= HEAVY:
        return state
    stopped = {
        channel: one if one.held is None else one.model_copy(update={"held": lighter_held(one.held)})
        for channel, one in state.stopped.items()
    }
    memory = {"held": lighter_held(state.held), "told": lighter_told(state.told), "stopped": stopped}
    state = state.model_copy(update=memory)
    need = needs(state.facts, situation, _awaited(stopped))
    if (too_much := len(state.to_bytes()) - LIGHT) > 0:
        state = state.model_copy(update={"facts": lighter(state.facts, too_much, need)})
        state = state.model_copy(update={"held": held_of(state.held, state.facts)})
    return state


def set_aside(
    state: CityState, record: ImpactRecord, reason: str, city: CityRules
) -> tuple[CityState, tuple[Notice, ...]]:
    """What a city becomes that could not take a record: what it knew, marked incomplete, with a message as one that
    nobody can read. Never raises.
    """
    state = state.model_copy(update={"troubles": noted(state.troubles, record, reason)})
    notices: tuple[Notice, ...] = ()
    if isinstance(record, Outcome):
        unread = {"decided": "rejected", "reason": reason[:300], "supersedes": (), "meanings": (), "sent": None}
        with suppress(Exception):  # what cannot be learned is undecided, which is incomplete, too
            state, notices = settle(state, record.model_copy(update={**unread, "msg_type": None}), city)
    with suppress(Exception):  # its steles grow old, and say so
        if situation := city.situation(state):
            shown, steles = _steles(state.steles, situation, city, ("failed", *state.troubles, utc(situation.now)))
            state, notices = state.model_copy(update={"steles": steles}), (*notices, *shown)
    return state, notices


def _times(tick: Tick) -> tuple[str, ...]:
    """What tells a tick from others: the broker's stamp in a live stage, and its own time where that is another."""
    if tick.appended is None:
        return (utc(tick.at),)
    return utc(tick.appended), *((utc(tick.at),) if abs(tick.appended - tick.at) > AGREE else ())


def _can_wait(state: CityState, outcome: Outcome) -> bool:
    """Whether it is enough to look at the whole with the next snapshot or tick; what is learned counts at once.

    So it is for what means nothing here and replaces nothing here; and, where much is warned already, for what is no
    worse. A burst of n messages would else be looked at n times (docs/adr/0009).
    """
    nothing_here = outcome.decided != "rejected" and not any(meaning.impacts for meaning in outcome.meanings)
    if nothing_here and not any(i in state.facts.facts for i in outcome.supersedes):
        return True
    crowded = any(one.warnings > CROWDED for one in state.steles.values())
    return crowded and all(
        (last := state.steles.get(impact.district)) is not None and grade(meaning) <= last.grade
        for meaning in outcome.meanings
        for impact in meaning.impacts
    )


def _completes(before: Facts, after: Facts, outcome: Outcome, rules: str) -> bool:
    """Whether it is the last to be decided of a snapshot that came before it: nothing may follow for a while."""
    newest = next(iter(after.snapshots.get(outcome.source, ())), None)
    if newest is None or outcome.listed_id not in newest.ids or verdict(before, outcome.listed_id, rules) is not None:
        return False
    return all(verdict(after, listed_id, rules) is not None for listed_id in newest.ids)


def _ordered(state: CityState, order: Stop) -> CityState:
    """The newest order counts, whatever order they come in; the first of several stops says what stood.

    It lasts for as long as its desk meant it to, and a day at most. Where that desk's clock is ahead it begins now: it
    would else hold for as much longer as that clock is wrong (law 9).
    """
    known = state.stopped.get(order.channel)
    if known and known.at >= order.at:
        return state
    held = state.held if known is None or known.held is None else known.held
    now, lasts = state.facts.now, min(order.until - order.at, LONGEST_STOP)
    since = now if now and order.at > now + AHEAD else None
    stopped = _Stopped(at=order.at, until=(since or order.at) + lasts, held=held, since=since)
    return state.model_copy(update={"stopped": {**state.stopped, order.channel: stopped}})


def _turns(state: CityState, now: datetime, policy: Policy) -> Iterator[tuple[frozenset[str], Held]]:
    """The channels to be told, with what stood when each was told last: those that run, and those that are resumed."""
    waiting = {channel: stopped for channel, stopped in state.stopped.items() if stopped.held is not None}
    yield frozenset(rule.channel for rule in policy.rules) - waiting.keys(), state.held
    for channel, stopped in sorted(waiting.items()):
        if stopped.held is not None and stopped.over(now):
            yield frozenset({channel}), stopped.held


def _without_standing(held: Held, situation: Situation) -> Held:
    """The time went back: what had seemed expired holds, and may never have been told. All that stands is news."""
    stands = {d.district: {one.fact.base_id for one in d.standing} for d in situation.districts.values()}
    return {
        district: {i: stood for i, stood in ids.items() if i not in stands.get(district, ())}
        for district, ids in held.items()
    }


def _caught_up(stopped: Mapping[str, _Stopped], now: datetime) -> dict[str, _Stopped]:
    return {
        channel: one.model_copy(update={"held": None}) if one.over(now) else one for channel, one in stopped.items()
    }


def _awaited(stopped: Mapping[str, _Stopped]) -> set[str]:
    """The messages whose end a stopped channel may still have to tell."""
    return {base_id for one in stopped.values() for ids in (one.held or {}).values() for base_id in ids}


def _worded(city: CityRules, change: Change, situation: Situation) -> PushNotice | SmsNotice:
    if change.channel == "push":
        return push.notice(city.place, change, situation, city.stage)
    return sms.notice(city.place, change, situation, city.stage)


def _steles(
    sent: Mapping[str, _SteleSent], situation: Situation, city: CityRules, cause: tuple[str, ...]
) -> tuple[list[SteleRecord], dict[str, _SteleSent]]:
    """The steles whose content changed, and those that readers would soon think dead; the worst first."""
    again_after = timedelta(seconds=city.policy.stele_valid_s / 3)
    shown, shared = [], stele.Shared(city.place, situation, city.policy)
    now_sent = {district: last for district, last in sent.items() if district in situation.districts}
    for district in situation.districts.values():
        content = stele.content(shared, district)
        last = sent.get(district.district)
        if last is None or last.content != content or abs(situation.now - last.at) >= again_after:
            shown.append(stele.record(shared, district, city.stage, cause))
            now_sent[district.district] = _SteleSent(
                content=content, at=situation.now, warnings=len(district.standing), grade=worst_grade(district)
            )
    return sorted(shown, key=lambda record: -max((item.level for item in record.items), default=0)), now_sent


def matcher_for(settings: Settings) -> Matcher:
    """The rules of all cities of the settings. Raises `GeofenceError` for files that cannot be used."""
    districts = [district for city in settings.cities for district in _districts(city)]
    min_share = {source.name: source.min_share for source in settings.sources}
    senders = {source.name: source.allowed_senders for source in settings.sources}
    return Matcher(
        GeofenceIndex(districts), min_share, exercise=settings.exercise, senders=senders, known_cells=catalogue()
    )


def cities_for(settings: Settings, matcher: Matcher) -> dict[str, CityRules]:
    """What decides about each city, by its id."""
    stale_after = {source.name: timedelta(seconds=source.stale_after_s) for source in settings.sources}
    return {
        city.id: CityRules(
            place=CityInfo(
                city.id,
                city.name,
                tuple(district for district in matcher.index.districts if district.city == city.id),
                city.timezone,
                city.link,
            ),
            stage=settings.stage,
            rules=matcher.rules,
            policy=settings.policy,
            stale_after=stale_after,
        )
        for city in settings.cities
    }


def _districts(city: City) -> list[District]:
    return load(city.geofences, city=city.id, warn_cells=city.warn_cells)


class Offline:
    """The pipeline without a broker: a publisher for feeds that keeps everything which would stand on the topics."""

    def __init__(self, settings: Settings) -> None:
        self.stage = settings.stage
        self.matcher = matcher_for(settings)
        self.cities = cities_for(settings, self.matcher)
        self.states = {city: CityState(city=city) for city in self.cities}
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
        for city, rules in self.cities.items():
            self.states[city], notices = settle(self.states[city], record, rules)
            self.notices.extend(notices)

    def situations(self) -> dict[str, Situation]:
        found = {city: rules.situation(self.states[city]) for city, rules in self.cities.items()}
        return {city: situation for city, situation in found.items() if situation}


def by_channel(notices: Iterable[Notice]) -> dict[str, list[Notice]]:
    """Notices by the channel whose topic they go to."""
    found: dict[str, list[Notice]] = {"stele": [], "push": [], "sms": []}
    for notice in notices:
        found[channel_of(notice)].append(notice)
    return found


def channel_of(notice: Notice) -> str:
    match notice:
        case SteleRecord():
            return "stele"
        case PushNotice():
            return "push"
        case SmsNotice():
            return "sms"

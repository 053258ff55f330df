"""Settles a record in a city: the last part of the pipeline, as pure functions.

    bytes → Matcher.decide_bytes → Outcome → learn(record, …) → LearnedRecord → settle(state, …) → (state, notices)

`learn` (in `warnsys.warning.learned`) takes a record into the ledger of a partition, and `settle` what follows from it
into the state of a city. `warnsys.partition` says which cities a record can change. The agents in `streams` and the
replay call these; instead of `decide_bytes` the agents call its two parts, `read` and `decide`. None of these functions
reads a clock: ticks bring the time. `settle` consists of `decide_what_to_tell`, and of `worded`, which puts that into
words.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from typing import NamedTuple

from geofences import District, GeofenceError, GeofenceIndex, load
from geofences.match import Least
from warnsys.cap.cells import catalogue
from warnsys.channels import cap_chain, stele
from warnsys.channels.registry import channel_of as channel_of
from warnsys.channels.registry import channels, tellers
from warnsys.records import (
    ChannelPause,
    ImpactRecord,
    Notice,
    Outcome,
    Snapshot,
    Tick,
    utc,
)
from warnsys.settings import City, Settings
from warnsys.warning import pauses
from warnsys.warning.bounds import WEIGH_AFTER
from warnsys.warning.city import (
    CityInfo,
    SteleSent,
    again_after,
    forget_messages,
    next_time,
    with_renamed_messages,
    within_bounds,
)
from warnsys.warning.city import CityRules as CityRules
from warnsys.warning.city import CityState as CityState
from warnsys.warning.clock import AGREE
from warnsys.warning.evidence import Evidence
from warnsys.warning.facts import Gap, verdict
from warnsys.warning.learned import LearnedRecord
from warnsys.warning.matching import Matcher, for_cities
from warnsys.warning.messages import fact_of, with_message, without_details
from warnsys.warning.notify import Change, changes, remember
from warnsys.warning.revisions import renamed
from warnsys.warning.scene import StandingByMessage
from warnsys.warning.situation import DistrictSituation, Situation, grade, worst_grade
from warnsys.warning.trouble import mended, noted

CROWDED = 8
"""If a district shows more warnings than this, its city is crowded. A message that is no worse than what is shown
can then wait: it is learned, and a later record derives what follows from it, at the latest the next snapshot or
tick."""


class ForeignStageError(ValueError):
    """A record of another stage (live, or one exercise). An exercise must never reach a live city, or the reverse."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(
            f"foreign stage: the record is of {found!r}, but {expected!r} runs here; each stage has topics of its own"
        )


class Settled(NamedTuple):
    """What a record leads to in one city."""

    state: CityState
    notices: tuple[Notice, ...] = ()
    """What to publish."""
    situation: Situation | None = None
    """What holds. It is None if the record is only learned, and what follows is left to a later one; and if the record
    is set aside."""
    next_time: datetime | None = None
    """When time alone may change what holds, or what is to be sent; None if the next tick may."""

    @property
    def unsettled(self) -> bool:
        """Says whether the next snapshot may change what holds even if it lists the same messages of this city."""
        return self.situation is None or self.situation.unsettled or bool(self.state.troubles)


def settle(state: CityState, learned: LearnedRecord, city: CityRules) -> Settled:
    """Takes one record, which the ledger has taken, into a city's state. Gives the new state and what to publish.

    The records of the steles come first, then the changes, both the worst first. Changes of a channel whose pause is
    over come last.

    Before the first tick it only learns, and publishes nothing. Raises `ForeignStageError`.
    """
    state, to_tell = decide_what_to_tell(state, learned, city)
    if to_tell is None:
        return Settled(state)
    situation = to_tell.situation
    return Settled(
        state, worded(to_tell, city), situation, next_time(state, learned.ledger, situation.now, city.policy)
    )


# -- deciding -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ToTell:
    """Everything to publish for one record, before wording."""

    situation: Situation
    record_identity: tuple[str, ...]
    """Identifies the record that came in. The ids of the stele records are made of it and the district."""
    due: tuple[DistrictSituation, ...] = ()
    """The districts whose stele gets a new record."""
    changes: tuple[Change, ...] = ()
    sent: Mapping[str, SteleSent] = field(default_factory=dict)
    """By district, what is remembered of its stele's newest record. For a district in `due` that is the new record,
    which is still to be sent."""


def decide_what_to_tell(state: CityState, learned: LearnedRecord, city: CityRules) -> tuple[CityState, ToTell | None]:
    """Takes one record into a city's state. Gives the new state, and what has to be told; None if nothing was decided.

    1. It learns what the record says. A message that can wait (`_learn` says which) leaves steps 2 to 5 to a later
       record.
    2. It derives what holds now.
    3. It compares that with what each channel was last told. It looks only at districts and event groups where a
       message is new or gone since the last comparison (`held` says what stood then). It leaves out a paused channel.
       Once the pause is over, it compares what holds now with what stood when the pause began.
    4. It finds the steles that need a new record.
    5. It remembers what stood and what was told.
    """
    record, time_went_back = learned.record, learned.time_went_back
    if record.stage != city.stage:
        raise ForeignStageError(record.stage, city.stage)
    if state.troubles:
        state = state.model_copy(update={"troubles": mended(state.troubles, record)})
    state, can_wait = _learn(state, learned, city)
    if can_wait:
        return state, None
    situation = city.situation(state, learned.witnesses)
    if situation is None:  # no tick has come yet
        return within_bounds(state, None, None), None
    snapshot = _snapshot_of(record, situation.as_of)
    stopped = pauses.after_time_went_back(state.stopped) if time_went_back else state.stopped
    found, told = list[Change](), state.told
    for channel_names, stood_before, went_back in pauses.to_compare(
        stopped, state.held, city.policy.channels, situation.now, time_went_back=time_went_back
    ):
        # `went_back`: the time went back at this record; for channels whose pause is over, at some record of the pause.
        before = _as_if_new(stood_before, situation) if went_back else stood_before
        more, told = changes(state.facts, situation, before, told, city.policy.only(channel_names), snapshot)
        found += more
    due, sent = _due(state.steles, situation, city)
    stopped = pauses.caught_up(stopped, situation.now)
    # Replaced messages need no details any more, except those whose end a paused channel may still have to tell.
    details_not_needed = set(situation.replaced) - pauses.ends_to_tell(stopped)
    after = {
        "facts": without_details(state.facts, details_not_needed),
        "held": remember(situation, state.held, state.facts), "told": told, "steles": sent, "stopped": stopped,
    }  # fmt: skip
    state = within_bounds(state.model_copy(update=after), situation, situation.now)
    return state, ToTell(situation, _identity(record), due=due, changes=tuple(found), sent=sent)


def _learn(state: CityState, learned: LearnedRecord, city: CityRules) -> tuple[CityState, bool]:
    """Takes what a record says into the state. Gives the state, and whether what follows from the record can wait.

    Only a message can wait, if it changes little here, does not complete a snapshot, and the state has not grown so
    much that its size has to be measured.
    """
    match learned.record:
        case Outcome():
            outcome = for_cities(learned.record, (state.city,))
            after = _with_message(state, outcome, learned, city.ruleset_version)
            can_wait = (
                after.grown < WEIGH_AFTER  # else `within_bounds`, which comes last, has to weigh the state now
                and _changes_little(state, outcome)
                and not _completes(state, after, outcome, learned)
            )
            return after, can_wait
        case Snapshot():
            return state, False
        case Tick():
            ledger = learned.ledger
            return (
                state if ledger.clock.doubt or not ledger.now else forget_messages(state, ledger, ledger.now)
            ), False
        case ChannelPause():
            stopped = pauses.ordered(state.stopped, learned.record, state.held, learned.now)
            return state.model_copy(update={"stopped": stopped}), False


def _with_message(state: CityState, outcome: Outcome, learned: LearnedRecord, ruleset_version: str) -> CityState:
    """Takes a message into the facts of a city, if it warns there, is known there, or replaces what may stand there.

    The loose messages that name it come with it.
    """
    gaps, before = _with_verdict(state.gaps, outcome), state.facts
    state = state if gaps is state.gaps else state.model_copy(update={"gaps": gaps})
    fact = fact_of(outcome, learned.before.now)
    # The keys of `gaps` are listed ids; for messages of the DWD these are the base ids. If there is a fact, the message
    # was accepted, and `_with_verdict` has removed its own gap: a gap is then that of a message which it supersedes.
    is_known = fact is not None and any(i in before or i in gaps for i in (fact.base_id, *fact.supersedes))
    if fact is None or not (fact.meanings or is_known):
        return state
    loose = learned.before.following(fact.base_id)
    facts = with_message({**loose, **before}, fact, learned.ledger.listings, ruleset_version)
    grown = state.grown + sum(len(one.model_dump_json()) for i, one in facts.items() if one is not before.get(i))
    state = state.model_copy(update={"facts": facts, "grown": grown})
    return with_renamed_messages(state, renamed(before, facts, outcome.base_id))


def _with_verdict(gaps: dict[str, Gap], outcome: Outcome) -> dict[str, Gap]:
    """Closes the gap of a message that has come, or notes that it came and cannot be read."""
    if not (gap := gaps.get(outcome.listed_id)):
        return gaps
    if outcome.decided == "rejected":
        return {**gaps, outcome.listed_id: gap.model_copy(update={"rejected": outcome.rules})}
    return {i: one for i, one in gaps.items() if i != outcome.listed_id}


def _identity(record: ImpactRecord) -> tuple[str, ...]:
    """Gives what identifies a record; of an outcome, its message and content, and the stamp of its listing."""
    match record:
        case Outcome():
            outcome = record
            stamp = utc(outcome.stamp) if outcome.stamp else ""
            return outcome.base_id, outcome.decided, outcome.source, stamp, outcome.digest or ""
        case Snapshot():
            return record.source, utc(record.stamp)
        case Tick():
            return "tick", *_tick_identity(record)
        case ChannelPause():
            return record.key, utc(record.at)


def _tick_identity(tick: Tick) -> tuple[str, ...]:
    """Identifies a tick by the broker's timestamp; by both times if they differ by more than `AGREE`; by the tick's own
    time if the broker gave none."""
    if tick.appended is None:
        return (utc(tick.at),)
    if abs(tick.appended - tick.at) > AGREE:
        return utc(tick.appended), utc(tick.at)
    return (utc(tick.appended),)


def _changes_little(state: CityState, outcome: Outcome) -> bool:
    """Says whether it is enough to learn a message now. A later record then derives what follows from it: at the latest
    the next snapshot or tick.

    Deriving it after each of n messages of a burst costs n² (docs/adr/0009).
    """
    return _says_nothing_here(state, outcome) or _is_no_worse_in_a_crowd(state, outcome)


def _says_nothing_here(state: CityState, outcome: Outcome) -> bool:
    """Says whether a message means nothing to this city: it was readable, warns nobody here, and neither it nor
    anything that it replaces is known here."""
    warns = any(meaning.impacts for meaning in outcome.meanings)
    if warns or outcome.decided == "rejected":
        return False
    return not any(base_id in state.facts for base_id in (outcome.base_id, *outcome.supersedes))


def _is_no_worse_in_a_crowd(state: CityState, outcome: Outcome) -> bool:
    """Says whether the city is crowded, and the message is no worse than what is shown in each district it warns.

    A message that warns nobody here, such as a Cancel or one that cannot be read, is no worse either.
    """
    if not any(sent.warnings > CROWDED for sent in state.steles.values()):
        return False
    shown = {district: sent.grade for district, sent in state.steles.items()}
    return all(
        grade(meaning) <= shown.get(impact.district, 0) for meaning in outcome.meanings for impact in meaning.impacts
    )


def _completes(before: CityState, after: CityState, outcome: Outcome, learned: LearnedRecord) -> bool:
    """Says whether this message decides a snapshot, as the last of those that it lists.

    The snapshot has to be the newest decided one of its source from now on. Then the message does not wait. Nothing
    else of this snapshot is to come, and people would wait up to a tick (10 s) for what the message completes. There
    may be a newer snapshot that lists messages which have not come yet: it does not count.
    """
    gap, version = before.gaps.get(outcome.listed_id), learned.witnesses.ruleset_version
    was_decided = gap.rejected == version if gap else verdict(learned.before, outcome.listed_id, version) is not None
    if was_decided:
        return False
    evidence, snapshots = Evidence(learned.witnesses, {}, after.gaps), learned.ledger.snapshots.get(outcome.source, ())
    newest_decided = next((one for one in snapshots if evidence.is_decided(outcome.source, one)), None)
    return newest_decided is not None and newest_decided.lists(outcome.listed_id)


def _snapshot_of(record: ImpactRecord, as_of: datetime | None) -> str:
    """Gives source and stamp of the snapshot that a record is, or that a message came with; "" for other records.

    For a message that came without a snapshot, `as_of` takes the place of the stamp. Several sources may have the same
    `as_of`; the name of the source makes the result differ.
    """
    if isinstance(record, Outcome | Snapshot) and (stamp := record.stamp or as_of):
        return f"{record.source} {utc(stamp)}"
    return ""


def _as_if_new(stood_before: StandingByMessage, situation: Situation) -> StandingByMessage:
    """Gives what stood, without the messages that stand now, so that these count as new.

    After the time went back, messages that had seemed expired are live again, and perhaps nobody was told of them. The
    notification log prevents telling twice.
    """
    stands = {d.district: {one.fact.base_id for one in d.standing} for d in situation.districts.values()}
    return {
        district: {i: stood for i, stood in ids.items() if i not in stands.get(district, ())}
        for district, ids in stood_before.items()
    }


def _due(
    sent: dict[str, SteleSent], situation: Situation, city: CityRules
) -> tuple[tuple[DistrictSituation, ...], dict[str, SteleSent]]:
    """Gives the districts whose stele needs a new record: its content changed, or the record grows old.

    Also gives, by district, what is remembered of its stele's newest record. For a district that needs a new record,
    that is the new one.
    """
    old = again_after(city.policy)
    due, shared = [], stele.Shared(city.place, situation, city.policy)
    now_sent = {district: last for district, last in sent.items() if district in situation.districts}
    for district in situation.districts.values():
        content = stele.content(shared, district)
        last = sent.get(district.district)
        if last is None or last.content != content or abs(situation.now - last.at) >= old:
            due.append(district)
            digest, cap_alerts = cap_chain.after(last, shared, district, city.stage)
            now_sent[district.district] = SteleSent(
                content=content, at=situation.now, warnings=len(district.standing), grade=worst_grade(district),
                holds=digest or None, cap=cap_alerts or None,
            )  # fmt: skip
    return tuple(due), now_sent


def set_aside(state: CityState, learned: LearnedRecord, reason: str, city: CityRules) -> Settled:
    """Leaves out a record that a city failed to settle. Gives the city's state without it, and what to publish.

    Neither a bad record nor bad rules make it raise or end the process. If it does so all the same, the state is at
    fault.

    The city keeps what it knew, and is incomplete. If the record is an outcome, the city marks its message as
    unreadable, so that nothing that the message may concern ends or turns clear.
    """
    record = learned.record
    state = state.model_copy(update={"troubles": noted(state.troubles, record, reason)})
    notices: tuple[Notice, ...] = ()
    if isinstance(record, Outcome):
        # Without a gap the verdict of the ledger would count here, as if the city had the message.
        gaps = {**state.gaps, record.listed_id: state.gaps.get(record.listed_id, Gap())}
        state = state.model_copy(update={"gaps": gaps})
        with suppress(Exception):  # if this also fails, the message stays undecided: the city is incomplete, too
            state, notices, *_ = settle(state, learned.unreadable(reason), city)
    with suppress(Exception):  # if this fails, too, the steles' records grow old, and the steles say so
        if situation := city.situation(state, learned.witnesses):
            due, sent = _due(state.steles, situation, city)
            shown = worded(ToTell(situation, ("failed", *_identity(record)), due=due, sent=sent), city)
            state, notices = state.model_copy(update={"steles": sent}), (*notices, *shown)
    return Settled(state, notices)


# -- wording --------------------------------------------------------------------------------------------------------


def worded(to_tell: ToTell, city: CityRules) -> tuple[Notice, ...]:
    """Puts what was decided into the words of each channel: first the steles, the worst first, then the changes."""
    shared = stele.Shared(city.place, to_tell.situation, city.policy)
    steles = [
        stele.record(shared, one, city.stage, to_tell.record_identity, to_tell.sent[one.district].cap or ())
        for one in to_tell.due
    ]
    steles.sort(key=lambda record: -max((item.level for item in record.items), default=0))
    by_name = {one.name: one for one in tellers()}
    told = (by_name[one.channel].worded(city.place, one, to_tell.situation, city.stage) for one in to_tell.changes)
    return *steles, *chain.from_iterable(told)


# -- the rules of the settings --------------------------------------------------------------------------------------


def matcher_for(settings: Settings) -> Matcher:
    """Makes the matcher for all cities of the settings. Raises `GeofenceError` if their geofences cannot be used."""
    districts = [district for city in settings.cities for district in _districts(city)]
    files = {city.id: city.geofences for city in settings.cities}
    owners: dict[str, str] = {}
    for district in districts:
        owner = owners.setdefault(district.id, district.city)
        if owner != district.city:
            what = f"district {district.id!r} of {district.city} has the id of a district of {owner}"
            raise GeofenceError(f"{files[district.city]}: {what} ({files[owner]}): give each its own id")
    try:
        index = GeofenceIndex(districts)
    except ValueError as error:  # each file was read: together they are too much
        raise GeofenceError(f"the geofences of all cities together cannot be used: {error}") from error
    min_share = {source.name: source.min_share for source in settings.sources}
    min_part = {  # sources with the default are left out, so that the version of the rules stays what it was
        source.name: source.min_part for source in settings.sources if source.min_part != Least().part
    }
    senders = {source.name: source.allowed_senders for source in settings.sources}
    return Matcher(
        index, min_share, min_part, exercise=settings.exercise, senders=senders,
        zones=settings.zones, known_cells=catalogue(),
    )  # fmt: skip


def cities_for(settings: Settings, matcher: Matcher) -> dict[str, CityRules]:
    """Makes the rules of each city, by its id."""
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
            ruleset_version=matcher.ruleset_version,
            policy=settings.policy,
            stale_after=stale_after,
        )
        for city in settings.cities
    }


def _districts(city: City) -> list[District]:
    return load(city.geofences, city=city.id, warn_cells=city.warn_cells)


def by_channel(notices: Iterable[Notice]) -> dict[str, list[Notice]]:
    """Groups notices by the name of the channel whose topic they go to."""
    found: dict[str, list[Notice]] = {one.name: [] for one in channels()}
    for notice in notices:
        found[channel_of(notice)].append(notice)
    return found

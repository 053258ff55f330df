"""One city: what is remembered of it between two records, and the rules that decide about it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from geofences import District
from warnsys.records import EARLIEST, LATEST, LONGEST_STOP, CapMessage, Moment, Part, Record
from warnsys.warning import pauses
from warnsys.warning.bounds import HEAVY, LIGHT, WEIGH_AFTER, held_of, lighter, lighter_held, lighter_told, needs
from warnsys.warning.evidence import Witnesses
from warnsys.warning.facts import MEMORY, Fact, Forgot, Gap, Ledger, forgotten
from warnsys.warning.messages import over_since
from warnsys.warning.notification_log import NotificationLog
from warnsys.warning.pauses import Pauses
from warnsys.warning.policy import Policy
from warnsys.warning.scene import StandingByMessage
from warnsys.warning.situation import Situation, derive
from warnsys.warning.trouble import Troubles, troubled


@dataclass(frozen=True)
class CityInfo:
    """A city as texts need it: its id, name, districts, time zone, and the link in notices."""

    id: str
    name: str
    districts: tuple[District, ...]
    timezone: ZoneInfo
    link: str

    def district(self, district_id: str) -> District:
        return next(district for district in self.districts if district.id == district_id)


class SteleSent(Part):
    """What is remembered of the last record that was sent to a stele."""

    content: str
    at: Moment
    warnings: int = 0
    """How many warnings stood in the district."""
    grade: int = 0
    """The grade of the worst of them that is live; 0 for none."""
    holds: str | None = None
    """A digest of the warnings that are in force by our newest CAP alert for the district. None if that alert names
    none, or if there is none yet."""
    cap: tuple[CapMessage, ...] | None = None
    """Our CAP alerts for the district, the newest first; None for none."""


class CityState(Record):
    """All that is remembered of one city between two records, beside the ledger of its partition."""

    city: str
    facts: dict[str, Fact] = {}
    """By base id, the messages that warn here, and those that replace or revise one of them."""
    gaps: dict[str, Gap] = {}
    """By listed id, the messages that the ledger calls decided and that are not known here."""
    grown: int = 0
    """How many bytes came in since the state was last weighed."""
    forgot: Forgot | None = None
    held: StandingByMessage = {}
    """What stood, by district and base id. True: it stood when changes were last looked for. False: only earlier."""
    told: NotificationLog = {}
    """What each channel was last told."""
    steles: dict[str, SteleSent] = {}
    stopped: Pauses = {}
    """The channel pauses."""
    troubles: Troubles = {}
    """What could not be taken in: until that is mended, the city's data are incomplete."""


def with_renamed_messages(state: CityState, names: Mapping[str, str]) -> CityState:
    """Gives messages their new names in `held` and in the pauses; `names` has the new name by the old one.

    A sender may revise a message under the same id (`revisions`). Its oldest revision has the message's base id, each
    later one an id of its own. If an older revision comes late, it takes the base id, and the one that had it gets
    another.
    """
    if not names:
        return state

    def renamed(held: StandingByMessage) -> StandingByMessage:
        return {district: {names.get(i, i): stood for i, stood in ids.items()} for district, ids in held.items()}

    stopped = {
        channel: one if one.held is None else one.model_copy(update={"held": renamed(one.held)})
        for channel, one in state.stopped.items()
    }
    return state.model_copy(update={"held": renamed(state.held), "stopped": stopped})


@dataclass(frozen=True)
class CityRules:
    """What decides about one city."""

    place: CityInfo
    stage: str
    ruleset_version: str
    policy: Policy
    stale_after: Mapping[str, timedelta]

    def situation(self, state: CityState, witnesses: Witnesses) -> Situation | None:
        """What holds, or None before the first tick."""
        now = witnesses.ledger.now
        if now is None:
            return None
        districts = [district.id for district in self.place.districts]
        found = derive(witnesses, state.facts, state.gaps, now, districts, self.stale_after)
        let_go = (*forgotten(witnesses.ledger.forgot, now), *forgotten(state.forgot, now))
        return troubled(replace(found, flags=(*found.flags, *let_go)) if let_go else found, state.troubles)


def begun_anew(city: str, ledger: Ledger) -> CityState:
    """Gives the first state of a city. It lacks every message that its ledger knows already."""
    return CityState(city=city, gaps={i: Gap() for i, listing in ledger.listings.items() if listing.accepted})


def forget_messages(state: CityState, ledger: Ledger, now: datetime) -> CityState:
    """Removes messages that have been over for long, and the gaps of listings that are forgotten.

    A message that a snapshot still lists is undecided from then on: `now` may be wrong.
    """
    over = [fact for fact in state.facts.values() if over_since(fact, ledger.listings) < now - MEMORY]
    gaps = {i: gap for i, gap in state.gaps.items() if i in ledger.listings}
    if over:
        listed = {i for seen in ledger.snapshots.values() for one in seen for i in one.ids}
        gaps.update((i, gaps.get(i, Gap())) for fact in over for i in fact.listed_as if i in listed)
        gone = {fact.base_id for fact in over}
        state = state.model_copy(update={"facts": {i: fact for i, fact in state.facts.items() if i not in gone}})
    return state if gaps == state.gaps else state.model_copy(update={"gaps": gaps})


def next_time(state: CityState, ledger: Ledger, now: datetime, policy: Policy) -> datetime | None:
    """Gives the next moment at which time alone may change what holds in a city or what is to be sent.

    None if the next tick may, whatever it says: a message is over for so long that a tick makes the city forget it.
    """
    over = (min(over_since(fact, ledger.listings), LATEST - MEMORY) for fact in state.facts.values())
    forgets = min(over, default=LATEST - MEMORY) + MEMORY + timedelta.resolution
    return min(forgets, *(moment for moment in _moments(state, policy) if moment > now)) if forgets > now else None


def _moments(state: CityState, policy: Policy) -> Iterator[datetime]:
    yield LATEST
    near = timedelta(minutes=policy.near_onset_min)
    for fact in state.facts.values():
        if fact.waits:
            yield fact.waits
        for meaning in fact.meanings:
            yield meaning.onset
            yield max(meaning.onset, EARLIEST + near) - near
            if meaning.expires:
                yield meaning.expires
    for districts in state.told.values():
        for entries in districts.values():
            yield from (entry.until for entry in entries if entry.until)
    for pause in state.stopped.values():
        yield pause.until
        yield (pause.since or pause.at) + LONGEST_STOP
    for sent in state.steles.values():
        yield sent.at + again_after(policy)


def again_after(policy: Policy) -> timedelta:
    """Gives the age at which a stele's record is sent again."""
    return timedelta(seconds=policy.stele_valid_s / 3)


def within_bounds(state: CityState, situation: Situation | None, now: datetime | None) -> CityState:
    """Once `WEIGH_AFTER` bytes have come in, weighs the state; above `HEAVY` it makes it smaller, to `LIGHT`
    if that can be (docs/adr/0013)."""
    if state.grown < WEIGH_AFTER:
        return state
    state = state.model_copy(update={"grown": 0})
    if len(state.to_bytes()) <= HEAVY:
        return state
    paused = pauses.lighter_pauses(state.stopped)
    memory = {"held": lighter_held(state.held), "told": lighter_told(state.told), "stopped": paused}
    state = state.model_copy(update=memory)
    need = needs(state.facts, situation, pauses.ends_to_tell(paused))
    if (too_much := len(state.to_bytes()) - LIGHT) > 0:
        left = lighter(state.facts, state.gaps, state.forgot, now, too_much, need)
        held = held_of(state.held, left.facts.keys())
        state = state.model_copy(update={**left._asdict(), "held": held})
    return state

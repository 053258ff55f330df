"""One city: what is remembered of it between two records, and the rules that decide about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from geofences import District
from warnsys.records import CapMessage, Moment, Part, Record
from warnsys.warning import pauses
from warnsys.warning.bounds import HEAVY, LIGHT, WEIGH_AFTER, held_of, lighter, lighter_held, lighter_told, needs
from warnsys.warning.facts import Facts
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
    """All that is remembered of one city between two records."""

    city: str
    facts: Facts = Facts()
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

    def situation(self, state: CityState) -> Situation | None:
        """What holds, or None before the first tick."""
        if state.facts.now is None:
            return None
        districts = [district.id for district in self.place.districts]
        found = derive(state.facts, state.facts.now, districts, self.stale_after, self.ruleset_version)
        return troubled(found, state.troubles)


def within_bounds(state: CityState, situation: Situation | None) -> CityState:
    """Once `WEIGH_AFTER` bytes have come in, weighs the state; above `HEAVY` it makes it smaller, to `LIGHT`
    if that can be (docs/adr/0013)."""
    if state.facts.grown < WEIGH_AFTER:
        return state
    state = state.model_copy(update={"facts": state.facts.model_copy(update={"grown": 0})})
    if len(state.to_bytes()) <= HEAVY:
        return state
    paused = pauses.lighter_pauses(state.stopped)
    memory = {"held": lighter_held(state.held), "told": lighter_told(state.told), "stopped": paused}
    state = state.model_copy(update=memory)
    need = needs(state.facts, situation, pauses.ends_to_tell(paused))
    if (too_much := len(state.to_bytes()) - LIGHT) > 0:
        state = state.model_copy(update={"facts": lighter(state.facts, too_much, need)})
        state = state.model_copy(update={"held": held_of(state.held, state.facts)})
    return state

"""What still holds where something ended or was lowered: without it, an end reads as an all-clear.

Named is each event in force in one of the change's districts, with its own end, the worst first. Left out is what this
audience is never told of, what is Minor if the channel tells this audience only of higher levels, what has expired
without a confirmation, and what a lowering says itself.

Beside a warning that is told, four things of the same group are named. What is worse: "level 2, extended" would read as
if the level 3 that was told of were over. What begins before: else nobody would hear of what holds until then. What
goes on for longer. And a warning beside an advance notice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Literal

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.common import in_one_text
from warnsys.channels.events import event_name, group_name, short_event_name
from warnsys.channels.wording import CityInfo
from warnsys.channels.words import LANGUAGES, say
from warnsys.records import Localised, Meaning
from warnsys.warning.notify import Change
from warnsys.warning.situation import Situation, grade, speaks_for

NAMED_FROM = level("Moderate")
"""Least level that is named even where the channel tells this audience from a higher one on only."""
Form = Literal["full", "brief", "levels", "group"]
"""How what holds is named, from the fullest to the shortest: by its whole name; by its short name; by that and its
level, without times; by its event group and level, without times and districts."""
MOST_NAMED = 6
"""Events that a text names; that there are more is said."""
MOST_PLACES = 3
"""Districts of an event that are named; more are counted."""
MOST_LOOKED_AT = 30
"""Events of one district, the worst of it: what holds beyond these is not worth a sentence."""


GOES_ON = timedelta(minutes=30)
"""What ends later by no more than this is not named beside a warning."""


@dataclass(frozen=True, slots=True)
class StillHolds:
    """An event that goes on, and where."""

    meaning: Meaning
    districts: tuple[str, ...]


def still_holds(change: Change, situation: Situation) -> list[StillHolds]:
    """Gives the events in force in the districts of a change that need to be named beside it, the worst first."""
    if change.reason == "announced":  # it says itself that a warning goes on
        return []
    where: dict[int, list[str]] = {}  # the districts of one city mostly share their meanings
    meanings: dict[int, Meaning] = {}
    for district in change.districts:
        for meaning in islice(situation.in_force(district), MOST_LOOKED_AT):
            meanings[id(meaning)] = meaning
            where.setdefault(id(meaning), []).append(district)
    found: dict[tuple[object, ...], StillHolds] = {}
    for number, meaning in meanings.items():
        if _is_worth_saying(change, meaning, situation.now):
            key = event_name(meaning)["de"], meaning.advance, meaning.onset, meaning.expires
            worst = max(found[key].meaning, meaning, key=grade) if key in found else meaning
            known = found[key].districts if key in found else ()
            found[key] = StillHolds(worst, tuple(dict.fromkeys((*known, *where[number]))))
    return sorted(found.values(), key=_worst_first)


def _is_worth_saying(change: Change, meaning: Meaning, now: datetime) -> bool:
    if change.kind in ("warn", "update"):
        begins_before = meaning.onset < change.meaning.onset > now
        is_worse = grade(meaning) > grade(change.meaning)
        goes_on = change.meaning.expires is not None and outlasts(meaning, change.meaning.expires)
        only_announced = change.meaning.advance and not meaning.advance
        if meaning.group != change.meaning.group or not (begins_before or is_worse or goes_on or only_announced):
            return False
    said = change.kind == "lowered" and speaks_for(change.meaning, meaning, now)
    bad_enough = level(meaning.severity) >= NAMED_FROM or change.rule.tells(meaning)
    # Of its own group all is named: whoever was told of one such warning is told how it goes on.
    never = change.rule.leaves_out if meaning.group == change.meaning.group else change.rule.never_names
    return bad_enough and not said and not never(meaning)


def others_unknown(change: Change, situation: Situation, named: Sequence[StillHolds]) -> bool:
    """Says whether, in a district where something ended and nothing is named, something may hold that nobody knows of:
    data are old or unreadable, or something expired without a confirmation."""
    if change.kind != "ended":
        return False
    spoken_of = {district for one in named for district in one.districts}
    here = [situation.districts[one] for one in change.districts if one in situation.districts and one not in spoken_of]
    return any(situation.freshness != "fresh" or any(it.phase == "expired" for it in one.standing) for one in here)


def outlasts(meaning: Meaning, end: datetime) -> bool:
    """Says whether something goes on for long after an end: who reads of that end alone takes it for the end of all."""
    return meaning.expires is None or meaning.expires - end > GOES_ON


def _worst_first(one: StillHolds) -> tuple[object, ...]:
    expires = one.meaning.expires
    end = float("-inf") if expires is None else -expires.timestamp()
    return -grade(one.meaning), end, one.meaning.onset, one.meaning.group, one.districts


# -- in words -------------------------------------------------------------------------------------------------------


def goes_on(place: CityInfo, change: Change, situation: Situation) -> Localised:
    """Says what goes on beside a change, and that something else may. {} if neither needs to be said."""
    named = still_holds(change, situation)
    known = sentence(place, change, named, situation.now)
    unknown = say("still-unknown") if others_unknown(change, situation, named) else {}
    both = in_one_text(known, unknown)
    return both if any(both.values()) else {}


def sentence(
    place: CityInfo,
    change: Change,
    some: Sequence[StillHolds],
    now: datetime,
    *,
    most: int = MOST_NAMED,
    form: Form = "full",
) -> Localised:
    """Says what goes on, and then what comes later, in a sentence each: at most so many events in all, but one of each
    if there are both. {} if neither does."""
    begun = [one for one in some if one.meaning.onset <= now]
    later = [one for one in some if one.meaning.onset > now]
    of_the_worst = sum(one.meaning.onset > now for one in some[:most])
    of_later = min(len(later), max(1, min(of_the_worst, most - bool(begun))))
    of_begun = max(1, most - of_later)

    def said(which: str, of_these: Sequence[StillHolds], count: int) -> Localised:
        items = [_item(place, change, one, now, form) for one in of_these[:count]]
        what: Localised = {language: "; ".join(item[language] for item in items) for language in LANGUAGES}
        if len(of_these) > count:
            what = say("still-more-brief" if form == "group" else "still-more", what=what)
        return say(f"still-{which}" if form == "full" else f"still-{which}-brief", what=what) if items else {}

    both = in_one_text(said("holds", begun, of_begun), said("later", later, of_later))
    return both if any(both.values()) else {}


def _item(place: CityInfo, change: Change, one: StillHolds, now: datetime, form: Form) -> Localised:
    meaning, zone, brief = one.meaning, place.timezone, form != "full"
    names = {"full": event_name, "group": group_name}
    event = names.get(form, short_event_name)(meaning)
    if meaning.advance:
        event = say("still-advance-brief" if brief else "still-advance", event=event)
    if len(one.districts) < len(change.districts):
        where = _where(place, one.districts)
        event = say("change-partly", news=event) if form == "group" else say("still-in", event=event, where=where)
    if form in ("levels", "group"):
        return say("still-level", event=event, level=level(meaning.severity))
    begin = wording.moments(meaning.onset, zone) if meaning.onset > now else None
    if meaning.expires is None:
        return say("still-open-from", event=event, begin=begin) if begin else say("still-open", event=event)
    day = meaning.onset if begin else now
    # The end is told without its day, if that is the day of the notice (or of the begin, if that is still to come).
    end = (wording.clock if wording.same_day(day, meaning.expires, zone) else wording.moments)(meaning.expires, zone)
    if begin:
        return say("still-from-brief" if brief else "still-from", event=event, begin=begin, end=end)
    return say("still-until-brief" if brief else "still-until", event=event, end=end)


def _where(place: CityInfo, districts: tuple[str, ...]) -> Localised:
    if len(districts) > MOST_PLACES:
        return say("districts", count=len(districts), all=len(place.districts))
    return dict.fromkeys(LANGUAGES, ", ".join(place.district(district).short_name for district in districts))

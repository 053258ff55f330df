"""What the pages show, worked out of the board: plain values for the templates, no markup.

Nothing here decides who is warned. Where no record is valid any more, a district is `no_data`, whatever stood before.
"""

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from geofences import District
from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.pipeline import CityRules
from warnsys.records import Meaning, Outcome, SteleItem, SteleRecord, acknowledgement_key
from warnsys.warning.policy import Policy
from warnsys.web.board import Board

Presentation = Literal["calm", "tile", "banner", "full", "no_data"]
PRESENTATIONS = ("tile", "banner", "full")
BEFORE, AFTER = timedelta(hours=24), timedelta(hours=48)
RIGHT_TO_LEFT = frozenset("ar dv fa he ku ps sd ur yi".split())
SHORTEST_TURN_S = 10


@dataclass(frozen=True, slots=True)
class Item:
    """One warning as a page shows it."""

    record: SteleItem
    phase: str
    level: int
    label: str
    event: str
    when: str
    height: str
    credit: str
    quantities: tuple[tuple[str, str], ...]
    starts_in_s: float
    """Until its onset; negative once it has begun."""
    ends_in_s: float | None

    @property
    def advance(self) -> bool:
        return self.phase == "advance"


@dataclass(frozen=True, slots=True)
class View:
    """One district as a page shows it."""

    district: District
    record: SteleRecord | None
    """None where nothing reliable is known."""
    status: str
    level: int
    """Of the worst warning, 0 for none."""
    advance: bool
    """Whether the worst is an advance notice."""
    presentation: Presentation
    summary: str
    stand: str
    fresh: bool
    remaining_s: float
    """How long the page may show it without hearing anything."""
    items: tuple[Item, ...]


def district_view(board: Board, city: CityRules, district: District, language: str) -> View:
    record = board.stele(district.id)
    if record is None:
        return View(district, None, "no_data", 0, False, "no_data", "", "", False, 0, ())
    now = board.now()
    items = tuple(_item(one, language, now) for one in record.items)
    standing = [one for one in items if one.phase != "expired"]
    presentation: Presentation = "no_data" if record.status == "no_data" else "calm"
    if items:
        presentation = max((one.record.presentation for one in items), key=PRESENTATIONS.index)
    return View(
        district,
        record,
        record.status,
        max((one.level for one in standing), default=0),
        bool(standing) and standing[0].advance,
        presentation,
        plain(record.summary[language]),
        wording.freshness(record.freshness, record.as_of, city.place.timezone)[language],
        record.freshness == "fresh",
        board.remaining(record).total_seconds(),
        items,
    )


def _item(one: SteleItem, language: str, now: datetime) -> Item:
    return Item(
        one,
        one.phase,
        one.level,
        one.label[language],
        plain(one.event[language]),
        one.when[language],
        one.height.get(language, ""),
        one.credit[language],
        tuple((plain(name), plain(value)) for name, value in one.quantities),
        (one.onset - now).total_seconds(),
        None if one.expires is None else (one.expires - now).total_seconds(),
    )


@dataclass(frozen=True, slots=True)
class Holding:
    """One warning over all districts of a city in which it stands."""

    item: Item
    districts: tuple[str, ...]
    whole: bool
    acknowledged: str
    """By whom, at this level; "" where it still waits for that."""
    loud: bool
    """Whether it has to be announced: Severe or worse, near its onset."""


def holdings(board: Board, city: CityRules, views: Iterable[View]) -> list[Holding]:
    """What holds in a city, worst first; each warning once."""
    views = list(views)
    found: dict[tuple[str, str, str], tuple[Item, list[str]]] = {}
    for view in views:
        for item in view.items:
            key = item.record.base_id, item.record.ii, item.phase
            found.setdefault(key, (item, []))[1].append(view.district.name)
    told = []
    for item, names in found.values():
        done = board.acknowledged.get(acknowledgement_key(city.place.id, item.record.base_id, item.level))
        loud = item.level >= level("Severe") and item.record.presentation == "full"
        told.append(Holding(item, tuple(names), len(names) == len(views) > 1, done.by if done else "", loud))
    return sorted(told, key=lambda one: (one.item.phase == "expired", one.item.advance, -one.item.level))


# -- the timeline ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Bar:
    """One warning in a lane; `left` and `width` as parts of the whole, 0 to 1."""

    left: float
    width: float
    level: int
    advance: bool
    title: str
    base_id: str


@dataclass(frozen=True, slots=True)
class Lane:
    name: str
    bars: tuple[Bar, ...]


def timeline(board: Board, city: CityRules, language: str) -> tuple[list[Lane], float, list[tuple[float, str]]]:
    """Lanes a district over the last 24 and the coming 48 hours; where now is; and marks every six hours."""
    now, zone = board.now(), city.place.timezone
    first, last = now - BEFORE, now + AFTER
    replaced = {base_id: outcome.sent for outcome in board.outcomes.values() for base_id in outcome.supersedes}
    lanes = []
    for district in city.place.districts:
        bars = [
            bar
            for outcome in board.outcomes.values()
            for meaning in outcome.meanings
            if any(impact.district == district.id for impact in meaning.impacts)
            and (bar := _bar(outcome, meaning, replaced.get(outcome.base_id), first, last, zone, language))
        ]
        lanes.append(Lane(district.name, tuple(sorted(bars, key=lambda bar: (bar.level, bar.left)))))
    hours = _marks(first, last, zone)
    return lanes, (now - first) / (last - first), hours


def _bar(
    outcome: Outcome,
    meaning: Meaning,
    replaced: datetime | None,
    first: datetime,
    last: datetime,
    zone: ZoneInfo,
    language: str,
) -> Bar | None:
    begin = max(meaning.onset, first)
    end = min(filter(None, (meaning.expires, replaced, last)))
    if end <= begin:
        return None
    title = ", ".join(
        (
            wording.label(meaning)[language],
            plain(event_name(meaning)[language]),
            wording.period(meaning.onset, meaning.expires, zone)[language],
        )
    )
    whole = last - first
    left, width = (begin - first) / whole, (end - begin) / whole
    return Bar(left, width, level(meaning.severity), meaning.advance, title, outcome.base_id)


def _marks(first: datetime, last: datetime, zone: ZoneInfo) -> list[tuple[float, str]]:
    at = first.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    found = []
    while (at := at + timedelta(hours=1)) < last:
        if at.hour % 6 == 0:
            text = f"{at:%d.%m.}" if at.hour == 0 else f"{at:%H:%M}"
            found.append(((at - first) / (last - first), text))
    return found


# -- what was told, and what was held back --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """What one audience on one channel hears of a warning, and why not."""

    channel: str
    audience: str
    tells: bool
    why: str
    """Key of a text."""
    least: str = ""


def told(policy: Policy, item: SteleItem) -> Iterator[Told]:
    """For each rule of the policy."""
    meaning = Meaning(
        ii=item.ii, group=item.group, urgency=item.urgency, severity=item.severity, certainty=item.certainty,
        onset=item.onset, expires=item.expires, texts={},
    )  # fmt: skip
    for rule in policy.rules:
        least = rule.advance if meaning.advance else rule.warnings
        if rule.tells(meaning):
            yield Told(rule.channel, rule.audience, True, "told")
        elif least == "never":
            yield Told(rule.channel, rule.audience, False, "held-advance" if meaning.advance else "held-never")
        elif meaning.group in rule.except_groups:
            yield Told(rule.channel, rule.audience, False, "held-group")
        else:
            yield Told(rule.channel, rule.audience, False, "held-below", least)


# -- texts ----------------------------------------------------------------------------------------------------------

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def plain(text: str) -> str:
    """An alert's text without control characters, bidi ones included: they would turn or hide the text around it."""
    return "".join(
        character
        for character in text
        if character in "\n\t" or (character not in _TURNING and unicodedata.category(character) != "Cc")
    )


def direction(language: str) -> str:
    return "rtl" if language.partition("-")[0] in RIGHT_TO_LEFT else "ltr"


def languages(items: Iterable[SteleItem], without: str) -> list[str]:
    """The languages beside one in which every warning that holds can be read."""
    sets = [set(item.texts) - {without} for item in items if item.texts]
    return sorted(set.intersection(*sets)) if sets else []


def span(seconds: float) -> str:
    """How long, in short: "40 s", "45 min", "3 h 20 min", "2 d 4 h"."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    minutes = max(0, int(seconds // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

"""What the pages show, worked out of the board: plain values for the templates, no markup.

Nothing here decides who is warned. Where no record is valid any more, a district is `no_data`, whatever stood before.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from markupsafe import Markup, escape

from geofences import District
from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.channels.stele import largest_first
from warnsys.channels.words import in_language
from warnsys.pipeline import CityRules
from warnsys.records import Freshness, Meaning, Outcome, SteleItem, SteleRecord, acknowledgement_key, worst_of
from warnsys.warning.policy import Policy
from warnsys.warning.text import shorten
from warnsys.web.board import Board
from warnsys.web.words import words

Presentation = Literal["calm", "tile", "banner", "full", "no_data"]
OUT_OF_DATE: tuple[Freshness, ...] = "stale", "none"
"""Of data that say nothing of the present."""
LOOK_AGAIN_S = 60
"""How long a page that knows nothing may stand without an answer."""
SHORTEST_TURN_S = 10
CREDIT_CHARS = 120
MOST_STEPS = 100
"""Messages of a warning that are looked back on."""


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
    measures: tuple[str, ...]
    """"Böen um 125 km/h" and the like."""
    certainty: str
    starts_in_s: float
    """Until its onset; negative once it has begun."""
    ends_in_s: float | None

    @property
    def advance(self) -> bool:
        return self.phase == "advance"

    @property
    def over(self) -> bool:
        """Whether its end has passed, also by a record that is older than that; nobody has confirmed it yet."""
        return self.phase == "expired" or (self.ends_in_s is not None and self.ends_in_s <= 0)

    @property
    def later(self) -> bool:
        """Whether it is a warning that is not in force yet."""
        return not self.advance and not self.over and self.starts_in_s > 0

    @property
    def grade(self) -> str:
        """The level's name without its number, which stands beside it."""
        return self.label.rpartition(", ")[0] or self.label

    @property
    def grade_beside_badge(self) -> str:
        """The same of an advance notice without that it is one: its badge says so."""
        name = (self.advance and self.grade.partition(": ")[2]) or self.grade
        return f"{name[:1].upper()}{name[1:]}"


@dataclass(frozen=True, slots=True)
class View:
    """One district as a page shows it."""

    district: District
    record: SteleRecord | None
    """None where nothing reliable is known."""
    status: str
    level: int
    """Of the worst warning, or of the worst advance notice where nothing else stands; 0 for none."""
    advance: bool
    """Whether only advance notices stand."""
    later: str
    """From when on the worst warning is in force, where that lies ahead: "ab 05:20"; "" where it is."""
    presentation: Presentation
    summary: str
    stand: str
    fresh: bool
    remaining_s: float
    """How long the page may show it without hearing anything."""
    items: tuple[Item, ...]
    """The first is shown largest."""

    @property
    def first(self) -> Item | None:
        """What a screen shows largest, in its own level, words and times; None where nothing holds."""
        return self.items[0] if self.items and self.items[0].phase != "expired" else None


def district_view(board: Board, city: CityRules, district: District, language: str) -> View:
    record = board.stele(district.id)
    if record is None:
        return View(district, None, "no_data", 0, False, "", "no_data", "", "", False, 0, ())
    now, worst = board.now(), worst_of(record.items)
    items = tuple(_item(one, language, now, city.place.timezone) for one in largest_first(record.items, now))
    # What is stale or incomplete is never calm.
    status = "no_data" if record.status == "clear" and record.freshness != "fresh" else record.status
    presentation: Presentation = "calm" if status == "clear" else "no_data"
    if worst or (items and record.freshness not in OUT_OF_DATE):  # whether what has expired is over, nobody knows then
        presentation = items[0].record.presentation
    return View(
        district,
        record,
        status,
        worst.level if worst else 0,
        worst is not None and worst.phase == "advance",
        _later(items, now, city.place.timezone, language),
        presentation,
        without_control_characters(in_language(record.summary, language)),
        wording.freshness(record.freshness, record.as_of, city.place.timezone)[language],
        record.freshness == "fresh",
        board.remaining(record).total_seconds(),
        items,
    )


def _later(items: Iterable[Item], now: datetime, zone: ZoneInfo, language: str) -> str:
    standing = [one for one in items if not one.advance and one.phase != "expired"]
    level_of_worst = max((one.level for one in standing), default=0)
    worst = [one for one in standing if one.level == level_of_worst]
    if not worst or not all(one.later for one in worst):
        return ""
    begin = min(one.record.onset for one in worst)
    today = wording.same_day(begin, now, zone)
    when = wording.clock(begin, zone)[language] if today else wording.moment(begin, zone, language)
    return words(language)("from-when", when=when)


@dataclass(frozen=True, slots=True)
class LastKnown:
    """What was last known to hold in a district and has not ended by its own end: for a screen without data."""

    items: tuple[Item, ...]
    stand: str
    """The time of these data, without its day while that is today."""
    whole_stand: str
    """The same with its day."""
    today_s: int
    """How long it is still today."""


def last_known_in(board: Board, city: CityRules, district: District, language: str) -> LastKnown | None:
    """Of the last record, however old; None where nothing was warned of."""
    record, now, zone = board.steles.get(district.id), board.now(), city.place.timezone
    standing = [
        one
        for one in (record.items if record else ())
        if one.phase != "expired" and (one.expires is None or one.expires > now)
    ]
    if record is None or not standing:
        return None
    at, whole = record.as_of or record.issued, wording.moment(record.as_of or record.issued, zone, language)
    local = now.astimezone(zone)
    items = (_item(one, language, now, zone) for one in largest_first(standing, now))
    return LastKnown(
        tuple(replace(one, when=in_language(one.record.when, language)) for one in items),  # "heute" would grow old
        wording.clock(at, zone)[language] if wording.same_day(at, now, zone) else whole,
        whole,
        86_400 - (local.hour * 60 + local.minute) * 60 - local.second,
    )


def _item(one: SteleItem, language: str, now: datetime, zone: ZoneInfo) -> Item:
    return Item(
        one,
        one.phase,
        one.level,
        in_language(one.label, language),
        without_control_characters(in_language(one.event, language)),
        with_day(in_language(one.when, language), one.onset, now, zone, language),
        one.height.get(language, ""),
        shorten(without_control_characters(in_language(one.credit, language)), CREDIT_CHARS),
        tuple(without_control_characters(in_language(measure.words, language)) for measure in one.measures),
        words(language)(f"certainty-{one.certainty.lower()}"),
        (one.onset - now).total_seconds(),
        None if one.expires is None else (one.expires - now).total_seconds(),
    )


def with_day(when: str, onset: datetime, now: datetime, zone: ZoneInfo, language: str) -> str:
    """The period with "heute" or "morgen" before its date, which stays: a text may be read after midnight."""
    days = (onset.astimezone(zone).date() - now.astimezone(zone).date()).days
    return words(language)("today" if days == 0 else "tomorrow", when=when) if days in (0, 1) else when


@dataclass(frozen=True, slots=True)
class Remembered:
    """A warning of the last record of districts of which nothing is known any more."""

    item: Item
    districts: tuple[str, ...]
    stand: str


def last_known(board: Board, city: CityRules, language: str) -> list[Remembered]:
    """What stood when a city's records ended, worst first: it may still hold."""
    found: dict[str, tuple[Item, list[str], str]] = {}
    now, zone = board.now(), city.place.timezone
    for district in city.place.districts:
        record = board.steles.get(district.id)
        if record is None or board.stele(district.id):
            continue
        for one in record.items:
            item = _item(one, language, now, zone)
            stand = wording.moment(record.issued, zone, language)
            found.setdefault(one.base_id, (item, [], stand))[1].append(district.name)
    hearings = [Remembered(item, tuple(names), stand) for item, names, stand in found.values()]
    return sorted(hearings, key=lambda one: (one.item.advance, -one.item.level))


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
    changed: str
    """What its newest message changed, and when; before that the last raise, until somebody has seen it."""


def holdings(board: Board, city: CityRules, views: Iterable[View], language: str) -> list[Holding]:
    """What holds in a city, each warning once: what is in force first, and of that the worst."""
    views = list(views)
    found: dict[tuple[str, str, str], tuple[Item, list[str]]] = {}
    for view in views:
        for item in view.items:
            key = item.record.base_id, item.record.ii, item.phase
            found.setdefault(key, (item, []))[1].append(view.district.name)
    hearings = []
    for item, names in found.values():
        done = board.acknowledged.get(acknowledgement_key(city.place.id, item.record.base_id, item.level))
        if done or item.advance or item.phase == "expired" or item.level < level("Severe"):
            changed = change(board, city, item.record.base_id, language)
        else:
            changed = change_unseen(board, city, item.record.base_id, language)
        whole = len(names) == len(views) > 1
        hearings.append(Holding(item, tuple(names), whole, done.by if done else "", loud(item.record), changed))
    return sorted(hearings, key=lambda one: (*_how_near(one.item), -one.item.level))


def _how_near(item: Item) -> tuple[bool, bool, bool]:
    return item.phase == "expired", item.advance, item.later


def loud(item: SteleItem) -> bool:
    """Whether a warning has to be announced until somebody acknowledges it: Severe or worse, near its onset."""
    return item.level >= level("Severe") and item.presentation == "full"


def waiting(board: Board, city: CityRules) -> Iterator[tuple[SteleItem, datetime]]:
    """The loud warnings that nobody has acknowledged, each once, and since when each of them has been waiting."""
    near, seen = timedelta(minutes=city.policy.near_onset_min), set[tuple[str, int]]()
    for district in city.place.districts:
        record = board.stele(district.id)
        for item in record.items if record else ():
            done = acknowledgement_key(city.place.id, item.base_id, item.level) in board.acknowledged
            if loud(item) and not done and (item.base_id, item.level) not in seen:
                seen.add((item.base_id, item.level))
                yield item, max(board.known_since.get(item.base_id, item.onset - near), item.onset - near)


# -- what changed ---------------------------------------------------------------------------------------------------


def change(board: Board, city: CityRules, base_id: str, language: str) -> str:
    """What a message changed of the one before it, and when: "aktualisiert 13:52: hochgestuft, länger"."""
    outcome = board.outcome(base_id)
    if outcome is None or outcome.sent is None:
        return ""
    t, time = words(language), wording.moment(outcome.sent, city.place.timezone, language)
    if (before := _replaced(board, outcome)) is None:
        return t("new-since", time=time)
    what = changed_between(before, outcome)
    return t("updated", time=time, what=", ".join(t(f"change-{one}") for one in what) or t("change-texts"))


def change_unseen(board: Board, city: CityRules, base_id: str, language: str) -> str:
    """The same of a warning that waits to be seen: its last raise since it was seen comes first.

    That it is new, or was made a warning of an advance notice, counts as a raise.
    """
    newest, outcome = change(board, city, base_id, language), board.outcome(base_id)
    for _ in range(MOST_STEPS):
        if outcome is None:
            break
        before = _replaced(board, outcome)
        if before is None or _raised(before, outcome):
            largest = change(board, city, outcome.base_id, language)
            return newest if largest == newest else f"{largest}; {newest}"
        if _is_seen(board, city, before):
            break
        outcome = before
    return newest


def _replaced(board: Board, outcome: Outcome) -> Outcome | None:
    """The newest warning that a message replaced, of those that are known."""
    before = [known for name in outcome.supersedes if (known := board.outcomes.get(name)) and known.meanings]
    return max(before, key=lambda one: one.sent.timestamp() if one.sent else 0, default=None)


def _raised(before: Outcome, after: Outcome) -> bool:
    return not {"raised", "warning"}.isdisjoint(changed_between(before, after))


def _is_seen(board: Board, city: CityRules, outcome: Outcome) -> bool:
    levels = {level(one.severity) for one in outcome.meanings}
    return any(acknowledgement_key(city.place.id, outcome.base_id, one) in board.acknowledged for one in levels)


def changed_between(before: Outcome, after: Outcome) -> list[str]:
    """What is another between two messages of a chain, as keys of texts."""
    if not after.meanings:
        return ["ended"]
    if not before.meanings:
        return []
    one, other = (max(o.meanings, key=lambda m: (not m.advance, level(m.severity))) for o in (before, after))
    found = []
    if one.advance != other.advance:
        found.append("warning" if one.advance else "advance")
    if (risen := level(other.severity) - level(one.severity)) != 0:
        found.append("raised" if risen > 0 else "lowered")
    if event_name(one) != event_name(other):
        found.append("event")
    if one.onset != other.onset and (after.sent is None or max(one.onset, other.onset) > after.sent):  # both began
        found.append("later" if other.onset > one.onset else "earlier")
    if one.expires != other.expires:
        longer = other.expires is None or (one.expires is not None and other.expires > one.expires)
        found.append("longer" if longer else "shorter")
    places = [{i.district for m in o.meanings for i in m.impacts} for o in (before, after)]
    if places[0] != places[1]:
        found.append("more" if places[0] < places[1] else "fewer" if places[0] > places[1] else "elsewhere")
    return found


# -- what was told, and what was held back --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hearing:
    """What one audience on one channel hears of a warning, and why not."""

    channel: str
    audience: str
    tells: bool
    why: str
    """Key of a text; "" where it is told."""
    least: str = ""


def hearings(policy: Policy, item: SteleItem) -> Iterator[Hearing]:
    """For each rule of the policy."""
    meaning = Meaning(
        ii=item.ii, group=item.group, urgency=item.urgency, severity=item.severity, certainty=item.certainty,
        onset=item.onset, expires=item.expires, texts={},
    )  # fmt: skip
    for rule in policy.rules:
        least = rule.advance if meaning.advance else rule.warnings
        if rule.tells(meaning):
            yield Hearing(rule.channel, rule.audience, True, "")
        elif least == "never":
            yield Hearing(rule.channel, rule.audience, False, "held-advance" if meaning.advance else "held-never")
        elif meaning.group in rule.except_groups:
            yield Hearing(rule.channel, rule.audience, False, "held-group")
        else:
            yield Hearing(rule.channel, rule.audience, False, "held-below", least)


# -- texts ----------------------------------------------------------------------------------------------------------

_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def without_control_characters(text: str) -> str:
    """An alert's text without control characters, bidi ones included: they would turn or hide the text around it."""
    if text.isprintable():  # such characters are not
        return text
    return "".join(
        character
        for character in text
        if character in "\n\t" or (character not in _TURNING and unicodedata.category(character) != "Cc")
    )


_TOGETHER = re.compile(
    r"\b(?:Stufe|level) [1-4] (?:von|of) 4\b"
    r"|\b[0-2][0-9]:[0-5][0-9] Uhr\b"
    r"|\b(?:Mo|Di|Mi|Do|Fr|Sa|So) [0-3][0-9]\.[01][0-9]\.|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [0-9]{1,2} [A-Z][a-z]{2}\b",
    re.IGNORECASE,
)


def unbroken(text: str) -> Markup:
    """A text of ours in which a level, a time and a date each stay on one line."""
    return Markup(_TOGETHER.sub(r'<span class="whole">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped


_UNIT = re.compile(
    r"(?<=[0-9]) (?=(?:km/h|km|m/s|mm|cm|m|l/m²|l/qm|kn|hPa|°C|°F|°|%|Grad|Metern?|metres"
    r"|Uhr|Std\.|min|h|s|كم|км/год|км|м)(?!\w))"
)


def measured(text: str) -> str:
    """A text for a page in which no line ends between a number and its unit."""
    return _UNIT.sub("\u00a0", text)


def span(seconds: float) -> str:
    """How long, in short: "40 s", "45 min", "3 h 20 min", "2 d 4 h"."""
    if seconds < 60:
        return f"{max(0, int(seconds))} s"
    minutes = max(0, int(seconds // 60))
    days, hours, minutes = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"

"""The timeline of the operators' page: what held, holds and will hold, in a lane a warning, scaled to what is shown.

A warning is a message with those that it replaced. So many lanes are drawn as can be read: what holds, the worst first,
what comes, and what ended in the last hours; where there are too many, those of a low level are left out. Of those that
look alike one is drawn: a burst has thousands.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import inf
from typing import NamedTuple
from zoneinfo import ZoneInfo

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.pipeline import CityRules
from warnsys.records import Meaning, Outcome
from warnsys.warning.text import shorten
from warnsys.web.board import Board
from warnsys.web.once import OfPicture, Once
from warnsys.web.views import without_control_characters
from warnsys.web.words import words

BEFORE, AFTER = timedelta(hours=24), timedelta(hours=48)
"""No further back and ahead than this."""
LEAST_BEFORE, LEAST_AFTER = timedelta(hours=2), timedelta(hours=6)
ENDED = timedelta(hours=12)
"""How long a warning that is over is drawn."""
MOST_LANES, ENDED_LANES = 6, 2
"""What ended has so many of them, or those that nothing else needs."""
MOST_BARS = 100
"""In a lane, the newest."""
MOST_MARKS = 13
MOST_ENDED = 10
"""Of one district's page."""
NAME_CHARS = 36


@dataclass(frozen=True, slots=True)
class Bar:
    """What one message said; `left` and `width` as parts of the whole, 0 to 1."""

    left: float
    width: float
    level: int
    advance: bool
    title: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One warning."""

    base_id: str
    """Of its newest message."""
    name: str
    title: str
    over: bool
    bars: tuple[Bar, ...]
    """In the order in which they are drawn."""


@dataclass(frozen=True, slots=True)
class Lanes:
    """`now` and the places of the marks as parts of the whole, 0 to 1."""

    lanes: tuple[Lane, ...]
    more: int
    """Warnings that have no lane."""
    now: float
    marks: tuple[tuple[float, str], ...]


class _Span(NamedTuple):
    """A bar before it has words; moments in seconds since 1970, which compare in a tenth of the time."""

    begin: float
    end: float
    level: int
    advance: bool
    meaning: Meaning
    base_id: str
    sent: float


def timeline(board: Board, city: CityRules, language: str, district: str = "") -> Lanes:
    """What stood in the last day and will stand in the next two, as far as there is room; in one district or in all."""
    now, zone = board.now(), city.place.timezone
    at = now.timestamp()
    places = {each.id for each in city.place.districts if district in ("", each.id)}
    alike = {_look(spans): spans for spans in _warnings(board, places, at)}
    current = sorted((one for one in alike.values() if _end(one) > at), key=lambda one: _order(one, at))
    ended = sorted((one for one in alike.values() if at >= _end(one) > at - ENDED.total_seconds()), key=_end)[::-1]
    room = max(ENDED_LANES, MOST_LANES - len(current))
    worst = sorted(current, key=lambda one: _order(one, at)[1])[: MOST_LANES - min(room, len(ended))]
    drawn = set(map(id, worst))
    shown = [one for one in current if id(one) in drawn] + ended[:room]
    begins = [span.begin for spans in shown for span in spans]
    ends = [span.end for spans in shown for span in spans if span.end < inf]
    first = max(at - BEFORE.total_seconds(), min([*begins, at - LEAST_BEFORE.total_seconds()]))
    last = min(at + AFTER.total_seconds(), max([*ends, at + LEAST_AFTER.total_seconds()]))
    lanes = [_lane(spans, at, first, last, zone, language) for spans in shown]
    more = len(current) + len(ended) - len(shown)
    return Lanes(tuple(lanes), more, (at - first) / (last - first), tuple(_marks(first, last, zone)))


def ended_in(board: Board, city: CityRules, district: str, language: str) -> list[tuple[str, str]]:
    """What `_ended` gives, the newest first, each with when it was ended before its time, or ""."""
    zone, at = city.place.timezone, board.now().timestamp()
    alike = {_look(spans): spans for spans in _ended(board, district)}
    newest = sorted(alike.values(), key=_end, reverse=True)[:MOST_ENDED]
    return [(_title(_newest(spans), zone, language), _early(spans, at, zone, language)) for spans in newest]


def has_ended_in(board: Board, district: str) -> bool:
    """Whether `ended_in` tells something: then dangers may remain."""
    return any(True for _ in _ended(board, district))


def _ended(board: Board, district: str) -> Iterator[list[_Span]]:
    """What ended in a district in the last hours.

    What still stands there is not in it, nor what has expired and is not yet confirmed, nor what the district's record
    does not yet know of. A record that has more than it tells says of nothing that it ended.
    """
    at, record = board.now().timestamp(), board.stele(district)
    if record is None or record.more:
        return
    standing = {item.base_id for item in record.items}
    for spans in _warnings(board, {district}, at):
        if at >= _end(spans) > at - ENDED.total_seconds() and all(
            span.base_id not in standing and board.considered(record, span.base_id) for span in spans
        ):
            yield spans


def _early(spans: Iterable[_Span], now: float, zone: ZoneInfo, language: str) -> str:
    """When a message ended a warning before its time; "" where it expired, or where that time is not known."""
    expires, end = _newest(spans).meaning.expires, _end(spans)
    if end >= now or (expires and end >= expires.timestamp()):
        return ""
    return wording.moment(datetime.fromtimestamp(end, UTC), zone, language)


def _look(spans: Iterable[_Span]) -> frozenset[tuple[float, float, int, bool, str]]:
    return frozenset((one.begin, one.end, one.level, one.advance, one.meaning.ii or one.meaning.group) for one in spans)


def _end(spans: Iterable[_Span]) -> float:
    return max(span.end for span in spans)


def _order(spans: Iterable[_Span], now: float) -> tuple[bool, int, float]:
    """What holds first, then what is worse, then what begins earlier."""
    holding = [span for span in spans if span.begin <= now < span.end and not span.advance]
    left = holding or [span for span in spans if span.end > now]
    return not holding, -max(span.level for span in left), min(span.begin for span in left)


class _Part(NamedTuple):
    """What a lane needs of a meaning."""

    level: int
    onset: float
    expires: float
    advance: bool
    meaning: Meaning
    districts: frozenset[str]


def _part(meaning: Meaning) -> _Part:
    expires = meaning.expires.timestamp() if meaning.expires else inf
    districts = frozenset(impact.district for impact in meaning.impacts)
    return _Part(level(meaning.severity), meaning.onset.timestamp(), expires, meaning.advance, meaning, districts)


class _Message(NamedTuple):
    base_id: str
    supersedes: tuple[str, ...]
    sent: float
    """0 where that is not known."""
    parts: tuple[_Part, ...]
    look: frozenset[object]
    """Of two that have the same, no lane tells which is which."""


def _worked_out(outcome: Outcome) -> _Message:
    sent, parts = outcome.sent.timestamp() if outcome.sent else 0.0, tuple(map(_part, outcome.meanings))
    look = frozenset((*one[:4], one.meaning.ii or one.meaning.group, one.districts) for one in parts)
    return _Message(outcome.base_id, outcome.supersedes, sent, parts, look)


_PARTS = Once(_worked_out)


class _Messages(NamedTuple):
    """Those of a picture that warn somebody."""

    warning: list[_Message]
    naming: dict[str, list[_Message]]
    """Those that warn a district, by its id."""
    replaced: dict[str, float]
    """When each was replaced, by base id."""
    ended: dict[str, float]
    """When each was told to have ended, or was first missing from a district's record, by base id."""
    leaders: dict[str, str]
    """Of each that replaced another one, or was replaced, the one that stands for all of them; itself for that one."""


def _messages(board: Board) -> _Messages:
    known = [_PARTS.of(outcome) for outcome in board.outcomes.values()]
    replacing = [one for one in known if one.supersedes]
    replaced = {base_id: one.sent for one in replacing for base_id in one.supersedes}
    ended = {one.cause: one.issued.timestamp() for one in reversed(board.notices) if one.kind == "ended"}
    ended |= {base_id: at.timestamp() for base_id, at in board.gone_at.items()}
    steps = _leaders(replacing)
    joined = {*replaced, *(one.base_id for one in replacing)}
    leaders = {base_id: _leader(steps, base_id) for base_id in joined}
    warning = [one for one in known if one.parts]
    naming: dict[str, list[_Message]] = defaultdict(list)
    for one in warning:
        for district in frozenset().union(*(part.districts for part in one.parts)):
            naming[district].append(one)
    return _Messages(warning, naming, replaced, ended, leaders)


_MESSAGES = OfPicture(_messages)


def _warnings(board: Board, places: AbstractSet[str], now: float) -> list[list[_Span]]:
    """The spans of each warning in some districts of a city; messages that replace one another are one warning.

    Of messages alone that look alike, the last is taken for all.
    """
    known = _MESSAGES.of(board)
    records = {district: board.stele(district) for district in places}
    # a record that has more than it tells says of no warning that it stands no more
    full = {place: record for place, record in records.items() if record and not record.more}
    standing = {item.base_id for record in full.values() for item in record.items}
    oldest = min(full.values(), key=lambda record: record.issued, default=None)
    only = next(iter(places)) if len(places) == 1 else ""
    chosen = dict[object, tuple[_Message, bool]]()
    for message in known.naming.get(only, []) if only else known.warning:
        base_id = message.base_id
        unlisted = oldest is not None and base_id not in standing and board.considered(oldest, base_id)
        chosen[base_id if base_id in known.leaders else (message.look, unlisted)] = message, unlisted
    found: dict[str, list[_Span]] = defaultdict(list)
    first, last = now - BEFORE.total_seconds(), now + AFTER.total_seconds()
    for (base_id, _, sent, parts, _), unlisted in chosen.values():
        replaced_at = inf if base_id in standing else known.replaced.get(base_id) or inf
        for part in parts:
            if part.onset >= last or part.districts.isdisjoint(places):
                continue
            end = min(replaced_at, part.expires)
            if unlisted and end > now and part.districts & places <= full.keys():
                end = min(now, known.ended.get(base_id, now))  # it stands no more: withdrawn, or whatever else ended it
            if end > part.onset and end > first:
                span = _Span(part.onset, end, part.level, part.advance, part.meaning, base_id, sent)
                found[known.leaders.get(base_id, base_id)].append(span)
    return list(found.values())


def _leaders(messages: Iterable[_Message]) -> dict[str, str]:
    """For each message that is joined to another one, a step towards the one that stands for all of them."""
    leaders: dict[str, str] = {}
    for message in messages:
        for other in message.supersedes:
            one, two = _leader(leaders, message.base_id), _leader(leaders, other)
            if one != two:
                leaders[two] = one
    return leaders


def _leader(leaders: dict[str, str], name: str) -> str:
    found = name
    while (further := leaders.get(found)) is not None:
        found = further
    while name != found:  # the next one that asks has one step
        leaders[name], name = found, leaders[name]
    return found


def _newest(spans: Iterable[_Span]) -> _Span:
    return max(spans, key=lambda one: (one.sent, not one.advance, one.level))


def _lane(spans: list[_Span], now: float, first: float, last: float, zone: ZoneInfo, language: str) -> Lane:
    newest = _newest(spans)
    kept = sorted(spans, key=lambda one: one.sent)[-MOST_BARS:]
    bars = [
        Bar(
            (max(one.begin, first) - first) / (last - first),
            (min(one.end, last) - max(one.begin, first)) / (last - first),
            one.level, one.advance, _title(one, zone, language),
        )
        for one in sorted(kept, key=lambda one: (not one.advance, one.level))
        if min(one.end, last) > max(one.begin, first)
    ]  # fmt: skip
    event = without_control_characters(event_name(newest.meaning)[language])
    notice = f"{words(language)('advance-brief')} " if newest.advance else ""
    name = shorten(f"{notice}{newest.level}/4 {event}", NAME_CHARS)
    return Lane(newest.base_id, name, _title(newest, zone, language), _end(spans) <= now, tuple(bars))


def _title(span: _Span, zone: ZoneInfo, language: str) -> str:
    meaning = span.meaning
    event = without_control_characters(event_name(meaning)[language])
    period = wording.period(meaning.onset, meaning.expires, zone)[language]
    return ", ".join((wording.label(meaning)[language], event, period))


def _marks(first: float, last: float, zone: ZoneInfo) -> Iterable[tuple[float, str]]:
    """As many as can be read, at whole hours."""
    hours = (last - first) / 3600
    step = next(one for one in (1, 2, 3, 6, 12) if hours / one <= MOST_MARKS)
    at = datetime.fromtimestamp(first, UTC).astimezone(zone).replace(minute=0, second=0, microsecond=0)
    while (at := at + timedelta(hours=1)).timestamp() < last:
        if at.hour % step == 0:
            text = f"{at:%d.%m.}" if at.hour == 0 else f"{at:%H:%M}"
            yield (at.timestamp() - first) / (last - first), text

"""The timeline of the operators' page: what held, holds and will hold, in a lane a district.

A lane draws what can be seen in it, worst on top, and so many bars at most: a day with thousands of messages would make
a page of megabytes that nobody can read.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import inf
from operator import itemgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.pipeline import CityRules
from warnsys.records import Meaning, Outcome
from warnsys.web.board import Board
from warnsys.web.once import Once
from warnsys.web.views import without_control_characters

BEFORE, AFTER = timedelta(hours=24), timedelta(hours=48)
MOST_BARS = 100
"""In a lane."""


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
    """In the order in which they are drawn."""


class _Span(NamedTuple):
    """A bar before it has words; moments in seconds since 1970, which compare in a tenth of the time."""

    level: int
    begin: float
    end: float
    advance: bool
    meaning: Meaning
    base_id: str

    def hides(self, other: "_Span") -> bool:
        """Whether the other, drawn before it, cannot be seen. An advance notice is drawn thinner than a warning."""
        covers = self.begin <= other.begin and self.end >= other.end
        return covers and (not self.advance or other.advance)


def timeline(board: Board, city: CityRules, language: str) -> tuple[list[Lane], float, list[tuple[float, str]]]:
    """Lanes a district over the last 24 and the coming 48 hours; where now is; and marks every six hours."""
    now, zone = board.now(), city.place.timezone
    first, last = now - BEFORE, now + AFTER
    spans = _spans(board, city, now.timestamp(), first.timestamp(), last.timestamp())
    lanes = []
    for district in city.place.districts:
        bars = [_bar(one, first.timestamp(), last.timestamp(), zone, language) for one in _seen(spans[district.id])]
        lanes.append(Lane(district.short_name, tuple(bars)))
    return lanes, (now - first) / (last - first), _marks(first, last, zone)


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


def _worked_out(outcome: Outcome) -> tuple[Outcome, float, list[_Part]]:
    """With it when it was sent; 0 where that is not known."""
    sent = outcome.sent.timestamp() if outcome.sent else 0.0
    return outcome, sent, [_part(meaning) for meaning in outcome.meanings]


_PARTS = Once(_worked_out)


def _spans(board: Board, city: CityRules, now: float, first: float, last: float) -> dict[str, list[_Span]]:
    """By district, from when to when each warning holds within a time; of those that look alike, one."""
    known = [_PARTS.of(outcome) for outcome in board.outcomes.values()]
    replaced = {base_id: sent for outcome, sent, _ in known for base_id in outcome.supersedes}
    spans: dict[str, dict[tuple[int, float, float, bool], _Span]] = {each.id: {} for each in city.place.districts}
    standing = {district: board.stele(district) for district in spans}
    # a record that has more than it tells says of no warning that it stands no more
    full = {place: record for place, record in standing.items() if record and not record.more}
    holds = {place: {item.base_id for item in record.items} for place, record in full.items()}
    alike: dict[tuple[int, float, float, bool, frozenset[str], frozenset[str]], tuple[Meaning, str]] = {}
    """By how a warning looks, where it was given and where it stands no more: a burst has thousands that look alike."""
    for outcome, _, parts in known:
        gone, name = replaced.get(outcome.base_id) or last, outcome.base_id
        # over where it stands no more: withdrawn, or whatever else ended it
        over = frozenset([district for district, ids in holds.items() if name not in ids])
        for part in parts:
            begin, end = max(part.onset, first), min(gone, last, part.expires)
            if end > begin:
                alike[part.level, begin, end, part.advance, part.districts, over] = part.meaning, name
    for (worst, begin, end, advance, districts, over), (meaning, name) in alike.items():
        for district in districts:
            until = min(end, now) if district in over else end
            if until > begin and district in spans:
                look = worst, begin, until, advance
                spans[district][look] = _Span(*look, meaning, name)
    return {district: list(found.values()) for district, found in spans.items()}


def _seen(spans: Iterable[_Span]) -> list[_Span]:
    """What can be seen in a lane, as it is drawn: the worst last."""
    kept: list[_Span] = []
    for span in sorted(spans, key=itemgetter(0, 1, 2), reverse=True):
        if len(kept) == MOST_BARS:
            break
        if not any(above.hides(span) for above in kept):
            kept.append(span)
    return kept[::-1]


def _bar(span: _Span, first: float, last: float, zone: ZoneInfo, language: str) -> Bar:
    meaning, whole = span.meaning, last - first
    title = ", ".join(
        (
            wording.label(meaning)[language],
            without_control_characters(event_name(meaning)[language]),
            wording.period(meaning.onset, meaning.expires, zone)[language],
        )
    )
    left, width = (span.begin - first) / whole, (span.end - span.begin) / whole
    return Bar(left, width, span.level, meaning.advance, title, span.base_id)


def _marks(first: datetime, last: datetime, zone: ZoneInfo) -> list[tuple[float, str]]:
    at = first.astimezone(zone).replace(minute=0, second=0, microsecond=0)
    found = []
    while (at := at + timedelta(hours=1)) < last:
        if at.hour % 6 == 0:
            text = f"{at:%d.%m.}" if at.hour == 0 else f"{at:%H:%M}"
            found.append(((at - first) / (last - first), text))
    return found

"""The operators' orders as a story: each stop and resume with who, why and when, and what the stop held back."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from warnsys.cap.model import level
from warnsys.channels.events import event_name
from warnsys.channels.registry import channel_of
from warnsys.pipeline import CityRules
from warnsys.records import ChannelPause, Outcome
from warnsys.web.board import Board
from warnsys.web.orders import Ordered
from warnsys.web.views import changed_between, without_control_characters

MOST_HELD = 100
"""Of one stop, the newest."""


@dataclass(frozen=True, slots=True)
class HeldBack:
    """A message that came while a channel was stopped, and that its audiences would have heard of."""

    at: datetime
    base_id: str
    event: str
    level: int
    """0 for an end."""
    audiences: tuple[str, ...]
    told: datetime | None
    """When the channel told it after all."""
    advance: bool = False


@dataclass(frozen=True, slots=True)
class StopStory:
    """One order of the report: to stop a channel, or to resume it."""

    stop: ChannelPause
    resumes: bool
    confirmed: datetime | None
    """When the agents of all cities had said that it is done."""
    held: tuple[HeldBack, ...]
    """What came until the channel was to speak again."""


def stop_stories(board: Board, since: datetime, language: str) -> list[StopStory]:
    """The orders that were given after `since`, or still held then, in their order."""
    log = sorted(board.stop_log, key=lambda one: one.at)
    found = []
    for number, stop in enumerate(log):
        resumes = stop.until <= stop.at
        later = next((one.at for one in log[number + 1 :] if one.channel == stop.channel), None)
        until = min(later or stop.until, stop.until)
        if (stop.at if resumes else until) < since:
            continue
        held = () if resumes else tuple(_held_back(board, stop, until, language))[-MOST_HELD:]
        found.append(StopStory(stop, resumes, _confirmed(board, stop, stopped=not resumes), held))
    return found


def _confirmed(board: Board, stop: ChannelPause, *, stopped: bool) -> datetime | None:
    said: dict[str, datetime] = {}
    for one in board.answers:
        if one.channel == stop.channel and one.ordered == stop.at and one.stopped == stopped:
            said[one.city] = min(one.at, said.get(one.city, one.at))
    return max(said.values()) if said and said.keys() >= board.cities.keys() else None


def _held_back(board: Board, stop: ChannelPause, until: datetime, language: str) -> Iterator[HeldBack]:
    later = sorted(
        (one for one in board.notices if channel_of(one) == stop.channel and one.issued >= stop.at),
        key=lambda one: one.issued,
    )
    came = [one for one in board.outcomes.values() if stop.at <= board.known_since[one.base_id] < until]
    for outcome in sorted(came, key=lambda one: board.known_since[one.base_id]):
        before = [known for name in outcome.supersedes if (known := board.outcome(name)) and known.meanings]
        if before and outcome.meanings and not changed_between(before[-1], outcome):
            continue
        for city in board.cities.values():
            if audiences := _audiences(city, stop.channel, outcome if outcome.meanings else None, before):
                meanings = outcome.meanings or [meaning for one in before for meaning in one.meanings]
                said = max(meanings, key=lambda one: level(one.severity))
                told = next((one.issued for one in later if one.cause == outcome.base_id), None)
                event = without_control_characters(event_name(said)[language])
                rank = level(said.severity) if outcome.meanings else 0
                came_at = board.known_since[outcome.base_id]
                yield HeldBack(came_at, outcome.base_id, event, rank, audiences, told, said.advance)


def _audiences(city: CityRules, channel: str, now: Outcome | None, before: Iterable[Outcome]) -> tuple[str, ...]:
    """Those in a city who would have heard of a message; of an end, those who heard of what it ends."""
    meanings = [
        meaning
        for one in ((now,) if now else before)
        for meaning in one.meanings
        if any(impact.city == city.place.id for impact in meaning.impacts)
    ]
    rules = [rule for rule in city.policy.rules if rule.channel == channel]
    return tuple(dict.fromkeys(rule.audience for rule in rules if any(rule.tells(one) for one in meanings)))


def held_now(stories: Iterable[StopStory], orders: Iterable[Ordered]) -> Mapping[str, tuple[HeldBack, ...]]:
    """By channel that is stopped now, what its order has held back so far."""
    acting = {one.stop.channel: one.stop.at for one in orders if one.state == "stopped"}
    return {one.stop.channel: one.held for one in stories if acting.get(one.stop.channel) == one.stop.at}

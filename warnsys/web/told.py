"""Who was told of what holds: each warning by channel and audience.

It is read from the notices that went out, never guessed from the policy: the policy only says why nobody was told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, cast

from warnsys.cap.model import Severity, level
from warnsys.channels.registry import channel_of
from warnsys.pipeline import CityRules
from warnsys.records import ChangeNotice
from warnsys.web.board import Board
from warnsys.web.once import OfPicture
from warnsys.web.orders import Ordered
from warnsys.web.views import Hearing, Holding, Item, hearings

MOST_OF_CHAIN = 500
Way = tuple[str, str]
"""Channel and audience."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one audience on one channel knows of a warning."""

    channel: str
    audience: str
    state: Literal["told", "missing", "held", "stopped", "stopping", "resuming"]
    """`missing`: it should be told, and no notice of it is known. `stopped` and the two after it: an operator's order
    is in the way, and what the warning is now was not told."""
    why: str
    """Key of a text."""
    least: str = ""
    at: datetime | None = None
    """When it was told last, also where that was an earlier message of its chain."""
    level: int = 0
    """At which level that was."""

    @property
    def least_level(self) -> int:
        """From which level on it would be told."""
        return 0 if self.least in ("", "never") else level(cast(Severity, self.least))


@dataclass(frozen=True, slots=True)
class Row:
    """One warning of the matrix."""

    one: Holding
    cells: tuple[Cell, ...]


def ways(city: CityRules) -> list[Way]:
    """The columns of the matrix: each channel and audience that the policy knows."""
    return list(dict.fromkeys((rule.channel, rule.audience) for rule in city.policy.rules))


def matrix(board: Board, city: CityRules, holding: Iterable[Holding], orders: Sequence[Ordered]) -> list[Row]:
    """What holds by channel and audience."""
    sent = _SENT.of(board)
    in_the_way = {one.stop.channel: one for one in orders}
    names = {district.name: district.id for district in city.place.districts}
    rows = []
    for one in holding:
        chain = _chain(board, one.item.record.base_id)
        districts = {names[name] for name in one.districts}
        heard: dict[Way, Hearing] = {}
        for each in hearings(city.policy, one.item.record):
            if not ((known := heard.get((each.channel, each.audience))) and known.tells):
                heard[each.channel, each.audience] = each
        cells = []
        for way, hearing in heard.items():
            notices = sent.get((city.place.id, *way, one.item.record.group), ())
            last = _last(notices, one.item, chain, districts, timedelta(minutes=city.policy.retell_after_min))
            since = board.known_since.get(one.item.record.base_id)
            cells.append(_cell(hearing, last, in_the_way.get(hearing.channel), one.item.record.base_id, since))
        rows.append(Row(one, tuple(cells)))
    return rows


def _sent(board: Board) -> dict[tuple[str, str, str, str], list[ChangeNotice]]:
    """The notices by city, channel, audience and event group, the newest first."""
    sent = dict[tuple[str, str, str, str], list[ChangeNotice]]()
    for notice in board.notices:
        sent.setdefault((notice.city, channel_of(notice), notice.audience, notice.group), []).append(notice)
    return sent


_SENT = OfPicture(_sent)


def _chain(board: Board, base_id: str) -> set[str]:
    """Names of a message and of those before it, with and without the mark of a revision."""
    found, open_ = {base_id}, [base_id]
    while open_ and len(found) < MOST_OF_CHAIN:
        outcome = board.outcome(open_.pop())
        new = set(outcome.supersedes if outcome else ()) - found
        found |= new
        open_ += new
    return found | {name.rpartition("~")[0] for name in found if "~" in name}


def _last(
    notices: Iterable[ChangeNotice], item: Item, chain: set[str], districts: set[str], tolerance: timedelta
) -> ChangeNotice | None:
    """The newest notice there of a warning; else of another of its group that said as much, and until its end.

    `tolerance` is by how much an end may move without being told.
    """
    notices = [one for one in notices if not districts.isdisjoint(one.districts)]
    if own := next((one for one in notices if one.cause in chain and one.kind != "ended"), None):
        return own
    for one in () if item.advance else notices:
        if one.kind == "ended":
            return None
        ends = item.record.expires
        begun_before_its_end = ends is None or one.onset < ends
        lasts = one.expires is None or (ends is not None and one.expires + tolerance >= ends)
        if begun_before_its_end and lasts and one.level >= item.level:
            return one
    return None


def _cell(
    hearing: Hearing, last: ChangeNotice | None, order: Ordered | None, base_id: str, since: datetime | None
) -> Cell:
    """An order is in the way of what came after it; what came before it was told, or was no news."""
    at, rank = (last.issued, last.level) if last else (None, 0)
    channel, audience = hearing.channel, hearing.audience
    if order and order.state != "running" and (hearing.tells or last):
        newest = last is not None and (since is None or last.cause == base_id or last.issued >= since)
        earlier = last is not None and order.wanted and since is not None and since < order.stop.at
        if not newest and not earlier:
            return Cell(channel, audience, order.state, f"way-{order.state}", at=at, level=rank)
    if last:
        return Cell(channel, audience, "told", "way-told", at=at, level=rank)
    if hearing.tells:
        return Cell(channel, audience, "missing", "way-missing")
    return Cell(channel, audience, "held", hearing.why, hearing.least)

"""What could not be understood: each once, in the reader's words, for as long as its feed still has it."""

from collections import deque
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from warnsys.records import Outcome

if TYPE_CHECKING:
    from warnsys.web.board import Board

OF_FEEDS = "match"
"""The agent that reads what feeds bring. What another one refused is a record of ours, which no listing ends."""
OURS_STANDS = timedelta(hours=12)
KINDS = {
    "not-xml": ("not-xml",),
    "not-cap": ("not-cap",),
    "unsafe": ("dtd", "encrypted", "too-large", "elements-many", "infos-many", "areas-many", "references-many"),
    "missing": ("missing", "info-missing", "repeated", "repeated-text"),
    "time": ("time", "time-year", "update-over"),
    "area": ("polygon", "circle", "coordinates", "altitude", "heights", "number", "update-unplaced"),
    "references": ("references", "references-cut"),
}
"""Codes of refusals (`warnsys.cap.errors`) by what is said of them on pages, `unreadable-KIND`."""
_KIND_OF = {code: kind for kind, codes in KINDS.items() for code in codes}


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that was refused, with where it stood first and why. It comes again while its feed has it."""

    at: datetime
    reason: str
    agent: str
    key: str
    place: str
    value: bytes
    last: datetime
    """When it came last."""

    @property
    def kind(self) -> str:
        """What is said of it in the reader's language; its reason is the developers'."""
        return kind_of(self.reason)


def kind_of(reason: str) -> str:
    """What is said of a refusal with this reason."""
    code = reason.split(maxsplit=1)[0].rstrip(":") if reason else ""
    return _KIND_OF.get(code, "other")


def note(kept: deque[Rejected], found: Rejected) -> None:
    """Take in a refusal, the newest first; the same one again only tells that it still comes."""
    name = found.key, found.agent, found.reason, found.value
    for at, known in enumerate(kept):
        if (known.key, known.agent, known.reason, known.value) == name:
            kept[at] = replace(known, at=min(known.at, found.at), last=max(known.last, found.last))
            return
    kept.appendleft(found)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A refusal as the pages list it; `number` is its place in the API's list, where its bytes are."""

    number: int
    what: Rejected
    stands: bool
    """Whether the desk lists it now: each message once. What left its feed, or can be read, is gone from there."""
    at: datetime
    """When it was first known of."""
    last: datetime
    """When it came last; in an exercise the same."""
    timed: bool
    """False where only the broker's time is known in an exercise, whose time is the story's: no span leaves it out."""
    outcome: Outcome | None
    """What was decided of it, where an outcome says so."""


def refusals(board: "Board") -> list[Unreadable]:
    """All that was refused, the newest first.

    A message of a feed bears the time of its outcome: in an exercise that one is the story's.
    """
    listed = {name for ids in board.listed.values() for name in ids}
    good = {one.listed_id for one in board.outcomes.values() if one.decided != "rejected"}
    said = {one.listed_id: one for one in board.outcomes.values() if one.decided == "rejected"}
    newest = max((stamps[-1] for stamps in board.history.stamps.values() if stamps), default=None)
    found, standing = list[Unreadable](), set[tuple[str, str]]()
    for number, one in enumerate(board.rejected):
        outcome = said.get(one.key) if one.agent == OF_FEEDS else None
        if one.agent != OF_FEEDS:  # an exercise's time is the story's, not the broker's
            stands = board.exercise or board.now() - one.last < OURS_STANDS
        else:  # what came after the newest listing is not listed yet
            new = newest is None or (one.last > newest and not board.exercise)
            stands = one.key not in good and (one.key in listed or new)
        if stands := stands and (one.agent, one.key) not in standing:
            standing.add((one.agent, one.key))
        at = board.known_since[outcome.base_id] if outcome else one.at
        last = at if board.exercise else max(at, one.last)
        timed = not board.exercise or outcome is not None
        found.append(Unreadable(number, one, stands, at, last, timed, outcome))
    return found


def unreadable(board: "Board") -> list[Unreadable]:
    """What cannot be read now, each message once, the newest first."""
    return [one for one in refusals(board) if one.stands]


def refused_since(board: "Board", since: datetime) -> list[Unreadable]:
    """What was refused after `since`, and what still stands, the newest first."""
    return [one for one in refusals(board) if one.stands or not one.timed or one.last >= since]

"""What is worked out once, of each record or of a picture: a page is asked for more often than a record comes.

Where too much is known, the oldest is forgotten, one by one: to work all of it out anew would hold up every page.
"""

from collections.abc import Callable
from operator import attrgetter
from threading import Lock
from typing import Generic, TypeVar

from warnsys.web.board import MAX_ALERTS, Board

Record = TypeVar("Record")
Value = TypeVar("Value")
MOST_KEPT = 2 * MAX_ALERTS
"""What a board holds, and as much again."""
_LOCK = Lock()


def keep(known: dict[str, Value], name: str, value: Value) -> Value:
    """Adds a value as the newest, and forgets the oldest beyond `MOST_KEPT`. From any thread."""
    with _LOCK:
        known.pop(name, None)
        known[name] = value
        while len(known) > MOST_KEPT:
            del known[next(iter(known))]
    return value


class Once(Generic[Record, Value]):
    """By a field that names the record; worked out anew where another has taken the place. From any thread."""

    def __init__(self, work_out: Callable[[Record], Value], name: str = "base_id") -> None:
        self._work_out, self._name = work_out, attrgetter(name)
        self._known: dict[str, tuple[Record, Value]] = {}

    def of(self, record: Record) -> Value:
        name = self._name(record)
        known = self._known.get(name)
        if known is None or known[0] is not record:
            known = keep(self._known, name, (record, self._work_out(record)))
        return known[1]


class OfPicture(Generic[Value]):
    """Of a picture of the board; of a board that goes on, anew each time. From any thread. Holds the newest picture."""

    def __init__(self, work_out: Callable[[Board], Value]) -> None:
        self._work_out = work_out
        self._known: tuple[Board, Value] | None = None

    def of(self, board: Board) -> Value:
        if not board.pictured_at:
            return self._work_out(board)
        known = self._known
        if known is None or known[0] is not board:
            known = self._known = board, self._work_out(board)
        return known[1]

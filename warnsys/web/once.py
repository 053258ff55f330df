"""What is worked out of each record once: a page is asked for more often than a record comes."""

from collections.abc import Callable
from operator import attrgetter
from typing import Generic, TypeVar

from warnsys.web.board import MAX_ALERTS

Record = TypeVar("Record")
Value = TypeVar("Value")


class Once(Generic[Record, Value]):
    """By a field that names the record; worked out anew where another has taken the place. From any thread."""

    def __init__(self, work_out: Callable[[Record], Value], name: str = "base_id") -> None:
        self._work_out, self._name = work_out, attrgetter(name)
        self._known: dict[str, tuple[Record, Value]] = {}

    def of(self, record: Record) -> Value:
        name = self._name(record)
        known = self._known.get(name)
        if known is None or known[0] is not record:
            if len(self._known) > 2 * MAX_ALERTS:
                self._known.clear()
            known = self._known[name] = record, self._work_out(record)
        return known[1]

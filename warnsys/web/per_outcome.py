"""What is worked out of each outcome once: a page is asked for more often than an outcome comes."""

from collections.abc import Callable
from typing import Generic, TypeVar

from warnsys.records import Outcome
from warnsys.web.board import MAX_ALERTS

Value = TypeVar("Value")


class PerOutcome(Generic[Value]):
    """By base id; worked out anew where another outcome has taken the place. From any thread."""

    def __init__(self, work_out: Callable[[Outcome], Value]) -> None:
        self._work_out = work_out
        self._known: dict[str, tuple[Outcome, Value]] = {}

    def of(self, outcome: Outcome) -> Value:
        known = self._known.get(outcome.base_id)
        if known is None or known[0] is not outcome:
            if len(self._known) > 2 * MAX_ALERTS:
                self._known.clear()
            known = self._known[outcome.base_id] = outcome, self._work_out(outcome)
        return known[1]

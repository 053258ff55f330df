"""Which notices an operator's emergency stop holds back at the gateway (docs/adr/0027).

What waits when a channel is stopped is not sent later. The city's agent holds back what comes after it has answered the
order, and tells anew what counts when the order ends. The broker's stamps tell the two apart, so no clock of a desk
does.
"""

from dataclasses import dataclass, field

from warnsys.records import LONGEST_STOP, ChannelPause, ChannelState, OnActions


@dataclass
class Stops:
    """The newest order for one channel, and what the cities' agents answered. Times are in seconds since 1970."""

    stage: str
    channel: str
    _order: ChannelPause | None = None
    _ordered: float = 0.0
    """When the broker stamped the order."""
    _answers: dict[str, tuple[ChannelState, float]] = field(default_factory=dict)
    """By city, the newest answer, and when the broker stamped the first one to the same order."""

    def take(self, action: OnActions, appended: float) -> bool:
        """Takes a record of `ops.actions`. Gives whether it may hold something back, or let it go."""
        if action.stage != self.stage or not isinstance(action, ChannelPause | ChannelState):
            return False
        if action.channel != self.channel:
            return False
        if isinstance(action, ChannelPause):
            if self._order and action.at <= self._order.at:
                return False
            self._order, self._ordered = action, appended
            return True
        known, first = self._answers.get(action.city, (None, appended))
        if known and action.ordered < known.ordered:
            return False
        same = known is not None and action.ordered == known.ordered
        self._answers[action.city] = action, first if same else appended
        return True

    def holds(self, city: str, appended: float, now: float) -> bool:
        """Says whether a notice of a city, which the broker stamped then, must not be sent any more."""
        if self._order is None:
            return False
        if appended < self._ordered:
            return True
        if not self._stops(now):
            return False
        answer, answered = self._answers.get(city, (None, 0.0))
        if answer is None or answer.ordered < self._order.at:
            return True
        return answer.stopped and appended < answered

    def active(self, now: float) -> bool:
        """Says whether the channel is held back in a city, or in one whose agent has not answered yet."""
        if self._order is None or not self._stops(now):
            return False
        current = [answer.stopped for answer, _ in self._answers.values() if answer.ordered >= self._order.at]
        return not current or any(current)

    def _stops(self, now: float) -> bool:
        """Says whether the newest order is one to stop, and may still hold by the broker's stamp of it."""
        assert self._order is not None  # noqa: S101 - the callers have looked
        return now < self._ordered + min(self._order.until - self._order.at, LONGEST_STOP).total_seconds()

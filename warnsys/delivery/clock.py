"""The time of a gateway, from the broker's stamps and two clocks of this machine: no single one moves it (ADR 14)."""

import logging
from collections.abc import Callable
from datetime import UTC, datetime

from warnsys.records import Tick
from warnsys.warning.clock import AGREE, Anchor, Clock, alarms, hear

log = logging.getLogger(__name__)


class GatewayClock:
    """Gives the time in seconds since 1970; until the broker was heard, as this machine's clock says it.

    Then it goes on by the clock that nobody sets, as far as broker or wall clock agree with it.
    """

    def __init__(self, tick: Callable[[], Tick]) -> None:
        """`tick` reads this machine's clocks."""
        self._tick = tick
        self._clock = Clock()
        self._now: datetime | None = None

    def __call__(self) -> float:
        return self._at(self._tick()).timestamp()

    def hear(self, stamp: float) -> None:
        """Takes the time at which the broker has just taken a record over."""
        tick = self._tick().model_copy(update={"appended": datetime.fromtimestamp(stamp, UTC)})
        before = alarms(self._clock)
        self._clock, self._now = hear(self._clock, self._now, tick)
        if (found := alarms(self._clock)) != before:
            log.warning("of the clocks that say how long a notice is sent: %s", ", ".join(found) or "all agree again")

    def learn(self, issued: datetime) -> None:
        """Takes when a notice was issued, by the time of its city: it is later than that.

        It decides where broker and this machine have differed from the start: then the earlier of them counted.
        """
        tick = self._tick()
        if self._clock.alone and issued - self._at(tick) > AGREE and tick.process and tick.monotonic is not None:
            self._clock, self._now = Clock(anchors={tick.process: Anchor(at=issued, monotonic=tick.monotonic)}), issued

    def _at(self, tick: Tick) -> datetime:
        return self._clock.expected(tick) or tick.at

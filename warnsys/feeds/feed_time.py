"""The time of a feed: its machine's clock, held against one that nobody sets and against the server's.

The same rules as for a city (`warnsys.warning.clock`): where the clock on the wall jumps, the one that nobody sets goes
on, until the server's `Date` agrees with the jump, or it has lasted for ten minutes. Without a clock that nobody sets
the one on the wall is believed.
"""

from collections.abc import Callable
from datetime import datetime

from warnsys.records import Snapshot, Tick
from warnsys.warning.clock import AGREE, Clock, hear, plausible, testify, within


class FeedTime:
    def __init__(self, wall: Callable[[], datetime], uptime: Callable[[], float] | None = None) -> None:
        self._wall, self._uptime = wall, uptime
        self._clock = Clock()
        self._now: datetime | None = None
        self.date: datetime | None = None
        """What the server's clock said, if it said anything since the last `look`."""

    def wall(self) -> datetime:
        """Our clock, whatever it says."""
        return within(self._wall())

    def look(self) -> datetime:
        """The time when a look begins."""
        self.date = None
        return self._read(None)

    def hear(self, date: datetime | None) -> datetime:
        """The time, now that the server has said what time it is there."""
        self.date = date if date and plausible(date) else None
        return self._read(self.date)

    def _read(self, date: datetime | None) -> datetime:
        wall = self.wall()
        if self._uptime is None:
            return wall
        if date:
            self._clock = testify(
                self._clock, Snapshot(stage="", source="", stamp=date, checked=wall, date=date, ids=())
            )
        known = self._clock.anchors and date
        tick = Tick(
            stage="", at=date if known and date else wall, process="feed", monotonic=self._uptime(), appended=wall
        )
        self._clock, self._now = hear(self._clock, self._now, tick)
        return self._now

    @property
    def in_doubt(self) -> bool:
        """Whether our clock jumped, and no server's clock has said yet which is right."""
        return self._clock.doubt is not None

    def odd(self, now: datetime) -> str:
        """What is wrong with the clocks at `now`, in a sentence, else ""."""
        wall = self.wall()
        if abs(wall - now) > AGREE:
            return f"our clock jumped by {(wall - now).total_seconds():+.0f} s and is not believed; set it right."
        if self.date and abs(self.date - now) > AGREE:
            apart = (now - self.date).total_seconds()
            return f"our clock and the server's differ by {apart:+.0f} s; compare both with the true time."
        return ""

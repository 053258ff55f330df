"""What the times of the records say: how long each message took from step to step, and when nothing came.

Only times at the broker are compared, and a message's first appearance counts: it is published again every ten minutes.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

KEPT = timedelta(hours=25)
MAX_JOURNEYS = 200
MAX_MATCHED = 4_000
AT_ONCE = timedelta(minutes=2)
"""A step that took longer is no step of the same journey: the record was written again later."""
NO_TICK = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Journey:
    """When one message stood where; None where that is not known."""

    listed_id: str
    published: datetime
    matched: datetime | None = None
    """On warn.impacts."""
    shown: datetime | None = None
    """On warn.stele."""

    @property
    def match_ms(self) -> float | None:
        return _ms(self.published, self.matched)

    @property
    def settle_ms(self) -> float | None:
        return _ms(self.matched, self.shown)

    @property
    def total_ms(self) -> float | None:
        return _ms(self.published, self.shown)


def _ms(first: datetime | None, last: datetime | None) -> float | None:
    return None if first is None or last is None else (last - first).total_seconds() * 1000


def _follows(first: datetime | None, last: datetime | None) -> bool:
    """Whether one step may have followed the other at once; a clock that went back measures nothing."""
    return first is not None and last is not None and timedelta(0) <= last - first < AT_ONCE


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which something did not come; `until` is None while that goes on."""

    what: str
    """A source's name, or "" for the ticks of the workers."""
    since: datetime
    until: datetime | None


@dataclass
class History:
    """Of the last day."""

    journeys: dict[str, Journey] = field(default_factory=dict)
    """By listed id, the newest last."""
    stamps: dict[str, list[datetime]] = field(default_factory=dict)
    """Of the snapshots of each source, in order."""
    silences: deque[Outage] = field(default_factory=lambda: deque(maxlen=100))
    _matched: dict[str, datetime] = field(default_factory=dict)
    """By listed id, when its first outcome came: what was published later than that was published again."""
    _tick: datetime | None = None

    def picture(self) -> "History":
        """As it is now; nothing that comes later changes it."""
        stamps = {source: kept.copy() for source, kept in self.stamps.items()}
        return replace(
            self, journeys=self.journeys.copy(), stamps=stamps, silences=self.silences.copy(),
            _matched=self._matched.copy(),
        )  # fmt: skip

    def published(self, listed_id: str, at: datetime, seen: datetime | None = None) -> None:
        """A message on its topic; `seen` is when its feed saw it first, where that clock can be compared."""
        if listed_id in self.journeys or (seen is not None and at - seen > AT_ONCE):
            return
        first = self._matched.get(listed_id)
        self.journeys[listed_id] = Journey(listed_id, at, first if _follows(at, first) else None)
        while len(self.journeys) > MAX_JOURNEYS:
            del self.journeys[next(iter(self.journeys))]

    def matched(self, listed_id: str, at: datetime) -> None:
        first = self._matched[listed_id] = min(at, self._matched.pop(listed_id, at))
        while len(self._matched) > MAX_MATCHED:
            del self._matched[next(iter(self._matched))]
        journey = self.journeys.get(listed_id)
        if journey and journey.matched is None and _follows(journey.published, first):
            self.journeys[listed_id] = replace(journey, matched=first)

    def shown(self, listed_id: str, at: datetime) -> None:
        journey = self.journeys.get(listed_id)
        if journey and journey.shown is None and _follows(journey.matched, at):
            self.journeys[listed_id] = replace(journey, shown=at)

    def totals_ms(self) -> list[float]:
        """How long each message took from its first publication to the steles, where that is known."""
        return [total for one in self.journeys.values() if (total := one.total_ms) is not None]

    def listed(self, source: str, stamp: datetime) -> None:
        kept = self.stamps.setdefault(source, [])
        if stamp not in kept:
            insort(kept, stamp)
        while kept[-1] - kept[0] > KEPT:
            del kept[0]

    def ticked(self, at: datetime) -> None:
        if self._tick and at - self._tick > NO_TICK:
            self.silences.append(Outage("", self._tick, at))
        self._tick = max(self._tick or at, at)

    def outages(self, since: datetime, now: datetime, stale_after: Mapping[str, timedelta]) -> Iterator[Outage]:
        """What was missing after `since`: new stamps of the sources, and ticks."""
        for source, limit in stale_after.items():
            times = [*self.stamps.get(source, ()), now]
            for before, after in pairwise(times):
                if after - before > limit and after >= since:
                    yield Outage(source, before, None if after is now else after)
        yield from (one for one in self.silences if one.until and one.until >= since)
        if self._tick and now - self._tick > NO_TICK:
            yield Outage("", self._tick, None)

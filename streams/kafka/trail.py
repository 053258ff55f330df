"""What a record passed on its way to a channel, and when: so that each notice can be asked how long each step took.

It travels in a header. Moments are of the clock on the wall of whoever wrote them, in seconds since 1970: between two
machines they differ by what their clocks do. Durations are of one process's monotonic clock, in seconds. No decision
reads either.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

HEADER = "trail"
MOST_FEED_S = 300.0
"""A feed publishes what it sees within seconds; it saw earlier what it publishes again, or by the clock of a story."""
_ENTRY = re.compile(r"([a-z]{1,40})([=+])([0-9]{1,12}(?:\.[0-9]{1,9})?)")


@dataclass(frozen=True, slots=True)
class TraceHeader:
    """`sent` by the author, `seen` first by the feed, `published` by it, taken by `match` and by `settle`; and how long
    it was `parsed`, `decided` and `settled`."""

    moments: Mapping[str, float] = field(default_factory=dict)
    durations: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def read(cls, headers: Mapping[str, str]) -> Self:
        """Of a record's headers; what cannot be read is left out."""
        moments, durations = dict[str, float](), dict[str, float]()
        for entry in headers.get(HEADER, "").split(";")[:20]:
            if found := _ENTRY.fullmatch(entry):
                name, sign, seconds = found.groups()
                (moments if sign == "=" else durations)[name] = float(seconds)
        return cls(moments, durations)

    def header(self) -> dict[str, str]:
        """For a record's headers; none where nothing is known."""
        entries = [f"{name}={moment:.6f}" for name, moment in self.moments.items()]
        entries += [f"{name}+{seconds:.6f}" for name, seconds in self.durations.items()]
        return {HEADER: ";".join(entries)} if entries else {}

    def at(self, name: str, moment: float) -> "TraceHeader":
        return replace(self, moments={**self.moments, name: moment})

    def took(self, name: str, seconds: float) -> "TraceHeader":
        return replace(self, durations={**self.durations, name: seconds})

    def steps(self, ended: float) -> dict[str, float]:
        """Seconds by step, in their order, up to the moment `ended`; only those whose ends are both known.

        `feed`: from the feed's first sight to its publishing; `to match`, `to settle` and `to channel`: on the broker
        and in queues; `parse`, `decide` and `settle`: at work; `total`: from publishing on.

        Where two clocks contradict each other (something ended before it began) nothing is said: a step would be
        negative, or longer than the total.
        """
        at, spent = self.moments, self.durations
        matched, settled = self._matched(), self._settled()
        found = {
            "feed": _between(at.get("seen"), at.get("published")),
            "to match": _between(at.get("published"), at.get("match")),
            "parse": spent.get("parsed"),
            "decide": spent.get("decided"),
            "to settle": _between(matched, at.get("settle")),
            "settle": spent.get("settled"),
            "to channel": _between(settled, ended),
            "total": _between(at.get("published"), ended),
        }
        feed = found.pop("feed")
        if any(seconds is not None and seconds < 0 for seconds in found.values()):
            return {}
        told = {"feed": feed} if feed is not None and 0 <= feed <= MOST_FEED_S else {}
        return told | {step: seconds for step, seconds in found.items() if seconds is not None}

    def work(self) -> dict[str, float]:
        """When the agents took it and had done with it, in seconds since 1970; only what is known."""
        at = self.moments
        found = {
            "taken by match": at.get("match"),
            "decided": self._matched(),
            "taken by settle": at.get("settle"),
            "settled": self._settled(),
        }
        return {step: moment for step, moment in found.items() if moment is not None}

    def _matched(self) -> float | None:
        return _after(self.moments.get("match"), self.durations.get("parsed"), self.durations.get("decided"))

    def _settled(self) -> float | None:
        return _after(self.moments.get("settle"), self.durations.get("settled"))


def _between(begun: float | None, ended: float | None) -> float | None:
    return None if begun is None or ended is None else ended - begun


def _after(begun: float | None, *spent: float | None) -> float | None:
    return None if begun is None else begun + sum(seconds or 0.0 for seconds in spent)

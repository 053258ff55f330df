"""What somebody knows who reads one channel and nothing else, and what they may complain of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from warnsys.records import PushNotice, SmsNotice

RETELL = timedelta(minutes=30)
Place = tuple[str, str]
"""District and group."""


@dataclass(frozen=True)
class Holds:
    """What holds in a district of one group, and is of the kind that this channel tells."""

    level: int = 0
    until: datetime | None = None
    """Of that level; None: open-ended."""
    unconfirmed: bool = False
    """A warning expired, and no snapshot has said so yet; who is told no advance notices waits for none to end."""


@dataclass
class Resident:
    heard: dict[Place, list[PushNotice | SmsNotice]] = field(default_factory=dict)
    """By place the notices since the last end or lowering."""
    quiet: set[Place] = field(default_factory=set)
    """Where nothing, or less, has held since something was heard."""

    def reads(self, notices: Iterable[PushNotice | SmsNotice], now: datetime, holds: Callable[[Place], Holds]) -> None:
        for notice in notices:
            for place in ((district, notice.group) for district in notice.districts):
                before, present = self.heard.get(place, []), holds(place)
                if notice.kind in ("ended", "lowered"):
                    assert any(_ends_after(one, now) for one in before), f"{place}: an end of what had ended as told"
                if notice.kind == "ended":
                    assert not present.level, f"{place}: called ended while it holds"
                    assert not present.unconfirmed, f"{place}: called ended without confirmation"
                    self.heard.pop(place)
                    continue
                if before and notice.reason not in ("lowered", "shortened") and place not in self.quiet:
                    assert _said(before[-1]) != _said(notice), f"{place}: told the same twice"
                self.heard[place] = [notice] if notice.kind == "lowered" else [*before, notice]
                self.quiet.discard(place)

    def knows_nothing_new(self, place: Place, holds: Holds) -> None:
        """The channel is stopped: what was heard may have been over for a while when it goes on."""
        told = max((one.level for one in self.heard.get(place, [])), default=0)
        if holds.level < told:
            self.quiet.add(place)

    def knows(self, place: Place, holds: Holds, now: datetime) -> None:
        """Whoever reads the channel knows how bad it is and about how long.

        What is unconfirmed delays a lowering: until the end of what was told, how long the rest holds may wait for it.
        """
        if not holds.level:
            self.quiet.add(place)
            return
        told = [one for one in self.heard.get(place, []) if one.level >= holds.level]
        assert told, f"{place}: level {holds.level} was not told"
        if holds.unconfirmed and any(one.level > holds.level and _ends_after(one, now) for one in told):
            self.quiet.add(place)
            return
        last = holds.until
        assert any(one.expires is None or (last and one.expires >= last - RETELL) for one in told), (
            f"{place}: too short"
        )
        if max(one.level for one in told) > holds.level:
            self.quiet.add(place)


def _ends_after(notice: PushNotice | SmsNotice, now: datetime) -> bool:
    return notice.expires is None or notice.expires > now


def _said(notice: PushNotice | SmsNotice) -> tuple[object, ...]:
    return notice.level, notice.onset, notice.expires

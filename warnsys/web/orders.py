"""The operators' orders as screens show them: what was asked for beside what the agents have said of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from warnsys.records import ChannelPause

if TYPE_CHECKING:
    from warnsys.web.board import Board

ANSWER_S = 8.0
"""Without an answer for so long, an order is an alarm: on every page within ten seconds."""
END = timedelta(seconds=35)
"""A stop ends with the first tick after its time; ticks come every ten seconds."""
FORGOTTEN = timedelta(days=1)
"""What ended so long ago, and no agent says that it holds, is of a release whose agents did not answer."""


@dataclass(frozen=True, slots=True)
class Ordered:
    """The newest order for one channel, and whether the agents of all cities have said that it is done."""

    stop: ChannelPause
    wanted: bool
    """Whether the channel should be held back now."""
    missing: tuple[str, ...]
    """Names of the cities whose agents have not said so."""
    late: bool

    @property
    def state(self) -> Literal["stopping", "stopped", "resuming", "running"]:
        if self.wanted:
            return "stopping" if self.missing else "stopped"
        return "resuming" if self.missing else "running"


def orders(board: "Board") -> list[Ordered]:
    """Of every channel that is held back, or was asked to be, or to go on; none that runs as it should."""
    return [one for one in _orders(board) if one.state != "running"]


def _orders(board: "Board") -> Iterator[Ordered]:
    now, elapsed = board.now(), board.elapsed()
    for channel, stop in sorted(board.stops.items()):
        wanted = stop.until > max(now, stop.at)
        answers = {city: board.channels.get((city, channel)) for city in board.cities}
        missing = tuple(
            board.cities[city].place.name
            for city, answer in answers.items()
            if answer is None or answer.ordered != stop.at or answer.stopped != wanted
        )
        if not wanted and now - stop.until > FORGOTTEN and not any(one and one.stopped for one in answers.values()):
            continue
        waits = elapsed - board.asked.get(channel, elapsed) > ANSWER_S
        ends = stop.until > stop.at and not wanted and now - stop.until <= END
        yield Ordered(stop, wanted, missing, late=bool(missing) and waits and not ends)

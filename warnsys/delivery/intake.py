"""What a gateway writes down next of what it has read: the worst first, each subject in its order, some at a time."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

from warnsys.delivery.notices import Precedence, precedence, subject
from warnsys.records import Notice

Place = tuple[str, str]
"""A target, and a recipient there."""


@dataclass(frozen=True, slots=True)
class IncomingNotice:
    """A notice as it was read from the topic."""

    notice: Notice
    value: bytes
    appended: float
    """When the broker stamped it."""
    until: float


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A delivery that has to be written down."""

    arrival: IncomingNotice
    target: str
    recipient: str
    last: bool
    """Whether it is the last one of its notice."""


@dataclass(eq=False, slots=True)
class _Arriving:
    arrival: IncomingNotice
    places: deque[Place]
    precedence: Precedence

    def deliveries(self) -> Iterator[NewDelivery]:
        while self.places:
            place = self.places.popleft()
            yield NewDelivery(self.arrival, *place, last=not self.places)


class Intake:
    """Holds notices whose deliveries are not all written down. An Extreme one waits for none but its own subject's."""

    def __init__(self) -> None:
        self._subjects: dict[str, deque[_Arriving]] = {}
        self._ids: set[str] = set()

    def __len__(self) -> int:
        """How many notices are not written down as a whole."""
        return len(self._ids)

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def put(self, arrival: IncomingNotice, places: Iterable[Place]) -> None:
        one = _Arriving(arrival, deque(places), precedence(arrival.notice))
        if one.places:
            self._ids.add(arrival.notice.id)
            self._subjects.setdefault(subject(arrival.notice), deque()).append(one)

    def some(self, most: int) -> list[NewDelivery]:
        """Gives what is to be written down in one transaction; they are held no more."""
        found: list[NewDelivery] = []
        for name in sorted(self._subjects, key=lambda name: min(one.precedence for one in self._subjects[name])):
            arriving = self._subjects[name]
            while arriving and len(found) < most:
                found.extend(islice(arriving[0].deliveries(), most - len(found)))
                if not arriving[0].places:
                    self._ids.discard(arriving.popleft().arrival.notice.id)
            if not arriving:
                del self._subjects[name]
            if len(found) == most:
                break
        return found

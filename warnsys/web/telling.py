"""Changes of the board, numbered: who was away for a moment is told what it missed, for long, to load anew."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

EventKind = Literal["stele", "notice", "alert", "feed", "rejected", "action", "process"]
"""`process`: this web process itself has become blind, or sees again."""
URGENT: frozenset[EventKind] = frozenset({"stele", "action", "process"})
"""What changes what holds, or what operators have done: pages show it at once, the others within a second."""
MAX_EVENTS = 1_000
"""How many changes a reader of the stream can have missed."""


@dataclass(frozen=True, slots=True)
class BoardEvent:
    """One change, told to the readers of the stream."""

    number: int
    kind: EventKind
    public: bool
    """Whether those outside of the operations centre may see it."""
    district: str
    """For a stele, else ""."""
    data: str
    """JSON."""


@dataclass
class Telling:
    """The newest changes, and who waits for the next one."""

    number: int = 0
    """Grows with each change."""
    urgent: int = 0
    """The number of the newest urgent one."""
    kept: deque[BoardEvent] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def picture(self) -> "Telling":
        """As it is now; nothing that comes later changes it."""
        return replace(self, kept=self.kept.copy(), _changed=asyncio.Event())

    def tell(self, kind: EventKind, data: bytes, *, public: bool = False, district: str = "") -> None:
        self.number += 1
        if kind in URGENT:
            self.urgent = self.number
        self.kept.append(BoardEvent(self.number, kind, public, district, data.decode()))
        self._changed.set()
        self._changed = asyncio.Event()

    def since(self, number: int) -> Iterator[BoardEvent] | None:
        """What changed after that event; None where it is too long ago, or was counted by another process."""
        if number > self.number or (self.kept and number < self.kept[0].number - 1):
            return None
        return (event for event in list(self.kept) if event.number > number)

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._changed.wait()

    async def events(self, after: int) -> AsyncGenerator[BoardEvent | None, None]:
        """Changes as they come, for ever; None where the reader has to load anew."""
        while True:
            changed = self._changed
            found = self.since(after)
            if found is None:
                yield None
                after = self.number
                continue
            for event in found:
                after = event.number
                yield event
            await changed.wait()

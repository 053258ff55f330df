"""Where a feed puts what it found: the port between the feeds and whatever carries the records on."""

from datetime import datetime
from typing import Protocol

from warnsys.records import AlertHeaders, FeedStatus, Snapshot


class Publisher(Protocol):
    """Each call returns when what it was given is safe."""

    async def alert(self, headers: AlertHeaders, body: bytes) -> None: ...

    async def snapshot(self, snapshot: Snapshot) -> None: ...

    async def status(self, status: FeedStatus) -> None: ...


class Keeper(Protocol):
    """Who keeps the bytes of snapshots, in its own time: it never blocks, and it raises nothing."""

    @property
    def error(self) -> str:
        """Why nothing is kept at present, in a sentence, else ""."""

    def keep(self, source: str, stamp: datetime, content: bytes) -> None:
        """Take a snapshot's ZIP; the same one may come several times."""


class KeepsNothing:
    error = ""

    def keep(self, source: str, stamp: datetime, content: bytes) -> None:
        """Forget it."""


class MemoryPublisher:
    """Keeps what it is given, in order."""

    def __init__(self) -> None:
        self.alerts: list[tuple[AlertHeaders, bytes]] = []
        self.snapshots: list[Snapshot] = []
        self.statuses: list[FeedStatus] = []

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        self.alerts.append((headers, body))

    async def snapshot(self, snapshot: Snapshot) -> None:
        self.snapshots.append(snapshot)

    async def status(self, status: FeedStatus) -> None:
        self.statuses.append(status)

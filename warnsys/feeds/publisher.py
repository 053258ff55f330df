"""Where a feed puts what it found: the port between the feeds and whatever carries the records on."""

from typing import Protocol

from warnsys.records import AlertHeaders, FeedStatus, Snapshot


class Publisher(Protocol):
    """Each call returns when what it was given is safe."""

    async def alert(self, headers: AlertHeaders, body: bytes) -> None: ...

    async def snapshot(self, snapshot: Snapshot) -> None: ...

    async def status(self, status: FeedStatus) -> None: ...


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

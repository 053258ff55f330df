"""A record on its way in or out, and the one way to send: it is acknowledged, or it raises."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class ProducerRecord:
    topic: str
    partition: int
    key: str
    value: bytes | None
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConsumedRecord:
    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers
    timestamp: float
    """Seconds since 1970, the broker's or the sender's, as the topic is set."""


class SendError(Exception):
    """The broker did not acknowledge a record: it is not known to be safe."""


class TooLargeError(SendError):
    """The broker takes no record of this size: it never will."""


class Sender(Protocol):
    """Where agents and feeds put their records."""

    async def begin(self, records: Sequence[ProducerRecord]) -> Awaitable[None]:
        """Returns when all are on their way, in their order; what it gives says when all are acknowledged.

        Either raises `SendError`. What is not waited for is not known to be safe.
        """

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        """Returns when all are acknowledged; within a partition they keep their order. Raises `SendError`."""


def read_headers(raw: object) -> Headers:
    """Headers as text; Kafka clients give pairs or a mapping of bytes."""
    pairs: Any = raw.items() if isinstance(raw, dict) else raw or ()
    return {str(key): bytes(value or b"").decode("utf-8", "replace") for key, value in pairs}


class Progress:
    """What this process has sent and handled: so that a demo can wait until all is settled."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, int], int] = {}
        self._handled: dict[tuple[str, int], int] = {}
        self._changed = asyncio.Event()

    def sent(self, topic: str, partition: int, offset: int) -> None:
        self._sent[topic, partition] = max(offset, self._sent.get((topic, partition), -1))

    def handled(self, topic: str, partition: int, offset: int) -> None:
        self._handled[topic, partition] = max(offset, self._handled.get((topic, partition), -1))
        self._changed.set()

    def end(self, topic: str, partition: int) -> int:
        """The offset after the last that this process sent; 0 where it sent none."""
        return self._sent.get((topic, partition), -1) + 1

    def forget(self) -> None:
        """A log was made anew, and its offsets begin again: what was sent before is no measure any more."""
        self._sent.clear()

    async def settled(self, *topics: str) -> None:
        """Returns when everything sent to these topics has been handled; in the order in which work flows on."""
        for topic in topics:
            while any(
                self._handled.get((name, partition), -1) < offset
                for (name, partition), offset in self._sent.items()
                if name == topic
            ):
                self._changed.clear()
                await self._changed.wait()


class MemorySender:
    """Keeps what it is given, in order; a test may make it fail."""

    def __init__(self) -> None:
        self.records: list[ProducerRecord] = []
        self.error: Exception | None = None

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        await (await self.begin(records))

    async def begin(self, records: Sequence[ProducerRecord]) -> Awaitable[None]:
        if self.error:
            raise self.error
        self.records.extend(records)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        acknowledged.set_result(None)
        return acknowledged

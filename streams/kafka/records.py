"""Records read from and sent to Kafka, and how they are sent: a send is acknowledged, or it raises."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class ProducerRecord:
    """A record to be sent."""

    topic: str
    partition: int
    key: str
    value: bytes | None
    headers: Headers = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ConsumedRecord:
    """A record as it was read."""

    topic: str
    partition: int
    offset: int
    key: bytes
    value: bytes
    headers: Headers
    timestamp: float
    """Seconds since 1970: the broker's time or the sender's, as the topic is configured."""


class SendError(Exception):
    """The broker did not acknowledge a record, so it may be lost."""


class TooLargeError(SendError):
    """A record is larger than the broker takes. Sending it again does not help."""


class Sender(Protocol):
    """Sends the records of agents and feeds."""

    async def begin(self, records: Sequence[ProducerRecord]) -> Awaitable[None]:
        """Queues the records in their order. The awaitable that it gives ends when all are acknowledged.

        Both raise `SendError`. A record may be lost until the awaitable has ended.
        """

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        """Sends records and waits until all are acknowledged. Keeps their order in a partition. Raises `SendError`."""


def read_headers(raw: object) -> Headers:
    """Gives headers as text. Kafka clients give them as pairs or as a mapping of bytes."""
    pairs: Any = raw.items() if isinstance(raw, dict) else raw or ()
    return {str(key): bytes(value or b"").decode("utf-8", "replace") for key, value in pairs}


class Progress:
    """Counts what this process has sent and processed, so that a demo can wait until all is done."""

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
        """Gives the offset after the last record that this process sent; 0 where it sent none."""
        return self._sent.get((topic, partition), -1) + 1

    def forget(self) -> None:
        """Forgets what was sent. A log was made anew, so its offsets begin again at 0."""
        self._sent.clear()

    async def wait_until_handled(self, *topics: str) -> None:
        """Returns when all records sent to these topics are handled. Name the topics in the order of the pipeline."""
        for topic in topics:
            while any(
                self._handled.get((name, partition), -1) < offset
                for (name, partition), offset in self._sent.items()
                if name == topic
            ):
                self._changed.clear()
                await self._changed.wait()


class MemorySender:
    """Keeps the records in memory, in their order. A test sets `error` to make it fail."""

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

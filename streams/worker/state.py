"""What `settle` remembers, in a compacted topic of ours: acknowledged before the input counts as handled.

Each record names the offset of `warn.impacts` that it covers, and when the broker had stamped that one: a record that
comes again can be told by both, also where a log was made anew and its offsets begin again. Of several states for one
city the one that covers most counts.
Every process writes under a key of its own: compaction keeps the last record of a key, and a worker that lost its
partition and wrote late must not push out what the new owner wrote. The new owner clears the keys it found.
What is large is packed: five thousand warnings in one city are more JSON than a broker takes.
"""

import logging
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition
from pydantic_core import to_json

from streams.kafka.readers import incoming
from streams.kafka.records import ConsumedRecord, Headers, ProducerRecord, Sender, read_headers
from streams.kafka.topics import MIB, Topics
from streams.worker.failures import error_reason
from warnsys.headers import COVERS, COVERS_AT, covers, covers_at
from warnsys.pipeline import CityState
from warnsys.warning.facts import Listing

log = logging.getLogger(__name__)
PACKED_FROM = MIB
"""Bytes of JSON; below it stays as it is, to be read by people and by releases that knew no other form."""
MOST_UNPACKED = 256 * MIB


class Written:
    """A city's state as JSON, of which is written anew only what is new.

    Most of a state is what has been listed and warns elsewhere: thousands of ids, of which one changes with a message.
    """

    def __init__(self) -> None:
        self._listings: dict[str, tuple[Listing, bytes]] = {}

    def to_bytes(self, state: CityState) -> bytes:
        """The same as the state's own."""
        before, self._listings = self._listings, {}
        for listed_id, listing in state.facts.listings.items():
            known = before.get(listed_id)
            if known is None or known[0] is not listing:
                known = listing, b"%s:%s" % (to_json(listed_id), to_json(listing, exclude_none=True))
            self._listings[listed_id] = known
        facts = state.facts.model_copy(update={"listings": {}})
        rest = state.model_copy(update={"facts": facts}).to_bytes()
        listings = b",".join(json for _, json in self._listings.values())
        return rest.replace(b'"listings":{}', b'"listings":{%s}' % listings, 1)


def to_value(plain: bytes) -> bytes:
    """What stands on the topic: JSON, in the format of zlib (RFC 1950) where it is large."""
    return plain if len(plain) < PACKED_FROM else zlib.compress(plain, 1)


def from_value(value: bytes) -> CityState:
    """Raises `ValueError` for what is none."""
    if value.startswith(b"{"):
        return CityState.from_bytes(value)
    packed = zlib.decompressobj()
    try:
        plain = packed.decompress(value, MOST_UNPACKED)
    except zlib.error as error:
        raise ValueError(f"a state is neither JSON nor packed: {error}") from error
    if not packed.eof:
        raise ValueError(f"a state is neither JSON nor packed: no end within {MOST_UNPACKED} bytes")
    return CityState.from_bytes(plain)


@dataclass(frozen=True, slots=True)
class Unread:
    """A record of `warn.state` that cannot be read, and why."""

    record: ConsumedRecord
    reason: str


@dataclass(frozen=True, slots=True)
class StoredState:
    """A state, and how far it goes."""

    state: CityState
    covers: int = -1
    covers_at: float = 0.0
    """The broker's time of that record, seconds since 1970."""
    unread: Unread | None = None
    """What stood there, where that cannot be read and the city begins anew."""

    def has(self, offset: int, timestamp: float) -> bool:
        """Whether a record of `warn.impacts` has been settled in it, and what came of that published."""
        return offset <= self.covers and timestamp <= self.covers_at


class StateStore(Protocol):
    async def load(self, partition: int) -> dict[str, StoredState]:
        """The states of all cities of a partition that are kept, by city; an unreadable one leaves the others alone."""

    async def save(self, partition: int, kept: Mapping[str, StoredState]) -> None:
        """Returns when the states are safe, by city."""


class MemoryStateStore:
    def __init__(self) -> None:
        self.kept: dict[int, dict[str, StoredState]] = {}

    async def load(self, partition: int) -> dict[str, StoredState]:
        return dict(self.kept.get(partition, {}))

    async def save(self, partition: int, kept: Mapping[str, StoredState]) -> None:
        self.kept.setdefault(partition, {}).update(kept)


class KafkaStateStore:
    """Keys are `city/writer`; `writer` tells this process from all others."""

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        sender: Sender,
        writer: str | None = None,
        *,
        security: Mapping[str, Any] = {},
    ) -> None:
        self._security = security
        self._bootstrap, self._topic, self._sender = bootstrap, topics.state.name, sender
        self._writer = writer or uuid.uuid4().hex
        self._written: dict[str, Written] = {}
        self._outdated: dict[int, set[str]] = {}  # keys of others, by partition, to be cleared with the next save

    async def load(self, partition: int) -> dict[str, StoredState]:
        self._written.clear()
        self._outdated[partition] = set()
        newest: dict[str, StoredRecord] = {}
        for found in sorted((await self._read(partition)).values(), key=lambda one: one.record.offset):
            if found.writer != self._writer:
                self._outdated[partition].add(found.key)
            if found.outdoes(newest.get(found.city)):
                newest[found.city] = found
        kept = {city: found.kept() for city, found in newest.items()}
        for city, each in kept.items():
            if each.state.newer:
                log.warning("%s: its state is of a newer release; what only that knows is forgotten", city)
        return kept

    async def save(self, partition: int, kept: Mapping[str, StoredState]) -> None:
        await self._sender.send(
            [
                ProducerRecord(
                    self._topic, partition, f"{city}/{self._writer}",
                    to_value(self._written.setdefault(city, Written()).to_bytes(each.state)),
                    {COVERS: str(each.covers), COVERS_AT: repr(each.covers_at)},
                )
                for city, each in kept.items()
            ]
        )  # fmt: skip
        outdated = {key for key in self._outdated.get(partition, ()) if key.partition("/")[0] in kept}
        if outdated:
            await self._sender.send([ProducerRecord(self._topic, partition, key, None) for key in sorted(outdated)])
            self._outdated[partition] -= outdated

    async def _read(self, partition: int) -> dict[str, "StoredRecord"]:
        """The last record of each key; cleared keys left out."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_bytes=64 * MIB,
            max_partition_fetch_bytes=16 * MIB, fetch_max_wait_ms=10, **self._security,
        )  # fmt: skip
        place = TopicPartition(self._topic, partition)
        found: dict[str, StoredRecord] = {}
        await reader.start()
        try:
            reader.assign([place])
            await reader.seek_to_beginning(place)
            end = (await reader.end_offsets([place]))[place]
            while await reader.position(place) < end:
                for record in (await reader.getmany(place, timeout_ms=200)).get(place, ()):
                    one = StoredRecord.of(record)
                    if record.value is None:
                        found.pop(one.key, None)
                    else:
                        found[one.key] = one
        finally:
            await reader.stop()
        return found


@dataclass(frozen=True)
class StoredRecord:
    """A record of `warn.state` as it stands there, and how far it says that it goes."""

    record: ConsumedRecord
    key: str
    covers: tuple[int, float] | None
    """None where its headers do not say."""

    @classmethod
    def of(cls, record: Any) -> "StoredRecord":
        key, headers = record.key or b"", read_headers(record.headers)
        return cls(incoming(record), key.decode("utf-8", "replace"), _covers(headers))

    @property
    def city(self) -> str:
        return self.key.partition("/")[0]

    @property
    def writer(self) -> str:
        return self.key.partition("/")[2]

    def outdoes(self, other: "StoredRecord | None") -> bool:
        """Whether it counts instead of one that stands before it: where neither says how far it goes, the later one."""
        return other is None or self.covers is None or other.covers is None or self.covers[0] >= other.covers[0]

    def kept(self) -> StoredState:
        """A city of which it cannot be read begins anew: an older state might say that nothing holds."""
        try:
            if self.covers is None:
                raise ValueError(f"a state does not say what it covers (headers {self.record.headers})")
            state = from_value(self.record.value)
            if state.city != self.city:
                raise ValueError(f"a state of {state.city!r} stands under the key of {self.city!r}")
        except (ValueError, RecursionError) as error:
            reason = f"state: {self.city}: {error_reason(error)}"
            return StoredState(CityState(city=self.city), unread=Unread(self.record, reason))
        return StoredState(state, *self.covers)


def _covers(headers: Headers) -> tuple[int, float] | None:
    offset, at = covers(headers), covers_at(headers) if COVERS_AT in headers else 0.0
    return None if offset is None or at is None else (offset, at)

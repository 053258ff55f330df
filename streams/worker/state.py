"""Stores the states of cities in the compacted topic `warn.state`. A record counts as handled only after that.

Each stored state names the record of `warn.impacts` that it covers, by offset and by the broker's timestamp. Both
together recognise a record that comes again, also if the log was made anew and its offsets begin at 0. The state then
counts one log more (`covers_log`). If a city has several states, the one of the newest log counts, and among those the
one that covers most:

    log 0, offset 5000    before the log was made anew
    log 1, offset 3
    log 1, offset 12      this one counts

Every process writes under a key of its own, because compaction keeps the last record of a key. Under a common key, a
worker that lost its partition and writes late would replace what the new owner wrote. The new owner clears the keys of
others.

A large state is packed, because five thousand warnings in one city are more JSON than a broker takes.
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
from warnsys.headers import COVERS, COVERS_AT, COVERS_LOG, covers, covers_at, covers_log, stamped
from warnsys.pipeline import CityState
from warnsys.warning.facts import Listing

log = logging.getLogger(__name__)
PACKED_FROM = MIB
"""A state with so many bytes of JSON is packed. A smaller one stays readable, for people and for older releases."""
MOST_UNPACKED = 256 * MIB
"""A packed state that is larger when unpacked counts as damaged."""


class StateEncoder:
    """Writes a city's state as JSON, time after time. Of the listings it encodes only those that have changed.

    Listings are most of a state: thousands of ids that warn elsewhere. A message changes one of them.
    """

    def __init__(self) -> None:
        self._encoded: dict[str, tuple[Listing, bytes]] = {}
        """By listed id, the listing of the last state, and its JSON."""

    def to_bytes(self, state: CityState) -> bytes:
        """Gives the same bytes as the state's own method."""
        before, self._encoded = self._encoded, {}
        for listed_id, listing in state.facts.listings.items():
            encoded = before.get(listed_id)
            if encoded is None or encoded[0] is not listing:
                encoded = listing, b"%s:%s" % (to_json(listed_id), to_json(listing, exclude_none=True))
            self._encoded[listed_id] = encoded
        facts = state.facts.model_copy(update={"listings": {}})
        rest = state.model_copy(update={"facts": facts}).to_bytes()
        listings = b",".join(json for _, json in self._encoded.values())
        return rest.replace(b'"listings":{}', b'"listings":{%s}' % listings, 1)


def to_value(plain: bytes) -> bytes:
    """Gives the value for the topic from a state's JSON, packed with zlib (RFC 1950) if it is large."""
    return plain if len(plain) < PACKED_FROM else zlib.compress(plain, 1)


def from_value(value: bytes) -> CityState:
    """Reads a value of the topic. Raises `ValueError` if it is no state."""
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
class UnreadableState:
    """A record of `warn.state` that cannot be read, and why."""

    record: ConsumedRecord
    reason: str


@dataclass(frozen=True, slots=True)
class StoredState:
    """A state, and the last record of `warn.impacts` that it covers."""

    state: CityState
    covers: int = -1
    covers_at: float = 0.0
    """The broker's timestamp of the covered record, in seconds since 1970."""
    covers_log: int = 0
    """How often the log had been made anew when it had the covered record."""
    unreadable: UnreadableState | None = None
    """The stored record, if it cannot be read. `state` is empty then, and the city begins anew."""

    def covers_record(self, offset: int, timestamp: float) -> bool:
        """Says whether the state covers a record of `warn.impacts`: that record's notices are published already."""
        return offset <= self.covers and timestamp <= self.covers_at

    def after(self, state: CityState, offset: int, timestamp: float) -> "StoredState":
        """Gives the state that follows from a record which this one does not cover. A lower offset means a new log."""
        covers_at = stamped(timestamp) or self.covers_at  # without a valid timestamp the old one stays
        return StoredState(state, offset, covers_at, self.covers_log + (offset <= self.covers))


class StateStore(Protocol):
    """Keeps the states of cities over the end of a worker."""

    async def load(self, partition: int) -> dict[str, StoredState]:
        """Gives the stored states of a partition by city. A state that cannot be read does not affect the others."""

    async def save(self, partition: int, kept: Mapping[str, StoredState]) -> None:
        """Stores states by city, and returns when they are safe."""


class MemoryStateStore:
    """Keeps states in memory only, for tests and benchmarks."""

    def __init__(self) -> None:
        self.kept: dict[int, dict[str, StoredState]] = {}

    async def load(self, partition: int) -> dict[str, StoredState]:
        return dict(self.kept.get(partition, {}))

    async def save(self, partition: int, kept: Mapping[str, StoredState]) -> None:
        self.kept.setdefault(partition, {}).update(kept)


class KafkaStateStore:
    """Keeps states in `warn.state`, under the keys `city/writer`. `writer` tells this process from all others."""

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
        self._encoders: dict[str, StateEncoder] = {}
        """By city."""
        self._outdated: dict[int, dict[str, Headers]] = {}
        """By partition, the keys of other writers, with the headers of their records. The next save of the city clears
        what these records cover."""

    async def load(self, partition: int) -> dict[str, StoredState]:
        self._encoders.clear()
        self._outdated[partition] = {}
        newest: dict[str, StoredRecord] = {}
        for found in sorted((await self._read(partition)).values(), key=lambda one: one.record.offset):
            if found.writer != self._writer:
                self._outdated[partition][found.key] = found.covers_headers
            if found.replaces(newest.get(found.city)):
                newest[found.city] = found
        kept = {city: found.stored() for city, found in newest.items()}
        for city, each in kept.items():
            if each.state.newer:
                log.warning("%s: a newer release wrote the state; what only that release knows is forgotten", city)
        return kept

    async def save(self, partition: int, kept: Mapping[str, StoredState]) -> None:
        await self._sender.send(
            [
                ProducerRecord(
                    self._topic, partition, f"{city}/{self._writer}",
                    to_value(self._encoders.setdefault(city, StateEncoder()).to_bytes(each.state)),
                    {COVERS: str(each.covers), COVERS_AT: repr(each.covers_at), COVERS_LOG: str(each.covers_log)},
                )
                for city, each in kept.items()
            ]
        )  # fmt: skip
        known = self._outdated.get(partition, {})
        outdated = {key: covers for key, covers in sorted(known.items()) if key.partition("/")[0] in kept}
        if outdated:
            await self._sender.send(
                [ProducerRecord(self._topic, partition, key, None, covers) for key, covers in outdated.items()]
            )
            for key in outdated:
                del known[key]

    async def _read(self, partition: int) -> dict[str, "StoredRecord"]:
        """Gives the last record of each key. Leaves out the keys that were cleared."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_bytes=64 * MIB,
            max_partition_fetch_bytes=16 * MIB, fetch_max_wait_ms=10, **self._security,
        )  # fmt: skip
        source = TopicPartition(self._topic, partition)
        found: dict[str, StoredRecord] = {}
        await reader.start()
        try:
            reader.assign([source])
            await reader.seek_to_beginning(source)
            end = (await reader.end_offsets([source]))[source]
            while await reader.position(source) < end:
                for record in (await reader.getmany(source, timeout_ms=200)).get(source, ()):
                    StoredRecord.of(record).put_into(found)
        finally:
            await reader.stop()
        return found


@dataclass(frozen=True)
class StoredRecord:
    """A record of `warn.state` as it was read, and which record of `warn.impacts` its headers say that it covers."""

    record: ConsumedRecord
    key: str
    covers: tuple[int, float] | None
    """Offset and timestamp; None if the headers do not say it."""
    covers_log: int = 0
    is_tombstone: bool = False
    """An empty value is none, but a state that cannot be read."""

    @classmethod
    def of(cls, record: Any) -> "StoredRecord":
        key, headers = record.key or b"", read_headers(record.headers)
        name, is_tombstone = key.decode("utf-8", "replace"), record.value is None
        return cls(incoming(record), name, _covers(headers), covers_log(headers), is_tombstone)

    @property
    def city(self) -> str:
        return self.key.partition("/")[0]

    @property
    def writer(self) -> str:
        return self.key.partition("/")[2]

    @property
    def covers_headers(self) -> Headers:
        """The headers that say what the record covers; none if they do not say it."""
        if self.covers is None:
            return {}
        offset, at = self.covers
        return {COVERS: str(offset), COVERS_AT: repr(at), COVERS_LOG: str(self.covers_log)}

    def put_into(self, found: dict[str, "StoredRecord"]) -> None:
        """Takes the next record of the topic into the last ones by key.

        A tombstone clears what it covers, and nothing that its key has had since. Its writer may have been cut off, and
        the partition is back with the owner of that key.
        """
        if not self.is_tombstone:
            found[self.key] = self
        elif self.replaces(found.get(self.key)):
            found.pop(self.key, None)

    def replaces(self, other: "StoredRecord | None") -> bool:
        """Says whether this record replaces an earlier one: it covers as much, or one of them does not say it."""
        if other is None or self.covers is None or other.covers is None:
            return True
        return (self.covers_log, self.covers[0]) >= (other.covers_log, other.covers[0])

    def stored(self) -> StoredState:
        """Gives the state, or an empty one if it cannot be read. An older state might say that nothing holds."""
        try:
            if self.covers is None:
                raise ValueError(f"a state does not say what it covers (headers {self.record.headers})")
            state = from_value(self.record.value)
            if state.city != self.city:
                raise ValueError(f"a state of {state.city!r} stands under the key of {self.city!r}")
        except (ValueError, RecursionError) as error:
            reason = f"state: {self.city}: {error_reason(error)}"
            unreadable = UnreadableState(self.record, reason)
            return StoredState(CityState(city=self.city), covers_log=self.covers_log, unreadable=unreadable)
        return StoredState(state, *self.covers, self.covers_log)


def _covers(headers: Headers) -> tuple[int, float] | None:
    offset, at = covers(headers), covers_at(headers) if COVERS_AT in headers else 0.0
    return None if offset is None or at is None else (offset, at)

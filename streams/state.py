"""What `settle` remembers, in a compacted topic of ours: acknowledged before the input counts as handled.

Each record names the offset of `warn.impacts` that it covers; of several for one city the one that covers most counts.
Every process writes under a key of its own: compaction keeps the last record of a key, and a worker that lost its
partition and wrote late must not push out what the new owner wrote. The new owner clears the keys it found.
"""

import logging
import uuid
from collections.abc import Mapping
from typing import Any, Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.records import Outgoing, Sender, read_headers
from streams.topics import MIB, Topics
from warnsys.pipeline import CityState

log = logging.getLogger(__name__)
COVERS = "covers"


class StateStore(Protocol):
    async def load(self, partition: int) -> dict[str, CityState]:
        """The states of all cities of a partition that are kept, by city."""

    async def save(self, partition: int, offset: int, states: Mapping[str, CityState]) -> None:
        """Returns when the states are safe; they cover the input up to and including `offset`."""


class MemoryStateStore:
    def __init__(self) -> None:
        self.states: dict[int, dict[str, CityState]] = {}

    async def load(self, partition: int) -> dict[str, CityState]:
        return dict(self.states.get(partition, {}))

    async def save(self, partition: int, offset: int, states: Mapping[str, CityState]) -> None:  # noqa: ARG002
        self.states.setdefault(partition, {}).update(states)


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
        self._outdated: dict[int, set[str]] = {}  # keys of others, by partition, to be cleared with the next save

    async def load(self, partition: int) -> dict[str, CityState]:
        newest: dict[str, tuple[int, CityState]] = {}
        self._outdated[partition] = set()
        for key, (covers, value) in (await self._read(partition)).items():
            city, _, writer = key.partition("/")
            if writer != self._writer:
                self._outdated[partition].add(key)
            if covers >= newest.get(city, (-1,))[0]:
                newest[city] = covers, CityState.from_bytes(value)
                if newest[city][1].newer:
                    log.warning("%s: its state is of a newer release; what only that knows is forgotten", city)
        return {city: state for city, (_, state) in newest.items()}

    async def save(self, partition: int, offset: int, states: Mapping[str, CityState]) -> None:
        await self._sender.send(
            [
                Outgoing(self._topic, partition, f"{city}/{self._writer}", state.to_bytes(), {COVERS: str(offset)})
                for city, state in states.items()
            ]
        )
        outdated = {key for key in self._outdated.get(partition, ()) if key.partition("/")[0] in states}
        if outdated:
            await self._sender.send([Outgoing(self._topic, partition, key, None) for key in sorted(outdated)])
            self._outdated[partition] -= outdated

    async def _read(self, partition: int) -> dict[str, tuple[int, bytes]]:
        """By key the last record's cover and value; cleared keys left out."""
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_bytes=64 * MIB,
            max_partition_fetch_bytes=16 * MIB, fetch_max_wait_ms=10, **self._security,
        )  # fmt: skip
        place = TopicPartition(self._topic, partition)
        found: dict[str, tuple[int, bytes]] = {}
        await reader.start()
        try:
            reader.assign([place])
            await reader.seek_to_beginning(place)
            end = (await reader.end_offsets([place]))[place]
            while await reader.position(place) < end:
                for record in (await reader.getmany(place, timeout_ms=200)).get(place, ()):
                    key = (record.key or b"").decode()
                    if record.value is None:
                        found.pop(key, None)
                    else:
                        found[key] = int(read_headers(record.headers)[COVERS]), record.value
        finally:
            await reader.stop()
        return found

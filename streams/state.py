"""What `settle` remembers, in a compacted topic of ours: acknowledged before the input counts as handled.

Each record names the offset of `warn.impacts` that it covers; of two for one city the one that covers more counts.
"""

from collections.abc import Mapping
from typing import Protocol

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.records import Outgoing, Sender, read_headers
from streams.topics import MIB, Topics
from warnsys.pipeline import CityState

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
    def __init__(self, bootstrap: str, topics: Topics, sender: Sender) -> None:
        self._bootstrap, self._topic, self._sender = bootstrap, topics.state.name, sender

    async def load(self, partition: int) -> dict[str, CityState]:
        reader = AIOKafkaConsumer(
            bootstrap_servers=self._bootstrap, enable_auto_commit=False, fetch_max_bytes=64 * MIB,
            max_partition_fetch_bytes=16 * MIB, fetch_max_wait_ms=10,
        )  # fmt: skip
        place = TopicPartition(self._topic, partition)
        newest: dict[str, tuple[int, CityState]] = {}
        await reader.start()
        try:
            reader.assign([place])
            await reader.seek_to_beginning(place)
            end = (await reader.end_offsets([place]))[place]
            while await reader.position(place) < end:
                for record in (await reader.getmany(place, timeout_ms=200)).get(place, ()):
                    city, covers = record.key.decode(), int(read_headers(record.headers)[COVERS])
                    if record.value and covers >= newest.get(city, (-1,))[0]:
                        newest[city] = covers, CityState.from_bytes(record.value)
        finally:
            await reader.stop()
        return {city: state for city, (_, state) in newest.items()}

    async def save(self, partition: int, offset: int, states: Mapping[str, CityState]) -> None:
        await self._sender.send(
            [
                Outgoing(self._topic, partition, city, state.to_bytes(), {COVERS: str(offset)})
                for city, state in states.items()
            ]
        )

"""The topics: their names by stage, what each one keeps, and which partition a record belongs to.

Partitions are chosen here and nowhere else, from the settings' number: a city's records, state and notices share one.
"""

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from warnsys.channels.registry import Channel, channel, channels
from warnsys.settings import LIVE, Settings

MIB = 1024 * 1024
_EXTREME = re.compile(rb"severity\s*>\s*Extreme\s*<")
"""Nothing is read here, and nothing but a message's wait hangs on it."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic as the broker keeps it."""

    name: str
    compacted: bool = False
    retention_h: int = 48
    forgets: bool = False
    """Whether a compacted one deletes, too, what is older than its retention."""
    max_bytes: int = MIB


@dataclass(frozen=True)
class Topics:
    """All topics of a stage. Sizes rise along the way: what came in whole can be rejected whole."""

    stage: str
    partitions: int

    def _named(self, name: str) -> str:
        return name if self.stage == LIVE else f"{self.stage}.{name}"

    @property
    def alerts(self) -> Topic:
        return Topic(self._named("cap.alerts"), max_bytes=6 * MIB)

    @property
    def extreme(self) -> Topic:
        """A second lane into `match`, for messages that call themselves Extreme: they wait behind nothing else."""
        return Topic(self._named("cap.extreme"), max_bytes=self.alerts.max_bytes)

    @property
    def messages(self) -> tuple[Topic, Topic]:
        """Where CAP messages come in."""
        return self.extreme, self.alerts

    @property
    def inputs(self) -> tuple[Topic, ...]:
        """What agents read."""
        return *self.messages, self.impacts

    @property
    def impacts(self) -> Topic:
        return Topic(self._named("warn.impacts"), max_bytes=8 * MIB)

    @property
    def channels(self) -> dict[str, Topic]:
        """What goes out, by channel."""
        return {one.name: self._of(one) for one in channels()}

    def channel(self, name: str) -> Topic:
        """Raises `KeyError`."""
        return self._of(channel(name))

    def _of(self, one: Channel) -> Topic:
        shape = one.topic
        name = self._named(f"warn.{one.name}")
        return Topic(name, shape.compacted, shape.retention_h, max_bytes=shape.max_bytes)

    def read_by(self, process: str) -> list[Topic]:
        """Those of the channels that a process may read."""
        return [self._of(one) for one in channels() if process in one.readers]

    @property
    def stele(self) -> Topic:
        return self.channel("stele")

    @property
    def push(self) -> Topic:
        return self.channel("push")

    @property
    def sms(self) -> Topic:
        return self.channel("sms")

    @property
    def rejected(self) -> Topic:
        return Topic(self._named("warn.rejected"), retention_h=24 * 30, max_bytes=10 * MIB)

    @property
    def status(self) -> Topic:
        return Topic(self._named("feed.status"), compacted=True)

    @property
    def state(self) -> Topic:
        return Topic(self._named("warn.state"), compacted=True, max_bytes=8 * MIB)

    @property
    def actions(self) -> Topic:
        """What operators acknowledged and stopped, and what became of it.

        The longest stop is over after a day; what is older than thirty goes, or each warning's keys stayed for ever.
        """
        return Topic(self._named("ops.actions"), compacted=True, forgets=True, retention_h=24 * 30)

    @property
    def delivery(self) -> Topic:
        """What became of each notice at each target; what is older than thirty days goes."""
        return Topic(self._named("warn.delivery"), compacted=True, forgets=True, retention_h=24 * 30)

    @property
    def gateways(self) -> Topic:
        return Topic(self._named("gateway.status"), compacted=True)

    def all(self) -> tuple[Topic, ...]:
        return (
            self.alerts, self.extreme, self.impacts, *self.channels.values(), self.rejected, self.status, self.state,
            self.actions, self.delivery, self.gateways,
        )  # fmt: skip

    def lane_of(self, body: bytes) -> Topic:
        """Where a message goes. One partition keeps the order of everything, so there it has one lane, too."""
        return self.extreme if self.partitions > 1 and _EXTREME.search(body) else self.alerts

    def partition_of(self, key: str) -> int:
        """Where the records of a city, a message or a source go."""
        return zlib.crc32(key.encode()) % self.partitions

    def by_partition(self, cities: Iterable[str]) -> dict[int, tuple[str, ...]]:
        """The cities of each partition that has any, both in their order."""
        found: dict[int, tuple[str, ...]] = {}
        for city in cities:
            partition = self.partition_of(city)
            found[partition] = (*found.get(partition, ()), city)
        return dict(sorted(found.items()))


def group_of(topics: Topics) -> str:
    """The consumer group of the agents."""
    return f"warnsys-{topics.stage}"


def gateway_group(topics: Topics, name: str = "") -> str:
    """The consumer group of a gateway; without a name the beginning of all of them."""
    return f"warnsys-{topics.stage}-gateway-{name}"


def topics_for(settings: Settings) -> Topics:
    """The embedded broker serves one process: one partition keeps the order of everything."""
    return Topics(settings.stage, 1 if settings.broker.embedded else settings.broker.partitions)

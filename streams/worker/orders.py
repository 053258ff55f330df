"""Reads the operators' orders from `ops.actions`, and sends them to `warn.impacts`, where the settle agent takes them.

An order pauses a channel or resumes it. The web process may write to `ops.actions` only. An intruder there can pause a
channel, which every screen shows, but cannot forge a warning.

The newest order of each channel counts. It goes to the partitions of `warn.impacts` that this worker owns: when the
order is new, after each assignment, and again until every city has answered. An active pause goes there once a minute
even after that, in case a city has lost its state. Repeats change nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import AuthenticationFailedError, KafkaError, TopicAuthorizationFailedError
from pydantic import ValidationError

from streams.kafka.records import ProducerRecord, Sender, SendError
from streams.kafka.topics import Topics
from warnsys.records import ChannelPause, ChannelState, read_action
from warnsys.settings import SettingsError

log = logging.getLogger(__name__)
LOOK_MS = 200
"""How long a read waits for records. So often orders that are due are sent."""
AGAIN_S = 2.0
"""After so long the topic is read again, if reading it has failed."""
UNANSWERED_S = 3.0
"""After so long an order that a city has not answered is sent again."""
ACTIVE_S = 60.0
"""After so long a pause that every city has answered, and that still holds, is sent again."""
STUCK_S = 5.0
"""How often the worker checks whether records wait and none comes."""


@dataclass
class Orders:
    """The newest orders, the cities' answers, and which orders were sent where. Times are in monotonic seconds."""

    topics: Topics
    cities: Mapping[int, tuple[str, ...]]
    """By partition of `warn.impacts`."""
    _orders: dict[str, ChannelPause] = field(default_factory=dict)
    """By channel, the newest order."""
    _answers: dict[tuple[str, str], ChannelState] = field(default_factory=dict)
    """By city and channel, the last answer."""
    _sent: dict[tuple[int, str], tuple[ChannelPause, float]] = field(default_factory=dict)
    """By partition and channel, the order that was sent last, and when."""

    def take(self, value: bytes | None) -> None:
        """Takes an order or an answer. Ignores other records of `ops.actions`, and those that cannot be read."""
        try:
            action = read_action(value or b"")
        except ValidationError:
            return
        if action.stage != self.topics.stage:
            return
        if isinstance(action, ChannelPause):
            known = self._orders.get(action.channel)
            if known is None or action.at > known.at:
                self._orders[action.channel] = action
        elif isinstance(action, ChannelState):
            self._answers[action.city, action.channel] = action

    def due(self, owned: Set[int], now: float) -> list[ProducerRecord]:
        """Gives the orders to send now to the partitions that this worker owns, and notes them as sent.

        A partition that this worker lost and owns again counts as new.
        """
        self._sent = {key: sent for key, sent in self._sent.items() if key[0] in owned}
        return list(self._due(owned, now))

    def forget_sent(self) -> None:
        """Forgets what was sent, because it may not have arrived."""
        self._sent.clear()

    def _due(self, owned: Set[int], now: float) -> Iterator[ProducerRecord]:
        for partition in sorted(owned & self.cities.keys()):
            for channel, order in sorted(self._orders.items()):
                sent, at = self._sent.get((partition, channel), (None, 0.0))
                if sent == order and now - at < self._again_after(partition, order):
                    continue
                self._sent[partition, channel] = order, now
                yield ProducerRecord(self.topics.impacts.name, partition, "", order.to_bytes())

    def _again_after(self, partition: int, order: ChannelPause) -> float:
        """Gives after how many seconds an order is sent again to a partition."""
        answers = [self._answers.get((city, order.channel)) for city in self.cities[partition]]
        if any(answer is None or answer.ordered < order.at for answer in answers):
            return UNANSWERED_S
        return ACTIVE_S if any(answer and answer.stopped for answer in answers) else float("inf")


async def follow(
    bootstrap: str, orders: Orders, sender: Sender, owned: Callable[[], Set[int]], security: Mapping[str, Any]
) -> None:
    """Sends orders on, for ever. Begins again if the broker fails. Raises `SettingsError` if a right is missing."""
    while True:
        try:
            await _follow(bootstrap, orders, sender, owned, security)
        except (TopicAuthorizationFailedError, AuthenticationFailedError) as error:
            raise SettingsError(
                f"{orders.topics.actions.name}: this user may not read it, so no pause of a channel would act "
                f"({error!r}); give the user the rights that `warnsys topics acls` lists for a worker"
            ) from error
        except (KafkaError, SendError, OSError, TimeoutError) as error:
            orders.forget_sent()
            log.warning("the operators' orders cannot be read or sent on: %r; tried again in %g s", error, AGAIN_S)
        await asyncio.sleep(AGAIN_S)


async def _follow(
    bootstrap: str, orders: Orders, sender: Sender, owned: Callable[[], Set[int]], security: Mapping[str, Any]
) -> None:
    """Sends orders on until the broker fails. Raises `TimeoutError` if the consumer has fallen silent."""
    name = orders.topics.actions.name
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest", fetch_max_wait_ms=LOOK_MS,
        **security,
    )  # fmt: skip
    await consumer.start()
    try:
        places = [TopicPartition(name, number) for number in range(orders.topics.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        missing = await consumer.end_offsets(places)
        checked, read = time.monotonic(), -1
        while True:
            for records in (await consumer.getmany(timeout_ms=LOOK_MS)).values():
                for record in records:
                    orders.take(record.value)
            missing = {place: end for place, end in missing.items() if await consumer.position(place) < end}
            if missing:  # a later record may take back an order that was read already
                continue
            if found := orders.due(owned(), time.monotonic()):
                await sender.send(found)
            if time.monotonic() - checked > STUCK_S:  # aiokafka's consumer may fall silent without an error
                checked, read_before = time.monotonic(), read
                ends = await consumer.end_offsets(places)
                positions = {place: await consumer.position(place) for place in places}
                read = sum(positions.values())
                if read == read_before and any(positions[place] < ends[place] for place in places):
                    raise TimeoutError(f"{name}: records wait, and none comes")
    finally:
        await consumer.stop()

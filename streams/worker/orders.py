"""The worker's own eyes on `ops.actions`: what operators stop and resume reaches `settle` as a record in its order.

The web process may write `ops.actions` only; who breaks into it can stop a channel, which every screen shows, but forge
no warning. Of each channel the newest order counts. It goes onto the partitions of `warn.impacts` that this worker
owns: when it is new, after each assignment, and again and again until every city has answered; an active stop also
after that, in case a city's state was lost. Repeats change nothing.
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
from warnsys.records import ChannelState, Stop, read_action
from warnsys.settings import SettingsError

log = logging.getLogger(__name__)
LOOK_MS = 200
AGAIN_S = 2.0
UNANSWERED_S = 3.0
"""After so long an order that was not answered is sent again,"""
ACTIVE_S = 60.0
"""and a stop that was answered and holds."""
STUCK_S = 5.0
"""How often it is looked whether records wait and none comes."""


@dataclass
class Orders:
    """What is ordered and answered, and where it was sent. Times are monotonic seconds."""

    topics: Topics
    cities: Mapping[int, tuple[str, ...]]
    """By partition."""
    _orders: dict[str, Stop] = field(default_factory=dict)
    _answers: dict[tuple[str, str], ChannelState] = field(default_factory=dict)
    _sent: dict[tuple[int, str], tuple[Stop, float]] = field(default_factory=dict)

    def take(self, value: bytes | None) -> None:
        """A record of `ops.actions`; what is none of these, or cannot be read, is passed over."""
        try:
            said = read_action(value or b"")
        except ValidationError:
            return
        if said.stage != self.topics.stage:
            return
        if isinstance(said, Stop):
            known = self._orders.get(said.channel)
            if known is None or said.at > known.at:
                self._orders[said.channel] = said
        elif isinstance(said, ChannelState):
            self._answers[said.city, said.channel] = said

    def due(self, owned: Set[int], now: float) -> list[ProducerRecord]:
        """What is to be sent now; it counts as sent. A partition that was away is new when it comes back."""
        self._sent = {place: sent for place, sent in self._sent.items() if place[0] in owned}
        return list(self._due(owned, now))

    def forget_sent(self) -> None:
        """What was sent did perhaps not arrive."""
        self._sent.clear()

    def _due(self, owned: Set[int], now: float) -> Iterator[ProducerRecord]:
        for partition in sorted(owned & self.cities.keys()):
            for channel, order in sorted(self._orders.items()):
                sent, at = self._sent.get((partition, channel), (None, 0.0))
                if sent == order and now - at < self._again_after(partition, order):
                    continue
                self._sent[partition, channel] = order, now
                yield ProducerRecord(self.topics.impacts.name, partition, "", order.to_bytes())

    def _again_after(self, partition: int, order: Stop) -> float:
        found = [self._answers.get((city, order.channel)) for city in self.cities[partition]]
        if any(answer is None or answer.ordered < order.at for answer in found):
            return UNANSWERED_S
        return ACTIVE_S if any(answer and answer.stopped for answer in found) else float("inf")


async def follow(
    bootstrap: str, orders: Orders, sender: Sender, owned: Callable[[], Set[int]], security: Mapping[str, Any]
) -> None:
    """For ever; while the broker is away, again. Raises what time does not mend, such as a missing right."""
    while True:
        try:
            await _follow(bootstrap, orders, sender, owned, security)
        except (TopicAuthorizationFailedError, AuthenticationFailedError) as error:
            raise SettingsError(
                f"{orders.topics.actions.name}: this user may not read it, so no stop would act ({error!r}); give the "
                f"user what warnsys topics acls lists for a worker"
            ) from error
        except (KafkaError, SendError, OSError, TimeoutError) as error:
            orders.forget_sent()
            log.warning("the operators' orders cannot be read: %r; again in %g s", error, AGAIN_S)
        await asyncio.sleep(AGAIN_S)


async def _follow(
    bootstrap: str, orders: Orders, sender: Sender, owned: Callable[[], Set[int]], security: Mapping[str, Any]
) -> None:
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
        looked, read = time.monotonic(), -1
        while True:
            for records in (await consumer.getmany(timeout_ms=LOOK_MS)).values():
                for record in records:
                    orders.take(record.value)
            missing = {place: end for place, end in missing.items() if await consumer.position(place) < end}
            if missing:  # orders that were resumed since are not sent
                continue
            if found := orders.due(owned(), time.monotonic()):
                await sender.send(found)
            if time.monotonic() - looked > STUCK_S:  # a consumer of this library may fall silent without a word
                looked, before = time.monotonic(), read
                ends = await consumer.end_offsets(places)
                at = {place: await consumer.position(place) for place in places}
                read = sum(at.values())
                if read == before and any(at[place] < ends[place] for place in places):
                    raise TimeoutError("records wait, and none comes")
    finally:
        await consumer.stop()

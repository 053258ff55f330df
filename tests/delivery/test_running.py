"""A running gateway without a broker: when its first call goes out, and what it leaves when it is asked to end."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, func, select

from streams.gateway.gateway import Gateway
from streams.gateway.readers import TopicReader
from streams.kafka.records import ConsumedRecord, MemorySender
from streams.kafka.topics import Topics
from tests.delivery.notices import Receiver, push, stele, target_settings
from warnsys.channels.registry import read
from warnsys.clocks import live_tick
from warnsys.delivery import schema
from warnsys.delivery.clock import GatewayClock
from warnsys.delivery.dispatch import Dispatch
from warnsys.delivery.ledger import DeliveryLedger, LedgerEntry
from warnsys.delivery.target import Accepted, CallResult, ReceiptTaker
from warnsys.metrics import Metrics
from warnsys.records import DeliveryCounts, Notice, PushNotice

MANY = 4_000


@dataclass
class Reader:
    """A topic that a test fills."""

    records: list[ConsumedRecord] = field(default_factory=list)
    caught_up: bool = True
    committed: int = 0

    def read(self, timeout_s: float) -> list[ConsumedRecord]:
        found, self.records = self.records, []
        if not found:
            time.sleep(min(timeout_s, 0.02))
        return found

    def commit(self, records: Sequence[ConsumedRecord]) -> None:
        self.committed += len(records)


class Everybody(Receiver):
    """Takes what it is sent at once."""

    def __init__(self, recipients: Sequence[str]) -> None:
        super().__init__(recipients)
        self.calls: list[tuple[str, str, float]] = []

    async def send(self, payload: bytes, key: str, recipient: str) -> CallResult:
        self.calls.append((key, recipient, time.monotonic()))
        return Accepted()


@dataclass
class Station:
    gateway: Gateway
    target: Everybody
    notices: Reader
    task: "asyncio.Task[None]"

    def publish(self, *notices: Notice) -> None:
        self.notices.records = [
            ConsumedRecord("warn.push", 0, number, b"solingen", one.to_bytes(), {}, time.time())
            for number, one in enumerate(notices)
        ]

    async def until(self, calls: int) -> None:
        async with asyncio.timeout(120):
            while len(self.target.calls) < calls:  # noqa: ASYNC110 - the target tells nobody
                await asyncio.sleep(0.01)

    async def told(self, so: Callable[[DeliveryCounts], bool]) -> None:
        """Returns once the gateway has told of some notice that it is so."""
        sender, name = cast(MemorySender, self.gateway.sender), self.gateway.topics.delivery.name

        def is_told() -> bool:
            found = [one.value or b"" for one in sender.records if one.topic == name]
            return any(so(DeliveryCounts.from_bytes(value)) for value in found)

        while not is_told():  # noqa: ASYNC110 - a sender in memory tells nobody
            await asyncio.sleep(0.05)

    async def end(self) -> None:
        self.task.cancel()
        await asyncio.wait([self.task])


@asynccontextmanager
async def running(
    store: Connection,
    recipients: Sequence[str] = ("",),
    kind: type[DeliveryLedger] = DeliveryLedger,
    target: type[Everybody] = Everybody,
    channel: str = "push",
    **said: Any,
) -> AsyncIterator[Station]:
    them, notices = target(recipients), Reader()
    ledger = kind(store, "live/gateway", lambda value: read(channel, value))
    targets = {"them": (target_settings(**said), them)}
    gateway = Gateway(
        Dispatch.of("gateway", channel, "live", ledger, lambda: 1.0, targets), Topics("live", 1),
        cast(TopicReader, notices), cast(TopicReader, Reader()), MemorySender(), Metrics(),
        GatewayClock(lambda: live_tick("live")),
    )  # fmt: skip
    found = Station(gateway, them, notices, asyncio.create_task(gateway.run()))
    try:
        yield found
    finally:
        await found.end()


def now(name: str, **said: Any) -> PushNotice:
    return push(name, issued=datetime.now().astimezone(), **said)


def states(store: Connection) -> dict[tuple[str, bool, int], int]:
    """How many deliveries are in which state, doubtful or not, after how many calls."""
    asked = select(
        schema.deliveries.c.state, schema.deliveries.c.doubtful, schema.deliveries.c.calls, func.count()
    ).group_by("state", "doubtful", "calls")
    with store.begin():
        return {(state, doubtful, calls): count for state, doubtful, calls, count in store.execute(asked)}


async def test_the_first_of_many_is_called_before_the_last_is_written_down(store: Connection) -> None:
    recipients = [f"+49{number}" for number in range(MANY)]
    written: list[int] = []

    class Watched(DeliveryLedger):
        def write(self, entries: Sequence[LedgerEntry], now: float) -> None:
            super().write(entries, now)
            if not written and any(one.state == "accepted" for one in entries):
                written.append(sum(states(store).values()))

    async with running(store, recipients, Watched, at_once=100) as them:
        them.publish(now("a", severity="Extreme"))
        await them.until(MANY)
    assert written[0] < MANY
    assert sorted(recipient for _, recipient, _ in them.target.calls) == sorted(recipients)


async def test_an_extreme_notice_does_not_wait_until_the_last_of_many_is_written_down(store: Connection) -> None:
    recipients = [f"+49{number}" for number in range(MANY)]
    async with running(store, recipients, at_once=100) as them:
        them.publish(now("minor", group="RAIN"))
        await them.until(1)
        them.publish(now("extreme", severity="Extreme", group="WIND"))
        await them.until(2 * MANY)
    names = [name for name, _, _ in them.target.calls]
    assert names.index("extreme") < MANY / 2
    assert names.index("extreme") + MANY / 2 < len(names) - names[::-1].index("minor")


class Reporting(Everybody):
    """Says at once what became of it: before the gateway has written down that it was accepted."""

    taker: ReceiptTaker | None = None

    def tell_receipts(self, taker: ReceiptTaker | None) -> None:
        self.taker = taker

    async def send(self, payload: bytes, key: str, recipient: str) -> CallResult:
        assert self.taker is not None
        self.told = asyncio.create_task(cast(Any, self.taker("r1", "delivered", "")))
        await asyncio.sleep(0.1)
        await super().send(payload, key, recipient)
        return Accepted("r1")


async def test_a_receipt_that_overtakes_its_answer_counts(store: Connection) -> None:
    async with running(store, target=Reporting) as them:
        them.publish(now("a"))
        async with asyncio.timeout(30):
            await them.told(lambda counts: counts.delivered == 1)
    assert states(store) == {("delivered", False, 1): 1}


class Showing(Everybody):
    """Shows one picture made of all it was sent."""

    def __init__(self, recipients: Sequence[str]) -> None:
        super().__init__(recipients)
        self.resumed: list[str] = []
        self.refreshed = asyncio.Event()

    def resume(self, notices: Iterable[Notice]) -> None:
        self.resumed += [one.id for one in notices]

    async def refresh(self) -> None:
        self.refreshed.set()
        raise ValueError("a picture that cannot be shown ends no gateway")


async def test_a_target_that_shows_a_picture_is_told_what_it_was_to_show_and_asked_to_show_it_again(
    store: Connection,
) -> None:
    at = datetime.now().astimezone()
    records = [
        stele(name, district=name).model_copy(update={"issued": at, "valid_until": at + timedelta(seconds=180)})
        for name in ("mitte", "nord")
    ]
    async with running(store, target=Showing, channel="stele") as them:
        them.publish(*records)
        await them.until(2)
    async with running(store, target=Showing, channel="stele") as them, asyncio.timeout(30):
        await cast(Showing, them.target).refreshed.wait()
        assert sorted(cast(Showing, them.target).resumed) == ["mitte", "nord"]
        them.publish(records[0].model_copy(update={"id": "later"}))
        await them.until(1)


async def test_who_is_asked_to_end_before_a_call_leaves_the_notice_as_if_it_had_not_been_looked_at(
    store: Connection,
) -> None:
    about_to_call = asyncio.Event()
    loop = asyncio.get_running_loop()

    class Slow(DeliveryLedger):
        def write(self, entries: Sequence[LedgerEntry], now: float) -> None:
            super().write(entries, now)
            if any(one.state == "sending" for one in entries):
                loop.call_soon_threadsafe(about_to_call.set)
                time.sleep(0.3)

    async with running(store, kind=Slow) as them:
        them.publish(now("a"))
        await about_to_call.wait()
        await them.end()
    assert them.target.calls == []
    assert states(store) == {("waiting", False, 0): 1}


async def test_what_the_ledger_took_too_long_for_is_not_sent(store: Connection) -> None:
    class Slow(DeliveryLedger):
        def write(self, entries: Sequence[LedgerEntry], now: float) -> None:
            super().write(entries, now)
            if any(one.state == "sending" for one in entries):
                time.sleep(1.5)

    async with running(store, kind=Slow) as them:
        them.publish(now("a", ttl_s=1))
        async with asyncio.timeout(30):
            await them.told(lambda counts: counts.expired == 1)
    assert them.target.calls == []
    assert states(store) == {("expired", False, 0): 1}

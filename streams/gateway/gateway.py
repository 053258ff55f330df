"""A running gateway: reads, calls targets, writes down and tells, each at its own pace.

Whatever decides or writes runs in one thread, step by step (`warnsys.delivery.dispatch`); here is what waits.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

from confluent_kafka import KafkaException
from pydantic import ValidationError

from streams.gateway.readers import TopicReader
from streams.kafka.ending import end_for_newer
from streams.kafka.records import ConsumedRecord, ProducerRecord, Sender, SendError
from streams.kafka.topics import Topics
from warnsys.channels.registry import read
from warnsys.delivery.clock import GatewayClock
from warnsys.delivery.dispatch import Dispatch
from warnsys.delivery.intake import IncomingNotice
from warnsys.delivery.notices import valid_until
from warnsys.delivery.outbox import Delivery
from warnsys.delivery.target import CallResult, Declined, ReceivedState, StandingTarget, TargetWithReceipts, Unanswered
from warnsys.metrics import Metrics
from warnsys.records import GatewayStatus, NewerRecordError, read_action

log = logging.getLogger(__name__)
LOOK_S = 0.2
"""How long a look at a topic waits for records: an order has to act within a second."""
MOST_ARRIVING = 5000
"""Of how many notices at most not all recipients are written down; then no more is read."""
TELL_S = 0.5
"""How often counts are told that have changed."""
STATUS_S = 10.0
"""How often the gateway says how it is, although nothing changed."""
MOST_TOLD = 500
"""Of how many notices the counts are told at once."""
RECEIPT_LOOKS = 10
"""How often the ledger is asked for what a receipt is of."""
FORGET_S = 3600.0
REFRESH_S = 1.0
"""How often a target that shows a picture is asked to show it again where it has to be."""
FINISH_S = 5.0
"""How long calls in flight may take when the gateway is asked to end."""
GRACE_S = 1.0
"""How much longer than its own limit a target may take for a call."""
T = TypeVar("T")


@dataclass
class Gateway:
    """Reads a channel's topic and brings its notices to the targets."""

    dispatch: Dispatch
    topics: Topics
    notices: TopicReader
    orders: TopicReader
    sender: Sender
    metrics: Metrics
    clock: GatewayClock
    _news: dict[str, asyncio.Event] = field(default_factory=dict)
    """By target, set when there may be something to send, or to write down."""
    _desk: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "dispatch"))

    async def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Works until it is cancelled. What is in flight then has some seconds to be answered."""
        self._news = {name: asyncio.Event() for name in self.dispatch.branches}
        try:
            while not self.orders.caught_up:
                await self._obey()
            await self._tell_status(await self._do(self.dispatch.status, self.clock()))  # and hear the broker's time
            await self._do(self.dispatch.restore, self.clock())
            for name, branch in self.dispatch.branches.items():
                if isinstance(branch.target, TargetWithReceipts):
                    branch.target.tell_receipts(partial(self._receive, name))
                if isinstance(branch.target, StandingTarget):
                    branch.target.resume(await self._do(self.dispatch.standing, name))
            ready()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow_orders())
                tasks.create_task(self._take_for_ever())
                tasks.create_task(self._tell_for_ever())
                for name, branch in self.dispatch.branches.items():
                    tasks.create_task(self._send_for_ever(name))
                    if isinstance(branch.target, StandingTarget):
                        tasks.create_task(self._refresh_for_ever(name, branch.target))
        finally:
            for branch in self.dispatch.branches.values():
                if isinstance(branch.target, TargetWithReceipts):
                    branch.target.tell_receipts(None)
            self._desk.shutdown(wait=True)

    async def _do(self, step: Callable[..., T], *arguments: Any) -> T:
        """Runs one step of the dispatch in its thread, to its end even if the gateway is asked to end."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._desk, step, *arguments))

    # -- what comes in ----------------------------------------------------------------------------------------------

    async def _follow_orders(self) -> None:
        while True:
            await self._obey()

    async def _obey(self) -> None:
        """Takes what operators have ordered since the last look."""
        actions = list[tuple[Any, float]]()
        for record in await asyncio.to_thread(self.orders.read, LOOK_S):
            try:
                actions.append((read_action(record.value), record.timestamp))
            except ValidationError:
                continue  # of another release, or nonsense: it orders nothing
        if actions:
            await self._do(self.dispatch.obey, actions, self.clock())
            self._wake()

    async def _take_for_ever(self) -> None:
        """Takes what comes, the worst first; what is committed is written down as a whole, with all before it."""
        taken, left = dict[int, ConsumedRecord](), 0
        while True:
            records = []
            if left < MOST_ARRIVING:
                records = await asyncio.to_thread(self.notices.read, 0 if left else LOOK_S)
            arrivals = [found for record in records if (found := self._arrival(record))]
            for one in arrivals:
                self.clock.learn(one.notice.issued)
            taken.update((record.partition, record) for record in records)
            if not taken:
                continue
            left = await self._do(self.dispatch.take_some, arrivals, self.clock())
            self._wake()
            if not left:
                await self._commit(list(taken.values()))
                taken.clear()

    async def _commit(self, records: list[ConsumedRecord]) -> None:
        try:
            await asyncio.to_thread(self.notices.commit, records)
        except KafkaException as error:  # the ledger knows them: they may come again
            log.warning("what was taken cannot be committed at present: %s", error)

    def _arrival(self, record: ConsumedRecord) -> IncomingNotice | None:
        try:
            notice = read(self.dispatch.channel, record.value)
        except NewerRecordError as error:
            end_for_newer(f"{record.topic}/{record.partition}@{record.offset}: {error}")
        except ValidationError as error:
            self.metrics.gateway_unreadable.labels(self.dispatch.gateway).inc()
            log.error(  # noqa: TRY400 - a traceback would show the record's words
                "%s/%d@%d is no notice that can be sent (%d errors); look at it with: warnsys tail",
                record.topic, record.partition, record.offset, error.error_count(),
            )  # fmt: skip
            return None
        return IncomingNotice(notice, record.value, record.timestamp, valid_until(notice).timestamp())

    # -- what goes out ----------------------------------------------------------------------------------------------

    async def _send_for_ever(self, name: str) -> None:
        """Sends to one target what is due, and writes down its answers."""
        calls = set[asyncio.Task[None]]()
        answers = list[tuple[Delivery, CallResult]]()
        news = self._news[name]
        try:
            while True:
                news.clear()
                await self._write_down(name, answers)
                for delivery in await self._next(name):
                    call = asyncio.create_task(self._call(name, delivery, answers))
                    calls.add(call)
                    call.add_done_callback(calls.discard)
                wakes = await self._do(self.dispatch.wakes, name, self.clock())
                try:
                    async with asyncio.timeout(max(0.0, wakes - self.clock()) if wakes < float("inf") else None):
                        await news.wait()
                except TimeoutError:
                    continue
        finally:
            if calls:
                await asyncio.wait(set(calls), timeout=FINISH_S)
            await self._write_down(name, answers)

    async def _refresh_for_ever(self, name: str, target: StandingTarget) -> None:
        while True:
            await asyncio.sleep(REFRESH_S)
            try:
                await target.refresh()
            except Exception:
                log.exception("%s: what it shows cannot be shown again", name)

    async def _next(self, name: str) -> list[Delivery]:
        """Gives what is to be sent now. Asked to end meanwhile, it puts that back: no call was made."""
        step = asyncio.get_running_loop().run_in_executor(self._desk, self.dispatch.next, name, self.clock())
        try:
            found = await asyncio.shield(step)
        except asyncio.CancelledError:
            await self._do(self.dispatch.put_back, name, await step, self.clock())
            raise
        now = self.clock()  # the ledger may have taken its time
        if late := [each for each in found if each.until <= now]:
            await self._do(self.dispatch.put_back, name, late, now)
        return [each for each in found if each not in late]

    async def _write_down(self, name: str, answers: list[tuple[Delivery, CallResult]]) -> None:
        if found := answers.copy():
            answers.clear()
            await self._do(self.dispatch.answered, name, found, self.clock())

    async def _call(self, name: str, delivery: Delivery, answers: list[tuple[Delivery, CallResult]]) -> None:
        answer: CallResult = Unanswered("ended")
        try:
            answer = await self._answer(name, delivery)
        finally:
            answers.append((delivery, answer))
            self._news[name].set()

    async def _answer(self, name: str, delivery: Delivery) -> CallResult:
        branch = self.dispatch.branches[name]
        try:
            payload = branch.target.render(delivery.notice, datetime.fromtimestamp(delivery.until, UTC))
        except Exception as error:
            log.exception("%s: notice %s cannot be rendered", name, delivery.notice.id)
            return Declined("render", repr(error), permanent=True)
        try:
            async with asyncio.timeout(branch.settings.timeout_s + GRACE_S):
                return await branch.target.send(payload, delivery.notice.id, delivery.recipient)
        except TimeoutError:
            return Unanswered("timeout")
        except Exception as error:
            log.error(  # noqa: TRY400 - a traceback's words may name a recipient
                "%s: a call failed with %s", name, type(error).__name__
            )
            return Unanswered("error", repr(error))

    async def _receive(self, name: str, receipt: str, state: ReceivedState, code: str) -> None:
        """Takes a receipt, which may be here before the answer to its own call is written down."""
        for _ in range(RECEIPT_LOOKS):
            if await self._do(self.dispatch.receive, name, receipt, state, code, self.clock()):
                return
            await asyncio.sleep(LOOK_S)
        log.warning("%s: a receipt is of nothing that this gateway has sent", name)

    def _wake(self) -> None:
        for news in self._news.values():
            news.set()

    # -- what is told -----------------------------------------------------------------------------------------------

    async def _tell_for_ever(self) -> None:
        told, told_at, forgot_at = "", 0.0, 0.0
        while True:
            now = self.clock()
            await self._tell_counts()
            status = await self._do(self.dispatch.status, now)
            await self._show(status)
            look = repr((status.stopped, [(one.state, one.code, one.waiting == 0) for one in status.targets]))
            due = look != told or not 0 <= now - told_at < STATUS_S
            if due and await self._tell_status(status):
                told, told_at = look, now
            if not 0 <= now - forgot_at < FORGET_S:
                await self._do(self.dispatch.ledger.forget, now)
                forgot_at = now
            await asyncio.sleep(TELL_S)

    async def _tell_counts(self) -> None:
        """Tells some of the counts that have changed; what else is done goes between two calls."""
        name = self.topics.delivery.name
        while True:
            ids, counts = await self._do(self.dispatch.news, MOST_TOLD)
            if counts and not await self._publish([self._record(name, one.key, one.to_bytes()) for one in counts]):
                await self._do(self.dispatch.untold, ids)
                return
            if len(ids) < MOST_TOLD:
                return

    async def _tell_status(self, status: GatewayStatus) -> bool:
        return await self._publish([self._record(self.topics.gateways.name, status.key, status.to_bytes())])

    def _record(self, topic: str, key: str, value: bytes) -> ProducerRecord:
        return ProducerRecord(topic, self.topics.partition_of(key), key, value)

    async def _publish(self, records: list[ProducerRecord]) -> bool:
        """Gives whether the broker has them. Without one the gateway goes on to send what it knows."""
        try:
            await self.sender.send(records)
        except SendError as error:
            log.warning("the broker takes no news of the gateway at present: %s", error)
            return False
        return True

    async def _show(self, status: GatewayStatus) -> None:
        for (target, state), count in (await self._do(self.dispatch.endings)).items():
            self.metrics.gateway_deliveries.labels(self.dispatch.gateway, target, state).inc(count)
        self.metrics.gateway_shown(status)

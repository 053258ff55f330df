"""The Faust app: hands each record to its agent, one at a time, and lets no error pass unseen.

The one safe shape of an agent (docs/adr/0003):

* `concurrency=1`.
* The consumer says whether a record is the next one (`take`).
* The last statement on a record is `handled`.
* A record that the agent cannot process goes to `warn.rejected` with its bytes, and is acknowledged there first.
* If that fails, or the broker fails, the process ends at once without a commit, and the record comes again.
"""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any, Protocol

import faust
from yarl import URL

from streams.kafka.ending import end_at_once, end_for_newer, ended_after
from streams.kafka.records import ConsumedRecord, Progress, Sender, read_headers
from streams.kafka.topics import Topic, Topics, group_of
from streams.worker.agents import MatchAgent, SettleAgent
from streams.worker.failures import Charge, charge, code_of, error_reason, rejection
from streams.worker.hand import Hand, place_of, print_of
from streams.worker.transport import EmbeddedTransport, StrictTransport
from streams.worker.trial import Trials
from streams.worker.watchdog import Vitals, Watchdog
from warnsys.headers import stamped
from warnsys.metrics import Metrics
from warnsys.records import NewerRecordError

log = logging.getLogger(__name__)
SESSION_S = 6
"""A killed worker's records come again after this time: 6.5 s, against 61 s with the default of 60 (Kafka 4.3.1)."""
REPORT_EVERY_S = 1.0
"""How often the watchdog is told what the worker does."""
TOGETHER = 200
TOGETHER_S = 1.0
"""The state is stored after so many records or so many seconds. A lower limit would store it after each record; a
higher one repeats more records after a kill."""
KEEP_UP = 8
KEEP_UP_S = 1.0
KEEP_UP_LOOK_S = 0.002
"""While more outcomes than `KEEP_UP` a partition wait to be settled, messages of the ordinary lane wait, for at most
`KEEP_UP_S`. With a lower limit the state would be stored after each record."""
BUFFER = 500
FETCH = 90
"""How many records a queue holds, and how many one fetch brings. Fetching pauses at four fifths of the queue, so one
more fetch never fills it: at a full queue Faust would hold up all topics, and an Extreme message with them."""
STOP_S = 2.5
"""Faust has so long to stop in order before the process ends."""
JUDGED_FOR_S = 60.0
"""A record with the same content is not tried again for so long: after a kill it may come twice, and others wait."""
TRIED_AT_MOST = 2
"""A record that passed so many trials is set aside all the same when a process ends on it once more."""


class Undone(Exception):
    """Ends the process without a commit; its cause says why."""


class Agent(Protocol):
    """What the worker asks of an agent."""

    name: str

    async def handle(self, record: ConsumedRecord) -> None:
        """Decides and publishes."""

    def owes(self, record: ConsumedRecord) -> bool:
        """Says whether results of a record's partition are not yet acknowledged, or their state not yet stored."""

    async def remember(self, record: ConsumedRecord) -> None:
        """Returns when all results of a record's partition are acknowledged and their state is stored."""

    async def judge(self, record: ConsumedRecord, trials: Trials) -> dict[str, str]:
        """Tries a suspect in another process. Gives by part why it fails there; `handle` then sets it aside."""

    def convict(self, record: ConsumedRecord, whys: dict[str, str]) -> dict[str, str]:
        """Sets a record aside without a trial, when `handle` comes to it."""


@dataclass(frozen=True)
class Waiting:
    """Records of a partition that are processed, and whose state is stored together."""

    count: int
    since: float
    """In monotonic seconds."""
    agent: Agent
    message: Any
    """The last of these records."""


class Worker:
    """Runs both agents on a broker, in the running loop; an async context via `running`.

    One that keeps its `instance` over a restart is a static member of the group (KIP-345): the partitions of one that
    was killed wait for its successor instead of for the end of the session, and an ordinary restart moves none.
    """

    def __init__(
        self,
        bootstrap: str,
        topics: Topics,
        match: MatchAgent,
        settle: SettleAgent,
        sender: Sender,
        metrics: Metrics,
        progress: Progress,
        *,
        embedded: bool,
        credentials: Any = None,
        instance: str = "",
        end: Callable[[str], None] = end_at_once,
        outdated: Callable[[str], None] = end_for_newer,
        transport: type[Any] | None = None,
        vitals: Vitals[Any] | None = None,
        hand: Hand | None = None,
        trials: Trials | None = None,
    ) -> None:
        self._topics, self._sender, self._metrics = topics, sender, metrics
        self._progress, self._settle, self._end, self._outdated = progress, settle, end, outdated
        self._mended: dict[str, int] = {}
        self._match, self._hand = match, hand or Hand()
        self._trials = {agent.name: trials or Trials() for agent in (match, settle)}
        self._started = False
        self._judged: dict[str, tuple[float, dict[str, str]]] = {}
        """The last record that failed its trial: by its content, when and why."""
        self._together: dict[Any, Waiting] = {}
        self._at_work: dict[str, asyncio.Lock] = {}
        """By topic: whoever processes its records, or stores their state late, holds this lock."""
        brokers = [URL(f"kafka://{address}") for address in bootstrap.split(",")]
        self.app: Any = faust.App(
            group_of(topics),
            broker=brokers,
            autodiscover=False,
            broker_commit_interval=0.5,
            broker_credentials=credentials,
            broker_heartbeat_interval=1,
            broker_max_poll_interval=60,
            broker_max_poll_records=FETCH,
            broker_session_timeout=SESSION_S,
            consumer_auto_offset_reset="earliest",
            consumer_group_instance_id=instance or None,
            consumer_max_fetch_size=topics.rejected.max_bytes,
            datadir=str(Path(gettempdir()) / f"warnsys-faust-{os.getuid()}"),  # where Faust makes folders, and no file
            store="memory://",
            stream_buffer_maxsize=BUFFER,
            stream_wait_empty=False,
            topic_allow_declare=False,
            topic_disable_leader=True,
            topic_partitions=topics.partitions,
            web_enabled=False,
        )
        self._vitals: Vitals[Any] = vitals or Vitals(SESSION_S)
        chosen = transport or (EmbeddedTransport if embedded else StrictTransport)
        self.app.transport = chosen(brokers, self.app)
        self.app.on_partitions_assigned.connect(self._rebalanced)
        self.app.on_partitions_revoked.connect(self._rebalanced)
        for messages in topics.messages:
            self._attach(match, messages)
        self._attach(settle, topics.impacts)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Worker"]:
        """Consumes from the moment the context is entered until it is left."""
        try:
            self._vitals.report(time.monotonic(), ready=False, in_hand={}, lagging={})
            with Watchdog(self._vitals, self._end):
                tasks = [
                    asyncio.create_task(self._or_end(work, what))
                    for work, what in ((self._report, "the reporter"), (self._remember_late, "what remembers late"))
                ]
                try:
                    tasks += [asyncio.create_task(trials.warm()) for trials in self._to_warm()]
                    await self.app.start()
                    self._started = True
                    yield self
                finally:
                    for task in tasks:
                        task.cancel()
        finally:
            for trials in self._trials.values():
                await trials.close()
            await self._stop()
            self._hand.close()

    def _to_warm(self) -> list[Trials]:
        """Gives the trials of the agents that will meet a suspect. They start while the worker waits for the broker."""
        suspects = self._hand.suspects
        reads = {
            self._match.name: {topic.name for topic in self._topics.messages},
            self._settle.name: {self._topics.impacts.name},
        }
        return [self._trials[agent] for agent, topics in reads.items() if topics & suspects]

    async def _or_end(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        """Runs a task, and ends the process if it fails: a worker without this task would only look alive."""
        try:
            await work()
        except Exception as error:
            log.exception("%s failed", what)
            self._end(f"{what} failed ({error!r})")

    async def _stop(self) -> None:
        """Stops Faust, within `STOP_S`. Records in work are finished, or come again.

        Faust may wait for ever when it is stopped during a rebalance. When it is stopped while it starts, it may block
        the loop's own thread, where no timeout of the loop works; `ended_after` ends the process then.
        """
        with ended_after(2 * STOP_S, self._end, "Faust blocked the event loop while it stopped"):
            try:
                async with asyncio.timeout(STOP_S):
                    await self.app.stop()
            except TimeoutError:
                self._end(f"Faust did not stop within {STOP_S:g} s")

    async def _report(self) -> None:
        """Tells the watchdog which records are in work, and which partitions have lag."""
        while True:
            if not self._started:
                self._vitals.report(time.monotonic(), ready=False, in_hand={}, lagging={})
                await asyncio.sleep(REPORT_EVERY_S)
                continue
            consumer = self.app.consumer
            if self.app.crashed or consumer.crashed:
                self._end(f"Faust has crashed: {self.app.crash_reason or consumer.crash_reason!r}")
            positions = dict(consumer.tracker.next)
            lagging = {tp: at for tp, at in positions.items() if (consumer.highwater(tp) or 0) > at}
            for tp, at in positions.items():
                waiting = max((consumer.highwater(tp) or 0) - at, 0)
                self._metrics.lag.labels(tp.topic, str(tp.partition)).set(waiting)
            self._metrics.only((tp.topic, tp.partition) for tp in positions)
            self._settle.only(self.partitions())
            for what in ("jumps", "restarts", "skipped", "holes"):
                counted, before = getattr(consumer, what), self._mended.get(what, 0)
                self._metrics.mended.labels(what).inc(counted - before)
                self._mended[what] = counted
                if what == "restarts" and counted > before:
                    self._progress.forget()
            ready = consumer.flow_active and not self.app.rebalancing
            busy = {tp for tp in lagging if consumer.at_work(tp)}
            self._vitals.report(time.monotonic(), ready=ready, in_hand=consumer.working, lagging=lagging, busy=busy)
            await asyncio.sleep(REPORT_EVERY_S)

    def waiting(self) -> int:
        """Gives how many records of the inputs are known to wait."""
        return sum(map(self._waiting, self._topics.inputs))

    def _waiting(self, topic: Topic) -> int:
        ours = [(tp, at) for tp, at in self.app.consumer.tracker.next.items() if tp.topic == topic.name]
        return sum(self._beyond(tp, at) for tp, at in ours)

    def _beyond(self, tp: Any, offset: int) -> int:
        """Counts the records from an offset to the end of the log.

        A consumer learns late of records that it has not fetched, so those that this process sent count as well.
        """
        end = max(self.app.consumer.highwater(tp) or 0, self._progress.end(tp.topic, tp.partition))
        return max(end - offset, 0)

    def partitions(self) -> set[int]:
        """Gives the partitions of `warn.impacts` that this worker owns now."""
        assignment = self.app.consumer.assignment()
        owned = {tp.partition for tp in assignment if tp.topic == self._topics.impacts.name}
        return {partition for partition in owned if partition < self._topics.partitions}

    async def _rebalanced(self, *_: Any, **__: Any) -> None:
        self._together.clear()
        self._match.forget()
        self._settle.forget()

    def _attach(self, agent: Agent, topic: Topic) -> None:
        source = self.app.topic(
            topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

        lock = self._at_work[topic.name] = asyncio.Lock()

        async def run(stream: Any) -> None:
            async for event in stream.events():
                async with lock:
                    await self._one(agent, topic, event.message)

        self.app.agent(source, name=f"{agent.name} {topic.name}", concurrency=1)(run)

    async def _one(self, agent: Agent, topic: Topic, message: Any) -> None:
        """Processes one record. Each error is charged here: to the record, or to the infrastructure."""
        try:
            if not await self.app.consumer.take(message):
                return
            record = _incoming(message)
            if topic == self._topics.alerts:
                await self._let_settle_keep_up()
            await self._take(agent, record)
            if agent.owes(record) and self._put_off(agent, message):
                self.app.consumer.taken(message)
            else:
                await self._done(agent, record, message)
            self._hand.lay_down(record)
        except Exception as error:
            self._end_for(agent, message, error)
            raise

    async def _done(self, agent: Agent, record: ConsumedRecord, message: Any) -> None:
        try:
            await agent.remember(record)
        except Exception as error:
            raise Undone("what was published could not be remembered") from error
        self._together.pop(message.tp, None)
        self.app.consumer.handled(message)
        self._progress.handled(message.topic, message.partition, message.offset)

    def _end_for(self, agent: Agent, message: Any, error: Exception) -> None:
        cause = error.__cause__ if isinstance(error, Undone) else error
        what = str(error) if isinstance(error, Undone) else "failed"
        if not isinstance(cause, MemoryError):  # which the record may have used up
            self._hand.lay_down(_incoming(message))
        reason = f"{agent.name}: {message.topic}/{message.partition}@{message.offset}: {what} ({cause!r})"
        (self._outdated if isinstance(cause, NewerRecordError) else self._end)(reason)

    async def _take(self, agent: Agent, record: ConsumedRecord) -> None:
        suspicion, guilty = self._hand.suspicion(record), False
        try:
            if suspicion:
                guilty = await self._judge(agent, record, suspicion)
            self._hand.take(record)
            await agent.handle(record)
        except Exception as error:
            if charge(error) is Charge.INFRASTRUCTURE:
                raise Undone("the infrastructure failed while a record was in hand") from error
            await self._reject(agent, record, error_reason(error))
        if suspicion and not guilty:
            self._hand.acquit(record)

    async def _judge(self, agent: Agent, record: ConsumedRecord, suspicion: int) -> bool:
        """Tries a record on which a process ended uncleanly in another process; says whether it failed there.

        A record that does no harm passes each time.
        """
        place = place_of(record)
        log.warning("%s: %s is tried first: a process ended uncleanly with it in hand", agent.name, place)
        if suspicion > TRIED_AT_MOST:
            why = f"{suspicion} processes ended with it in hand, though it passed its trials"
            whys = agent.convict(record, {"": why})
        elif (known := self._judged.get(print_of(record))) and time.monotonic() - known[0] < JUDGED_FOR_S:
            whys = agent.convict(record, dict(known[1]))
        else:
            whys = await agent.judge(record, self._trials[agent.name])
        for part, why in whys.items():
            log.critical("%s: %s is set aside%s: %s", agent.name, place, f" for {part}" if part else "", why)
        self._metrics.poison.labels(agent.name, "set aside" if whys else "passed").inc()
        if whys:
            self._hand.convict(record)
            self._judged = {print_of(record): (time.monotonic(), dict(whys))}
        return bool(whys)

    async def _remember_late(self) -> None:
        """Stores the state of records that waited for others to follow, when none came."""
        while True:
            await asyncio.sleep(TOGETHER_S / 2)
            for tp, waiting in list(self._together.items()):
                if time.monotonic() - waiting.since < TOGETHER_S:
                    continue
                async with self._at_work[tp.topic]:
                    if self._together.get(tp) is waiting:
                        await self._done(waiting.agent, _incoming(waiting.message), waiting.message)

    async def _let_settle_keep_up(self) -> None:
        """Waits while many outcomes wait to be settled.

        An Extreme message, which has a lane of its own, then finds a short queue here, too.
        """
        until, enough = time.monotonic() + KEEP_UP_S, KEEP_UP * len(self.partitions())
        while self._waiting(self._topics.impacts) > enough and time.monotonic() < until:  # noqa: ASYNC110 - positions set no event
            await asyncio.sleep(KEEP_UP_LOOK_S)

    def _put_off(self, agent: Agent, message: Any) -> bool:
        """Says whether the state of this record can be stored together with that of records that already wait."""
        tp, now = message.tp, time.monotonic()
        before = self._together.get(tp)
        count, since = (before.count, before.since) if before else (0, now)
        self._together[tp] = Waiting(count + 1, since, agent, message)
        here = self.app.consumer.tracker.next.get(tp)
        return count < TOGETHER and now - since < TOGETHER_S and here is not None and self._beyond(tp, here) > 1

    async def _reject(self, agent: Agent, record: ConsumedRecord, reason: str) -> None:
        log.warning("%s: %s/%d@%d rejected: %s", agent.name, record.topic, record.partition, record.offset, reason)
        try:
            await self._sender.send([rejection(self._topics, record, agent.name, reason)])
        except Exception as error:
            raise Undone("a record could be neither handled nor rejected") from error
        self._metrics.rejected.labels(agent.name, code_of(reason)).inc()


def _incoming(message: Any) -> ConsumedRecord:
    return ConsumedRecord(
        message.topic,
        message.partition,
        message.offset,
        message.key or b"",
        message.value or b"",
        read_headers(message.headers),
        stamped(message.timestamp),
    )

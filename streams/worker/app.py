"""The worker: gives each record to its agent, one at a time, on Faust, and charges every error.

Each agent runs in the one safe way (docs/adr/0003):

* An agent works on one record at a time (`concurrency=1`).
* It works on a record only if the consumer says that the record is the next one (`take`).
* The record counts as handled only after everything else is done (`handled`).
* A record that the agent cannot process goes to `warn.rejected` with its bytes. It counts as handled once the broker
  has acknowledged that.
* If the infrastructure fails, the process ends at once without a commit, and the record comes again.
"""

import asyncio
import logging
import math
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
from streams.worker.failures import Charge, charge, code_of, error_reason, rejection
from streams.worker.hand import Hand, place_of
from streams.worker.match import MatchAgent
from streams.worker.settle import SettleAgent
from streams.worker.suspects import Judge, Suspects
from streams.worker.transport import EmbeddedTransport, StrictTransport
from streams.worker.trial import Trials
from streams.worker.watchdog import Vitals, Watchdog
from warnsys.headers import stamped
from warnsys.metrics import Metrics
from warnsys.records import NewerRecordError

log = logging.getLogger(__name__)
SESSION_S = 6
"""After so long without a heartbeat the broker gives a worker's partitions to others. The records of a killed worker
come again after 6.5 s; with Faust's default of 60 s they came after 61 s (Kafka 4.3.1)."""
REPORT_EVERY_S = 1.0
"""How often the worker tells the watchdog and the metrics what it does."""
BATCH_RECORDS = 200
BATCH_S = 1.0
"""The state is stored after so many records or so many seconds. With a lower limit it would be stored after each
record; with a higher one more records are repeated after a kill."""
KEEP_UP = 8
KEEP_UP_S = 1.0
KEEP_UP_LOOK_S = 0.002
"""While more than `KEEP_UP` outcomes for each partition wait to be settled, messages of the ordinary lane wait, for at
most `KEEP_UP_S`. With a lower `KEEP_UP`, `settle` would seldom have a next record waiting, and store the state after
each."""
BUFFER = 500
FETCH = 90
"""How many records a queue holds, and how many one fetch brings. Fetching pauses at four fifths of the queue, so one
more fetch never fills it. At a full queue Faust would hold up all topics, and an Extreme message with them."""
TRIAL_S = 300.0
"""The watchdog leaves a record alone for so long while its trial runs: a trial has limits for each of its parts.
Otherwise it would end the worker in each trial of a record for many cities, for ever."""
STOP_S = 2.5
"""Faust has so long to stop in order. After that the process ends."""


class EndWithoutCommit(Exception):
    """Ends the process without a commit. Its cause says what failed."""


class Agent(Judge, Protocol):
    """What the worker asks of an agent."""

    async def handle(self, record: ConsumedRecord) -> None:
        """Decides a record and sends the results."""

    def has_unflushed(self, record: ConsumedRecord) -> bool:
        """Says whether results of a record's partition are not yet acknowledged, or their state not yet stored."""

    async def flush(self, record: ConsumedRecord) -> None:
        """Returns when all results of a record's partition are acknowledged and their state is stored."""


@dataclass(frozen=True)
class OpenBatch:
    """Processed records of one partition, for which the agent stores one state."""

    count: int
    since: float
    """When the first of them was processed, in monotonic seconds."""
    agent: Agent
    message: Any
    """The last of them."""


class Worker:
    """Runs both agents on a broker, in the running loop, while its context `running` is entered.

    A worker that keeps its `instance` over a restart is a static member of the consumer group (KIP-345). Its partitions
    wait for it, so an ordinary restart moves none, and a worker that was killed has them again as soon as it is back.
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
        self._match, self._hand, self._started = match, hand or Hand(), False
        read = {match.name: {topic.name for topic in topics.messages}, settle.name: {topics.impacts.name}}
        self._suspects = Suspects(self._hand, read, metrics, trials)
        self._mended: dict[str, int] = {}
        """By kind of loss that the consumer mended or met: how often the metrics have counted it."""
        self._trials_since: dict[tuple[str, int], float] = {}
        """By topic and partition, when the trial began that runs there, in monotonic seconds."""
        self._batches: dict[Any, OpenBatch] = {}
        """By partition, the records that are processed and not yet handled."""
        self._at_work: dict[str, asyncio.Lock] = {}
        """By topic, the lock of whoever processes its records or stores their state late."""
        self._rebalances = 0
        """How often partitions were assigned or revoked. If it grows during a trial, the partition may be lost."""
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
            datadir=str(Path(gettempdir()) / f"warnsys-faust-{os.getuid()}"),  # Faust makes folders there, and no file
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
        """Consumes from entering the context until leaving it."""
        try:
            self._vitals.report(time.monotonic(), ready=False, in_hand={}, lagging={})
            with Watchdog(self._vitals, self._end):
                tasks = [
                    asyncio.create_task(self._or_end(work, what))
                    for work, what in (
                        (self._report, "the reporter"),
                        (self._flush_late, "the task that stores states late"),
                    )
                ]
                try:
                    tasks += [asyncio.create_task(trials.warm()) for trials in self._suspects.trials_to_warm()]
                    await self.app.start()
                    self._started = True
                    yield self
                finally:
                    for task in tasks:
                        task.cancel()
        finally:
            await self._suspects.close()
            await self._stop()
            self._hand.close()

    async def _or_end(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        """Runs a task, and ends the process if the task fails. A worker without it would only look alive."""
        try:
            await work()
        except Exception as error:
            log.exception("%s failed", what)
            self._end(f"{what} failed ({error!r})")

    async def _stop(self) -> None:
        """Stops Faust within `STOP_S`, or ends the process. An agent finishes its record, or the record comes again.

        Faust may wait for ever if it is stopped during a rebalance. If it is stopped while it starts, it may block the
        thread of the event loop, where no timeout works. `ended_after` ends the process then.
        """
        with ended_after(2 * STOP_S, self._end, "Faust blocked the event loop while it stopped"):
            try:
                async with asyncio.timeout(STOP_S):
                    await self.app.stop()
            except TimeoutError:
                self._end(f"Faust did not stop within {STOP_S:g} s")

    async def _report(self) -> None:
        """Tells the watchdog and the metrics, again and again, what the worker does."""
        while True:
            if self._started:
                self._report_once()
            else:
                self._vitals.report(time.monotonic(), ready=False, in_hand={}, lagging={})
            await asyncio.sleep(REPORT_EVERY_S)

    def _report_once(self) -> None:
        """Reports the lag, the losses that the consumer met, and which records are in work."""
        consumer = self.app.consumer
        if self.app.crashed or consumer.crashed:
            self._end(f"Faust has crashed: {self.app.crash_reason or consumer.crash_reason!r}")
        positions = dict(consumer.tracker.next)
        for tp, offset in positions.items():
            lag = max((consumer.highwater(tp) or 0) - offset, 0)
            self._metrics.lag.labels(tp.topic, str(tp.partition)).set(lag)
        self._metrics.only((tp.topic, tp.partition) for tp in positions)
        self._settle.limit_metrics_to(self.partitions())
        for what in ("jumps", "restarts", "skipped", "holes"):
            count, before = getattr(consumer, what), self._mended.get(what, 0)
            self._metrics.mended.labels(what).inc(count - before)
            self._mended[what] = count
            if what == "restarts" and count > before:
                self._progress.forget()
        ready = consumer.flow_active and not self.app.rebalancing
        lagging = {tp: offset for tp, offset in positions.items() if (consumer.highwater(tp) or 0) > offset}
        busy = {tp for tp in lagging if consumer.at_work(tp)}
        now = time.monotonic()
        self._vitals.report(now, ready=ready, in_hand=self._in_hand(now), lagging=lagging, busy=busy)

    def _in_hand(self, now: float) -> dict[Any, float]:
        """Gives when the agents took the records in work, by partition, without those that are on trial."""
        return {
            tp: since
            for tp, since in self.app.consumer.working.items()
            if now - self._trials_since.get((tp.topic, tp.partition), -math.inf) > TRIAL_S
        }

    def waiting(self) -> int:
        """Counts the records of the inputs that are known to wait."""
        return sum(map(self._waiting_on, self._topics.inputs))

    def _waiting_on(self, topic: Topic) -> int:
        ours = [(tp, offset) for tp, offset in self.app.consumer.tracker.next.items() if tp.topic == topic.name]
        return sum(self._count_from(tp, offset) for tp, offset in ours)

    def _count_from(self, tp: Any, offset: int) -> int:
        """Counts the records from an offset to the end of the log.

        A consumer learns late of records that it has not fetched, so the records that this process sent count as well.
        """
        end = max(self.app.consumer.highwater(tp) or 0, self._progress.end(tp.topic, tp.partition))
        return max(end - offset, 0)

    def partitions(self) -> set[int]:
        """Gives the partitions of `warn.impacts` that this worker owns now."""
        assignment = self.app.consumer.assignment()
        owned = {tp.partition for tp in assignment if tp.topic == self._topics.impacts.name}
        return {partition for partition in owned if partition < self._topics.partitions}

    async def _rebalanced(self, *_: Any, **__: Any) -> None:
        """Forgets all that is not yet stored or acknowledged, because partitions were assigned or revoked."""
        self._rebalances += 1
        self._batches.clear()
        self._match.forget()
        self._settle.forget()

    def _attach(self, agent: Agent, topic: Topic) -> None:
        """Lets an agent read a topic, one record at a time."""
        source = self.app.topic(
            topic.name, key_type=bytes, value_type=bytes, key_serializer="raw", value_serializer="raw"
        )

        lock = self._at_work[topic.name] = asyncio.Lock()

        async def run(stream: Any) -> None:
            async for event in stream.events():
                async with lock:
                    await self._process(agent, topic, event.message)

        self.app.agent(source, name=f"{agent.name} {topic.name}", concurrency=1)(run)

    async def _process(self, agent: Agent, topic: Topic, message: Any) -> None:
        """Lets an agent process one record. Any error that comes up here ends the process without a commit."""
        try:
            if not await self.app.consumer.take(message):
                return
            record = _incoming(message)
            if topic == self._topics.alerts:
                await self._let_settle_keep_up()
            if not await self._handle_or_reject(agent, record):
                self.app.consumer.put_back(message)
                return
            if agent.has_unflushed(record) and self._joins_batch(agent, message):
                self.app.consumer.processed(message)
            else:
                await self._finish(agent, record, message)
            self._hand.lay_down(record)
        except Exception as error:
            self._end_for(agent, message, error)
            raise

    async def _handle_or_reject(self, agent: Agent, record: ConsumedRecord) -> bool:
        """Lets an agent handle a record. A suspect has its trial first. A record that is at fault is rejected.

        Gives False if the agent does nothing, because a rebalance came during the trial. The agent has then forgotten
        what it had processed and not stored. Those records come again, and this record must not overtake them.
        Raises `EndWithoutCommit` if the infrastructure is at fault.
        """
        suspicion, convicted, rebalances = self._hand.suspicion(record), False, self._rebalances
        try:
            if suspicion:
                convicted = await self._tried(agent, record, suspicion)
                if rebalances != self._rebalances:
                    return False
            self._hand.take(record)
            await agent.handle(record)
        except Exception as error:
            if charge(error) is Charge.INFRASTRUCTURE:
                raise EndWithoutCommit("the infrastructure failed while the agent handled the record") from error
            await self._reject(agent, record, error_reason(error))
        if suspicion and not convicted:
            self._hand.acquit(record)
        return True

    async def _tried(self, agent: Agent, record: ConsumedRecord, suspicion: int) -> bool:
        """Tries a suspect, and says whether it is convicted. Its time in hand counts from the end of the trial."""
        place, working = (record.topic, record.partition), self.app.consumer.working
        self._trials_since[place] = time.monotonic()
        try:
            return await self._suspects.judge(agent, record, suspicion)
        finally:
            del self._trials_since[place]
            working.update((tp, time.monotonic()) for tp in [*working] if (tp.topic, tp.partition) == place)

    async def _reject(self, agent: Agent, record: ConsumedRecord, reason: str) -> None:
        log.warning("%s: %s is rejected: %s", agent.name, place_of(record), reason)
        try:
            await self._sender.send([rejection(self._topics, record, agent.name, reason)])
        except Exception as error:
            raise EndWithoutCommit("the record could be neither handled nor rejected") from error
        self._metrics.rejected.labels(agent.name, code_of(reason)).inc()

    def _joins_batch(self, agent: Agent, message: Any) -> bool:
        """Adds a record to the batch of its partition. Says whether the batch can wait for a further record."""
        tp, now = message.tp, time.monotonic()
        before = self._batches.get(tp)
        count, since = (before.count, before.since) if before else (0, now)
        self._batches[tp] = OpenBatch(count + 1, since, agent, message)
        if count >= BATCH_RECORDS or now - since >= BATCH_S:
            return False
        offset = self.app.consumer.tracker.next.get(tp)  # that of this record, which counts as one
        return offset is not None and self._count_from(tp, offset) > 1

    async def _finish(self, agent: Agent, record: ConsumedRecord, message: Any) -> None:
        """Stores the state of a record and of its batch, and marks them as handled."""
        try:
            await agent.flush(record)
        except Exception as error:
            raise EndWithoutCommit("the results could not be acknowledged, or the state not be stored") from error
        self._batches.pop(message.tp, None)
        self.app.consumer.handled(message)
        self._progress.handled(message.topic, message.partition, message.offset)

    def _end_for(self, agent: Agent, message: Any, error: Exception) -> None:
        """Ends the process. The record becomes no suspect, unless it may have used up the memory."""
        cause = error.__cause__ if isinstance(error, EndWithoutCommit) else error
        what = str(error) if isinstance(error, EndWithoutCommit) else "failed"
        if not isinstance(cause, MemoryError):
            self._hand.lay_down(_incoming(message))
        end = self._outdated if isinstance(cause, NewerRecordError) else self._end
        end(f"{agent.name}: {message.topic}/{message.partition}@{message.offset}: {what} ({cause!r})")

    async def _flush_late(self) -> None:
        """Stores the state of a batch for which no further record comes."""
        while True:
            await asyncio.sleep(BATCH_S / 2)
            for tp, batch in list(self._batches.items()):
                if time.monotonic() - batch.since < BATCH_S:
                    continue
                async with self._at_work[tp.topic]:
                    if self._batches.get(tp) is batch:
                        await self._finish(batch.agent, _incoming(batch.message), batch.message)

    async def _let_settle_keep_up(self) -> None:
        """Waits while many outcomes wait to be settled, so that the outcome of an Extreme message finds a short queue.

        The Extreme message itself comes on a lane of its own, and does not wait here.
        """
        until, enough = time.monotonic() + KEEP_UP_S, KEEP_UP * len(self.partitions())
        while self._waiting_on(self._topics.impacts) > enough and time.monotonic() < until:  # noqa: ASYNC110 - positions set no event
            await asyncio.sleep(KEEP_UP_LOOK_S)


def _incoming(message: Any) -> ConsumedRecord:
    """Gives Faust's message as our record."""
    return ConsumedRecord(
        message.topic,
        message.partition,
        message.offset,
        message.key or b"",
        message.value or b"",
        read_headers(message.headers),
        stamped(message.timestamp),
    )

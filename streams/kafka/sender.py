"""The sender to a broker: librdkafka's producer, whose threads send while Python goes on.

Acknowledgements come back into the event loop, one call for all records that were sent together (docs/adr/0012).
"""

import asyncio
import logging
import math
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from confluent_kafka import TIMESTAMP_LOG_APPEND_TIME, KafkaError, KafkaException, Message, Producer

from streams.kafka.ending import end_at_once
from streams.kafka.records import ProducerRecord, Progress, SendError, TooLargeError
from streams.kafka.topics import MIB

log = logging.getLogger(__name__)
MAX_REQUEST_BYTES = 12 * MIB
MAX_BATCH_BYTES = MIB // 2
"""Of the records of one partition that go in one request: less than any topic takes."""
SEND_TIMEOUT_MS = 20_000
"""Below the watchdog's 30 s, so that a hanging broker is what the log names."""
START_TIMEOUT_S = 10.0
CLOSE_TIMEOUT_S = 5.0
LOOK_S = 0.1
"""How often the thread that waits for acknowledgements looks whether it should end."""
QUIET_S = 3_600.0
"""After this long a partition's next record goes alone. A broker forgets a sender after a day (its default)."""


class KafkaSender:
    """Sends to a broker; an async context manager. Raises `SendError` on entering where there is no broker.

    The first record for a partition goes alone. A broker that does not know the sender yet takes any request of it: if
    it declined the first and took the second, librdkafka would count the first as taken, too (docs/adr/0012).
    `slept` says at a monotonic time why this process may send nothing any more, or ""; it then ends without a commit.
    `stamped` is called with the broker's stamp of what it has just acknowledged, in seconds since 1970.
    `end` is called, in another thread, where librdkafka can send nothing any more, and time mends nothing.
    """

    def __init__(
        self,
        bootstrap: str,
        progress: Progress,
        *,
        compression: str | None = None,
        security: Mapping[str, Any] = {},
        slept: Callable[[float], str] = lambda _: "",
        stamped: Callable[[float], None] = lambda _: None,
        end: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._config: dict[str, Any] = {
            "bootstrap.servers": bootstrap,
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": compression or "none",
            "linger.ms": 0,
            "socket.nagle.disable": True,
            "batch.size": MAX_BATCH_BYTES,
            "message.max.bytes": MAX_REQUEST_BYTES,
            "message.timeout.ms": SEND_TIMEOUT_MS,
            "reconnect.backoff.max.ms": 1_000,
            **security,
        }
        self._progress, self._slept, self._stamped, self._end = progress, slept, stamped, end
        self._fatal: KafkaError | None = None
        self._turn = asyncio.Lock()
        self._acknowledged_at: dict[tuple[str, int], float] = {}
        """By topic and partition: monotonic time."""
        self._producer: Producer
        self._loop: asyncio.AbstractEventLoop
        self._closing, self._ended = threading.Event(), threading.Event()
        self._serving = threading.Thread(target=self._serve, name="acknowledgements", daemon=True)

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._config, logger=log)
        try:
            await asyncio.to_thread(self._producer.list_topics, timeout=START_TIMEOUT_S)
        except KafkaException as error:
            raise self._error(error.args[0]) from error
        self._serving.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """What was sent is given some time to arrive."""
        self._closing.set()
        await asyncio.to_thread(self._serving.join)

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        await (await self.begin(records))

    async def begin(self, records: Sequence[ProducerRecord]) -> Awaitable[None]:
        async with self._turn:
            alone = self._to_go_alone(records)
            if alone:
                await (await self._produce([records[i] for i in alone]))
            return await self._produce([record for i, record in enumerate(records) if i not in alone])

    def _to_go_alone(self, records: Sequence[ProducerRecord]) -> set[int]:
        """Where the first record of each partition stands from which no acknowledgement came for a while."""
        first = dict[tuple[str, int], int]()
        for i, record in enumerate(records):
            first.setdefault((record.topic, record.partition), i)
        since = time.monotonic() - QUIET_S
        return {i for place, i in first.items() if self._acknowledged_at.get(place, -math.inf) < since}

    async def _produce(self, records: Sequence[ProducerRecord]) -> Awaitable[None]:
        if reason := self._slept(time.monotonic()):
            end_at_once(reason)
        acknowledged: asyncio.Future[None] = self._loop.create_future()
        if not records:
            acknowledged.set_result(None)
        told = list[tuple[KafkaError | None, Message]]()

        def one_more(error: KafkaError | None, message: Message) -> None:
            told.append((error, message))
            if len(told) == len(records):
                self._loop.call_soon_threadsafe(self._tell, told, acknowledged)

        now_ms = int(time.time() * 1000)
        try:
            for record in records:
                self._producer.produce(
                    record.topic,
                    record.value,
                    record.key.encode(),
                    record.partition,
                    on_delivery=one_more,
                    timestamp=now_ms,
                    headers=[(key, value.encode()) for key, value in record.headers.items()],
                )
        except KafkaException as error:
            if error.args[0].code() == KafkaError._FATAL:
                await asyncio.to_thread(self._ended.wait, CLOSE_TIMEOUT_S)
            raise self._error(error.args[0]) from error
        except BufferError as error:
            raise SendError("more waits to be sent than there is room for") from error
        return acknowledged

    def _tell(self, told: Sequence[tuple[KafkaError | None, Message]], acknowledged: asyncio.Future[None]) -> None:
        """What became of records that were sent together, once it is known of all.

        Without an offset nobody knows that a record is there: librdkafka only concluded it from a later one.
        """
        errors = [self._error(error) for error, _ in told if error]
        stamps = [message.timestamp() for error, message in told if not error]
        if by_broker := [milliseconds for kind, milliseconds in stamps if kind == TIMESTAMP_LOG_APPEND_TIME]:
            self._stamped(max(by_broker) / 1000)
        for error, message in told:
            place, offset = (str(message.topic()), message.partition() or 0), message.offset()
            if not error and offset is not None:
                self._progress.sent(*place, offset)
                self._acknowledged_at[place] = time.monotonic()
                continue
            self._acknowledged_at.pop(place, None)
            if not error:
                errors.append(SendError(f"{place[0]}, partition {place[1]}: acknowledged without an offset"))
        if acknowledged.done():
            return
        if errors:
            acknowledged.set_exception(errors[0])
        else:
            acknowledged.set_result(None)

    def _error(self, error: KafkaError) -> SendError:
        """After a fatal error everything else says only that it was not sent."""
        said = self._fatal or error
        kind = TooLargeError if said.code() == KafkaError.MSG_SIZE_TOO_LARGE else SendError
        return kind(f"{said.name()}: {said.str()}")

    def _serve(self) -> None:
        """In its own thread: all acknowledgements are taken here, until the sender is closed."""
        while not self._closing.is_set():
            self._look(lambda: self._producer.poll(LOOK_S))
        self._look(lambda: self._producer.flush(CLOSE_TIMEOUT_S))
        self._producer.purge()
        self._look(lambda: self._producer.flush(CLOSE_TIMEOUT_S))

    def _look(self, look: Callable[[], int]) -> None:
        """librdkafka raises what it cannot mend; then it says of every record that it was not sent."""
        try:
            look()
        except KafkaException as error:
            first, self._fatal = self._fatal is None, error.args[0]
            self._ended.set()
            log.critical("nothing can be sent any more: %s", self._fatal)
            if first and not self._closing.is_set():
                self._end(str(self._error(error.args[0])))

"""The sender to a broker: librdkafka's producer, whose threads send while Python goes on.

Acknowledgements come back into the event loop, one call for all records that were sent together (docs/adr/0012).
"""

import asyncio
import logging
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Self

from confluent_kafka import KafkaError, KafkaException, Message, Producer

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


class KafkaSender:
    """Sends to a broker; an async context manager. Raises `SendError` on entering where there is no broker.

    `slept` says at a monotonic time why this process may send nothing any more, or ""; it then ends without a commit.
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
        self._progress, self._slept, self._end = progress, slept, end
        self._fatal: KafkaError | None = None
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
        """What became of records that were sent together, once it is known of all."""
        errors = [error for error, _ in told if error]
        for error, message in told:
            if not error:
                self._progress.sent(str(message.topic()), message.partition() or 0, message.offset() or 0)
        if acknowledged.done():
            return
        if errors:
            acknowledged.set_exception(self._error(errors[0]))
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

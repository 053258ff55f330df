"""What a gateway reads with librdkafka: the notices of a channel with a group of its own, and the operators' orders."""

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from streams.kafka.records import ConsumedRecord, read_headers
from streams.kafka.topics import MIB, Topic, Topics
from warnsys.headers import stamped
from warnsys.settings import SettingsError

log = logging.getLogger(__name__)
MOST = 500
"""How many records a look gives at most."""
ASK_S, ASKS = 10.0, 6
_DENIED = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


class TopicReader:
    """Reads all partitions of a topic. The ledger's lock has seen to it that nobody else of its group does."""

    def __init__(self, consumer: Consumer, topic: Topic, partitions: int) -> None:
        self._consumer, self._topic = consumer, topic
        self._places = [TopicPartition(topic.name, number) for number in range(partitions)]
        self._at_end = set[int]()

    @property
    def caught_up(self) -> bool:
        """Whether everything was given that stood on the topic when its end was reached for the first time."""
        return len(self._at_end) == len(self._places)

    def start(self, *, committed: bool) -> None:
        """Goes to what the group has committed, or to the beginning. Raises the broker's error if that stays away."""
        places = self._committed() if committed else self._places
        beginning = -2  # librdkafka's OFFSET_BEGINNING
        self._consumer.assign(
            [TopicPartition(one.topic, one.partition, one.offset if one.offset >= 0 else beginning) for one in places]
        )

    def read(self, timeout_s: float) -> list[ConsumedRecord]:
        """Gives records with a value, as soon as there are any. Raises `SettingsError` for a missing right."""
        first = self._consumer.poll(timeout_s)
        rest = self._consumer.consume(MOST - 1, timeout=0) if first is not None else []
        return [_record(one) for one in ([first] if first is not None else []) + rest if self._is_one(one)]

    def commit(self, records: Sequence[ConsumedRecord]) -> None:
        """Notes that these need not come again."""
        ends = {one.partition: one.offset + 1 for one in records}
        places = [TopicPartition(self._topic.name, partition, end) for partition, end in ends.items()]
        self._consumer.commit(offsets=places, asynchronous=False)

    def _committed(self) -> list[TopicPartition]:
        """A young broker needs some time before it knows groups."""
        for left in reversed(range(ASKS)):
            try:
                return self._consumer.committed(self._places, timeout=ASK_S)
            except KafkaException:
                if not left:
                    raise
                time.sleep(0.5)
        raise AssertionError

    def _is_one(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            return message.value() is not None
        if error.code() == KafkaError._PARTITION_EOF:
            self._at_end.add(message.partition() or 0)
        elif error.code() in _DENIED:
            raise SettingsError(
                f"{self._topic.name}: this user may not read it ({error.str()}); give the user the rights that "
                f"`warnsys topics acls` lists for a gateway"
            )
        else:
            log.warning("%s cannot be read at present: %s", self._topic.name, error)
        return False


def _record(message: Message) -> ConsumedRecord:
    _, milliseconds = message.timestamp()
    return ConsumedRecord(
        str(message.topic()), message.partition() or 0, message.offset() or 0,
        bytes(message.key() or b""), bytes(message.value() or b""), read_headers(message.headers()),
        stamped(milliseconds / 1000),
    )  # fmt: skip


@contextmanager
def reading(
    bootstrap: str, topics: Topics, topic: Topic, group: str, security: Mapping[str, Any], *, committed: bool
) -> Iterator[TopicReader]:
    """Gives a reader of a topic, from where its group was or from the beginning."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap, "group.id": group, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "enable.partition.eof": True, "fetch.wait.max.ms": 100,
            "fetch.message.max.bytes": 16 * MIB, "reconnect.backoff.max.ms": 1_000, **security,
        },
        logger=log,
    )  # fmt: skip
    try:
        reader = TopicReader(consumer, topic, topics.partitions)
        reader.start(committed=committed)
        yield reader
    finally:
        consumer.close()

"""`warn.state` as a list: what a worker stored there, its successor reads, and needs no broker."""

from collections.abc import Sequence
from types import SimpleNamespace

from streams.kafka.records import ConsumedRecord, MemorySender, ProducerRecord, Progress
from streams.kafka.topics import Topics
from streams.worker.state import KafkaStateStore, put_into

TOPICS = Topics("live", 1)
STATE = TOPICS.state.name


class Log(MemorySender):
    """The topic, and others beside it."""

    def of_state(self) -> list[ProducerRecord]:
        return [record for record in self.records if record.topic == STATE]

    def kept(self) -> dict[str, ConsumedRecord]:
        """By key, what compaction leaves of it."""
        found: dict[str, ConsumedRecord] = {}
        for offset, sent in enumerate(self.of_state()):
            headers = {name: text.encode() for name, text in sent.headers.items()}
            key, value = sent.key.encode(), sent.value
            put_into(found, SimpleNamespace(
                topic=STATE, partition=0, offset=offset, key=key, value=value, headers=headers, timestamp=0,
            ))  # fmt: skip
        return found


class Ends(Progress):
    """The offset after the last record that one process sent."""

    def __init__(self, log: Log) -> None:
        super().__init__()
        self._log, self.own = log, 0

    def end(self, topic: str, partition: int) -> int:
        return self.own


class Own(MemorySender):
    """The sender of one process; its records stand on the log."""

    def __init__(self, log: Log, ends: Ends) -> None:
        super().__init__()
        self._log, self._ends = log, ends
        self.records = log.records

    async def send(self, records: Sequence[ProducerRecord]) -> None:
        await super().send(records)
        if any(record.topic == STATE for record in records):
            self._ends.own = len(self._log.of_state())


class OnTopic(KafkaStateStore):
    def __init__(self, log: Log, sender: type[Own] = Own) -> None:
        ends = Ends(log)
        super().__init__("nowhere:1", TOPICS, sender(log, ends), ends)
        self._log = log

    async def _read(self, partition: int) -> tuple[dict[str, ConsumedRecord], int]:
        return self._log.kept(), len(self._log.of_state())

"""A Kafka in this process, for trying out and exercises: the mock cluster of librdkafka, in confluent-kafka's wheel.

It speaks the real protocol, keeps about 5 MiB a partition and nothing after it ends: not for operation.
"""

from typing import Any, Self

from confluent_kafka import Producer

NOTICE = "eingebetteter Broker: nicht für den Betrieb"
START_S = 60
"""A machine with much to do takes long for the first answer of its own broker."""


class EmbeddedBroker:
    """Runs as long as the context; `bootstrap` is its host:port."""

    def __enter__(self) -> Self:
        quiet = {"log_level": 0, "logger": _Silent()}
        self._cluster: Any = Producer({"test.mock.num.brokers": 1, **quiet})
        (broker,) = self._cluster.list_topics(timeout=START_S).brokers.values()
        self.bootstrap = f"{broker.host}:{broker.port}"
        return self

    def __exit__(self, *_: object) -> None:
        self._cluster = None

    def create(self, topics: tuple[str, ...]) -> None:
        """The mock cluster makes a topic when it is first asked for."""
        for topic in topics:
            self._cluster.list_topics(topic, timeout=START_S)


class _Silent:
    """librdkafka announces its mock cluster as a warning."""

    def log(self, *_: object) -> None: ...

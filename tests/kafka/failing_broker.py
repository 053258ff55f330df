"""librdkafka's mock cluster, which answers as a test wants. It is driven through C: the client for Python hides it."""

import ctypes
from pathlib import Path
from typing import Self

import confluent_kafka

PRODUCE = 0
"""The number of the request in Kafka's protocol."""
NOT_THE_LEADER = 6
PRODUCER = 0
"""rd_kafka_type_t."""


class FailingBroker:
    """Runs as long as the context; `bootstrap` is its host:port. It checks no sequence of an idempotent sender."""

    def __enter__(self) -> Self:
        (path,) = Path(confluent_kafka.__file__).parent.parent.glob("confluent_kafka.libs/librdkafka-*.so*")
        self._c = c = ctypes.CDLL(str(path))
        for name in ("rd_kafka_conf_new", "rd_kafka_new", "rd_kafka_handle_mock_cluster"):
            getattr(c, name).restype = ctypes.c_void_p
        c.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
        conf, error = ctypes.c_void_p(c.rd_kafka_conf_new()), ctypes.create_string_buffer(512)
        for key, value in ((b"test.mock.num.brokers", b"1"), (b"log_level", b"0")):
            c.rd_kafka_conf_set(conf, key, value, error, len(error))
        self._client = ctypes.c_void_p(c.rd_kafka_new(PRODUCER, conf, error, len(error)))
        assert self._client.value, error.value.decode()
        self._cluster = ctypes.c_void_p(c.rd_kafka_handle_mock_cluster(self._client))
        self.bootstrap = c.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        return self

    def __exit__(self, *_: object) -> None:
        self._c.rd_kafka_destroy(self._client)

    def answers_after(self, milliseconds: int) -> None:
        self._c.rd_kafka_mock_broker_set_rtt(self._cluster, 1, milliseconds)

    def declines_the_next(self, request: int, error: int) -> None:
        self._c.rd_kafka_mock_push_request_errors(self._cluster, request, 1, error)

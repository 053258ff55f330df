"""The system on Kafka."""

import streams.kafka.unpack  # noqa: F401 - before any consumer is made

"""The system on Kafka."""

import streams.kafka.unpack  # noqa: F401 - before any consumer is made
import warnsys.moved  # noqa: F401 - old module names work for one release

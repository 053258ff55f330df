"""The system on Kafka."""

from streams import unpack as unpack  # before any consumer is made

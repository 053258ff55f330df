"""Topics read once, from a time or their start to where they end now: for people who ask, and for what restores."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams.kafka.records import ConsumedRecord, read_headers
from streams.kafka.topics import MIB
from warnsys.headers import stamped

FETCH_BYTES = 16 * MIB

TopicAndPartition = tuple[str, int]
"""Topic and partition."""


async def read_once(
    bootstrap: str,
    places: Sequence[TopicAndPartition],
    security: Mapping[str, Any],
    *,
    since: float | None = None,
    starts: Mapping[TopicAndPartition, int] | None = None,
) -> AsyncIterator[ConsumedRecord]:
    """Every record with a value, in each partition's order; `since` in seconds since 1970, `starts` as offsets."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, auto_offset_reset="earliest",
        max_partition_fetch_bytes=FETCH_BYTES, fetch_max_wait_ms=10, **security,
    )  # fmt: skip
    await consumer.start()
    try:
        parts = [TopicPartition(*place) for place in places]
        consumer.assign(parts)
        missing = await consumer.end_offsets(parts)
        await consumer.seek_to_beginning(*parts)
        if since is not None:
            found = await consumer.offsets_for_times(dict.fromkeys(parts, int(since * 1000)))
            for part in parts:
                consumer.seek(part, at.offset if (at := found.get(part)) else missing[part])
        for place, offset in (starts or {}).items():
            consumer.seek(TopicPartition(*place), offset)
        while missing := {part: end for part, end in missing.items() if await consumer.position(part) < end}:
            for part, records in (await consumer.getmany(*missing, timeout_ms=200)).items():
                for record in records:
                    if record.value is not None and record.offset < missing[part]:
                        yield incoming(record)
    finally:
        await consumer.stop()


def incoming(record: Any) -> ConsumedRecord:
    """aiokafka's record as ours."""
    return ConsumedRecord(
        record.topic, record.partition, record.offset, record.key or b"", record.value or b"",
        read_headers(record.headers), stamped(record.timestamp / 1000),
    )  # fmt: skip


async def ends_of(
    bootstrap: str, places: Sequence[TopicAndPartition], security: Mapping[str, Any]
) -> dict[TopicAndPartition, int]:
    """The offset of the next record of each partition."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, enable_auto_commit=False, **security)
    await consumer.start()
    try:
        found = await consumer.end_offsets([TopicPartition(*place) for place in places])
        return {(part.topic, part.partition): end for part, end in found.items()}
    finally:
        await consumer.stop()

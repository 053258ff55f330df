"""Batches as no client of ours would send them: what stands in their records is changed, and their checksum mended."""

import struct
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

NAME = "!!name-of-a-header!!"
ODD = b"\xff\xfe" + NAME.encode()[2:]
"""Of the same length, and no UTF-8."""
CRC, ATTRIBUTES = 17, 21
"""Places in a batch; the checksum is of all from the attributes on."""
Header = tuple[str, bytes]


def checked(batch: bytes) -> bytes:
    """With the checksum that belongs to it."""
    return batch[:CRC] + struct.pack(">I", calc_crc32c(batch[ATTRIBUTES:])) + batch[ATTRIBUTES:]


def batch_of(*records: tuple[bytes, list[Header]], codec: int = 0, first: int = 0) -> bytes:
    """Values with headers; where a header is called NAME, its name is ODD on the wire."""
    builder = DefaultRecordBatchBuilder(
        2, codec, is_transactional=0, producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=2**20
    )
    for number, (value, headers) in enumerate(records):
        builder.append(number, 1000 + number, b"k", value, [*headers])
    plain = bytes(builder.build())
    return struct.pack(">q", first) + checked(plain.replace(NAME.encode(), ODD))[8:]


async def put(bootstrap: str, topic: str, *records: tuple[bytes, list[Header]]) -> int:
    """Onto partition 0, in one batch; the offset of the first."""
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_batch_size=2**20) as producer:
        builder: Any = producer.create_batch()
        for value, headers in records:
            builder.append(timestamp=None, key=b"k", value=value, headers=headers)
        builder.close()
        builder._buffer = bytearray(checked(bytes(builder._build()).replace(NAME.encode(), ODD)))
        sent = await (await producer.send_batch(builder, topic, partition=0))
        return int(sent.offset)

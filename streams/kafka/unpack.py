"""Records that the client cannot unpack end nobody: every consumer of ours gets them as far as they can be read.

aiokafka raises where the name of a header is no UTF-8, and gives none of the batch, for ever; a broker takes such a
name from everybody who may write. Here the name is taken as `\\xff`, and the record goes on as any other. Of one whose
structure cannot be read the bytes come as its value, with the header `unreadable`: its reader sets it aside, as it does
with whatever is none of ours. A wrong checksum stays an error: that is the disk's or the way's fault.

Imported by the package, so that it stands before any consumer is made.
"""

import logging
import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.errors import UnsupportedCodecError
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

log = logging.getLogger(__name__)
UNREADABLE = "unreadable"
"""Header of a record whose value is its bytes on the wire; says why."""
_START = struct.Struct(">qi")
"""Of a batch: its first offset, and how many bytes follow."""
RawHeaders = tuple[tuple[str, bytes | None], ...]


class Unpacked(NamedTuple):
    """What aiokafka gives of a record."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: RawHeaders
    checksum: None = None


class Batch:
    """A batch that raises for no record of it; all else is aiokafka's."""

    def __init__(self, batch: Any, raw: memoryview, place: str) -> None:
        self._batch, self._raw, self._place = batch, raw, place
        self._records = self._each()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)

    def __iter__(self) -> "Batch":
        return self

    def __next__(self) -> Any:
        return next(self._records)

    def _each(self) -> Iterator[Any]:
        given = 0
        try:
            for record in self._batch:
                yield record
                given += 1
        except MemoryError:
            raise
        except Exception as error:
            yield from self._rest(given, error)

    def _rest(self, given: int, error: Exception) -> Iterator[Unpacked]:
        """The records after those that were given, one by one."""
        plain: Any = _DefaultRecordBatchPy(self._raw)
        try:
            iter(plain)  # unpacks it
        except (MemoryError, UnsupportedCodecError):
            raise
        except Exception as failure:
            yield self._unreadable(plain, given, bytes(self._raw), failure)
            return
        buffer, at, count = bytes(plain._buffer), plain._pos, plain._header_data[12]
        for number in range(count):
            try:
                length, start = decode_varint(buffer, at)
                end = start + length
                if not start <= end <= len(buffer):
                    raise ValueError(f"a record of {length} bytes, where {len(buffer) - start} are left")
            except (ValueError, IndexError) as failure:
                yield self._unreadable(plain, max(number, given), buffer[at:], failure)
                return
            if number >= given:
                yield self._one(plain, number, buffer[start:end], error)
            at = end

    def _one(self, batch: Any, number: int, record: bytes, error: Exception) -> Unpacked:
        try:
            found, odd = _read(batch, record)
        except (ValueError, IndexError) as failure:
            return self._unreadable(batch, number, record, failure)
        if odd:
            log.warning("%s@%d has headers whose names are no UTF-8 (%s): %s", self._place, found.offset, error, odd)
        return found

    def _unreadable(self, batch: Any, number: int, raw: bytes, why: Exception) -> Unpacked:
        offset = min(batch.base_offset + number, batch.next_offset - 1)
        reason = f"{type(why).__name__}: {why}"
        log.critical("%s@%d cannot be unpacked: %s", self._place, offset, reason)
        stamp = batch.max_timestamp, batch.timestamp_type
        return Unpacked(offset, *stamp, None, raw, ((UNREADABLE, reason.encode()),))


def _read(batch: Any, record: bytes) -> tuple[Unpacked, list[str]]:
    """A record without its length, and the names of headers that are no UTF-8. Raises where it is cut short."""
    _, at = decode_varint(record, 0)  # attributes: none are known
    after, at = decode_varint(record, at)
    number, at = decode_varint(record, at)
    key, at = _bytes(record, at)
    value, at = _bytes(record, at)
    count, at = decode_varint(record, at)
    headers, odd = list[tuple[str, bytes | None]](), list[str]()
    for _ in range(count):
        name, at = _bytes(record, at)
        text = (name or b"").decode("utf-8", "backslashreplace")
        if text.encode() != (name or b""):
            odd.append(text)
        content, at = _bytes(record, at)
        headers.append((text, content))
    if at != len(record):
        raise ValueError(f"a record of {len(record)} bytes ends after {at}")
    stamp = batch.max_timestamp if batch.timestamp_type == batch.LOG_APPEND_TIME else batch.first_timestamp + after
    return Unpacked(batch.base_offset + number, stamp, batch.timestamp_type, key, value, tuple(headers)), odd


def _bytes(record: bytes, at: int) -> tuple[bytes | None, int]:
    length, start = decode_varint(record, at)
    if length < 0:
        return None, start
    if start + length > len(record):
        raise ValueError(f"{length} bytes at {start} of {len(record)}")
    return record[start : start + length], start + length


class Records:
    """The batches of a fetch."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0
        self._records = MemoryRecords(data)
        self.place = "?"

    def has_next(self) -> bool:
        return bool(self._records.has_next())

    def size_in_bytes(self) -> int:
        return int(self._records.size_in_bytes())

    def next_batch(self) -> Any:
        start = self._at
        _, length = _START.unpack_from(self._data, start)
        self._at += _START.size + length
        batch: Any = self._records.next_batch()
        raw = memoryview(self._data)[start : self._at]
        return Batch(batch, raw, self.place) if hasattr(batch, "magic") else batch


class PartitionRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """aiokafka's, which tells the batches where they stand."""

    def __init__(self, tp: Any, records: Records, *rest: Any, **named: Any) -> None:
        records.place = f"{tp.topic}/{tp.partition}"
        super().__init__(tp, records, *rest, **named)


def install() -> None:
    """For every consumer of this process that is aiokafka's, Faust's among them."""
    fetcher.MemoryRecords = Records
    fetcher.PartitionRecords = PartitionRecords


install()

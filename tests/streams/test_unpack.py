"""A record that the client cannot unpack takes no other with it, and ends no reader."""

from collections.abc import Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.errors import CorruptRecordException
from hypothesis import given
from hypothesis import strategies as st

from streams.kafka.records import read_headers
from streams.kafka.unpack import UNREADABLE
from tests.kafka.raw import NAME, Header, batch_of, checked

PLACE = TopicPartition("cap.alerts", 0)
GOOD = (b"good", [("id", b"a")])
ODD = (b"odd", [("id", b"b"), (NAME, b"x")])
CODECS = {"none": 0, "gzip": 1, "zstd": 4}


def unpacked(data: bytes, since: int = 0) -> list[Any]:
    """As a consumer does it: what has been read is not asked for again."""
    made: Any = fetcher.PartitionRecords
    return list(made(PLACE, fetcher.MemoryRecords(data), [], since, None, None, True, fetcher.READ_UNCOMMITTED))


def values(found: Sequence[Any]) -> list[tuple[int, bytes]]:
    return [(one.offset, one.value) for one in found]


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("odd", [0, 1, 2])
def test_a_header_whose_name_is_no_utf8_leaves_its_record_and_all_others(codec: str, odd: int) -> None:
    records = [GOOD] * 3
    records[odd] = ODD
    found = unpacked(batch_of(*records) + batch_of(GOOD, codec=CODECS[codec], first=3))
    assert values(found) == [*((n, ODD[0] if n == odd else GOOD[0]) for n in range(3)), (3, b"good")]
    assert found[odd].headers == (("id", b"b"), ("\\xff\\xfe" + NAME[2:], b"x"))
    assert found[odd].key == b"k"
    assert found[odd].timestamp == 1000 + odd
    read_headers(found[odd].headers)


def test_what_was_read_of_a_batch_does_not_come_again() -> None:
    assert values(unpacked(batch_of(GOOD, ODD, GOOD, first=7), since=8)) == [(8, b"odd"), (9, b"good")]


def test_ordinary_records_are_unpacked_as_ever() -> None:
    headers: list[Header] = [("Größe", "ü".encode()), ("none", b"")]
    for codec in CODECS.values():
        found = unpacked(batch_of(GOOD, (b"", headers), codec=codec) + batch_of(GOOD, first=2))
        assert values(found) == [(0, b"good"), (1, b""), (2, b"good")]
        assert found[1].headers == tuple(headers)


def broken_record() -> bytes:
    """The middle one says that its key is longer than itself."""
    data = bytearray(batch_of(GOOD, (b"in the middle", []), GOOD))
    at = data.index(b"in the middle") - 2
    data[at - 1] = 0x7C
    return checked(bytes(data))


def test_of_a_record_that_is_cut_short_the_bytes_are_kept_with_its_place() -> None:
    found = unpacked(broken_record() + batch_of(GOOD, first=3))
    assert [one.offset for one in found] == [0, 1, 2, 3]
    assert found[1].headers[0][0] == UNREADABLE
    assert b"in the middle" in found[1].value
    assert [one.value for one in found if one.offset != 1] == [b"good"] * 3


def test_of_a_batch_that_cannot_be_decompressed_the_bytes_are_kept_and_the_next_one_is_read() -> None:
    data = batch_of(*[GOOD] * 40, codec=1)
    broken = checked(data[:61] + b"\0" * (len(data) - 61))
    found = unpacked(broken + batch_of(GOOD, first=40))
    assert found[0].value == broken
    assert found[0].headers[0][0] == UNREADABLE
    assert values(found[1:]) == [(40, b"good")]


def test_a_wrong_checksum_stays_an_error() -> None:
    data = bytearray(batch_of(GOOD))
    data[-1] ^= 1
    with pytest.raises(CorruptRecordException):
        unpacked(bytes(data))


@given(st.data())
def test_whatever_a_batch_holds_what_stands_behind_it_is_read(data: st.DataObject) -> None:
    batch = bytearray(batch_of(GOOD, ODD, GOOD))
    for place in data.draw(st.lists(st.integers(61, len(batch) - 1), min_size=1, max_size=4)):
        batch[place] = data.draw(st.integers(0, 255))
    found = unpacked(checked(bytes(batch)) + batch_of(GOOD, first=3))
    assert values(found)[-1] == (3, b"good")

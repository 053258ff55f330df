"""A ZIP says what stands in it, or nothing at all."""

import bz2
import io
import lzma
import struct
import tracemalloc
import zipfile
import zlib

import pytest

from warnsys.cap import BadBundle, bundle, read_bundle
from warnsys.cap.read import MAX_BYTES

EMPTY = b"PK\x05\x06" + bytes(18)


def packed(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", method) as bundle:
        for name, body in members.items():
            bundle.writestr(name, body)
    return content.getvalue()


def test_an_empty_zip_says_that_nothing_is_warned() -> None:
    assert len(EMPTY) == 22
    assert read_bundle(EMPTY) == ()


def test_members_come_with_name_and_bytes() -> None:
    (one, two) = read_bundle(packed({"a.xml": b"1", "folder/b.xml": b"2"}))
    assert (one.name, one.body, one.error) == ("a.xml", b"1", None)
    assert (two.stem, two.body) == ("b", b"2")


@pytest.mark.parametrize(
    "content",
    [b"", b"<html>", EMPTY[:-1], packed({"a.xml": b"x" * 1000})[:-30], b"PK\x03\x04"],
    ids=["nothing", "a page", "the end cut", "a member cut", "a head alone"],
)
def test_a_broken_zip_says_nothing(content: bytes) -> None:
    with pytest.raises(BadBundle) as raised:
        read_bundle(content)
    assert raised.value.code == "zip-broken"


def test_a_damaged_member_leaves_the_others_alone() -> None:
    content = bytearray(packed({"a.xml": bytes(range(256)) * 40, "b.xml": b"whole"}))
    content[60:80] = bytes(20)
    (damaged, whole) = read_bundle(bytes(content))
    assert damaged.error is not None
    assert (whole.body, whole.error) == (b"whole", None)


def test_a_bomb_is_not_unpacked() -> None:
    (bomb, other) = read_bundle(packed({"bomb.xml": bytes(MAX_BYTES * 8), "b.xml": b"whole"}))
    assert bomb.body == b""
    assert bomb.error is not None
    assert bomb.error.code == "too-large"
    assert other.body == b"whole"


def test_a_member_of_the_largest_size_that_is_read_is_read_and_one_byte_more_is_not() -> None:
    body = bytes(MAX_BYTES)
    (fits, too_large) = read_bundle(packed({"a.xml": body, "b.xml": body + b"x"}))
    assert (fits.body, fits.error) == (body, None)
    assert (too_large.name, too_large.body) == ("b.xml", b"")
    assert str(too_large.error) == f"too-large at b.xml: {MAX_BYTES + 1} bytes unpacked"


def test_a_member_that_is_longer_than_both_its_headers_say_is_no_longer_than_they_say() -> None:
    """The standard library stops there, and the checksum tells."""
    content = bytearray(packed({"a.xml": b"x" * 1000}))
    for size in (22, content.index(b"PK\x01\x02") + 24):  # before the member and in the directory
        content[size : size + 4] = (500).to_bytes(4, "little")
    (member,) = read_bundle(bytes(content))
    assert member.body == b""
    assert isinstance(member.error, BadBundle)
    assert (member.error.code, member.error.where) == ("member-broken", "a.xml")


def with_one(data: bytes, method: int, size: int) -> bytes:
    """A whole archive of one member, whose data and size are given, and of a sound one."""
    out, directory = b"", b""
    for name, packed_as, body, said, crc in (
        (b"a.xml", method, data, size, 0),
        (b"b.xml", zipfile.ZIP_STORED, b"whole", 5, zlib.crc32(b"whole")),
    ):
        common = (0, packed_as, 0, 33, crc, len(body), said, len(name), 0)
        directory += struct.pack("<4s2H2H2H3L2H3H2L", b"PK\x01\x02", 63, 63, *common, 0, 0, 0, 0, len(out)) + name
        out += struct.pack("<4sH2H2H3L2H", b"PK\x03\x04", 63, *common) + name + body
    return out + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 2, 2, len(directory), len(out), 0)


def deflated(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


LARGE_DICTIONARY = struct.pack("<BBHBL", 9, 4, 5, 0x5D, 0xFFFFFFFF) + bytes(50)
PLAIN_LZMA = lzma.compress(bytes(8 * MAX_BYTES), lzma.FORMAT_ALONE, preset=0)


@pytest.mark.parametrize(
    ("method", "data"),
    [
        (zipfile.ZIP_BZIP2, bz2.compress(bytes(8 * MAX_BYTES))),
        (zipfile.ZIP_LZMA, struct.pack("<BBH", 9, 4, 5) + PLAIN_LZMA[:5] + PLAIN_LZMA[13:]),
        (zipfile.ZIP_LZMA, LARGE_DICTIONARY),
        (zipfile.ZIP_DEFLATED, deflated(bytes(8 * MAX_BYTES))),
        (9, b"Deflate64"),
        (93, b"Zstandard"),
    ],
    ids=["bzip2", "LZMA", "LZMA with a dictionary of 4 GiB", "deflated", "Deflate64", "Zstandard"],
)
def test_a_bomb_that_says_a_small_size_is_not_unpacked_and_leaves_the_others_alone(method: int, data: bytes) -> None:
    content = with_one(data, method, 100)
    tracemalloc.start()
    try:
        bomb, whole = read_bundle(content)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert isinstance(bomb.error, BadBundle)
    assert (bomb.body, bomb.error.code, whole.body, whole.error) == (b"", "member-broken", b"whole", None)
    assert most < MAX_BYTES


def test_a_member_whose_name_is_longer_than_any_identifier_is_refused_and_leaves_the_others_alone() -> None:
    long, whole = read_bundle(packed({"a" * 60_000 + ".xml": b"1", "b.xml": b"2"}))
    assert long.error is not None
    assert (long.error.code, len(long.stem), whole.body) == ("name-long", 500, b"2")


def test_an_encrypted_member_is_told_apart_and_leaves_the_others_alone() -> None:
    content = bytearray(packed({"a.xml": b"one", "b.xml": b"two"}))
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (encrypted, whole) = read_bundle(bytes(content))
    assert (encrypted.name, encrypted.body) == ("a.xml", b"")
    assert str(encrypted.error) == "member-broken at a.xml: encrypted"
    assert whole.body == b"two"


def test_folders_are_no_members() -> None:
    assert [one.name for one in read_bundle(packed({"folder/": b"", "folder/a.xml": b"x"}))] == ["folder/a.xml"]


def test_a_bundle_is_opened_up_to_its_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    content = packed({f"{number}.xml": bytes(100) for number in range(10)})
    for limit, fits, code in (
        ("MAX_BUNDLE_BYTES", len(content), "zip-too-large"),
        ("MAX_MEMBERS", 10, "zip-members"),
        ("MAX_UNPACKED_BYTES", 1000, "zip-ratio"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(bundle, limit, fits)
            assert len(read_bundle(content)) == 10
            patched.setattr(bundle, limit, fits - 1)
            with pytest.raises(BadBundle) as raised:
                read_bundle(content)
        assert (raised.value.code, raised.value.where) == (code, "/")
        assert str(fits - 1) in raised.value.text


def test_too_many_members_are_refused() -> None:
    with pytest.raises(BadBundle) as raised:
        read_bundle(packed({f"{number}.xml": b"" for number in range(5_001)}, zipfile.ZIP_STORED))
    assert raised.value.code == "zip-members"


def test_a_member_without_a_name_is_a_member() -> None:
    """Found by fuzzing: the standard library looks at the last character of every name."""
    content = packed({"a": b"whole"}, zipfile.ZIP_STORED)
    local, central = content.index(b"PK\x03\x04"), content.index(b"PK\x01\x02")
    nameless = bytearray(content)
    for at in (central + 46, local + 30):
        del nameless[at]
    for at in (local + 26, central - 1 + 28):
        nameless[at] = 0
    end = nameless.index(b"PK\x05\x06")
    nameless[end + 12] -= 1  # the directory is a byte shorter, and begins a byte earlier
    nameless[end + 16] -= 1
    (member,) = read_bundle(bytes(nameless))
    assert (member.name, member.body) == ("", b"whole")

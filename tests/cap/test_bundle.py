"""A ZIP says what stands in it, or nothing at all."""

import io
import zipfile

import pytest

from warnsys.cap import BadBundle, read_bundle
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


@pytest.mark.parametrize("content", [b"", b"<html>", EMPTY[:-1], packed({"a.xml": b"x" * 1000})[:-30], b"PK\x03\x04"])
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

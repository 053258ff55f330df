"""A damaged answer says nothing: never that nothing is warned, and never that less is."""

import io
import shutil
import struct
import subprocess
import zipfile
import zlib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warnsys.cap import BadBundle, Member, read_bundle
from warnsys.feeds.answer import Refused, open_zip
from warnsys.feeds.poller import DwdFeed
from warnsys.feeds.publisher import MemoryPublisher
from warnsys.settings import Source

EMPTY = b"PK\x05\x06" + bytes(18)
FILES = {"a.xml": b"<alert>1</alert>" * 9, "b.xml": b"<alert>22</alert>" * 9, "c.xml": b"<alert>3</alert>" * 9}


class Unseekable(io.RawIOBase):
    """A pipe: a writer cannot go back to write the sizes in front."""

    def __init__(self) -> None:
        self.content = b""

    def writable(self) -> bool:
        return True

    def write(self, data: "bytes | bytearray | memoryview", /) -> int:  # type: ignore[override] # any buffer
        self.content += bytes(data)
        return len(data)


def packed(files: dict[str, bytes] = FILES, method: int = zipfile.ZIP_DEFLATED, comment: bytes = b"") -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as bundle:
        bundle.comment = comment
        for name, body in files.items():
            bundle.writestr(name, body)
    return out.getvalue()


def streamed(files: dict[str, bytes] = FILES, *, zip64: bool = False) -> bytes:
    """As Python writes it into a pipe: the sizes behind each member, of eight bytes where ZIP64 is asked for."""
    out = Unseekable()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, body in files.items():
            with bundle.open(name, "w", force_zip64=zip64) as member:
                member.write(body)
    return out.content


def by_hand(files: dict[str, bytes] = FILES, *, descriptor: int = 16, zip64_end: bool = False) -> bytes:
    """With a data descriptor of 12, 16, 20 or 24 bytes, as Java's (16) and Go's (16) writers and others make them."""
    out, directory = b"", b""
    for name, body in files.items():
        packer = zlib.compressobj(wbits=-15)
        data = packer.compress(body) + packer.flush()
        crc = zlib.crc32(body)
        directory += struct.pack(
            "<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 8, 8, 0, 33, crc, len(data), len(body), len(name),
            0, 0, 0, 0, 0, len(out),
        )  # fmt: skip
        directory += name.encode()
        out += struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 8, 8, 0, 33, 0, 0, 0, len(name), 0) + name.encode() + data
        signature = b"PK\x07\x08" if descriptor in (16, 24) else b""
        out += signature + struct.pack("<3L" if descriptor < 20 else "<L2Q", crc, len(data), len(body))
    at, count = len(out), len(files)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, count, count, len(directory), at)
    end64 += struct.pack("<4sLQL", b"PK\x06\x07", 0, at + len(directory), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, len(directory), at, 0)
    if zip64_end:
        end = end64 + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return out + directory + end


GOOD = {
    "one member": packed({"a.xml": FILES["a.xml"]}),
    "deflated": packed(),
    "stored": packed(method=zipfile.ZIP_STORED),
    "with a comment": packed(comment=b"from a friend"),
    "streamed": streamed(),
    "streamed, ZIP64": streamed(zip64=True),
    **{f"descriptor of {length} bytes": by_hand(descriptor=length) for length in (12, 16, 20, 24)},
    "ZIP64 end record": by_hand(zip64_end=True),
}


def bodies(members: tuple[Member, ...]) -> dict[str, bytes]:
    assert not any(member.error for member in members)
    return {member.name: member.body for member in members}


@pytest.mark.parametrize("good", GOOD)
def test_an_archive_as_writers_make_it_is_read(good: str) -> None:
    assert FILES.items() >= bodies(open_zip(GOOD[good])).items() > {}.items()


def test_an_archive_of_names_with_umlauts_is_read() -> None:
    files = {"wärme.xml": b"<a/>", "böe.xml": b"<b/>"}
    assert bodies(open_zip(packed(files))) == files == bodies(open_zip(streamed(files)))


@pytest.mark.skipif(not shutil.which("zip"), reason="Info-ZIP is not installed")
@pytest.mark.parametrize("options", ["", "-0", "-fd", "-fz", "-X", "-D"])
def test_an_archive_of_info_zip_is_read(tmp_path: Path, options: str) -> None:
    for name, body in FILES.items():
        (tmp_path / name).write_bytes(body)
    run = {"cwd": tmp_path, "check": True, "capture_output": True, "timeout": 20}
    subprocess.run(["zip", *options.split(), "file.zip", *FILES], **run)  # type: ignore[call-overload] # mypy sees no types in a dict
    assert bodies(open_zip((tmp_path / "file.zip").read_bytes())) == FILES
    if options == "-fz":
        return  # into a pipe Info-ZIP 3.0 writes no ZIP64 end record, and an offset of all ones
    piped = subprocess.run(["zip", *options.split(), "-", *FILES], **run).stdout  # type: ignore[call-overload] # as above
    assert bodies(open_zip(piped)) == FILES


def test_an_empty_archive_is_believed_only_byte_for_byte() -> None:
    assert open_zip(EMPTY) == ()
    assert open_zip(EMPTY[:20] + b"\x05\0hello") == ()
    for at in range(len(EMPTY)):
        for bit in range(8):
            changed = bytearray(EMPTY)
            changed[at] ^= 1 << bit
            with pytest.raises(Refused):
                open_zip(bytes(changed))


def spoiled() -> Iterator[tuple[str, bytes]]:
    good = packed()
    end = good.rindex(b"PK\x05\x06")
    first = good.index(b"PK\x01\x02")
    second = good.index(b"PK\x01\x02", first + 4)

    def ended(content: bytes, start: int, size: int, count: int) -> bytes:
        return content + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, count, count, size, start, 0)

    def patched(at: int, value: bytes) -> bytes:
        return good[:at] + value + good[at + len(value) :]

    yield "directory size 0, offset at the end", patched(end + 12, bytes(4) + end.to_bytes(4, "little"))
    yield "an HTML page before an empty end record", b"<html>503</html>" + EMPTY
    yield "an HTML page before it, with its length as offset", b"<html>503</html>" + ended(b"", 16, 0, 0)
    yield "200 bytes of members before an empty end record", good[:200] + EMPTY
    yield "three members counted, none there", EMPTY[:8] + b"\x03\0\x03\0" + EMPTY[12:]
    yield "two archives one behind the other", packed({"z.xml": b"<z/>"}) + good
    yield "an empty one behind a full one", good + EMPTY
    yield "a full one behind an empty one", EMPTY + good
    yield "an empty one as the comment of a full one", packed(comment=EMPTY)
    yield "another disk", patched(end + 4, b"\x01\0")
    yield "the directory on another disk", patched(end + 6, b"\x01\0")
    yield "a member on another disk", patched(first + 34, b"\x01\0")
    yield "fewer on this disk than in all", patched(end + 8, b"\x02\0")
    yield "fewer counted than listed", patched(end + 8, b"\x02\0\x02\0")
    yield "a directory without its last", ended(good[:second], first, second - first, 1)
    yield "an entry twice", ended(good[:second] + good[first:second], first, 2 * (second - first), 2)
    yield "a byte behind", good + b"\0"
    yield "a line end behind", good + b"\r\n"
    yield "a byte in front", b"\0" + good
    yield "only a folder", packed({"empty/": b""})
    yield "nothing", b""
    yield "half an end record", EMPTY[:21]


@pytest.mark.parametrize("what", [what for what, _ in spoiled()])
def test_what_is_not_a_whole_archive_is_refused(what: str) -> None:
    content = dict(spoiled())[what]
    with pytest.raises(Refused):
        open_zip(content)
    with pytest.raises(BadBundle):
        read_bundle(content)


def read(content: bytes) -> dict[str, bytes | None] | None:
    """What members say, None for one that cannot be read; None for what is refused."""
    try:
        return {member.name: None if member.error else member.body for member in open_zip(content)}
    except Refused:
        return None


def says_no_less(good: bytes, changed: bytes) -> None:
    before, after = read(good), read(changed)
    assert before
    assert after is None or (
        after.keys() == before.keys() and all(body in (None, before[name]) for name, body in after.items())
    )


@pytest.mark.parametrize("good", GOOD)
def test_any_one_damaged_byte_never_lessens_what_is_listed(good: str) -> None:
    content = GOOD[good]
    for at in range(len(content)):
        for byte in {0, 1, 0xFF, content[at] ^ 1, content[at] ^ 8, content[at] ^ 0x80}:
            says_no_less(content, content[:at] + bytes([byte]) + content[at + 1 :])
        says_no_less(content, content[:at])
        says_no_less(content, content[at:] if at else content)
        says_no_less(content, content[:at] + content[at + 1 :])


@settings(max_examples=600)
@given(
    good=st.sampled_from(sorted(GOOD)),
    data=st.data(),
    kind=st.sampled_from(["zero", "cut", "insert", "write", "swap", "repeat"])
)  # fmt: skip
def test_any_one_damage_never_lessens_what_is_listed(good: str, data: st.DataObject, kind: str) -> None:
    content = GOOD[good]
    marks = [at for at in range(len(content) - 1) if content[at : at + 2] == b"PK"]
    place = st.one_of(st.integers(0, len(content)), st.sampled_from([*marks, len(content)]))
    one, two = sorted((data.draw(place), data.draw(place)))
    other = st.one_of(st.binary(max_size=40), st.sampled_from([EMPTY, *GOOD.values()]))
    match kind:
        case "zero":
            changed = content[:one] + bytes(two - one) + content[two:]
        case "cut":
            changed = content[:one] + content[two:]
        case "insert":
            changed = content[:one] + data.draw(other) + content[one:]
        case "write":
            new = data.draw(other)
            changed = content[:one] + new + content[one + len(new) :]
        case "repeat":
            changed = content[:two] + content[one:]
        case _:
            three = data.draw(st.integers(two, len(content)))
            changed = content[:one] + content[two:three] + content[one:two] + content[three:]
    if changed in (EMPTY, *GOOD.values()):
        return  # another whole archive in its place: no damage that a reader could see
    says_no_less(content, changed)


def test_a_feed_reads_no_clock_before_its_first_look() -> None:
    """Scripts that play faults set theirs afterwards."""

    def clock() -> datetime:
        raise AssertionError("nobody looked yet")

    source = Source(name="dwd", url="http://x/x.zip")
    DwdFeed(source, "demo", httpx.AsyncClient(), MemoryPublisher(), clock)

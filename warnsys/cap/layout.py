"""Whether a ZIP is whole: byte for byte the archive that its writer made.

An archive without members says that nothing is warned, and one with fewer says that some warnings are over. Ordinary
readers look for an end record and believe it, whatever lies in front. Here every byte is accounted for: members one
behind the other from the first byte on, then the directory, then the end record, then nothing; and what the directory
says of a member, the member says itself. PKWARE's APPNOTE has the records by the names that are used here.
"""

import io
import struct
import zipfile
from itertools import pairwise

from warnsys.cap.errors import BadBundle

END, LOCAL, CENTRAL = b"PK\x05\x06", b"PK\x03\x04", b"PK\x01\x02"
_END = struct.Struct("<4s4H2LH")
_END64, _LOCATOR = struct.Struct("<4sQ2H2L4Q"), struct.Struct("<4sLQL")
_LOCAL, _CENTRAL = struct.Struct("<4s5H3L2H"), struct.Struct("<4s6H3L5H2L")
_DESCRIPTORS = {12: "<3L", 16: "<4x3L", 20: "<L2Q", 24: "<4xL2Q"}
"""CRC and sizes behind a member's data, by length: with a signature or without, sizes of four bytes or of eight."""
_ENCRYPTED, _DESCRIBED, _UTF8 = 1 << 0, 1 << 3, 1 << 11
_UNKNOWN = 0xFFFFFFFF
"""In place of a size that stands in the ZIP64 field."""


def entries(content: bytes) -> list[zipfile.ZipInfo]:
    """The directory of a whole archive, in its own order. Raises `BadBundle` where a byte is not as it should be."""
    try:
        count, start, end = _directory(content)
        names = _names(content, start, end, count)
        with zipfile.ZipFile(io.BytesIO(content)) as bundle:
            found = bundle.infolist()
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError, struct.error) as error:
        if isinstance(error, BadBundle):
            raise
        raise _broken(str(error)) from error
    if len(found) != count:
        raise _broken(f"the directory lists {len(found)} members, the end record {count}")
    order = sorted(range(count), key=lambda number: found[number].header_offset)
    begins = [*(found[number].header_offset for number in order), start]
    if begins[0] != 0:
        raise _broken(f"{begins[0]} bytes stand in front of the first member")
    for number, (at, following) in zip(order, pairwise(begins), strict=True):
        _check_member(content, found[number], names[number], at, following)
    return found


def _directory(content: bytes) -> tuple[int, int, int]:
    """How many members the directory lists, and where it begins and ends, as the end record says it."""
    at = content.rfind(END)
    if at < 0 or len(content) < at + _END.size:
        raise _broken("File is not a zip file")
    _, disk, first_disk, here, total, size, start, comment = _END.unpack_from(content, at)
    if len(content) != at + _END.size + comment:
        raise _broken("the end record is not where the file ends")
    end = at
    if content[max(at - _LOCATOR.size, 0) : at].startswith(b"PK\x06\x07"):
        end = at - _LOCATOR.size - _END64.size
        plain = (disk, first_disk, here, total, size, start)
        disk, first_disk, here, total, size, start = _directory64(content, end, plain)
    if disk or first_disk or here != total:
        raise _broken("it is a part of an archive on several disks")
    if start + size != end:
        raise _broken(f"the directory should end at byte {start + size}, and the end record begins at {end}")
    return total, start, end


def _directory64(content: bytes, at: int, plain: tuple[int, ...]) -> tuple[int, ...]:
    """The fields of the larger end record in front of its locator; the plain ones agree or refer to it."""
    if at < 0:
        raise _broken("the ZIP64 end record is cut off")
    signature, length, _, _, *fields = _END64.unpack_from(content, at)
    _, disk, where, disks = _LOCATOR.unpack_from(content, at + _END64.size)
    if signature != b"PK\x06\x06" or length != _END64.size - 12 or (disk, where, disks) != (0, at, 1):
        raise _broken("the ZIP64 end record and its locator do not agree")
    for said, larger, unknown in zip(plain, fields, (0xFFFF,) * 4 + (_UNKNOWN,) * 2, strict=True):
        if said not in (larger, unknown):
            raise _broken("the two end records do not agree")
    return tuple(fields)


def _names(content: bytes, start: int, end: int, count: int) -> list[bytes]:
    """Every name of the directory as it is written; the records fill it to the last byte."""
    names: list[bytes] = []
    at = start
    while at < end:
        signature, *_, name, extra, comment, disk, _, _, _ = _CENTRAL.unpack_from(content, at)
        if signature != CENTRAL or disk:
            raise _broken(f"no record of the directory begins at byte {at}")
        at += _CENTRAL.size
        names.append(content[at : at + name])
        at += name + extra + comment
    if at != end or len(names) != count:
        raise _broken(f"the directory has {len(names)} members, the end record counts {count}")
    return names


def _check_member(content: bytes, entry: zipfile.ZipInfo, name: bytes, at: int, following: int) -> None:
    """A member says of itself what the directory says of it, and ends where the next one begins."""
    signature, _, flags, method, _, _, crc, packed, size, length, extra = _LOCAL.unpack_from(content, at)
    data = at + _LOCAL.size + length + extra
    own = content[at + _LOCAL.size : at + _LOCAL.size + length]
    called = entry.orig_filename[:80]
    if signature != LOCAL or own != name or method != entry.compress_type:
        raise _broken(f"the member at byte {at} is not the one that the directory lists there, {called}")
    if (flags ^ entry.flag_bits) & (_ENCRYPTED | _DESCRIBED | _UTF8):
        raise _broken(f"{called} has other flags than the directory says")
    true = (entry.CRC, entry.compress_size, entry.file_size)
    gap = following - data - entry.compress_size
    if flags & _DESCRIBED:
        if gap not in _DESCRIPTORS or (gap in (16, 24) and not content.startswith(b"PK\x07\x08", following - gap)):
            raise _broken(f"behind {called} is something else than its sizes")
        if struct.unpack_from(_DESCRIPTORS[gap], content, following - gap) != true:
            raise _broken(f"the sizes or the CRC behind {called} are not the directory's")
        allowed: list[tuple[int, ...]] = [(0, value, _UNKNOWN) for value in true]
    else:
        if gap != 0:
            raise _broken(f"{called} does not end where the next begins, but {gap} bytes off")
        packed, size = _sizes64(content[data - extra : data], packed, size)
        allowed = [(value,) for value in true]
    if any(said not in right for said, right in zip((crc, packed, size), allowed, strict=True)):
        raise _broken(f"{called} says another size or CRC than the directory")
    if called.endswith("/") and entry.file_size:
        raise _broken(f"{called} is a folder, and has content")


def _sizes64(extra: bytes, packed: int, size: int) -> tuple[int, int]:
    """The sizes in a member's ZIP64 field, where its header refers to that."""
    at = 0
    while _UNKNOWN in (packed, size) and at + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, at)
        if kind == 1 and length >= 16:
            larger_size, larger_packed = struct.unpack_from("<2Q", extra, at + 4)
            return (larger_packed if packed == _UNKNOWN else packed), (larger_size if size == _UNKNOWN else size)
        at += 4 + length
    return packed, size


def _broken(what: str) -> BadBundle:
    return BadBundle("zip-broken", "/", what)

"""A ZIP of CAP messages as DWD publishes it, opened within limits.

An empty ZIP is legal and says that nothing is warned. Anything that is not a whole ZIP, byte for byte, says nothing at
all (`layout.py`). A single bad member is handed on as it is: the messages beside it must not suffer.
"""

import io
import zipfile
import zlib
from dataclasses import dataclass

from warnsys.cap import layout
from warnsys.cap.errors import BadBundle, CapError, Unsafe
from warnsys.cap.read import MAX_BYTES, MAX_NAME

MAX_MEMBERS = 5_000
MAX_BUNDLE_BYTES = 64 * 1024 * 1024
MAX_UNPACKED_BYTES = 512 * 1024 * 1024
ENCRYPTED = 0x1
"""Flag of a member (APPNOTE 4.4.4)."""
_DAMAGED = (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError, EOFError, OSError, ValueError)
"""What zipfile raises for a member that it cannot unpack; memory that is lacking is no fault of the member's."""
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Of packing. The standard library unpacks others without any limit: 861 bytes of bzip2 take 2 GB and 8 s."""


@dataclass(frozen=True, slots=True)
class Member:
    """One file of a bundle: its bytes, or why they cannot be had."""

    name: str
    body: bytes
    error: CapError | None = None

    @property
    def stem(self) -> str:
        """The name without folder and `.xml`: DWD names each member after the identifier."""
        return self.name.rpartition("/")[2].removesuffix(".xml")


def read_bundle(content: bytes) -> tuple[Member, ...]:
    """All members, in the ZIP's order. Raises `BadBundle` where the ZIP as a whole cannot be trusted."""
    if len(content) > MAX_BUNDLE_BYTES:
        raise BadBundle("zip-too-large", "/", f"{len(content)} bytes, at most {MAX_BUNDLE_BYTES} are opened")
    found = layout.entries(content)
    entries = [entry for entry in found if not entry.filename.endswith("/")]
    if len(entries) > MAX_MEMBERS:
        raise BadBundle("zip-members", "/", f"{len(entries)} members, at most {MAX_MEMBERS} are read")
    if found and not entries:
        raise BadBundle("zip-broken", "/", "folders without a member")
    unpacked = sum(min(entry.file_size, MAX_BYTES) for entry in entries)
    if unpacked > MAX_UNPACKED_BYTES:
        raise BadBundle("zip-ratio", "/", f"{unpacked} bytes unpacked, at most {MAX_UNPACKED_BYTES}")
    with zipfile.ZipFile(io.BytesIO(content)) as bundle:
        return tuple(_member(bundle, entry) for entry in entries)


def _member(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Member:
    if len(name := entry.filename) > MAX_NAME:
        what = f"a member's name of {len(name)} characters, at most {MAX_NAME} are taken"
        return Member(name[:MAX_NAME], b"", BadBundle("name-long", "/", what))
    if entry.file_size > MAX_BYTES:
        return Member(entry.filename, b"", Unsafe("too-large", entry.filename, f"{entry.file_size} bytes unpacked"))
    if entry.flag_bits & ENCRYPTED:
        return Member(entry.filename, b"", BadBundle("member-broken", entry.filename, "encrypted"))
    if (method := entry.compress_type) not in METHODS:
        what = f"packed by method {method}; only 0 (stored) and 8 (deflated) are read"
        return Member(entry.filename, b"", BadBundle("member-broken", entry.filename, what))
    try:
        with bundle.open(entry) as file:
            return Member(entry.filename, file.read(entry.file_size + 1))  # no more is unpacked than it says
    except _DAMAGED as error:
        return Member(entry.filename, b"", BadBundle("member-broken", entry.filename, str(error)))

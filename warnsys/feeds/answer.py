"""What a source answers when it is asked, and what is refused of it before anybody looks inside."""

import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from warnsys.cap import BadBundle, Member, layout, read_bundle
from warnsys.cap.bundle import MAX_BUNDLE_BYTES, MAX_MEMBERS

MAX_RATIO = 200
"""Unpacked to packed; CAP in eight languages packs to a twentieth."""
RATIO_FROM_BYTES = 1024 * 1024
MAX_NAME = 255
ENCRYPTED = 0x1
"""Bit 0 of a member's general purpose flags (PKWARE's APPNOTE, 4.4.4)."""


class Refused(Exception):
    """An answer that changes nothing: what is wrong with it, and the remedy, each a part of a sentence."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(f"{what}; {remedy}")
        self.what, self.remedy = what, remedy


@dataclass(frozen=True, slots=True)
class Answer:
    """A ZIP as the source had it."""

    stamp: datetime | None
    """The server's time of it; None where it gave none."""
    content: bytes
    validators: Mapping[str, str]
    """Headers that ask whether there is a newer one."""
    date: datetime | None = None
    """What time it was by the server's clock when it answered; None where it did not say."""
    partly: Refused | None = None
    """Why this is not all that lies there: it ends nothing, and what is new in it still warns."""


class Asks(Protocol):
    """A place that is asked for the newest snapshot."""

    @property
    def place(self) -> str:
        """Address or folder, for messages."""

    async def ask(self, validators: Mapping[str, str], now: datetime) -> Answer | None:
        """What is there, None if that is what the validators' owner has. Raises `Refused`."""


def open_zip(content: bytes) -> tuple[Member, ...]:
    """All members of an answer, in the ZIP's order. Raises `Refused` where it cannot be trusted as a whole.

    Nothing is ever unpacked to a path. A name that points out of its folder, or a member under a password, still shows
    that this is not what the DWD packs, so that nothing of it is believed.
    """
    try:
        if len(content) <= MAX_BUNDLE_BYTES:
            _check(layout.entries(content), len(content))
        return read_bundle(content)
    except BadBundle as error:
        raise Refused(f"the answer is no whole ZIP ({error.text})", "open the address in a browser") from error


def _check(entries: list[zipfile.ZipInfo], packed: int) -> None:
    if len(entries) > MAX_MEMBERS:
        raise Refused(f"the ZIP has {len(entries)} members, at most {MAX_MEMBERS} are read", "look who packed it")
    for entry in entries:
        if (why := _odd(entry.orig_filename)) is not None:
            raise Refused(f"the ZIP has a member whose name {why}: {entry.orig_filename[:80]!r}", "look who packed it")
        if entry.flag_bits & ENCRYPTED:
            raise Refused(f"the ZIP's member {entry.filename[:80]} is encrypted", "look who packed it")
    names = [entry.filename for entry in entries]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"the ZIP has two members of one name: {twice[:80]}", "look who packed it")
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > max(RATIO_FROM_BYTES, MAX_RATIO * packed):
        raise Refused(f"the ZIP unpacks {packed} to {unpacked} bytes, more than {MAX_RATIO}-fold", "look who packed it")


def _odd(name: str) -> str | None:
    if len(name) > MAX_NAME:
        return f"has more than {MAX_NAME} characters"
    if any(ord(letter) < 32 for letter in name):
        return "has control characters"
    if "\\" in name or name.startswith("/") or ".." in name.split("/") or name[1:2] == ":":
        return "points out of its folder"
    return None

"""Files of entries that hang together by their hashes: whoever changes, removes or inserts one breaks the chain.

A line is an entry as JSON; its last field is the SHA-256 of the line without it, and `prev` is that of the line before.
A day's file begins with an entry `opened` that holds all that the next one depends on, so files may be moved away in
order. Written is only at the end, in one go, and safe on the disk before more is read. A process that is killed in
between leaves at most the beginning of a line: it is cut off, and what it told of is read again.
"""

import fcntl
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from io import RawIOBase
from pathlib import Path
from types import TracebackType
from typing import Any, Self

Entry = dict[str, Any]
NOTHING_BEFORE = "0" * 64
OPENED = "opened"
MAX_LINE = 64 * 1024 * 1024
"""Bytes; the longest begin a day, with some hundred thousand things that are remembered."""
LATE = timedelta(hours=1)
"""An anchor that stands on its topic so long after the time it names was made to fit."""
_PLACE = re.compile(r".*/\d{1,9}@\d{1,18}", re.DOTALL)


class AuditError(ValueError):
    """The audit cannot be written or read; the message names file, line and remedy."""


def sealed(entry: Entry, number: int, prev: str) -> tuple[bytes, str]:
    """The line of an entry, and its hash."""
    plain = json.dumps({"n": number, **entry, "prev": prev}, ensure_ascii=False, separators=(",", ":"))
    digest = hashlib.sha256(plain.encode()).hexdigest()
    return f'{plain[:-1]},"hash":"{digest}"}}\n'.encode(), digest


def opened(line: bytes) -> Entry:
    """The entry of a line, with `n`, `prev` and `hash`. Raises `ValueError` where its hash does not fit."""
    body, found, digest = line.rstrip(b"\n").rpartition(b',"hash":"')
    try:
        entry = json.loads(line)
    except RecursionError as error:
        raise ValueError("it is no JSON: nested too deep") from error
    if not found or not isinstance(entry, dict) or digest[:-2].decode() != hashlib.sha256(body + b"}").hexdigest():
        raise ValueError("its hash does not fit its content")
    if strange := _strange(entry):
        raise ValueError(f"it is no entry: {strange}")
    return entry


def _strange(entry: Entry) -> str:
    """What is wrong with an entry that nobody of ours wrote, or ""."""
    for name in ("what", "at", "prev", "hash"):
        if not isinstance(entry.get(name), str):
            return f"{name} is no text"
    if type(entry.get("n")) is not int or entry["n"] < 0:
        return "n is no number"
    place = entry.get("place", "/0@0")
    if not isinstance(place, str) or not _PLACE.fullmatch(place):
        return "place is none"
    return ""


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """With their numbers; of one that is longer than any of ours only the beginning, and nothing after it."""
    with file.open("rb") as lines:
        number = 0
        while line := lines.readline(MAX_LINE):
            number += 1
            yield number, line
            if len(line) == MAX_LINE:
                return


def files_of(folder: Path) -> list[Path]:
    """In their order."""
    return sorted(folder.glob("audit-????-??-??.jsonl"))


def entries_of(folder: Path) -> Iterator[tuple[str, Entry]]:
    """Every entry with its place, `file:line`. Raises `AuditError` where one cannot be read."""
    for file in files_of(folder):
        for number, line in _lines(file):
            try:
                yield f"{file.name}:{number}", opened(line)
            except ValueError as error:
                raise AuditError(f"{file}:{number}: {error}; see: warnsys audit verify") from error


class Chain:
    """The end of a chain, to which one process at a time adds; a context manager.

    `entries` are those of the newest file, from which its writer knows where it stood. Raises `AuditError` where
    another process writes here, and where the newest file is broken.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.entries: list[Entry] = []
        self.next, self.head = 0, NOTHING_BEFORE
        self._day = date.min
        self._file: RawIOBase | None = None

    def __enter__(self) -> Self:
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = (self.folder / "lock").open("wb")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._lock.close()
            raise AuditError(f"{self.folder}: another process writes this audit; end it, or name a folder") from error
        try:
            self._recover()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        if self._file:
            self._file.close()
        self._lock.close()

    def turn(self, memory: Callable[[], Entry], now: datetime) -> None:
        """Begin a day's file, if there is none yet, with what is remembered of all entries before it."""
        day = max(now.astimezone(UTC).date(), self._day)
        if self._file is None or day > self._day:
            self._begin(day)
            self.append([{"what": OPENED, "at": now.astimezone(UTC).isoformat(timespec="seconds"), **memory()}])

    def append(self, entries: Sequence[Entry]) -> None:
        """Returns when they are on the disk; `turn` first.

        Raises `OSError`: then the chain has to be opened again, as nobody knows how much was written.
        """
        lines, number, head = [], self.next, self.head
        for entry in entries:
            line, head = sealed(entry, number, head)
            lines.append(line)
            number += 1
        assert self._file is not None  # noqa: S101 - `turn` began one
        waiting = memoryview(b"".join(lines))
        while waiting:
            waiting = waiting[self._file.write(waiting) or 0 :]
        os.fsync(self._file.fileno())
        self.next, self.head = number, head

    # -- inside -----------------------------------------------------------------------------------------------------

    def _begin(self, day: date) -> None:
        if self._file:
            self._file.close()
        self._day = day
        self._file = (self.folder / f"audit-{day}.jsonl").open("ab", buffering=0)
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _recover(self) -> None:
        """Cut off the line that was being written, and read the newest file that has a whole one."""
        for file in reversed(files_of(self.folder)):
            whole = file.read_bytes()
            whole = whole[: whole.rfind(b"\n") + 1]
            if file.stat().st_size > len(whole):
                os.truncate(file, len(whole))
            if not whole:
                file.unlink()
                continue
            for number, line in enumerate(whole.splitlines(keepends=True), 1):
                self._take(f"{file}:{number}", line)
            self._begin(date.fromisoformat(file.stem.removeprefix("audit-")))
            return

    def _take(self, place: str, line: bytes) -> None:
        try:
            entry = opened(line)
            if self.entries and (entry["prev"], entry["n"]) != (self.head, self.next):
                raise ValueError("it does not follow the entry before it")
        except (ValueError, KeyError) as error:
            raise AuditError(
                f"{place}: {error}; keep this folder as it is for whoever looks into it, and name a new one"
            ) from error
        self.entries.append(entry)
        self.next, self.head = int(entry["n"]) + 1, str(entry["hash"])


@dataclass
class ChainVerdict:
    """What `verify` found."""

    entries: int = 0
    first: int = 0
    """Number of the first entry that is there; above 0 where older files were moved away."""
    head: str = NOTHING_BEFORE
    """Hash of the newest entry: note it elsewhere, and it proves later that everything up to it is unchanged."""
    wrong: list[str] = field(default_factory=list)
    """Place and what, of everything that is not as it must be."""
    anchored: int = 0
    """How many anchors were found in the chain."""


@dataclass(frozen=True, slots=True)
class ChainAnchor:
    """The newest hash at a time, as it stands where the writer of these files writes nothing else."""

    number: int
    head: str
    at: datetime
    stood: datetime
    """When the broker took it."""


def verify(folder: Path, noted: str = "", anchors: Sequence[ChainAnchor] = ()) -> ChainVerdict:
    """Hold every entry against its hash, the chain and the order of its topic; `noted` is an earlier head.

    Whoever can write the files can write all of them anew, and every hash fits: only what stands elsewhere tells.
    """
    found, last = ChainVerdict(), dict[str, int]()
    heads: dict[int, str] = {anchor.number: "" for anchor in anchors}
    seen_noted = not noted or noted == NOTHING_BEFORE
    for file in files_of(folder):
        if not file.stat().st_size:
            found.wrong.append(f"{file.name}: it is empty; its writer was killed, or its entries were taken away")
        for number, line in _lines(file):
            place = f"{file.name}:{number}"
            try:
                entry = opened(line)
            except ValueError as error:
                whole = line.endswith(b"\n")
                found.wrong.append(f"{place}: {error if whole else 'it is not whole; its writer was killed'}")
                continue
            if not found.entries:
                found.first = int(entry["n"])
            elif entry["prev"] != found.head or entry["n"] != found.first + found.entries:
                found.wrong.append(f"{place}: entry {entry['n']} does not follow the one before it")
            topic, _, offset = str(entry.get("place", "")).rpartition("@")
            if topic and int(offset) <= last.get(topic, -1):
                found.wrong.append(f"{place}: {entry['place']} is not later than the entry before it of {topic}")
            if topic:
                last[topic] = int(offset)
            last.pop(str(entry.get("line", "")), None)  # after a gap the order begins anew
            found.entries, found.head = found.entries + 1, str(entry["hash"])
            seen_noted = seen_noted or found.head == noted
            if entry["n"] in heads:
                heads[entry["n"]] = found.head
    if not seen_noted:
        found.wrong.append(f"the noted head {noted} is not in it: entries were taken away, or written anew")
    _compare(found, heads, anchors)
    return found


def _compare(found: ChainVerdict, heads: Mapping[int, str], anchors: Sequence[ChainAnchor]) -> None:
    """With what was anchored; older files may be elsewhere."""
    for anchor in sorted(anchors, key=lambda one: one.number):
        what = f"the head anchored at {anchor.at.isoformat(timespec='seconds')} (entry {anchor.number})"
        there = heads[anchor.number]
        if anchor.stood - anchor.at > LATE:
            found.wrong.append(f"{what} was put there at {anchor.stood.isoformat(timespec='seconds')} only")
        if there == anchor.head:
            found.anchored += 1
        elif there:
            found.wrong.append(f"{what} is {anchor.head}, the entry's hash is {there}: the chain was written anew")
        elif not found.entries or anchor.number >= found.first:
            found.wrong.append(f"{what} is not in it: entries were taken away")

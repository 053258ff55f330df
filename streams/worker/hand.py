"""Remembers which record each agent works on, also after the process has ended: that record is the first suspect.

A worker writes the record's place into a mapped file. This takes no system call, and the file survives SIGKILL and a
process that ends itself. An orderly end removes the file. A worker takes the first file that no other has locked;
records in the files of workers that are gone are suspects, too. A convicted record is recognised by its content,
because the feed publishes it again every ten minutes (docs/adr/0016).
"""

import fcntl
import hashlib
import json
import logging
import mmap
import os
import re
from pathlib import Path
from typing import Any

from streams.kafka.records import ConsumedRecord

log = logging.getLogger(__name__)
SLOT, SLOTS = 256, 8
"""The file has so many bytes for each topic, and room for so many topics."""
MOST_WORKERS = 64
MOST_CONVICTED = 200
_PLACE = re.compile(rb"([^\s/\x00]+/\d{1,9}@\d{1,18})\n")
_CHANGING = re.compile(rb'"(?:stamp|checked|at)":"[^"]{0,40}",?')
"""Fields that differ when the feed publishes the same content again."""


def place_of(record: ConsumedRecord) -> str:
    return f"{record.topic}/{record.partition}@{record.offset}"


def print_of(record: ConsumedRecord) -> str:
    """Gives a hash that is the same when a record comes again with the same content."""
    value = _CHANGING.sub(b"", record.value) if record.value.startswith(b"{") else record.value
    return hashlib.blake2b(record.topic.encode() + b"\0" + value, digest_size=16).hexdigest()


class Hand:
    """The records that agents work on, and those that ended a process. Without a folder it remembers nothing.

    Close it at an orderly end only: a file that is left makes its record a suspect.
    """

    def __init__(self, folder: Path | None = None, name: str = "worker") -> None:
        self._map: mmap.mmap | None = None
        self._slots: dict[str, int] = {}
        self._ends: dict[str, int] = {}
        """By a record's place: how often a process ended uncleanly while it worked on the record."""
        self._convicted: list[str] = []
        self._lock: int | None = None
        """The open file: it stays locked until the process is gone."""
        if folder is None:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if folder.stat().st_uid != os.getuid():
                raise PermissionError(f"{folder} belongs to another user")
            self._known = folder / f"{name}.known.json"
            self._open(folder, name)
        except OSError as error:
            log.warning("a record that ends the worker cannot be remembered, so it is never set aside: %s", error)

    def _open(self, folder: Path, name: str) -> None:
        self._read_known()
        for number in range(MOST_WORKERS):
            path = folder / f"{name}.{number}.hand"
            if self._map is not None and not path.exists():
                break
            if (file := _locked(path)) is None:
                continue
            os.ftruncate(file, SLOT * SLOTS)
            held = mmap.mmap(file, SLOT * SLOTS)
            for start in range(0, SLOT * SLOTS, SLOT):
                if found := _PLACE.match(held[start : start + SLOT]):
                    place = found[1].decode("utf-8", "replace")
                    self._ends[place] = self._ends.get(place, 0) + 1
            if self._map is None:
                self._map, self._path, self._lock = held, path, file
            else:  # the file of a worker that is gone
                held.close()
                path.unlink()
                os.close(file)
        if self._ends:
            log.warning(
                "a process ended uncleanly while it worked on these records, which are tried first: %s",
                dict(self._ends),
            )
            self._write_known()
        if self._map is not None:
            self._map[:] = bytes(SLOT * SLOTS)

    def _read_known(self) -> None:
        try:
            known: dict[str, Any] = json.loads(self._known.read_text("utf-8"))
            self._ends = {str(place): int(times) for place, times in known["ends"].items()}
            self._convicted = [str(one) for one in known["convicted"]]
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s cannot be read and begins anew: %s", self._known, error)

    def _write_known(self) -> None:
        if self._map is None:
            return
        known = {"ends": dict(list(self._ends.items())[-MOST_CONVICTED:]), "convicted": self._convicted}
        fresh = self._known.with_suffix(f".{os.getpid()}")
        try:
            fresh.write_text(json.dumps(known), "utf-8")
            fresh.replace(self._known)
        except OSError as error:
            log.warning("the record that ended a worker cannot be remembered: %s", error)

    # -- one record -------------------------------------------------------------------------------------------------

    def take(self, record: ConsumedRecord) -> None:
        """Notes that the agent works on a record; it is the only one of its topic."""
        if self._map is not None:
            start = SLOT * self._slots.setdefault(record.topic, len(self._slots) % SLOTS)
            text = b"%s\n" % place_of(record).encode()
            if len(text) <= SLOT:
                self._map[start : start + SLOT] = text.ljust(SLOT, b"\0")

    def lay_down(self, record: ConsumedRecord) -> None:
        """Notes that a record is done, or that its failure has been charged."""
        if self._map is not None and (number := self._slots.get(record.topic)) is not None:
            self._map[SLOT * number] = 0

    def suspicion(self, record: ConsumedRecord) -> int:
        """Gives how often a process ended while it worked on a record; 1 if its content was convicted, else 0."""
        if not self._ends and not self._convicted:
            return 0
        ended = self._ends.get(place_of(record), 0)
        self._forget_before(record)
        return ended or int(bool(self._convicted) and print_of(record) in self._convicted)

    def _forget_before(self, record: ConsumedRecord) -> None:
        """Forgets the suspects before a record on its partition: they have been handled and do not come again."""
        line, _, _ = place_of(record).partition("@")
        before = [place for place in self._ends if _stands_before(place, line, record.offset)]
        for place in before:
            del self._ends[place]
        if before:
            self._write_known()

    @property
    def suspects(self) -> set[str]:
        """The topics of the suspects."""
        return {place.partition("/")[0] for place in self._ends}

    def acquit(self, record: ConsumedRecord) -> None:
        """Notes that a suspect passed: it is no suspect any more."""
        before = len(self._convicted)
        self._convicted = [one for one in self._convicted if one != print_of(record)]
        if self._ends.pop(place_of(record), 0) or len(self._convicted) < before:
            self._write_known()

    def convict(self, record: ConsumedRecord) -> None:
        """Notes that a record ends processes, by its content."""
        self._ends.pop(place_of(record), 0)
        new = print_of(record)
        self._convicted = [*(one for one in self._convicted if one != new), new][-MOST_CONVICTED:]
        self._write_known()

    def close(self) -> None:
        """Removes the file, at an orderly end."""
        if self._map is not None and self._lock is not None:
            self._map.close()
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._map = self._lock = None


def _stands_before(place: str, line: str, offset: int) -> bool:
    on, _, at = place.partition("@")
    return on == line and at.isdecimal() and int(at) < offset


def _locked(path: Path) -> int | None:
    """Opens and locks a file. Gives None if another process has locked it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        if path.exists() and path.stat().st_ino == os.fstat(file).st_ino:
            return file
        os.close(file)  # its last owner has removed it meanwhile

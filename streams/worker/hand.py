"""Remembers which record each agent has in hand, also after the process has ended. That record is the first suspect.

A worker writes the place of the record that an agent works on into a mapped file. This takes no system call, and the
file survives SIGKILL and a process that ends itself. An orderly end removes the file. Each worker of a machine has a
file of its own, which it locks. At its start a worker also reads the files of workers that are gone.

A suspect is recognised by its place, and a convicted record by its content, because the feed publishes it again every
ten minutes (docs/adr/0016).
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
"""A folder has files for so many workers. A further worker remembers nothing."""
MOST_CONVICTED = 200
"""So many convicted records are known, and so many places of suspects. The oldest are forgotten."""
_PLACE = re.compile(rb"([^\s/\x00]+/\d{1,9}@\d{1,18})\n")
_CHANGING = re.compile(rb'"(?:stamp|checked|at)":"[^"]{0,40}",?')
"""The fields that differ when the feed publishes the same content again."""


def place_of(record: ConsumedRecord) -> str:
    """Names a record by where it stands: topic, partition and offset."""
    return f"{record.topic}/{record.partition}@{record.offset}"


def fingerprint_of(record: ConsumedRecord) -> str:
    """Gives a hash of a record's content, without the fields that differ when the same content is published again."""
    value = _CHANGING.sub(b"", record.value) if record.value.startswith(b"{") else record.value
    return hashlib.blake2b(record.topic.encode() + b"\0" + value, digest_size=16).hexdigest()


class Hand:
    """The records that the agents of this worker have in hand, and those that ended a process.

    Without a folder it remembers nothing. Close it at an orderly end only: a file that is left makes its record a
    suspect.
    """

    def __init__(self, folder: Path | None = None, name: str = "worker") -> None:
        self._map: mmap.mmap | None = None
        self._slots: dict[str, int] = {}
        """By topic, the number of its slot in the file."""
        self._ends: dict[str, int] = {}
        """By a suspect's place, how often a process ended uncleanly while it worked on that record."""
        self._convicted: list[str] = []
        """The fingerprints of convicted records, the newest last."""
        self._lock: int | None = None
        """The descriptor of the open file. The file stays locked until the process is gone."""
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
        """Takes the first free file for this worker, and collects the suspects from it and from those behind it."""
        self._read_known()
        for number in range(MOST_WORKERS):
            path = folder / f"{name}.{number}.hand"
            if self._map is not None and not path.exists():
                break
            if (file := _locked(path)) is None:
                continue
            os.ftruncate(file, SLOT * SLOTS)
            content = mmap.mmap(file, SLOT * SLOTS)
            for start in range(0, SLOT * SLOTS, SLOT):
                if found := _PLACE.match(content[start : start + SLOT]):
                    place = found[1].decode("utf-8", "replace")
                    self._ends[place] = self._ends.get(place, 0) + 1
            if self._map is None:
                self._map, self._path, self._lock = content, path, file
            else:  # the file of a worker that is gone
                content.close()
                path.unlink()
                os.close(file)
        if self._ends:
            log.warning(
                "a process ended uncleanly while it worked on these records, so they are tried first: %s",
                dict(self._ends),
            )
            self._write_known()
        if self._map is not None:
            self._map[:] = bytes(SLOT * SLOTS)

    def _read_known(self) -> None:
        """Reads the suspects and convicted records that earlier workers have left."""
        try:
            known: dict[str, Any] = json.loads(self._known.read_text("utf-8"))
            self._ends = {str(place): int(times) for place, times in known["ends"].items()}
            self._convicted = [str(one) for one in known["convicted"]]
        except FileNotFoundError:
            pass
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s cannot be read, so earlier suspects are forgotten: %s", self._known, error)

    def _write_known(self) -> None:
        """Keeps the suspects and convicted records for later workers."""
        if self._map is None:
            return
        known = {"ends": dict(list(self._ends.items())[-MOST_CONVICTED:]), "convicted": self._convicted}
        fresh = self._known.with_suffix(f".{os.getpid()}")
        try:
            fresh.write_text(json.dumps(known), "utf-8")
            fresh.replace(self._known)
        except OSError as error:
            log.warning("%s cannot be written, so a record that ended a worker is forgotten: %s", self._known, error)

    # -- one record -------------------------------------------------------------------------------------------------

    def take(self, record: ConsumedRecord) -> None:
        """Notes that an agent begins to work on a record. It works on no other record of the topic meanwhile."""
        if self._map is not None:
            start = SLOT * self._slots.setdefault(record.topic, len(self._slots) % SLOTS)
            place = b"%s\n" % place_of(record).encode()
            if len(place) <= SLOT:
                self._map[start : start + SLOT] = place.ljust(SLOT, b"\0")

    def lay_down(self, record: ConsumedRecord) -> None:
        """Notes that no agent works on a record any more: it is processed, or its failure has been charged."""
        if self._map is not None and (number := self._slots.get(record.topic)) is not None:
            self._map[SLOT * number] = 0

    def suspicion(self, record: ConsumedRecord) -> int:
        """Counts how often a process ended while it worked on a record. Gives 1 if only its content is convicted."""
        if not self._ends and not self._convicted:
            return 0
        ended = self._ends.get(place_of(record), 0)
        self._forget_before(record)
        return ended or int(bool(self._convicted) and fingerprint_of(record) in self._convicted)

    def _forget_before(self, record: ConsumedRecord) -> None:
        """Forgets the suspects before a record on its partition. They have been handled and do not come again."""
        partition, _, _ = place_of(record).partition("@")
        before = [place for place in self._ends if _is_before(place, partition, record.offset)]
        for place in before:
            del self._ends[place]
        if before:
            self._write_known()

    @property
    def suspects(self) -> set[str]:
        """The topics of the suspects."""
        return {place.partition("/")[0] for place in self._ends}

    def acquit(self, record: ConsumedRecord) -> None:
        """Notes that a suspect was processed unharmed. It is no suspect any more, and not convicted any more."""
        before = len(self._convicted)
        self._convicted = [one for one in self._convicted if one != fingerprint_of(record)]
        if self._ends.pop(place_of(record), 0) or len(self._convicted) < before:
            self._write_known()

    def convict(self, record: ConsumedRecord) -> None:
        """Notes that a record ends processes. It is known by its content from now on."""
        self._ends.pop(place_of(record), 0)
        new = fingerprint_of(record)
        self._convicted = [*(one for one in self._convicted if one != new), new][-MOST_CONVICTED:]
        self._write_known()

    def close(self) -> None:
        """Removes the file at an orderly end, so that nobody takes its record for a suspect."""
        if self._map is not None and self._lock is not None:
            self._map.close()
            self._path.unlink(missing_ok=True)
            os.close(self._lock)
            self._map = self._lock = None


def _is_before(place: str, partition: str, offset: int) -> bool:
    """Says whether a place is on a partition (`topic/number`), before an offset."""
    its_partition, _, its_offset = place.partition("@")
    return its_partition == partition and its_offset.isdecimal() and int(its_offset) < offset


def _locked(path: Path) -> int | None:
    """Opens and locks a file. Gives its descriptor, or None if another process has locked it."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return None
        if path.exists() and path.stat().st_ino == os.fstat(file).st_ino:
            return file
        os.close(file)  # its last owner has removed it between open and lock

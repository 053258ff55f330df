"""Every snapshot a source ever gave, as bytes: the DWD keeps two days, and nobody else keeps any.

    <folder>/<source>/<UTC day>/<name as the DWD dates it>_<SHA-256>.zip
    <folder>/index.sqlite

The names alone say which bytes were seen when; the index can be made from them again. Bytes that were seen before are
a second name of the same file (a hard link), so that they are there once, each day's folder is whole in itself, and a
day can be removed without a thought for the others. A name appears only when what it names is safe on the disk.
"""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

from warnsys.archive.index import ArchivedSighting, Contents, Index, describe
from warnsys.feeds.names import file_name, stamp_in
from warnsys.pipeline import matcher_for
from warnsys.settings import Settings, SettingsError
from warnsys.warning.matching import Matcher

INDEX, LOCK, PART, DAMAGED = "index.sqlite", "lock", ".part", ".damaged"
NO_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS)
MB = 1_000_000
_SHA256 = re.compile(r"_([0-9a-f]{64})\.zip$")


@dataclass(frozen=True, slots=True)
class ArchiveFinding:
    """What `verify` found. `mended` it did itself; `lost` and `strange` need somebody's eyes."""

    kind: Literal["mended", "lost", "strange"]
    place: str
    what: str


def archive_for(settings: Settings) -> "Archive":
    """The settings' archive. Raises `SettingsError` where they name no folder, `GeofenceError` for bad geofences."""
    if settings.archive.folder is None:
        raise SettingsError('no archive is set up; write [archive] with folder = "archive" into the settings file')
    least = int(settings.archive.min_free_mb * MB)
    return Archive(settings.archive.folder, matcher_for(settings), min_free_bytes=least)


class Archive:
    """A folder of snapshots. Methods raise `OSError` and `sqlite3.Error` for what the disk does not do.

    `matcher` says which cities a snapshot touches. Several processes may use the same folder.
    """

    def __init__(self, folder: Path, matcher: Matcher, *, min_free_bytes: int = 0) -> None:
        self.folder = folder
        self.matcher, self._min_free_bytes = matcher, min_free_bytes

    def path(self, sighting: ArchivedSighting) -> Path:
        source, stamp, sha256 = sighting
        utc = stamp.astimezone(UTC)
        return self.folder / source / utc.date().isoformat() / f"{file_name(utc).removesuffix('.zip')}_{sha256}.zip"

    @contextmanager
    def index(self) -> Iterator[Index]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with Index.at(self.folder / INDEX) as index:
            yield index

    def keep(self, source: str, stamp: datetime, content: bytes) -> None:
        """Keep a snapshot's bytes and its stamp; what is kept already stays as it is."""
        sighting = source, stamp.replace(microsecond=0), hashlib.sha256(content).hexdigest()
        place = self.path(sighting)
        with self._locked():
            if not place.exists():
                self._make_room(len(content))
                _make_folder(place.parent)
                if not self._link_twin(sighting, place):
                    _write(place, content)
                _sync(place.parent)
            with self.index() as index:
                index.add(sighting, index.contents(sighting[2]) or describe(content, source, self.matcher))

    def _make_room(self, size: int) -> None:
        if (free := shutil.disk_usage(self.folder).free) - size < self._min_free_bytes:
            least = self._min_free_bytes // MB
            raise OSError(errno.ENOSPC, f"{free // MB} MB are free, {least} MB must stay", str(self.folder))

    def _link_twin(self, sighting: ArchivedSighting, place: Path) -> bool:
        """Whether the bytes were there and have a second name now."""
        with suppress(sqlite3.Error), self.index() as index:
            for twin in index.sightings_of(sighting[2]):
                try:
                    os.link(self.path(twin), place)
                except FileNotFoundError:
                    continue
                except OSError as error:
                    if error.errno in NO_LINKS:
                        return False
                    raise
                return True
        return False

    def tidy(self) -> list[Path]:
        """Remove what a writer left that was killed while it wrote."""
        with self._locked():
            return self._remove_parts()

    def _remove_parts(self) -> list[Path]:
        parts = sorted(self.folder.glob(f"*/*/*{PART}"))
        for part in parts:
            part.unlink()
        return parts

    def files(self) -> dict[ArchivedSighting, Path]:
        """All that is kept, by the names of the files."""
        return {sighting: path for path in self._paths() if (sighting := sighting_of(path))}

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*/*/*") if path.suffix not in (PART, DAMAGED))

    def verify(self) -> list[ArchiveFinding]:
        """Hold the files against their names, and the index against the files; mend what can be."""
        with self._locked():
            found = [
                ArchiveFinding("mended", str(part), "a half-written file was removed") for part in self._remove_parts()
            ]
            found += self._verify_files()
            try:
                with self.index() as index:
                    index.check()
                    return found + self._verify_index(index)
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                for leftover in self.folder.glob(f"{INDEX}*"):
                    leftover.unlink()
                with self.index() as index:
                    self._verify_index(index)
                return [
                    *found,
                    ArchiveFinding("mended", str(self.folder / INDEX), f"made anew, it was unusable ({error})"),
                ]

    def _verify_files(self) -> Iterator[ArchiveFinding]:
        hashes: dict[int, str] = {}  # by inode: a file of many names is read once
        first: dict[str, Path] = {}
        for path in self._paths():
            if not (sighting := sighting_of(path)):
                yield ArchiveFinding("strange", str(path), "no name of this archive's; take it away")
                continue
            inode = path.stat().st_ino
            if inode not in hashes:
                hashes[inode] = _hash(path)
            if hashes[inode] != sighting[2]:
                path.rename(path.with_name(path.name + DAMAGED))
                yield ArchiveFinding(
                    "lost", str(path), f"the bytes are not those of the name; it is called …{DAMAGED} now"
                )
            elif (twin := first.setdefault(sighting[2], path)).stat().st_ino != inode and _unite(twin, path):
                yield ArchiveFinding("mended", str(path), f"the same bytes as {twin} are kept once now")

    def _verify_index(self, index: Index) -> list[ArchiveFinding]:
        files, known = self.files(), index.sightings()
        found = [
            ArchiveFinding("lost", str(self.path(sighting)), "the index knows this file, which is not there any more")
            for sighting in sorted(known - files.keys())
        ]
        index.remove(known - files.keys())
        fresh: dict[str, Contents] = {}
        for sighting, path in files.items():
            sha256 = sighting[2]
            contents = fresh.get(sha256) or index.contents(sha256)
            outdated = contents is None or contents.ruleset_version != self.matcher.ruleset_version
            if sighting in known and not outdated:
                continue
            if contents is None or outdated:
                contents = fresh[sha256] = describe(path.read_bytes(), sighting[0], self.matcher)
            index.add(sighting, contents)
            if sighting not in known:
                found.append(ArchiveFinding("mended", str(path), "the index did not know this file"))
        return found

    def prune(self, *, keep_days: int, max_bytes: int) -> list[Path]:
        """Remove the folders of days that are too old, then the oldest while there is too much; the newest day stays.

        Age counts back from the newest day that is kept: a wrong clock of ours removes nothing.
        """
        with self._locked():
            days = _days(self.files())
            sizes = self._bytes_freed(days)
            total = sum(sizes.values())
            gone: list[date] = []
            for day in sorted(days)[:-1]:
                if day >= max(days) - timedelta(days=keep_days) and total <= max_bytes:
                    break
                total -= sizes[day]
                gone.append(day)
            removed = [path for day in gone for path in sorted({path.parent for path in days[day].values()})]
            with self.index() as index:  # before the files: what is only half gone is found and goes the next time
                index.remove(sighting for day in gone for sighting in days[day])
            for folder in removed:
                shutil.rmtree(folder)
            return removed

    def _bytes_freed(self, days: dict[date, dict[ArchivedSighting, Path]]) -> dict[date, int]:
        """By day what is freed when it goes after all days before it."""
        last: dict[int, tuple[date, int]] = {}
        for day in sorted(days):
            for path in days[day].values():
                stat = path.stat()
                last[stat.st_ino] = day, stat.st_size
        return {day: sum(size for at, size in last.values() if at == day) for day in days}

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """One process at a time writes; the lock ends with its process."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / LOCK).open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def sighting_of(path: Path) -> ArchivedSighting | None:
    """What a file's place and name say, None for a name that is not of an archive."""
    stamp, sha256 = stamp_in(path.name), _SHA256.search(path.name)
    if stamp is None or sha256 is None or path.parent.name != stamp.date().isoformat():
        return None
    return path.parent.parent.name, stamp, sha256[1]


def _days(files: dict[ArchivedSighting, Path]) -> dict[date, dict[ArchivedSighting, Path]]:
    days: dict[date, dict[ArchivedSighting, Path]] = {}
    for sighting, path in files.items():
        days.setdefault(sighting[1].date(), {})[sighting] = path
    return days


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        with suppress(FileExistsError):
            os.mkdir(folder)  # noqa: PTH102 - steps of the disk are calls of os here, each of which may fail
        _sync(folder.parent)


def _write(place: Path, content: bytes) -> None:
    part = place.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        os.replace(part, place)  # noqa: PTH105
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """A name is safe only when its folder is."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _unite(twin: Path, path: Path) -> bool:
    part = path.with_name(f".{uuid.uuid4().hex}{PART}")
    try:
        os.link(twin, part)
        os.replace(part, path)  # noqa: PTH105
    except OSError as error:
        if error.errno in NO_LINKS:
            return False
        raise
    return True


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

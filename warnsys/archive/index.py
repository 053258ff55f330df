"""What the archive holds, in SQLite: nothing that could not be read from its files again."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from warnsys.cap.dwd import without_language
from warnsys.cap.model import worst_level
from warnsys.feeds.answer import Refused, open_zip
from warnsys.records import AlertHeaders
from warnsys.warning.matching import Matcher

SCHEMA = 1
WAIT_S = 30.0
"""For another process that writes."""
_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS content (
    sha256 TEXT PRIMARY KEY, bytes INTEGER NOT NULL, ids TEXT NOT NULL, unreadable INTEGER NOT NULL,
    sent_first TEXT, sent_last TEXT, worst INTEGER NOT NULL, cities TEXT NOT NULL, rules TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS seen (
    source TEXT NOT NULL, stamp TEXT NOT NULL, sha256 TEXT NOT NULL REFERENCES content,
    PRIMARY KEY (source, stamp, sha256)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS seen_content ON seen (sha256);
PRAGMA user_version = {SCHEMA};
COMMIT;
"""

ArchivedSighting = tuple[str, datetime, str]
"""Source, the server's stamp, hash of the bytes: the same bytes under another stamp are another sighting."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What stands in a snapshot's ZIP."""

    bytes: int
    ids: tuple[str, ...]
    unreadable: int
    sent_first: datetime | None
    sent_last: datetime | None
    worst: int
    """The highest level of what warns anywhere, 0 for none."""
    cities: Mapping[str, int]
    """The highest level by city that is touched."""
    ruleset_version: str
    """Version of the geofences that say so."""


@dataclass(frozen=True, slots=True)
class ArchivedSnapshot:
    """A snapshot in the archive."""

    source: str
    stamp: datetime
    sha256: str
    contents: Contents


def describe(content: bytes, source: str, matcher: Matcher) -> Contents:
    """Read a snapshot for the index: a decision of every message, as it would be made today."""
    try:
        members = open_zip(content)
    except Refused:
        return Contents(len(content), (), 1, None, None, 0, {}, matcher.ruleset_version)
    ids, sent, cities = [], [], dict[str, int]()
    worst = 0
    for member in members:
        listed_id = without_language(member.stem)
        headers = AlertHeaders(stage="live", source=source, id=listed_id, seen=datetime.fromtimestamp(0, UTC))
        decision = matcher.decide_bytes(member.body, headers)
        ids.append(listed_id)
        if decision.alert is None:
            continue
        sent.append(decision.alert.sent)
        if decision.outcome.decided in ("matched", "no_district"):
            worst = max(worst, worst_level(decision.alert.infos))
        for meaning in decision.outcome.meanings:
            for impact in meaning.impacts:
                cities[impact.city] = max(cities.get(impact.city, 0), worst_level(decision.alert.infos))
    return Contents(
        bytes=len(content),
        ids=tuple(ids),
        unreadable=len(ids) - len(sent),
        sent_first=min(sent, default=None),
        sent_last=max(sent, default=None),
        worst=worst,
        cities=dict(sorted(cities.items())),
        ruleset_version=matcher.ruleset_version,
    )


class Index:
    """One connection; every change is a transaction of its own. Methods raise `sqlite3.Error`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    @classmethod
    @contextmanager
    def at(cls, path: Path) -> "Iterator[Index]":
        """The index in a file, which is made where there is none. Raises `sqlite3.Error`."""
        with closing(sqlite3.connect(path, timeout=WAIT_S)) as connection:
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            if version == 0:
                connection.executescript(_TABLES)
            elif version != SCHEMA:
                raise sqlite3.DatabaseError(f"{path}: the index is of version {version}, not {SCHEMA}")
            yield cls(connection)

    def check(self) -> None:
        """Raises `sqlite3.DatabaseError` where the file is damaged."""
        (answer,) = self._connection.execute("PRAGMA integrity_check(1)").fetchone()
        if answer != "ok":
            raise sqlite3.DatabaseError(answer)

    def add(self, sighting: ArchivedSighting, contents: Contents) -> None:
        """Note a snapshot; a second time changes nothing but what is known of its contents."""
        source, stamp, sha256 = sighting
        row = (
            sha256, contents.bytes, json.dumps(contents.ids), contents.unreadable, _text(contents.sent_first),
            _text(contents.sent_last), contents.worst, json.dumps(dict(contents.cities)), contents.ruleset_version,
        )  # fmt: skip
        with self._connection:
            self._connection.execute("INSERT OR REPLACE INTO content VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
            self._connection.execute("INSERT OR IGNORE INTO seen VALUES (?, ?, ?)", (source, _text(stamp), sha256))

    def remove(self, sightings: Iterable[ArchivedSighting]) -> None:
        with self._connection:
            for source, stamp, sha256 in sightings:
                self._connection.execute(
                    "DELETE FROM seen WHERE source = ? AND stamp = ? AND sha256 = ?", (source, _text(stamp), sha256)
                )
            self._connection.execute("DELETE FROM content WHERE sha256 NOT IN (SELECT sha256 FROM seen)")

    def contents(self, sha256: str) -> Contents | None:
        row = self._connection.execute("SELECT * FROM content WHERE sha256 = ?", (sha256,)).fetchone()
        return _contents(row[1:]) if row else None

    def sightings_of(self, sha256: str) -> list[ArchivedSighting]:
        rows = self._connection.execute("SELECT * FROM seen WHERE sha256 = ? ORDER BY stamp DESC", (sha256,))
        return [_sighting(row) for row in rows]

    def sightings(self) -> set[ArchivedSighting]:
        return {_sighting(row) for row in self._connection.execute("SELECT * FROM seen")}

    def sources(self) -> list[str]:
        return [name for (name,) in self._connection.execute("SELECT DISTINCT source FROM seen ORDER BY source")]

    def select(
        self, *, source: str | None = None, start: datetime | None = None, end: datetime | None = None
    ) -> list[ArchivedSnapshot]:
        """Snapshots by stamp, `start` and `end` included."""
        rows = self._connection.execute(
            "SELECT seen.*, content.* FROM seen JOIN content USING (sha256)"
            " WHERE (:source IS NULL OR source = :source) AND (:start IS NULL OR stamp >= :start)"
            " AND (:end IS NULL OR stamp <= :end) ORDER BY stamp, source, seen.sha256",
            {"source": source, "start": _text(start), "end": _text(end)},
        )
        return [ArchivedSnapshot(*_sighting(row[:3]), _contents(row[4:])) for row in rows]


def _text(moment: datetime | None) -> str | None:
    """A form that sorts as the times do."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _sighting(row: tuple[str, str, str]) -> ArchivedSighting:
    return row[0], datetime.fromisoformat(row[1]), row[2]


def _contents(row: tuple[int, str, int, str | None, str | None, int, str, str]) -> Contents:
    size, ids, unreadable, first, last, worst, cities, version = row
    return Contents(
        size, tuple(json.loads(ids)), unreadable, _moment(first), _moment(last), worst, json.loads(cities), version
    )  # fmt: skip

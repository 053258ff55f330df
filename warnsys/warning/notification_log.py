"""The notification log: what each channel was last told, as grade, begin and end (Alertmanager's nflog)."""

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from warnsys.records import Meaning, Moment, Part
from warnsys.warning.situation import grade


class LogEntry(Part):
    """A channel was told that a grade holds from `onset` to `until`. None means without an end."""

    grade: int
    onset: Moment
    until: Moment | None = None

    @property
    def level(self) -> int:
        """1 to 4, as DWD counts."""
        return self.grade // 2

    @property
    def advance(self) -> bool:
        """Whether it was told as an advance notice."""
        return self.grade % 2 == 0

    @property
    def end(self) -> float:
        """`until` in seconds since 1970; infinite if there is no end."""
        return math.inf if self.until is None else self.until.timestamp()

    def holds(self, now: datetime) -> bool:
        return self.until is None or now < self.until


LogEntries = tuple[LogEntry, ...]
"""One entry per grade, the highest grade first."""

NotificationLog = dict[str, dict[str, LogEntries]]
"""The entries by `audience/channel/group`, then by district."""


def log_entries(meanings: Iterable[Meaning]) -> LogEntries:
    """Makes one entry per grade, from the earliest begin to the latest end of all messages of that grade."""
    by_grade: dict[int, list[LogEntry]] = {}
    for meaning in meanings:
        one = LogEntry(grade=grade(meaning), onset=meaning.onset, until=meaning.expires)
        by_grade.setdefault(one.grade, []).append(one)
    return tuple(entry for _, same in sorted(by_grade.items(), reverse=True) if (entry := one_entry(same)))


def one_entry(same: Iterable[LogEntry]) -> LogEntry | None:
    """Joins entries of one grade to one, from the earliest begin to the latest end. Gives None if there are none."""
    some = list(same)
    if len(some) < 2:
        return some[0] if some else None
    until = max(some, key=lambda entry: entry.end).until
    return LogEntry(grade=some[0].grade, onset=min(entry.onset for entry in some), until=until)


def top(entries: LogEntries) -> int:
    """Gives the highest grade; 0 for none."""
    return entries[0].grade if entries else 0


def higher(one: LogEntry | None, other: LogEntry | None) -> LogEntry | None:
    """Gives the entry of the higher grade; at the same grade the one that holds longer."""
    return max((entry for entry in (one, other) if entry), key=lambda entry: (entry.grade, entry.end), default=None)


def without_ended(told: NotificationLog, now: datetime, highest: Callable[[str, str], int]) -> NotificationLog:
    """Removes the entries whose told end has passed, unless something of their grade or above still stands.

    An event that goes on beyond its told end stays the same event. `highest` gives the top grade that still stands in a
    group and district; messages that have expired without a confirmation count.
    """
    found: NotificationLog = {}
    for key, districts in told.items():
        group = key.split("/", 2)[2]
        kept = {}
        for district, entries in districts.items():
            if valid := tuple(c for c in entries if c.holds(now) or c.grade <= highest(group, district)):
                kept[district] = valid
        if kept:
            found[key] = kept
    return found


def moved_begin(told: LogEntries, present: LogEntries, now: datetime, least: timedelta) -> timedelta | None:
    """Gives by how much the begin of the highest entry moved. None if it has begun already, or moved too little."""
    by = present[0].onset - told[0].onset
    return by if told[0].onset > now and abs(by) > least else None


class Move(NamedTuple):
    """How the last end of all entries from one grade upwards moved."""

    by: float
    """In seconds; infinite if there is no end any more."""
    was: LogEntry
    now: LogEntry
    grade: int


def moved_end(told: LogEntries, present: LogEntries, now: datetime, least: timedelta) -> Move | None:
    """Gives the move of an end that is most worth telling, or None. Moves to a later end count first.

    Any move to a later end is worth telling once the told end has passed. `told` and `present` are not empty.
    """
    moves = []
    for rank in sorted({entry.grade for entry in (*told, *present) if entry.grade <= top(present)}, reverse=True):
        was, end = _last(told, rank), _last(present, rank)
        by = end.end - was.end if was and end else 0.0
        if was and end and (abs(by) > least.total_seconds() or (by > 0 and not was.holds(now))):
            moves.append(Move(by, was, end, rank))
    later = [move for move in moves if move.by > 0]
    return max(later, key=_by) if later else min(moves, key=_by, default=None)


def _by(move: Move) -> float:
    return move.by


def _last(entries: LogEntries, least: int) -> LogEntry | None:
    """Gives the entry that holds longest among those of this grade and above."""
    return max((entry for entry in entries if entry.grade >= least), key=lambda entry: entry.end, default=None)

"""The notification log: what each channel was last told, as grade, begin and end (Alertmanager's nflog).

A **grade** ranks a warning by its level, and at the same level a warning before an advance notice, 2 to 9
(`situation.grade`). Of an event group in a district a channel is told one entry per grade. **Told** is what stands in
the log, **present** what holds now, in the same form.
"""

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from warnsys.records import Meaning, Moment, Part
from warnsys.warning.situation import grade


class LogEntry(Part):
    """A channel was told that something of this grade holds from `onset` to `until`; None means without an end."""

    grade: int
    onset: Moment
    until: Moment | None = None

    @property
    def level(self) -> int:
        """1 to 4, as the DWD counts."""
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
        """Whether the end that was told is still to come."""
        return self.until is None or now < self.until


LogEntries = tuple[LogEntry, ...]
"""One entry per grade, the highest grade first."""

NotificationLog = dict[str, dict[str, LogEntries]]
"""By `audience/channel/group`, then by district."""


def log_entries(meanings: Iterable[Meaning]) -> LogEntries:
    """Makes one entry per grade, from the earliest begin to the latest end of all meanings of that grade."""
    by_grade: dict[int, list[LogEntry]] = {}
    for meaning in meanings:
        one = LogEntry(grade=grade(meaning), onset=meaning.onset, until=meaning.expires)
        by_grade.setdefault(one.grade, []).append(one)
    return tuple(entry for _, same in sorted(by_grade.items(), reverse=True) if (entry := one_entry(same)))


def one_entry(same: Iterable[LogEntry]) -> LogEntry | None:
    """Joins entries of the same grade, from the earliest begin to the latest end. Gives None if there are none."""
    some = list(same)
    if len(some) < 2:
        return some[0] if some else None
    until = max(some, key=lambda entry: entry.end).until
    return LogEntry(grade=some[0].grade, onset=min(entry.onset for entry in some), until=until)


def top_grade(entries: LogEntries) -> int:
    """Gives the highest grade; 0 for none."""
    return entries[0].grade if entries else 0


def higher(one: LogEntry | None, other: LogEntry | None) -> LogEntry | None:
    """Gives the entry of the higher grade; at the same grade the one that holds longer."""
    return max((entry for entry in (one, other) if entry), key=lambda entry: (entry.grade, entry.end), default=None)


def without_ended(told: NotificationLog, now: datetime, highest: Callable[[str, str, str], int]) -> NotificationLog:
    """Removes the entries whose told end has passed, unless something of their grade or above still stands.

    So an event that goes on beyond its told end stays the same event. `highest` takes "audience/channel", an event
    group and a district, and gives the highest grade that stands there; what is unconfirmed counts as standing.
    """
    found: NotificationLog = {}
    for key, districts in told.items():
        audience, channel, group = key.split("/", 2)
        name, kept = f"{audience}/{channel}", {}
        for district, entries in districts.items():
            if left := tuple(one for one in entries if one.holds(now) or one.grade <= highest(name, group, district)):
                kept[district] = left
        if kept:
            found[key] = kept
    return found


def moved_begin(told: LogEntries, present: LogEntries, now: datetime, tolerance: timedelta) -> timedelta | None:
    """Gives by how much the begin of the highest entry moved; positive if it is later now.

    None if the begin that was told has passed, or if it moved by no more than `tolerance`. Neither may be empty.
    """
    by = present[0].onset - told[0].onset
    return by if told[0].onset > now and abs(by) > tolerance else None


def begins_before(told: LogEntries, present: LogEntries, now: datetime, tolerance: timedelta) -> LogEntry | None:
    """Gives the highest warning below the top that begins before everything told of its grade and above.

    It begins more than `tolerance` before, and nothing of that has begun.
    """
    for entry in present[1:]:
        onsets = [one.onset for one in told if one.grade >= entry.grade]
        if not entry.advance and onsets and min(onsets) > now and min(onsets) - entry.onset > tolerance:
            return entry
    return None


def now_a_warning(told: LogEntries, present: LogEntries, now: datetime) -> LogEntry | None:
    """Gives the highest warning below the top of which only advance notices were told.

    Everything present above it is an advance notice. Of its grade and above an advance notice was told, and no warning
    that still holds.
    """
    entry = next((one for one in present if not one.advance), None)
    if entry is None or entry is present[0]:
        return None
    as_bad = [one for one in told if one.grade >= entry.grade]
    warned = any(not one.advance and one.holds(now) for one in as_bad)
    return entry if not warned and any(one.advance for one in as_bad) else None


class Move(NamedTuple):
    """How the last end of all entries of `grade` and above moved."""

    by: float
    """Seconds, positive if the end is later now; infinite if there is no end any more."""
    was: LogEntry
    """The entry that was told to hold longest."""
    now: LogEntry
    """The entry that holds longest now."""
    grade: int


def moved_end(told: LogEntries, present: LogEntries, now: datetime, tolerance: timedelta) -> Move | None:
    """Gives the move of an end that has to be told: the largest to a later end, else the largest to an earlier one.

    Gives None if no move has to be told.

    The last end of each grade and above is compared, and the end of each entry with what was told for now, up to the
    first gap. Else a worse warning for tomorrow would hide that today's goes on for longer.

    A move has to be told if it is larger than `tolerance`. A move to a later end has to be told at any size once the
    told end has passed. Neither `told` nor `present` may be empty.
    """
    moves = []
    for rank in sorted({entry.grade for entry in (*told, *present) if entry.grade <= top_grade(present)}, reverse=True):
        was, is_now = _longest(told, rank), _longest(present, rank)
        if was and is_now and _is_news(was, is_now, now, tolerance):
            moves.append(Move(is_now.end - was.end, was, is_now, rank))
    for entry in present:
        were = _without_gap(told, entry.grade, now, tolerance)
        if not were or entry not in _without_gap(present, entry.grade, now, tolerance):
            continue
        was = max(were, key=_entry_end)
        if entry.end < was.end:  # what is shortened is compared with itself: what follows it has not changed
            was = next((one for one in were if one.grade == entry.grade), entry)
            if entry.end > was.end:
                continue
        if _is_news(was, entry, now, tolerance):
            moves.append(Move(entry.end - was.end, was, entry, entry.grade))
    later = [move for move in moves if move.by > 0]
    later = [move for move in later if not move.now.advance] or later  # a notice names the advance notice beside it
    return max(later, key=_by) if later else min(moves, key=_by, default=None)


def _by(move: Move) -> float:
    return move.by


def _longest(entries: LogEntries, from_grade: int) -> LogEntry | None:
    """Gives the entry that holds longest among those of this grade and above."""
    return max((entry for entry in entries if entry.grade >= from_grade), key=lambda entry: entry.end, default=None)


def _is_news(was: LogEntry, is_now: LogEntry, now: datetime, tolerance: timedelta) -> bool:
    """Says whether a move from one end to another has to be told."""
    by = is_now.end - was.end
    return abs(by) > tolerance.total_seconds() or (by > 0 and not was.holds(now))


def _entry_end(entry: LogEntry) -> float:
    return entry.end


def _without_gap(entries: LogEntries, from_grade: int, now: datetime, tolerance: timedelta) -> list[LogEntry]:
    """Gives the entries of this grade and above that have begun, or follow without a gap; a short one is none."""
    found: list[LogEntry] = []
    reached = now.timestamp()
    for entry in sorted((one for one in entries if one.grade >= from_grade), key=lambda one: one.onset):
        if entry.onset.timestamp() > reached + tolerance.total_seconds():
            break
        found.append(entry)
        reached = max(reached, entry.end)
    return found if any(one.onset <= now + tolerance for one in found) else []


def says_more(entry: LogEntry, told: LogEntries, now: datetime, tolerance: timedelta) -> bool:
    """Says whether an entry holds at times, by more than `tolerance`, at which nothing as bad was told to hold."""
    as_bad = [one for one in told if one.grade >= entry.grade and (entry.advance or not one.advance)]
    reached = max(entry.onset, now).timestamp()
    for one in sorted(as_bad, key=lambda one: one.onset):
        if one.onset.timestamp() <= reached + tolerance.total_seconds():
            reached = max(reached, one.end)
    return entry.end - reached > tolerance.total_seconds()

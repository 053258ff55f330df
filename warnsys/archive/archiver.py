"""Archiving beside the feed: in a thread of its own, so that no disk ever holds up a warning."""

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable
from datetime import date, datetime

from warnsys.archive.store import Archive

WAITING_BYTES = 32 * 1024 * 1024
"""What may wait for a disk that does not write: hours of snapshots. When there is more, the oldest go."""
RETRY_S = 60.0
PATIENCE_S = 5.0
"""How long the end of the process waits for what is still to be written."""

_Waiting = tuple[str, datetime, bytes]

logger = logging.getLogger(__name__)


class Archiver:
    """A `Keeper` over an archive; a context manager. What cannot be written now is tried again, and `error` says so."""

    def __init__(self, archive: Archive, *, keep_days: int, max_bytes: int, retry_s: float = RETRY_S) -> None:
        self._archive, self._retry_s = archive, retry_s
        self._keep_days, self._max_bytes = keep_days, max_bytes
        self._waiting: deque[_Waiting] = deque()
        self._changed = threading.Condition()
        self._failing, self._dropped, self._pruned, self._ends = "", 0, date.min, False
        self._thread = threading.Thread(target=self._work, name="archive", daemon=True)

    def __enter__(self) -> "Archiver":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        self._thread.join(PATIENCE_S)

    @property
    def error(self) -> str:
        dropped = f"; {self._dropped} snapshots are lost to the archive" if self._dropped else ""
        return f"{self._failing}{dropped}" if self._failing else ""

    def keep(self, source: str, stamp: datetime, content: bytes) -> None:
        with self._changed:
            self._waiting.append((source, stamp, content))
            while sum(len(waiting[2]) for waiting in self._waiting) > WAITING_BYTES and len(self._waiting) > 1:
                self._waiting.popleft()
                self._dropped += 1
            self._changed.notify_all()

    def _work(self) -> None:
        self._tries(self._archive.tidy)
        while waiting := self._next():
            done = self._tries(lambda waiting=waiting: self._archive.keep(*waiting))  # type: ignore[misc]
            with self._changed:
                if done and self._waiting and self._waiting[0] is waiting:
                    self._waiting.popleft()
                elif not done and self._changed.wait_for(lambda: self._ends, self._retry_s):
                    return
            if done:
                self._prune_daily(waiting[1].date())

    def _next(self) -> _Waiting | None:
        """The oldest snapshot that is not written yet; None when the end has come, and all is."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ends)
            return self._waiting[0] if self._waiting else None

    def _prune_daily(self, day: date) -> None:
        if day > self._pruned and self._tries(
            lambda: self._archive.prune(keep_days=self._keep_days, max_bytes=self._max_bytes)
        ):
            self._pruned = day

    def _tries(self, work: Callable[[], object]) -> bool:
        """False where it is worth trying again; the alarm stands until something goes well."""
        try:
            work()
        except (OSError, sqlite3.Error) as error:
            told, self._failing = bool(self._failing), self._sentence(error)
            if not told:
                logger.error("%s", self._failing)  # noqa: TRY400 - the sentence says all
            return False
        except Exception:
            logger.exception("%s: a snapshot could not be archived", self._archive.folder)
            self._failing = f"{self._archive.folder}: a snapshot could not be archived; see the log, and report it"
            return True
        if self._failing:
            logger.warning("%s: archived again", self._archive.folder)
        self._failing, self._dropped = "", 0
        return True

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, sqlite3.Error):
            what, remedy = (
                f"its index cannot be written ({error})",
                "free space on the disk, or mend it: warnsys archive verify",
            )
        else:
            what, remedy = f"nothing can be written ({error})", "free space on the disk, or make it writable"
        return f"{self._archive.folder}: {what}; warnings go out all the same; {remedy}"

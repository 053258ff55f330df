"""The notices of a replay as JSON lines: the same bytes at every run.

The first line is the header: versions of warnsys, geofences and policy, cities and districts. Then a line a notice,
in the order in which they go out, without wording: who is told of what, when and why. A stele's line stands there only
where what it shows changes (status, freshness, warnings and how they are presented), and names all districts that
show the same; that a stele is sent again every minute, with a newer "Stand", is no news.
"""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from warnsys.channels.registry import channel_of
from warnsys.records import ChangeNotice, Notice, SteleRecord
from warnsys.replay.run import ReplayEvent

Line = dict[str, Any]


class Tape:
    """Hears a replay and writes its lines; call `close` at the end."""

    def __init__(self, header: Line, write: Callable[[str], object], *, full: bool = False) -> None:
        self._write, self._full = write, full
        self._shown: dict[tuple[str, str], Line] = {}
        self._waiting: Line | None = None
        self._put(header)

    def __call__(self, event: ReplayEvent) -> None:
        if isinstance(event, SteleRecord):
            self._stele(event)
        elif isinstance(event, ChangeNotice):
            self.close()
            line = plain_notice(event)
            self._put({**line, "record": _record(event)} if self._full else line)

    def close(self) -> None:
        """Write what waits for districts that show the same."""
        if self._waiting:
            self._put(self._waiting)
            self._waiting = None

    def _stele(self, record: SteleRecord) -> None:
        shows, place = plain_stele(record), (record.city, record.district)
        if self._shown.get(place) == shows:
            return
        self._shown[place] = shows
        line = {"at": _time(record.issued), "channel": "stele", "audience": "public", "city": record.city, **shows}
        waiting = self._waiting or {}
        if any(waiting.get(name) != value for name, value in line.items()) or record.district in waiting["districts"]:
            self.close()
            self._waiting = {**line, "districts": []}
            if self._full:
                self._waiting["records"] = {}
        assert self._waiting is not None  # noqa: S101 - just set, or the same as before
        self._waiting["districts"].append(record.district)
        if self._full:
            self._waiting["records"][record.district] = _record(record)

    def _put(self, line: Line) -> None:
        self._write(json.dumps(line, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n")


def plain_stele(record: SteleRecord) -> Line:
    """What a stele shows, without wording and without the time of its data."""
    return {
        "status": record.status,
        "freshness": record.freshness,
        "warnings": [
            {"id": item.base_id, "phase": item.phase, "level": item.level, "presentation": item.presentation}
            for item in record.items
        ],
    }


def plain_notice(notice: ChangeNotice) -> Line:
    """Who is told of what, when and why, without wording."""
    return {
        "at": _time(notice.issued),
        "channel": channel_of(notice),
        "audience": notice.audience,
        "city": notice.city,
        "districts": sorted(notice.districts),
        "kind": notice.kind,
        "reason": notice.reason,
        "level": notice.level,
        "group": notice.group,
        "advance": bool(notice.advance),
        "id": notice.id,
        "cause": notice.cause,
        "onset": _time(notice.onset),
        "expires": _time(notice.expires) if notice.expires else None,
    }


def _record(notice: Notice) -> Line:
    return notice.model_dump(mode="json", exclude_none=True)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def read_tape(text: str) -> tuple[Line, list[Line]]:
    """Header and notices of a file's text. Raises ValueError where it is none."""
    lines = list(_lines(text))
    if not lines or lines[0].get("kind") != "replay":
        raise ValueError("the first line is no header of a replay; write the file with: warnsys replay … --out FILE")
    return lines[0], lines[1:]


def _lines(text: str) -> Iterator[Line]:
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found = json.loads(line)
        except ValueError as error:
            raise ValueError(f"line {number} is no JSON ({error})") from error
        if not isinstance(found, dict):
            raise ValueError(f"line {number} is no JSON object")  # noqa: TRY004 - the file's content, not a type
        yield found

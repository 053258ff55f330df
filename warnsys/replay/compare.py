"""Two replays beside each other: who would have been told something else, where, on which channel, and when.

Compared are the lines without their ids, a channel and an audience in a district at a time, so that a notice which only
names one district more is a difference there and nowhere else; with the words where both have them (`--full`). Headers
are not compared: a difference that comes from another version of geofences or policy is just what is looked for.
"""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import SequenceMatcher
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from warnsys.channels.registry import channel, said_parts
from warnsys.records import SteleRecord
from warnsys.replay.narrate import stele_text
from warnsys.replay.tape import Line

VERSIONS = ("warnsys", "geofences", "policy", "from", "to", "snapshots", "sources")
_NOT_COMPARED = ("id", "cause", "city", "districts", "channel", "audience", "record", "records")
_Key = tuple[str, str, str, str]
"""City, channel, audience, district."""


@dataclass(frozen=True, slots=True)
class NoticeDifference:
    """What districts of a city were told before, and are told now; nothing where that side has nothing."""

    city: str
    districts: tuple[str, ...]
    channel: str
    audience: str
    before: Line | None
    after: Line | None

    @property
    def at(self) -> str:
        return min(str(line["at"]) for line in (self.before, self.after) if line)


def differences(before: Sequence[Line], after: Sequence[Line]) -> list[NoticeDifference]:
    """All differences in the order of time."""
    if _whole(before) and _whole(after):
        before, after = _worded(before), _worded(after)
    left_out = {*_NOT_COMPARED, *(() if _tells_advance(before) and _tells_advance(after) else ("advance",))}
    told_before, told_after = _by_place(before, left_out), _by_place(after, left_out)
    found: dict[str, tuple[_Key, list[str], Line | None, Line | None]] = {}
    for key in sorted(told_before.keys() | told_after.keys()):
        city, channel, audience, district = key
        for number, (old, new) in enumerate(_unequal(told_before.get(key, []), told_after.get(key, []))):
            same = json.dumps([city, channel, audience, old, new], sort_keys=True)
            # the same difference in several districts is shown once; twice in one district it stays two
            mark = same if district not in found.get(same, ((), []))[1] else f"{same}{number}"
            found.setdefault(mark, (key, [], old, new))[1].append(district)
    all_of_them = [
        NoticeDifference(key[0], tuple(districts), key[1], key[2], old, new)
        for key, districts, old, new in found.values()
    ]
    return sorted(all_of_them, key=lambda one: (one.at, one.city, one.channel, one.audience, one.districts))


def _tells_advance(lines: Sequence[Line]) -> bool:
    """Whether each notice says if it tells of an advance notice; those that an older release wrote do not."""
    return all("advance" in line or "status" in line for line in lines)


def _whole(lines: Sequence[Line]) -> bool:
    """Whether they have the whole records, as `--full` writes them."""
    return all("record" in line or "records" in line for line in lines)


def _worded(lines: Sequence[Line]) -> list[Line]:
    """With what each says in German; a stele's line is one a district, as each may show words of its own."""
    found = []
    for line in lines:
        for district, record in line.get("records", {"": line.get("record")}).items():
            here = {"districts": [district]} if district else {}
            found.append({**line, **here, "text": _text(line["channel"], record)})
    return found


def _text(name: str, record: Any) -> str:
    """What a record says; one of a release whose records are others is shown as it stands."""
    try:
        notice = channel(name).record.model_validate(record)
    except (KeyError, ValidationError):
        return json.dumps(record, ensure_ascii=False, sort_keys=True)
    return stele_text(notice) if isinstance(notice, SteleRecord) else " – ".join(said_parts(notice, "de"))


def _by_place(lines: Sequence[Line], left_out: Collection[str]) -> dict[_Key, list[Line]]:
    found: dict[_Key, list[Line]] = {}
    for line in lines:
        said = {name: value for name, value in line.items() if name not in left_out}
        for district in line["districts"]:
            found.setdefault((line["city"], line["channel"], line["audience"], district), []).append(said)
    return found


def _unequal(before: list[Line], after: list[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    old, new = ([json.dumps(line, sort_keys=True) for line in side] for side in (before, after))
    for kind, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _paired(before[i1:i2], after[j1:j2])


def _paired(before: list[Line], after: list[Line]) -> Iterator[tuple[Line | None, Line | None]]:
    """What changed at one time is one difference; the rest came or went."""
    times = sorted({line["at"] for line in (*before, *after)})
    for at in times:
        old, new = [line for line in before if line["at"] == at], [line for line in after if line["at"] == at]
        for number in range(max(len(old), len(new))):
            yield old[number] if number < len(old) else None, new[number] if number < len(new) else None


def versions_differ(before: Line, after: Line) -> list[str]:
    """In what the two replays were made differently, a sentence each."""
    return [
        f"{name}: {_short(before.get(name))} before, {_short(after.get(name))} after"
        for name in VERSIONS
        if before.get(name) != after.get(name)
    ]


def as_lines(found: Sequence[NoticeDifference], header: Line) -> Iterator[str]:
    """The differences for people, a few lines each."""
    for one in found:
        city = header.get("cities", {}).get(one.city, {})
        names = city.get("districts", {})
        zone = ZoneInfo(city.get("timezone", "UTC"))
        where = "the whole city" if names and set(one.districts) == set(names) else _listed(one.districts, names)
        yield f"{_clock(one.at, zone)}  {city.get('name', one.city)}, {where}: {one.channel}, {one.audience}"
        for side, line, other in (("before", one.before, one.after), ("after ", one.after, one.before)):
            yield f"    {side}  {_said(line, other, zone)}"
            if line and "text" in line and not (other and other.get("text") == line["text"]):
                yield f"            {line['text']}"


def _listed(districts: Sequence[str], names: dict[str, str]) -> str:
    return ", ".join(names.get(district, district) for district in districts)


def _said(line: Line | None, other: Line | None, zone: ZoneInfo) -> str:
    if line is None:
        return "nothing"
    if "status" in line:
        shown = ", ".join(
            f"level {one['level']} {one['phase']} as {one['presentation']}" + (f" ({one['id'][-12:]})" if other else "")
            for one in line["warnings"]
        )
        return f"{line['status']}, data {line['freshness']}" + (f": {shown}" if shown else "")
    until = f" until {_clock(line['expires'], zone)}" if line.get("expires") else ""
    advance = "advance notice, " if line.get("advance") else ""
    return (
        f"{line['kind']} ({line['reason']}): {advance}{line['group']}, level {line['level']}, "
        f"from {_clock(line['onset'], zone)}{until}"
    )


def _clock(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%Y-%m-%d %H:%M}"


def _short(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)

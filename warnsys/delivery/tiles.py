"""What stands on the screens of a city: of the records of all its districts at most two tiles, and how they end.

A screen shows the three newest messages of anybody, each until it is replaced or taken away, and a message of a wrong
shape ends its whole page (docs/reference/delivery.md). So a slot has one name for ever, its words fit, and all else of
a message is fixed here. Knows no clock and no network.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field

from warnsys.channels import wording
from warnsys.channels.stele import rank
from warnsys.channels.words import in_language, messages
from warnsys.records import SteleItem, SteleRecord

SLOTS = 2
"""Of the three places of a screen: one is left to the city."""
TITLE, TEXT = 26, 45
"""So many characters of each at most; of a text two lines are seen, which hold some thirty."""
LANGUAGE = "de"
"""As the rest of the screen."""
RED = 3
"""From this level on the tile of a warning is red."""
ENDED = timedelta(minutes=10)
"""How long a tile says that what was warned of has ended."""
EMPTIED = timedelta(minutes=1)
"""How long a slot is said to be empty: a screen may be away for seconds, and an empty slot takes a place, too."""
SETTLED = timedelta(minutes=3)
"""So long after the start every district has been heard, or has no data. Until then nothing is taken away."""
SHORTEST = 8
"""With less room than this an event is not named."""
FORGOTTEN = timedelta(hours=1)
"""A district that is silent for so long while others are heard is not the city's any more."""
NAMESPACE = UUID("5bd1a3a0-4c38-4be1-9f0c-6f3a3d1f2a77")
"""Of the slots' names. Whoever changes it leaves tiles behind that nobody takes away."""


@dataclass(frozen=True, slots=True)
class Tile:
    title: str
    text: str
    red: bool = False
    warns: bool = False
    """Whether it says that a warning holds."""
    at: datetime = field(kw_only=True, compare=False)
    """As of when it is known; the screen says how long ago that was."""


Slots = dict[int, Tile | None]
"""By slot its tile, or None to take away what stands there; of other slots nothing has to be said."""


class CityTiles:
    """The tiles of one city over time, from the newest record of each of its districts."""

    def __init__(self, zone: ZoneInfo, *, exercise: bool) -> None:
        self._zone, self._exercise = zone, exercise
        self._since: datetime | None = None
        """When what stands was asked for first."""
        self._records: dict[str, SteleRecord] = {}
        self._warned = False
        """Whether something was warned of whose end has not been said."""
        self._ended: datetime | None = None
        self._full: set[int] = set()
        self._emptied: dict[int, datetime] = {}
        """By slot since when nothing is to stand there."""

    def take(self, record: SteleRecord) -> None:
        known = self._records.get(record.district)
        if known and record.issued < known.issued:
            return
        self._records[record.district] = record
        self._warned |= any(item.phase == "warning" for item in record.items)
        newest = max(one.issued for one in self._records.values())
        for name in [name for name, one in self._records.items() if one.valid_until + FORGOTTEN < newest]:
            del self._records[name]

    def slots(self, now: datetime) -> Slots:
        """Gives what the screens have to be told. Ask from time to time: things end without a new record."""
        if self._since is None:
            self._since, self._emptied = now, dict.fromkeys(range(SLOTS), now + SETTLED)
        shown = tiles(self._records.values(), now, self._zone, exercise=self._exercise)
        if any(tile.warns for tile in shown):
            self._ended = None
        told: Slots = dict(enumerate(shown or self._end(now) or self._silence(now, self._since)))
        for slot in set(range(SLOTS)) - told.keys():
            if slot in self._full:
                self._emptied[slot] = now
            if self._emptied[slot] <= now < self._emptied[slot] + EMPTIED:
                told[slot] = None
        self._full = {slot for slot, tile in told.items() if tile}
        return told

    def _end(self, now: datetime) -> tuple[Tile, ...]:
        """After all that was warned of: that it has ended, for a while. That is not to say that all is well."""
        if not self._warned:
            return ()
        self._ended = self._ended or now
        if now < self._ended + ENDED:
            title = _title("screen-ended", exercise=self._exercise)
            return (Tile(title, _said("aftermath"), at=self._ended),)
        self._warned = False
        return ()

    def _silence(self, now: datetime, since: datetime) -> tuple[Tile, ...]:
        """Where no district was heard at all: that nothing is known."""
        if self._records or now < since + SETTLED:
            return ()
        return (Tile(_title("screen-no-data", exercise=self._exercise), _said("screen-no-data-why"), at=since),)


def tiles(records: Iterable[SteleRecord], now: datetime, zone: ZoneInfo, *, exercise: bool) -> tuple[Tile, ...]:
    """Gives at most as many tiles as there are slots, the worst first; none where no warning holds anywhere.

    What holds goes before districts without data, these before what was last known of them, and that before what has
    expired and is not confirmed.
    """
    all_of_them = tuple(records)
    heard = [one for one in all_of_them if one.status != "no_data" and now < one.valid_until]
    silent = [one for one in all_of_them if one.status == "no_data" or one.valid_until <= now]
    scene = _Scene(now, zone, len(all_of_them), exercise)
    holding, last_known = scene.warnings(heard), scene.warnings(silent)
    expired = [one for one in heard if one.status == "unconfirmed" or (one.items and not scene.warnings([one]))]
    found = scene.of_warnings(holding, SLOTS, holds=True)
    if silent and len(found) < SLOTS:
        found.append(scene.of_silence(silent))
        unsaid = {key: one for key, one in last_known.items() if key not in holding}
        found += scene.of_warnings(unsaid, SLOTS - len(found), holds=False)
    if expired and len(found) < SLOTS:
        at = max(one.issued for one in expired)
        title = _title("screen-unconfirmed", exercise=exercise)
        found.append(Tile(title, _said("screen-unconfirmed-why"), at=at))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Warning:
    item: SteleItem
    records: dict[str, SteleRecord]
    """Of the districts where it holds."""


@dataclass(frozen=True, slots=True)
class _Scene:
    """What all tiles of one moment have in common."""

    now: datetime
    zone: ZoneInfo
    districts: int
    exercise: bool

    def warnings(self, records: Iterable[SteleRecord]) -> dict[tuple[object, ...], _Warning]:
        """Gives each warning once, with its districts."""
        found: dict[tuple[object, ...], _Warning] = {}
        for record in records:
            for item in record.items:
                if item.phase == "expired" or (item.expires is not None and item.expires <= self.now):
                    continue
                key = item.base_id, item.phase, item.group, item.ii, item.level, item.onset, item.expires
                found.setdefault(key, _Warning(item, {})).records[record.district] = record
        return found

    def of_warnings(self, warnings: Mapping[tuple[object, ...], _Warning], room: int, *, holds: bool) -> list[Tile]:
        """Gives the tiles of the worst; the last one says how many more there are."""
        worst = sorted(warnings.values(), key=self._order)[:room]
        more = [0] * (len(worst) - 1) + [len(warnings) - len(worst)]
        return [self._warning(one, rest, holds=holds) for one, rest in zip(worst, more, strict=False)]

    def of_silence(self, records: Sequence[SteleRecord]) -> Tile:
        """Says that it is not known what holds: never that nothing does."""
        why, known = _said("screen-no-data-why"), [one.as_of for one in records if one.as_of is not None]
        if len(records) < self.districts:
            text = _fitting(_said("screen-no-data-where", where=self._where(records)), why)
        else:
            text = _fitting(_said("screen-no-data-since", stand=self._at(min(known))) if known else why, why)
        title = _title("screen-no-data", exercise=self.exercise)
        return Tile(title, text, at=max(one.issued for one in records))

    def _order(self, one: _Warning) -> tuple[object, ...]:
        item = one.item
        order = rank(item.phase, item.presentation, item.onset, item.level, self.now)
        return order, -len(one.records), item.onset, item.base_id, item.group, item.ii

    def _warning(self, one: _Warning, more: int, *, holds: bool) -> Tile:
        item, records = one.item, list(one.records.values())
        event = wording.capital(_clean(in_language(item.event, LANGUAGE)) or _said("event-unknown"))
        when = wording.capital(self._when(item))
        return Tile(
            _title_of(item, exercise=self.exercise),
            _text(when, event, _said("screen-more", count=more) if more else "", self._where(records)),
            red=holds and item.level >= RED and item.phase == "warning",
            warns=holds,
            at=max(each.issued for each in records),
        )

    def _when(self, item: SteleItem) -> str:
        """Until when, and from when where it has not begun: a tile outlives whoever would take it away."""
        later, expires = item.onset > self.now, item.expires
        if expires is None:
            return _said("sms-period-open", begin=self._at(item.onset)) if later else _said("sms-until-open")
        if not later:
            return _said("sms-until", end=self._at(expires))
        one_day = wording.same_day(item.onset, expires, self.zone)
        end = wording.clock(expires, self.zone)[LANGUAGE] if one_day else self._at(expires)
        return _said("sms-period", begin=self._at(item.onset), end=end)

    def _at(self, moment: datetime) -> str:
        """The time, on another day with its date."""
        if wording.same_day(moment, self.now, self.zone):
            return wording.clock(moment, self.zone)[LANGUAGE]
        return wording.moment(moment, self.zone, LANGUAGE)

    def _where(self, records: Sequence[SteleRecord]) -> str:
        """The district, or how many; nothing for the whole city."""
        if len(records) == self.districts:
            return ""
        return _clean(records[0].district_name) if len(records) == 1 else _said("sms-districts", count=len(records))


def _said(key: str, **values: str | int) -> str:
    return messages(LANGUAGE)(key, **values)


def _title(key: str, *, exercise: bool, **values: int) -> str:
    title = _said(key, **values)
    return _cut(_said("screen-exercise", title=title) if exercise else title, TITLE)


def _title_of(item: SteleItem, *, exercise: bool) -> str:
    number = min(max(item.level, 1), 4)
    if item.phase == "advance":
        return _title("screen-advance", level=number, exercise=exercise)
    if item.category is not None:
        return _title("screen-other", level=number, exercise=exercise)
    return _title(f"screen-{number}", exercise=exercise)


def _text(when: str, event: str, more: str, where: str) -> str:
    """The end first, for two lines are seen and no more; of the rest as much as fits."""
    tail = f" {more}" if more else ""
    for whole in ([f"{when}: {event}{tail}, {where}"] if where else []) + [f"{when}: {event}{tail}"]:
        if len(whole) <= TEXT:
            return whole
    for each in (tail, ""):
        if (room := TEXT - len(f"{when}: {each}")) >= SHORTEST:
            return f"{when}: {_cut(event, room)}{each}"
    return _cut(when, TEXT)


def _fitting(*choices: str) -> str:
    """The first that fits; else the last one, cut."""
    return next((one for one in choices if len(one) <= TEXT), _cut(choices[-1], TEXT))


def _cut(text: str, room: int) -> str:
    """At a word, where there is one."""
    if len(text) <= room:
        return text
    short, _, _ = text[:room].rpartition(" ")
    return (short.rstrip(" ,;:-") or text[: max(0, room - 1)]) + "…"


def _clean(text: str) -> str:
    """On one line, and of characters that are seen."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Address(_Strict):
    addressLocality: str = ""  # noqa: N815 - the screen's names
    postalCode: str = ""  # noqa: N815
    streetAddress: str = ""  # noqa: N815


class _Location(_Strict):
    address: _Address = _Address()


class _Payload(_Strict):
    createdAt: int  # noqa: N815
    """In milliseconds since 1970. A screen whose page meets anything that is no date shows nothing until the night."""
    id: str
    date: str
    title: str = Field(min_length=1, max_length=TITLE)
    message: str = Field(min_length=1, max_length=TEXT)
    severity: Literal["high", "normal"]
    location: _Location = _Location()


class ScreenMessage(_Strict):
    """What a screen takes from its exchange: a tile, or with no payload that it goes."""

    uuid: str
    schemaVersion: Literal[1] = 1  # noqa: N815
    messageVersion: Literal[1] = 1  # noqa: N815
    eventType: Literal["plain_message"] = "plain_message"  # noqa: N815
    districtIds: tuple[str, ...] = ()  # noqa: N815
    severity: Literal["high", "normal"]
    payload: _Payload | None


def screen_message(stage: str, city: str, slot: int, tile: Tile | None) -> bytes:
    """Gives what is published of a slot."""
    name = str(uuid5(NAMESPACE, f"{stage}|{city}|{slot}"))
    severity: Literal["high", "normal"] = "high" if tile and tile.red else "normal"
    payload = None if tile is None else _Payload(
        createdAt=int(tile.at.timestamp() * 1000), id=name, date=tile.at.isoformat(timespec="seconds"),
        title=tile.title, message=tile.text, severity=severity,
    )  # fmt: skip
    return ScreenMessage(uuid=name, severity=severity, payload=payload).model_dump_json().encode()

"""The replay itself: a row of snapshots → a row of ticks and records → what is decided, told and held at the end.

Nobody's clock is read. Ticks come at each whole minute, as warnings begin and end at whole minutes, and with each
snapshot just before its messages. Nothing is known before the first snapshot, so that a warning which held then is
told as new.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from importlib.metadata import version
from typing import Any

from geofences import bundled
from warnsys.cap import CapError
from warnsys.feeds.answer import Refused
from warnsys.feeds.bundle import Key
from warnsys.partition import Offline
from warnsys.pipeline import CityRules
from warnsys.records import AlertHeaders, Notice, Snapshot
from warnsys.replay.read import Material, Opener, ReplayedMessage, Shot, worst_first
from warnsys.settings import LIVE, Settings, Source, parse
from warnsys.warning.matching import Decision
from warnsys.warning.situation import Situation

STAGE = "replay"
MINUTE = timedelta(minutes=1)
NOWHERE = "http://replay.invalid/"
"""Address of a source that only the replay has; nobody asks there."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a look at a source brings: new messages, the worst first, and then the snapshot that lists them."""

    at: datetime
    shot: Shot
    messages: tuple[tuple[AlertHeaders, ReplayedMessage], ...] = ()
    snapshot: Snapshot | None = None
    """None where the answer is older than one seen before, or refused."""
    error: str = ""
    """Why the answer is refused."""


@dataclass(frozen=True, slots=True)
class DecidedMessage:
    """One message, decided."""

    at: datetime
    headers: AlertHeaders
    body: bytes
    decision: Decision


ReplayEvent = Arrival | DecidedMessage | Notice
Hear = Callable[[ReplayEvent], None]


def settings_of(settings: Settings | None, material_sources: Iterable[str], stage: str = STAGE) -> Settings:
    """The settings for a replay: an exercise's stage, and only the sources that are replayed; Solingen without any.

    Raises `SettingsError` for a stage that is live.
    """
    if settings is None:
        city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled("solingen"))}
        settings = parse({"cities": [city]})
    if stage == LIVE:
        raise ValueError("a replay needs a stage of its own; name one that is not 'live'")
    known = {source.name: source for source in settings.sources}
    sources = tuple(known.get(name) or Source(name=name, url=NOWHERE) for name in material_sources)
    return parse({**_plain(settings), "stage": stage, "sources": sources}, name="replay")


def _plain(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in type(settings).model_fields}


def script(material: Material, stage: str, zones: Mapping[str, tzinfo] | None = None) -> Iterator[datetime | Arrival]:
    """Ticks and arrivals in the order of time, beginning and ending with a tick; as the feed would bring them.

    `zones` by source: where the clocks go of those that write times without an offset.
    """
    opener, newest = Opener(zones), dict[str, datetime]()
    ever, present = set[Key](), dict[str, set[Key]]()
    now = material.start
    yield now
    for shot in material.shots:
        yield from _ticks(now, shot.seen)
        now = max(now, shot.seen)
        try:
            opened = opener.open(shot)
        except Refused as refused:
            yield Arrival(now, shot, error=str(refused))
            continue
        keys = {message.key for message in opened}
        older = shot.source in newest and shot.stamp <= newest[shot.source]
        known = ever if older else present.get(shot.source, set())
        news = worst_first(message for message in opened if message.key not in known)
        headers = [_headers(message, shot, stage, now) for message in news]
        snapshot = None
        if not older:
            ids = tuple(dict.fromkeys(message.listed_id for message in opened))
            snapshot = Snapshot(stage=stage, source=shot.source, stamp=shot.stamp, checked=now, ids=ids)
            newest[shot.source], present[shot.source] = shot.stamp, keys
        ever |= keys
        yield Arrival(now, shot, tuple(zip(headers, news, strict=True)), snapshot)
    yield from _ticks(now, material.end)


def _headers(message: ReplayedMessage, shot: Shot, stage: str, now: datetime) -> AlertHeaders:
    return AlertHeaders(stage=stage, source=shot.source, id=message.listed_id, stamp=shot.stamp, seen=now)


def _ticks(after: datetime, until: datetime) -> Iterator[datetime]:
    """The whole minutes between, and `until` itself where it is later."""
    moment = after.astimezone(UTC).replace(second=0, microsecond=0) + MINUTE
    while moment < until:
        yield moment
        moment += MINUTE
    if until > after:
        yield until


class Replay:
    """The pure functions at work on a script; `hear` is told of everything in the order in which it happens."""

    def __init__(self, settings: Settings, hear: Hear) -> None:
        self.pure, self.settings, self._hear = Offline(settings), settings, hear

    def play(self, material: Material) -> dict[str, Situation]:
        """Everything from start to end; gives what holds then, by city."""
        for step in script(material, self.settings.stage, self.settings.zones):
            self.take(step)
        return self.pure.situations()

    def take(self, step: datetime | Arrival) -> None:
        if isinstance(step, datetime):
            self.pure.tick(step)
            self._tell()
            return
        self._hear(step)
        for headers, message in step.messages:
            matcher = self.pure.matcher
            decision = (
                matcher.refuse(headers, message.alert)
                if isinstance(message.alert, CapError)
                else matcher.decide(message.alert, headers)
            )
            self._hear(DecidedMessage(step.at, headers, message.member.body, decision))
            self.pure.settle(decision.outcome)
            self._tell()
        if step.snapshot:
            self.pure.settle(step.snapshot)
            self._tell()

    def _tell(self) -> None:
        for notice in self.pure.notices:
            self._hear(notice)
        self.pure.notices.clear()

    def header(self, material: Material) -> dict[str, Any]:
        """What made this replay: versions, cities, and what was replayed."""
        return {
            "kind": "replay",
            "schema_version": 1,
            "warnsys": version("warnsys"),
            "geofences": self.pure.matcher.index.version,
            "policy": hashlib.sha256(self.settings.policy.model_dump_json().encode()).hexdigest()[:12],
            "stage": self.settings.stage,
            "title": material.title,
            "from": material.start.astimezone(UTC).isoformat(),
            "to": material.end.astimezone(UTC).isoformat(),
            "snapshots": len(material.shots),
            "sources": list(material.sources),
            "cities": header_cities(self.pure.cities),
        }


def header_cities(cities: Mapping[str, CityRules]) -> dict[str, Any]:
    """The cities by id, with what people call them and their districts."""
    return {
        city: {
            "name": rules.place.name,
            "timezone": rules.place.timezone.key,
            "districts": {district.id: district.name for district in rules.place.districts},
        }
        for city, rules in cities.items()
    }

"""What a feed says during a run: alerts, updates, cancels, broken bytes, repeats, snapshots, and the time, by seed.

Several small cities, each district with a warn cell of its own; time in the story runs hours ahead while a run takes a
minute, so that warnings expire, are withdrawn and are forgotten, too. The same seed tells the same story.
"""

import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import shapely

from warnsys.records import AlertHeaders, Snapshot, Tick
from warnsys.simulation.message import StoryMessage, Texts, minutes_after, write

START = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
SOURCE = "dwd"
CITIES = tuple(f"crash-{letter}" for letter in "abcdefgi")
"""Two on each of four partitions: so a state has two halves to be torn apart."""
DISTRICTS = 1
EVENTS = (
    ("61", "RAIN", "Moderate"), ("62", "RAIN", "Severe"), ("66", "RAIN", "Extreme"), ("51", "WIND", "Minor"),
    ("55", "WIND", "Severe"), ("31", "THUNDERSTORM", "Minor"), ("49", "THUNDERSTORM", "Extreme"),
    ("81", "FROST", "Minor"),
)  # fmt: skip
CALM = 0.15
"""Share of new alerts whose cell is none of ours."""
ELSEWHERE = "899999999"
TICK_MINUTES = (1, 2, 10, 60, 720)


@dataclass(frozen=True, slots=True)
class Alert:
    headers: AlertHeaders
    body: bytes


Said = Alert | Snapshot | Tick


def cell(city: int, district: int) -> str:
    return f"8{city:05d}{district:03d}"


def cells() -> tuple[str, ...]:
    return tuple(cell(city, district) for city in range(len(CITIES)) for district in range(DISTRICTS))


def write_cities(folder: Path) -> list[dict[str, str]]:
    """A geofence file a city; returns what stands in the settings under `cities`."""
    settings = []
    for number, city in enumerate(CITIES):
        path = folder / f"{city}.geojson"
        features = [_district(number, city, district) for district in range(DISTRICTS)]
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), "utf-8")
        settings.append({"id": city, "name": city.title(), "geofences": str(path)})
    return settings


def _district(number: int, city: str, district: int) -> dict[str, Any]:
    west, south = 7 + number / 10 + district / 100, 51
    return {
        "type": "Feature",
        "properties": {
            "id": f"{city}-{district}",
            "name": f"{city.title()} {district}",
            "short_name": f"{city[-1].upper()}{district}",
            "city": city,
            "warn_cells": [cell(number, district)],
            "ground_min_m": 50,
            "ground_max_m": 90,
            "ground_source": "unknown",
            "accuracy": "made up",
        },
        "geometry": shapely.geometry.mapping(shapely.box(west, south, west + 0.01, south + 0.01)),
    }


@dataclass
class _Standing:
    message: StoryMessage
    identifier: str
    alert: Alert


@dataclass
class Storm:
    """An endless story; iterate over it for what the feed says next: each time first all that holds by now."""

    seed: int
    stage: str
    ticks: bool = True
    """Whether the story tells the time; without, the workers do."""
    start: datetime = START
    _minute: float = 0
    _told: int = 0
    _standing: list[_Standing] = field(default_factory=list)
    _history: list[Alert] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def __iter__(self) -> Iterator[Said]:
        yield from [one.alert for one in self._standing]
        yield from self._snapshot_and_time()
        while True:
            for _ in range(self._random.randrange(3, 25)):
                yield self._alert()
            yield from self._snapshot_and_time()

    def _snapshot_and_time(self) -> Iterator[Said]:
        self._standing = [one for one in self._standing if (one.message.until or 0) > self._minute]
        if len(self._standing) > 20:  # some vanish without a word
            self._standing = self._random.sample(self._standing, 10)
        stamp = minutes_after(self.start, self._minute)
        ids = tuple(one.alert.headers.id for one in self._standing)
        yield Snapshot(stage=self.stage, source=SOURCE, stamp=stamp, checked=stamp, ids=ids)
        if self.ticks:
            yield Tick(stage=self.stage, at=stamp)
            self._minute += self._random.choice(TICK_MINUTES)
        else:
            self._minute += 0.01

    def _alert(self) -> Alert:
        choice = self._random.random()
        if choice < 0.15 and self._history:
            return self._random.choice(self._history)
        predecessor = self._random.choice(self._standing) if choice < 0.5 and self._standing else None
        message = self._message(predecessor, cancel=choice < 0.25)
        identifier = self._identifier()
        body = write(
            message,
            self.start,
            f"{identifier}.MUL",
            reference=_reference(predecessor, self.start) if predecessor else None,
            cells=dict.fromkeys(message.cells, "somewhere"),
            note="crash test",
        )
        stamp = minutes_after(self.start, self._minute)
        broken = choice > 0.95
        headers = AlertHeaders(stage=self.stage, source=SOURCE, id=identifier, stamp=stamp, seen=stamp)
        alert = Alert(headers, body[: len(body) // 2] + b"\xff" if broken else body)
        self._history = [*self._history[-30:], alert]
        if predecessor:
            self._standing.remove(predecessor)
        if not message.cancel and not broken:
            self._standing.append(_Standing(message, identifier, alert))
        return alert

    def _identifier(self) -> str:
        millis = round(minutes_after(self.start, self._minute).timestamp() * 1000)
        return f"2.49.0.0.276.0.DWD.PVW.{millis}.{uuid.UUID(int=self._random.getrandbits(128), version=4)}"

    def _message(self, predecessor: _Standing | None, *, cancel: bool) -> StoryMessage:
        self._told += 1
        ii, group, severity = self._random.choice(EVENTS)
        places = self._random.sample(cells(), self._random.randrange(1, 4))
        if self._random.random() < CALM:
            places = [ELSEWHERE]
        if predecessor and (cancel or self._random.random() < 0.7):
            places = list(predecessor.message.cells)
        until = self._minute + self._random.choice((10, 60, 600))
        texts = Texts(event=group, headline=f"Alert {self._told}", description="Made up.", instruction="None.")
        names = {"cancel" if cancel else "update": predecessor.message.key} if predecessor else {}
        return StoryMessage.model_validate(
            {
                "key": f"m{self._told}",
                "at": self._minute,
                "until": until,
                "ii": ii,
                "groups": (group,),
                "severity": severity,
                "texts": {"de": texts, "en": texts},
                "cells": tuple(places),
                **names,
            }
        )


def _reference(predecessor: _Standing, start: datetime) -> tuple[str, datetime]:
    return f"{predecessor.identifier}.MUL", minutes_after(start, predecessor.message.at)

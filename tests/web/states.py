"""The states in which every page is looked at: Solingen, with messages in the DWD's form, through the whole decision.

Used for the screenshots in the docs and for the accessibility tests, so that both see what people will see.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Self

import yaml

from tests.support import NOON, City
from tests.web.sites import Desk, settings
from warnsys.cap.cells import catalogue
from warnsys.partition import Partition
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import FeedStatus, Snapshot, Tick
from warnsys.settings import LIVE
from warnsys.simulation.message import StoryMessage, write
from warnsys.web.board import TopicRecord

NEIGHBOURS = {"805124000": "Wuppertal", "805120000": "Remscheid"}
MESSAGES = {
    one["key"]: StoryMessage.model_validate({"status": "Actual", **one})
    for one in yaml.safe_load(Path(__file__).with_name("messages.yaml").read_text("utf-8"))
}
GUSTS, HEAT, GALE, FLOOD, SEVERE = (MESSAGES[key] for key in ("gusts", "heat", "gale", "flood", "thunderstorm"))


def _as(message: StoryMessage, key: str, **changes: Any) -> StoryMessage:
    return message.model_copy(update={"key": key, **changes})


EXTREME = _as(SEVERE, "extreme", at=-3, until=75, severity="Extreme", ii="41", update="thunderstorm")
FAR = _as(SEVERE, "far", at=-20, onset=300, until=480)
ADVANCE = _as(SEVERE, "advance", at=-40, onset=600, until=900, urgency="Future", certainty="Possible", ii="40",
    texts={language: text.model_copy(update={"headline": f"{headline}: {text.headline}"}) for language, headline in (
        ("de", "VORABINFORMATION"), ("en", "ADVANCE NOTICE")) for text in [SEVERE.texts[language]]})  # fmt: skip


@dataclass
class Town(Desk):
    """A desk over Solingen, whose messages are decided from their bytes."""

    stage: str = LIVE
    brought: list[TopicRecord] = field(default_factory=list)
    """What the topics have brought to its board."""

    def __post_init__(self) -> None:
        city = {"id": "solingen", "name": "Solingen", "geofences": settings().cities[0].geofences}
        self.settings = settings(cities=[city], stage=self.stage, open=True, watch_cells=NEIGHBOURS)
        matcher = matcher_for(self.settings)
        rules = cities_for(self.settings, matcher)["solingen"]
        self.set_up(City(rules, id="solingen"), matcher)

    def put(self, topic: str, key: str, value: bytes | None, headers: dict[str, str] | None = None) -> None:
        self.brought.append(TopicRecord(topic, key, value, headers or {}, self.now))
        super().put(topic, key, value, headers)

    def again(self) -> "Town":
        """Another town to which the same has come: nothing is decided anew."""
        return Town(stage=self.stage).as_in(self)

    def as_in(self, other: "Town") -> Self:
        """To this new town comes what has come to the other."""
        for record in other.brought:
            self.now = record.at
            self.put(record.topic, record.key, record.value, dict(record.headers))
        self.now = other.now
        self.city = replace(other.city, notices=[*other.city.notices])
        known = other.city.partition
        self.city.partition = Partition(known.rules, known.ledger, known.states)
        return self

    def operated(self) -> Self:
        """As on a Kafka: without the strip of the embedded broker."""
        broker = self.settings.broker.model_copy(update={"url": "kafka://broker:9092"})
        self.settings = self.settings.model_copy(update={"broker": broker})
        self.serve()
        return self

    def snap(self, minute: float, *messages: StoryMessage, broken: Iterable[StoryMessage] = ()) -> Self:
        """A snapshot with these messages, at a minute from noon on."""
        self.later(minute)
        ids = []
        for message in (*messages, *broken):
            ids.append(_id(message.key))
            body = self._written(message)
            self.hear(ids[-1], body[: len(body) // 2] if message in broken else body)
        listed = Snapshot(stage=self.stage, source="dwd", stamp=self.now, checked=self.now, ids=tuple(ids))
        self.put("impacts", "", listed.to_bytes())
        self.take(listed)
        status = FeedStatus(stage=self.stage, source="dwd", looked=self.now, stamp=self.now, ids=len(ids))
        self.put("status", "dwd", status.to_bytes())
        return self.tick(minute)

    def _written(self, message: StoryMessage) -> bytes:
        if self.stage != LIVE:
            message = message.model_copy(update={"status": "Exercise"})
        reference: tuple[str, datetime] | None = (f"{_id(message.update)}.MUL", NOON) if message.update else None
        named = f"{_id(message.key)}.MUL"
        return write(message, NOON, named, reference=reference, cells=catalogue(), note="made up")

    def hear(self, listed_id: str, body: bytes) -> None:
        outcome = self.matcher.decide_bytes(body, self.put_alert(listed_id, body)).outcome
        if outcome.decided == "rejected":
            where = {"reason": outcome.reason, "agent": "match", "topic": "cap.alerts", "partition": "0", "offset": "7"}
            self.put("rejected", listed_id, body, where)
        self.take(outcome)

    def tick(self, minute: float) -> Self:
        self.later(minute)
        tick = Tick(stage=self.stage, at=self.now)
        self.put("impacts", "", tick.to_bytes())
        return self.take(tick)


def _id(key: str) -> str:
    return f"2.49.0.0.276.0.DWD.PVW.{key}"


def _night() -> Town:
    return _windy_night().again()


@cache
def _windy_night() -> Town:
    """A night with some wind, which is over, and snapshots and ticks since then as they come."""
    town = Town().tick(-1100).snap(-1090, GUSTS)
    for minute in range(-1080, -400, 10):
        town.snap(minute, GUSTS)
    for minute in range(-395, -40, 10):
        town.snap(minute)
    return town


STATES: dict[str, Callable[[], Town]] = {
    "calm": lambda: _night().snap(-5).snap(0),
    "advance": lambda: _night().snap(-35, HEAT, ADVANCE).snap(0, HEAT, ADVANCE),
    "far": lambda: _night().snap(-15, HEAT, FAR).snap(0, HEAT, FAR),
    "moderate": lambda: _night().snap(-25, GALE).snap(0, GALE),
    "severe": lambda: _night().snap(-5, HEAT, SEVERE).snap(0, HEAT, SEVERE),
    "extreme": lambda: (
        _night().snap(-15, HEAT, FLOOD).snap(-7, HEAT, FLOOD, SEVERE).snap(-2, HEAT, FLOOD, EXTREME)
        .snap(0, HEAT, FLOOD, EXTREME, ADVANCE)
    ),
    "stale": lambda: _night().snap(-25, HEAT, SEVERE).tick(0),
    "expired": lambda: _night().snap(-5, _as(SEVERE, "thunderstorm", until=-1)).tick(0),
    "incomplete": lambda: _night().snap(-15, HEAT).snap(-10, HEAT, broken=[FLOOD]).snap(0, HEAT, broken=[FLOOD]),
    "exercise": lambda: Town(stage="sommergewitter").tick(-30).snap(-5, HEAT, SEVERE).snap(0, HEAT, EXTREME),
    "no-data": lambda: _night().snap(-15, HEAT, SEVERE).snap(-10, HEAT, SEVERE).later(0),
}  # fmt: skip
"""By name; each call makes a new one, at noon UTC."""


@cache
def town_in(state: str) -> Town:
    """The same for all who only look: a night takes seconds to make."""
    return STATES[state]()

"""A board in memory and both sites over it, fed by a city of squares."""

from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache, cached_property
from typing import Literal, Self

from starlette.testclient import TestClient

from geofences import GeofenceIndex, bundled
from tests.cap.oddities import message
from tests.support import NOON, City, at
from warnsys.records import (
    Action,
    AlertHeaders,
    ChannelPause,
    ImpactRecord,
    Outcome,
    PushNotice,
    SmsNotice,
    SteleRecord,
)
from warnsys.settings import Settings, parse
from warnsys.warning.matching import Matcher
from warnsys.warning.pauses import pause_answers
from warnsys.web.app import operators_site, public_site
from warnsys.web.board import Board, TopicRecord
from warnsys.web.security import hashed
from warnsys.web.site import Site

LOGIN = ("shift", "a secret")
SALT = b"salt"


@cache
def kept_password() -> str:
    """Of `LOGIN`, as settings hold it; hashed once, as hashing is made to be slow."""
    return hashed(LOGIN[1], SALT)


def settings(cities: object = None, stage: str = "live", **web: object) -> Settings:
    operators = {LOGIN[0]: kept_password()}
    cities = cities or [{"id": "x", "name": "Xstadt", "geofences": str(bundled())}]
    return parse({"cities": cities, "stage": stage, "web": {"operators": operators, "requests_per_s": 0, **web}})


@dataclass
class Desk:
    """Everything around one board; `take` is what the topics would have brought."""

    settings: Settings = field(default_factory=settings)
    stage: str = "live"
    now: datetime = NOON
    done: list[Action] = field(default_factory=list)
    alive: bool = True
    agents: bool = True
    """Whether anybody answers an order."""
    broker: bool = True
    ahead: timedelta = timedelta(0)
    """By how much the broker's time is ahead of the story's, in an exercise."""
    stands_s: float = 0
    """How old a picture may be: a test asks for what it has just put in."""

    def __post_init__(self) -> None:
        city = City()
        self.set_up(city, Matcher(GeofenceIndex(city.rules.place.districts)))

    def set_up(self, city: City, matcher: Matcher) -> None:
        self.city = city
        self.board = Board({city.id: city.rules}, self.stage)
        self.board.clock = lambda: self.now
        self.board.elapsed = lambda: (self.now - NOON).total_seconds()
        self.board.connected = True
        self.matcher = matcher
        self.serve()

    def serve(self) -> None:
        """The sites anew, by the settings as they are now."""
        self.site = Site(
            self.settings, self.matcher, self.board, self._act, alive=lambda: self.alive, stands_s=self.stands_s
        )
        for made in ("operators", "public"):
            self.__dict__.pop(made, None)

    @cached_property
    def operators(self) -> TestClient:
        """Made once it is asked for: to put a hundred routes together takes longer than most tests."""
        return TestClient(operators_site(self.site), base_url="http://desk")

    @cached_property
    def public(self) -> TestClient:
        return TestClient(public_site(self.site), base_url="http://public")

    async def _act(self, action: Action) -> None:
        if not self.broker:
            raise TimeoutError("no broker")
        self.done.append(action)
        self.put("actions", action.key, action.to_bytes())
        if isinstance(action, ChannelPause) and self.agents:
            self.answer(action)

    def answer(self, said: ImpactRecord) -> None:
        """What the agents do with a record, and say of it."""
        before = self.city.state.stopped
        self.take(said)
        now = self.city.state
        for answer in pause_answers(before, now.stopped, said, now.city, now.facts.now):
            self.put("actions", answer.key, answer.to_bytes())

    def take(self, *records: ImpactRecord) -> Self:
        already = len(self.city.notices)
        for record in records:
            if isinstance(record, Outcome):
                self.put("impacts", "", record.to_bytes())
                if record.listed_id not in self.board.alerts:
                    self.put_alert(record.listed_id, message().replace(b">A<", f">{record.base_id}<".encode()))
            self.city.take(record)
        for notice in self.city.notices[already:]:
            match notice:
                case SteleRecord():
                    self.put("stele", notice.district, notice.to_bytes())
                case PushNotice():
                    self.put("push", notice.id, notice.to_bytes())
                case SmsNotice():
                    self.put("sms", notice.id, notice.to_bytes())
        return self

    def put_alert(self, listed_id: str, body: bytes) -> AlertHeaders:
        headers = AlertHeaders(stage=self.stage, source="dwd", id=listed_id, stamp=self.now, seen=self.now)
        said = {name: str(value) for name, value in headers.model_dump(mode="json", exclude_none=True).items()}
        self.put("alerts", listed_id, body, said)
        return headers

    def put(self, topic: str, key: str, value: bytes | None, headers: dict[str, str] | None = None) -> None:
        """As the reader does: what cannot be read is passed over."""
        with suppress(ValueError):
            self.board.take(TopicRecord(topic, key, value, headers or {}, self.now + self.ahead))

    async def stop(self, channel: Literal["push", "sms"]) -> None:
        until = self.now + timedelta(minutes=30)
        order = ChannelPause(
            stage=self.stage, channel=channel, reason="Fehlalarm", until=until, by="Leitstelle A", at=self.now
        )
        await self._act(order)

    def linked(self, link: str) -> Self:
        """The settings name this as the pages' address."""
        self.board.cities = {
            name: replace(rules, place=replace(rules.place, link=link)) for name, rules in self.board.cities.items()
        }
        return self

    def later(self, minutes: float) -> Self:
        self.now = at(minutes)
        return self

    def page(self, path: str) -> str:
        answer = self.operators.get(path, auth=LOGIN)
        assert answer.status_code == 200, answer.text
        return answer.text

"""A board in memory and both sites over it, fed by a city of squares."""

from dataclasses import dataclass, field
from datetime import datetime

from starlette.testclient import TestClient

from geofences import GeofenceIndex, bundled
from tests.cap.oddities import message
from tests.support import NOON, City, at
from warnsys.records import Acknowledgement, AlertHeaders, Outcome, PushNotice, Said, SmsNotice, SteleRecord, Stop
from warnsys.settings import Settings, parse
from warnsys.warning.impact import Matcher
from warnsys.web.app import Site, operators_site, public_site
from warnsys.web.board import Board, TopicRecord
from warnsys.web.security import hashed

LOGIN = ("shift", "a secret")


def settings(**web: object) -> Settings:
    operators = {LOGIN[0]: hashed(LOGIN[1], b"salt")}
    cities = [{"id": "x", "name": "Xstadt", "geofences": str(bundled())}]
    return parse({"cities": cities, "web": {"operators": operators, **web}})


@dataclass
class Desk:
    """Everything around one board; `take` is what the topics would have brought."""

    settings: Settings = field(default_factory=settings)
    stage: str = "live"
    now: datetime = NOON
    done: list[Acknowledgement | Stop] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.city = City()
        self.board = Board(
            {"x": self.city.rules},
            self.stage,
            clock=lambda: self.now,
            elapsed=lambda: (self.now - NOON).total_seconds(),
        )
        self.board.connected = True
        matcher = Matcher(GeofenceIndex(self.city.rules.place.districts))
        site = Site(self.settings, matcher, self.board, self._act)
        self.operators = TestClient(operators_site(site), base_url="http://desk")
        self.public = TestClient(public_site(site), base_url="http://public")

    async def _act(self, action: Acknowledgement | Stop) -> None:
        self.done.append(action)
        self.put("actions", action.key, action.to_bytes())

    def take(self, *records: Said) -> "Desk":
        already = len(self.city.notices)
        for record in records:
            if isinstance(record, Outcome):
                self.put("impacts", "", record.to_bytes())
                body = message().replace(b">A<", f">{record.base_id}<".encode())
                headers = AlertHeaders(stage=self.stage, source="dwd", id=record.listed_id, seen=self.now)
                said = {name: str(value) for name, value in headers.model_dump(mode="json", exclude_none=True).items()}
                self.put("alerts", record.listed_id, body, said)
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

    def put(self, topic: str, key: str, value: bytes | None, headers: dict[str, str] | None = None) -> None:
        self.board.take(TopicRecord(topic, key, value, headers or {}, self.now))  # type: ignore[arg-type]

    def later(self, minutes: float) -> "Desk":
        self.now = at(minutes)
        return self

    def page(self, path: str) -> str:
        answer = self.operators.get(path, auth=LOGIN)
        assert answer.status_code == 200, answer.text
        return answer.text

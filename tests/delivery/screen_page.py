"""The page of a screen, as the real one behaves (docs/reference/delivery.md), and a broker with such pages."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from warnsys.delivery.target import Accepted, CallResult, Declined, Unanswered
from warnsys.delivery.targets.screen import Exchange, NotConnectedError, ScreenSettings

PLACES = 3
LATEST_MS = 8_640_000_000_000_000
"""What is beyond is no date to a browser."""
TYPES = frozenset({"press_release", "event", "job_posting", "project", "plain_message"})


class PageCrashed(AssertionError):
    """Nothing is shown any more until the night."""


@dataclass
class Page:
    """Shows the three newest messages of anybody."""

    messages: dict[str | None, dict[str, Any]] = field(default_factory=dict)
    """By their name, the newest last."""

    def take(self, body: bytes) -> None:
        try:
            message = json.loads(body)
        except ValueError:
            return
        if message is None:
            raise PageCrashed("null")
        if not isinstance(message, dict):
            return
        name, payload = message.get("uuid"), message.get("payload")
        if payload and message.get("eventType") == "plain_message":
            created = payload.get("createdAt")
            if not isinstance(created, int) or abs(created) > LATEST_MS:
                raise PageCrashed(f"createdAt is {created!r}")
            if isinstance(payload.get("message"), dict | list):
                raise PageCrashed("the message is an object")
        self.messages.pop(name, None)
        self.messages[name] = message
        while len(self.messages) > PLACES:
            del self.messages[next(iter(self.messages))]

    def shown(self) -> list[tuple[str, str, bool]]:
        """Title, text and whether it is red; the newest first."""
        return [one for message in reversed(self.messages.values()) for one in self._tile(message)]

    def reload(self) -> None:
        self.messages.clear()

    def _tile(self, message: dict[str, Any]) -> Iterator[tuple[str, str, bool]]:
        payload = message.get("payload")
        if not payload:
            return
        if message.get("eventType") not in TYPES:
            yield "Unbekannter Typ", "Unbekannte Nachricht", False
        else:
            red = payload.get("severity") == "high"
            yield str(payload.get("title", "undefined")), payload.get("message") or "Unbekanntes Event", red


def foreign(name: str) -> bytes:
    """A message that somebody else publishes."""
    payload = {"title": name, "message": "Stadtfest", "createdAt": 1_815_566_400_000}
    return json.dumps({"uuid": name, "eventType": "plain_message", "payload": payload}).encode()


@dataclass
class FakeBroker:
    """Gives each message to all pages, or fails as it is told."""

    pages: list[Page] = field(default_factory=lambda: [Page()])
    away: NotConnectedError | None = None
    answers: list[CallResult] = field(default_factory=list)
    """What it says to the next calls, without giving them to anybody."""
    published: list[dict[str, Any]] = field(default_factory=list)
    connections: int = 0
    open: bool = True
    """Of the connection that was made last."""

    async def connect(self, _settings: ScreenSettings) -> Exchange:
        if self.away:
            raise self.away
        self.connections, self.open = self.connections + 1, True
        return self

    async def publish(self, body: bytes) -> CallResult:
        if self.answers:
            answer = self.answers.pop(0)
            self.open = not isinstance(answer, Unanswered)
            return answer
        self.published.append(json.loads(body))
        for page in self.pages:
            page.take(body)
        return Accepted() if self.pages else Declined("no_screen")

    async def close(self) -> None:
        self.open = False

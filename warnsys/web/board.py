"""What the topics say now, as pages and API need it. Holds nothing that a restart would not read again.

The compacted topics give the present at once, the others the last days. Every change gets a number, so that a reader of
the event stream who was away for a moment is told what it missed, and one who was away for long to load anew.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import ValidationError

from warnsys.pipeline import CityRules
from warnsys.records import (
    Acknowledgement,
    AlertHeaders,
    FeedStatus,
    Meaning,
    Outcome,
    PushNotice,
    Said,
    SmsNotice,
    SteleRecord,
    Stop,
    Tick,
    read_action,
    read_impact_record,
)
from warnsys.settings import LIVE

TopicName = Literal["alerts", "impacts", "stele", "push", "sms", "rejected", "status", "actions"]
MAX_NOTICES = 2_000
MAX_REJECTED = 200
MAX_ALERTS = 4_000
MAX_ALERT_BYTES = 128 * 1024 * 1024
MAX_EVENTS = 1_000
"""How many changes a reader of the stream can have missed."""
BLIND_AFTER = timedelta(seconds=60)
"""In an exercise, where records bear the story's time: without any for so long, the pages know nothing."""


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A record as it stood on its topic; `at` is the topic's time of it."""

    topic: TopicName
    key: str
    value: bytes | None
    headers: Mapping[str, str]
    at: datetime


@dataclass(frozen=True, slots=True)
class Event:
    """One change, told to the readers of the stream."""

    number: int
    kind: Literal["stele", "notice", "alert", "feed", "rejected", "action"]
    public: bool
    """Whether those outside of the operations centre may see it."""
    district: str
    """For a stele, else ""."""
    data: str
    """JSON."""


@dataclass(frozen=True, slots=True)
class HeldAlert:
    """A message as it came, and what each partition says it means."""

    headers: AlertHeaders
    body: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Rejected:
    """What could not be understood, with where it stood and why."""

    at: datetime
    reason: str
    agent: str
    key: str
    place: str
    value: bytes


@dataclass
class Board:
    """The present of one stage. Not thread-safe: fed and read in one event loop."""

    cities: Mapping[str, CityRules]
    stage: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    steles: dict[str, SteleRecord] = field(default_factory=dict)
    notices: deque[PushNotice | SmsNotice] = field(default_factory=lambda: deque(maxlen=MAX_NOTICES))
    """Newest first, each id once."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By base id, with the impacts on all cities."""
    alerts: dict[str, HeldAlert] = field(default_factory=dict)
    """By listed id."""
    feeds: dict[str, FeedStatus] = field(default_factory=dict)
    rejected: deque[Rejected] = field(default_factory=lambda: deque(maxlen=MAX_REJECTED))
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    stops: dict[str, Stop] = field(default_factory=dict)
    """By channel."""
    connected: bool = False
    """Whether the topics are being read."""
    latency_s: deque[float] = field(default_factory=lambda: deque(maxlen=500))
    _told: datetime | None = None
    _heard: datetime | None = None
    _number: int = 0
    _events: deque[Event] = field(default_factory=lambda: deque(maxlen=MAX_EVENTS))
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _bytes: int = 0

    @property
    def exercise(self) -> bool:
        return self.stage != LIVE

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._number

    def now(self) -> datetime:
        """The time by which pages are worded: the clock's, in an exercise the story's."""
        return self._told if self.exercise and self._told else self.clock()

    def age(self) -> timedelta | None:
        """How long no record has come; None before the first one."""
        return None if self._heard is None else self.clock() - self._heard

    def stele(self, district: str) -> SteleRecord | None:
        """What holds in a district, or None where nothing reliable is known: no record, or one past its validity."""
        record = self.steles.get(district)
        return record if record and self.remaining(record) > timedelta(0) else None

    def remaining(self, record: SteleRecord) -> timedelta:
        """How much longer a record may be shown."""
        if self.exercise:  # the story's time may run faster than the clock
            age = self.age()
            return timedelta(0) if age is None else BLIND_AFTER - age
        return record.valid_until - self.clock()

    # -- taking in --------------------------------------------------------------------------------------------------

    def take(self, record: TopicRecord) -> None:
        """Take in one record; what cannot be read, or is of another stage, is passed over."""
        self._heard = self.clock()
        try:
            self._take(record)
        except (ValidationError, ValueError):
            return

    def _take(self, record: TopicRecord) -> None:
        value = record.value
        match record.topic:
            case "stele":
                self._take_stele(record.key, SteleRecord.from_bytes(value) if value else None)
            case "push" if value:
                self._take_notice(PushNotice.from_bytes(value))
            case "sms" if value:
                self._take_notice(SmsNotice.from_bytes(value))
            case "status" if value:
                status = FeedStatus.from_bytes(value)
                self.feeds[status.source] = status
                self._tell("feed", value)
            case "rejected":
                self._take_rejected(record)
            case "alerts" if value and record.headers.get("kind") != "snapshot":
                headers = AlertHeaders.model_validate(record.headers)
                self._keep(HeldAlert(headers, value, record.at))
            case "impacts" if value:
                self._take_impact(read_impact_record(value), record)
            case "actions" if value:
                self._take_action(value)

    def _take_stele(self, district: str, record: SteleRecord | None) -> None:
        if record is None:
            self.steles.pop(district, None)
            return
        self.steles[district] = record
        self._told = max(self._told or record.issued, record.issued)
        self._tell("stele", record.to_bytes(), public=True, district=district)

    def _take_notice(self, notice: PushNotice | SmsNotice) -> None:
        if any(notice.id == known.id for known in self.notices):
            return
        self.notices.appendleft(notice)
        self._tell("notice", notice.to_bytes(), public=notice.audience == "public")

    def _take_impact(self, said: Said, record: TopicRecord) -> None:
        match said:
            case Tick():
                moment = said.at if self.exercise else record.at
                self._told = max(self._told or moment, moment)
            case Outcome():
                if (known := self.outcomes.get(said.base_id)) and known.rules == said.rules:
                    said = said.model_copy(update={"meanings": _joined(known.meanings, said.meanings)})
                if known == said:
                    return
                self.outcomes[said.base_id] = said
                while len(self.outcomes) > MAX_ALERTS:
                    del self.outcomes[next(iter(self.outcomes))]
                self._tell("alert", said.model_copy(update={"meanings": ()}).to_bytes())

    def _take_rejected(self, record: TopicRecord) -> None:
        headers = record.headers
        place = f"{headers.get('topic', '?')}/{headers.get('partition', '?')}@{headers.get('offset', '?')}"
        self.rejected.appendleft(
            Rejected(
                record.at, headers.get("reason", "?"), headers.get("agent", "?"), record.key, place, record.value or b""
            )
        )
        self._tell("rejected", b"{}")

    def _take_action(self, value: bytes) -> None:
        match read_action(value):
            case Acknowledgement() as done:
                self.acknowledged[done.key] = done
            case Stop() as stop:
                self.stops[stop.channel] = stop
        self._tell("action", value)

    def _keep(self, alert: HeldAlert) -> None:
        """The newest messages within the limits."""
        if old := self.alerts.pop(alert.headers.id, None):
            self._bytes -= len(old.body)
        self.alerts[alert.headers.id] = alert
        self._bytes += len(alert.body)
        while len(self.alerts) > MAX_ALERTS or self._bytes > MAX_ALERT_BYTES:
            oldest = self.alerts.pop(next(iter(self.alerts)))
            self._bytes -= len(oldest.body)

    # -- telling ----------------------------------------------------------------------------------------------------

    def _tell(
        self,
        kind: Literal["stele", "notice", "alert", "feed", "rejected", "action"],
        data: bytes,
        *,
        public: bool = False,
        district: str = "",
    ) -> None:
        self._number += 1
        self._events.append(Event(self._number, kind, public, district, data.decode()))
        self._changed.set()
        self._changed = asyncio.Event()

    def since(self, number: int) -> Iterator[Event] | None:
        """What changed after that event; None where it is too long ago, or was counted by another process."""
        if number > self._number or (self._events and number < self._events[0].number - 1):
            return None
        return (event for event in list(self._events) if event.number > number)

    async def events(self, after: int) -> AsyncIterator[Event | None]:
        """Changes as they come, for ever; None where the reader has to load anew."""
        while True:
            changed = self._changed
            found = self.since(after)
            if found is None:
                yield None
                after = self._number
                continue
            for event in found:
                after = event.number
                yield event
            await changed.wait()


def _joined(one: tuple[Meaning, ...], other: tuple[Meaning, ...]) -> tuple[Meaning, ...]:
    """The meanings of a message as several partitions tell them, each for its own cities."""
    found: dict[tuple[object, ...], Meaning] = {}
    for meaning in (*one, *other):
        key = (meaning.ii, meaning.group, meaning.severity, meaning.urgency, meaning.onset, meaning.expires)
        impacts = {(i.city, i.district): i for i in (*(found[key].impacts if key in found else ()), *meaning.impacts)}
        found[key] = meaning.model_copy(update={"impacts": tuple(impacts[place] for place in sorted(impacts))})
    return tuple(found.values())

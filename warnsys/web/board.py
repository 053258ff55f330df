"""What the topics say now, as pages and API need it. Holds nothing that a restart would not read again.

Records are taken in one event loop. Pages are worded in threads, each from a `picture` that was taken between two
records (ADR 18).

The compacted topics give the present at once, the others the last days. Every change is told with a number
(`warnsys.web.telling`).
"""

import copy
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from functools import cached_property

from warnsys.cap.document import ZONE
from warnsys.channels.registry import read, tellers
from warnsys.clocks import uptime
from warnsys.headers import covers as covers_of
from warnsys.pipeline import CityRules, ForeignStageError
from warnsys.records import (
    Acknowledgement,
    Action,
    AlertHeaders,
    ChangeNotice,
    ChannelPause,
    ChannelState,
    FeedStatus,
    ImpactRecord,
    Notice,
    Outcome,
    Reminder,
    Snapshot,
    SteleRecord,
    Tick,
    in_utc,
    read_action,
    read_impact_record,
)
from warnsys.settings import LIVE
from warnsys.warning.clock import AGREE
from warnsys.warning.facts import AHEAD
from warnsys.warning.revisions import revision_id, with_sender_in_ids
from warnsys.web.board_time import BoardTime
from warnsys.web.history import History
from warnsys.web.meanings import meanings_of_all
from warnsys.web.orders import Ordered, orders
from warnsys.web.telling import BoardEvent, Telling
from warnsys.web.unreadable import Rejected, note

TopicName = str
"""`alerts`, `impacts`, `rejected`, `status`, `actions`, or the name of a channel."""
MAX_NOTICES = 2_000
MAX_REJECTED = 200
MAX_ORDERS = 400
MAX_ALERTS = 4_000
MAX_ALERT_BYTES = 128 * 1024 * 1024
BLIND_AFTER = timedelta(seconds=60)
"""In an exercise, where records bear the story's time: without any for so long, the pages know nothing."""
SILENT_AFTER = timedelta(seconds=35)
"""Ticks come every ten seconds: without any record for so long, nobody settles, or nothing reaches this process."""
_CELL = re.compile(rb"(?<![0-9])[0-9]{9}(?![0-9])")
CLOCK_OFF = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class TopicRecord:
    """A record as it stood on its topic; `at` is the topic's time of it."""

    topic: TopicName
    key: str
    value: bytes | None
    headers: Mapping[str, str]
    at: datetime


@dataclass(frozen=True)
class HeldAlert:
    """A message as it came, and what each partition says it means."""

    headers: AlertHeaders
    body: bytes
    at: datetime
    zone: tzinfo = ZONE
    """Where the clocks of its source go, for times without an offset."""

    @cached_property
    def cells(self) -> frozenset[str]:
        """Every number in it that may be a warn cell's: most messages need not be read to know that they name none."""
        return frozenset(found.decode() for found in _CELL.findall(self.body))


@dataclass
class Board:
    """The present of one stage. Not thread-safe: fed in one event loop; who reads elsewhere takes a `picture` there."""

    cities: Mapping[str, CityRules]
    stage: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    zones: Mapping[str, tzinfo] = field(default_factory=dict)
    """By source, where not Berlin's: for messages that write times without an offset."""
    steles: dict[str, SteleRecord] = field(default_factory=dict)
    notices: deque[ChangeNotice] = field(default_factory=lambda: deque(maxlen=MAX_NOTICES))
    """Newest first, each id once."""
    outcomes: dict[str, Outcome] = field(default_factory=dict)
    """By base id, with the impacts on all cities."""
    alerts: dict[str, HeldAlert] = field(default_factory=dict)
    """By listed id."""
    feeds: dict[str, FeedStatus] = field(default_factory=dict)
    rejected: deque[Rejected] = field(default_factory=lambda: deque(maxlen=MAX_REJECTED))
    acknowledged: dict[str, Acknowledgement] = field(default_factory=dict)
    reminded: set[str] = field(default_factory=set)
    """Keys of what the webhook was told."""
    stops: dict[str, ChannelPause] = field(default_factory=dict)
    """By channel, what was asked for last."""
    channels: dict[tuple[str, str], ChannelState] = field(default_factory=dict)
    """By city and channel, what its agent has said of the orders."""
    stop_log: deque[ChannelPause] = field(default_factory=lambda: deque(maxlen=MAX_ORDERS))
    """All that was asked for, as it came."""
    answers: deque[ChannelState] = field(default_factory=lambda: deque(maxlen=MAX_ORDERS))
    """All that the agents have said of it."""
    asked: dict[str, float] = field(default_factory=dict)
    """By channel, when its newest order came in, by `elapsed`."""
    written_here: int = 0
    """How many orders of operators this process has put onto their topic."""
    elapsed: Callable[[], float] = uptime
    """Seconds on a clock that nobody sets, and that counts while the machine sleeps."""
    lag: dict[str, int] = field(default_factory=dict)
    """Records of each input that the agents have not handled, by topic; empty where that is not known."""
    listed: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the newest snapshot of each source lists."""
    known_since: dict[str, datetime] = field(default_factory=dict)
    """When the outcome of a message first stood on its topic, by base id."""
    decided_at: dict[str, datetime] = field(default_factory=dict)
    """When an outcome of a message last came, by base id: it may have become another one, or stand again."""
    gone_at: dict[str, datetime] = field(default_factory=dict)
    """When the record of a district that had shown a message came without it, by base id; not of one shown again."""
    history: History = field(default_factory=History)
    pictured_at: float = 0
    """Of a picture, when it was taken, seconds since 1970."""
    epoch: str = field(default_factory=lambda: secrets.token_hex(4))
    """Says which process counted the changes."""
    caught_up: bool = False
    """Whether the topics have once been read to their end."""
    _connected: bool = False
    _looked: tuple[object, ...] = ()
    _covers: dict[str, int] = field(default_factory=dict)
    """By district what its stele covers of `warn.impacts`."""
    _stele_at: dict[str, float] = field(default_factory=dict)
    """By district when its stele came, by `elapsed`."""
    _time: BoardTime = field(default_factory=BoardTime)
    _heard_at: float | None = None
    _telling: Telling = field(default_factory=Telling)
    _bytes: int = 0
    _tellers: frozenset[str] = field(default_factory=lambda: frozenset(one.name for one in tellers()))

    @property
    def exercise(self) -> bool:
        return self.stage != LIVE

    @property
    def version(self) -> int:
        """Grows with each change."""
        return self._telling.number

    @property
    def urgent(self) -> int:
        """Grows with each change that pages show at once."""
        return self._telling.urgent

    @property
    def connected(self) -> bool:
        """Whether the topics are being read."""
        return self._connected

    @connected.setter
    def connected(self, value: bool) -> None:
        if value != self._connected:
            self._connected = value
            self.caught_up |= value
            self._telling.tell("process", b"{}", public=True)

    def now(self) -> datetime:
        """The time by which pages are worded and records grow old.

        In an exercise the story's, else what the clocks agree on.
        """
        if self.exercise and self._time.told:
            return self._time.told
        return self._time.now(self.clock(), self.elapsed())

    def silent(self) -> bool:
        """Whether so long nothing came that nobody can be settling, or nothing reaches this process."""
        silence = self.silence()
        return silence is None or silence > SILENT_AFTER

    def look(self) -> None:
        """To be called every few seconds: tells the pages when this process has become blind without any record."""
        ordered = tuple((one.stop.channel, one.state, one.late) for one in self.orders())
        state = self.silent(), self.clock_off(), ordered, frozenset(filter(self.stele, self.steles))
        if state != self._looked:
            self._looked = state
            self._telling.tell("process", b"{}", public=True)

    def clock_off(self) -> bool:
        """Whether this machine's clock and the topics' time are far apart, while records come in."""
        told = self._time.told
        if self.exercise or told is None or not self.connected:
            return False
        if self.elapsed() - self._time.told_at > SILENT_AFTER.total_seconds():
            return False
        return abs(self.clock() - told) > CLOCK_OFF + SILENT_AFTER

    def clocks(self) -> tuple[str, ...]:
        """What is wrong with the other machines' clocks: `clock broker +86400 s`, `feed dwd: …`."""
        if self.exercise:
            return ()
        feeds = sorted(f"{status.source}: {status.clock_error}" for status in self.feeds.values() if status.clock_error)
        return (*self._time.alarms(), *feeds)

    def silence(self) -> timedelta | None:
        """How long no record has come; None before the first one."""
        return None if self._heard_at is None else timedelta(seconds=self.elapsed() - self._heard_at)

    def stopped(self) -> list[ChannelPause]:
        """The channels that are held back now, in all cities, as their agents have said."""
        return [one.stop for one in self.orders() if one.state == "stopped"]

    def orders(self) -> list[Ordered]:
        """The channels that are held back, or were asked to be, or to go on."""
        return orders(self)

    def stele(self, district: str) -> SteleRecord | None:
        """What holds in a district, or None where nothing reliable is known: no record, or one past its validity."""
        record = self.steles.get(district)
        return record if record and self.remaining(record) > timedelta(0) else None

    def considered(self, record: SteleRecord, base_id: str) -> bool:
        """Whether a record was written in the knowledge of a message: of no other its silence says that it is over.

        Its city's clock and the broker's, which gave these times, may be apart by as much as clocks that agree.
        """
        decided = self.decided_at.get(base_id)
        return decided is not None and decided + AGREE < record.issued

    def remaining(self, record: SteleRecord) -> timedelta:
        """How much longer a record may be shown."""
        lasts = record.valid_until - record.issued - timedelta(seconds=self.elapsed() - self._stele_at[record.district])
        if self.exercise:  # the story's time may run faster than the clock
            silence = self.silence()
            return timedelta(0) if silence is None else min(BLIND_AFTER - silence, lasts)
        return min(record.valid_until - self.now(), lasts)  # it may be of a time that had gone too far ahead

    def picture(self) -> "Board":
        """All of it as it is now, and the time with it; no record changes it any more.

        To be taken in the loop that takes the records. What a board holds is frozen, so only its collections are
        copied: some hundred microseconds for a board that is full.
        """
        taken, moment, elapsed = copy.copy(self), self.clock(), self.elapsed()
        for name, value in vars(self).items():
            if isinstance(value, dict | list | set | deque):
                setattr(taken, name, value.copy())
        taken.history, taken._telling = self.history.picture(), self._telling.picture()
        taken.clock, taken.elapsed, taken.pictured_at = lambda: moment, lambda: elapsed, time.time()
        return taken

    # -- taking in --------------------------------------------------------------------------------------------------

    def take(self, record: TopicRecord) -> None:
        """Take in one record. Raises `ValueError` for one that cannot be read or is of another stage."""
        self._take(record)
        self._heard_at = self.elapsed()

    def _take(self, record: TopicRecord) -> None:
        value = record.value
        match record.topic:
            case "stele":
                self._take_stele(record, in_utc(SteleRecord.from_bytes(value)) if value else None)
            case "status" if value:
                status = in_utc(FeedStatus.from_bytes(value))
                self._check_stage(status.stage)
                self.feeds[status.source] = status
                self._telling.tell("feed", status.to_bytes())
            case "rejected":
                self._take_rejected(record)
            case "alerts" if value and record.headers.get("kind") != "snapshot":
                headers = AlertHeaders.model_validate(record.headers)
                self._check_stage(headers.stage)
                self.history.published(headers.id, record.at, None if self.exercise else headers.seen)
                self._keep(HeldAlert(headers, value, record.at, self.zones.get(headers.source, ZONE)))
            case "impacts" if value:
                self._take_impact(read_impact_record(value), record)
            case "actions" if value:
                self._take_action(value)
            case channel if value and channel in self._tellers:
                self._take_notice(in_utc(read(channel, value)))

    def _take_stele(self, place: TopicRecord, record: SteleRecord | None) -> None:
        district, covers = place.key, covers_of(place.headers) or 0
        if record is None:
            self.steles.pop(district, None)
            return
        self._check_stage(record.stage)
        if record.district != district:
            raise ValueError(f"a stele of {record.district!r} stands under the key of {district!r}")
        known = self.steles.get(district)
        ahead = known and not self.exercise and known.issued > self.now() + AHEAD
        older = known and (record.issued, covers) < (known.issued, self._covers[district])
        if older and not ahead and covers <= self._covers[district]:
            return  # the topic is read again after an outage; or a worker that was cut off sent it late
        self.steles[district], self._covers[district] = record, covers
        self._stele_at[district] = self.elapsed()
        if self.exercise:
            self._time = self._time.story(record.issued, self.elapsed())
        shown = {item.base_id for item in record.items}
        for base_id in shown:
            self.gone_at.pop(base_id, None)
        for item in known.items if known else ():
            if item.base_id not in shown:
                self.gone_at.setdefault(item.base_id, record.issued)
        while len(self.gone_at) > MAX_ALERTS:
            del self.gone_at[next(iter(self.gone_at))]
        for item in record.items:
            if outcome := self.outcome(item.base_id):
                self.history.shown(outcome.listed_id, place.at)
        self._telling.tell("stele", record.to_bytes(), public=True, district=district)

    def _check_stage(self, stage: str) -> None:
        if stage != self.stage:
            raise ForeignStageError(stage, self.stage)

    def _take_notice(self, notice: Notice) -> None:
        if not isinstance(notice, ChangeNotice):
            return
        self._check_stage(notice.stage)
        if any(notice.id == known.id for known in self.notices):
            return
        self.notices.appendleft(notice)
        self._telling.tell("notice", notice.to_bytes(), public=notice.audience == "public")

    def _take_impact(self, said: ImpactRecord, record: TopicRecord) -> None:
        self._check_stage(said.stage)
        match said:
            case Tick():
                if self.exercise:
                    self._time = self._time.story(said.at, self.elapsed())
                else:
                    appended = said.model_copy(update={"appended": record.at})
                    self._time = self._time.after(appended, self.clock(), self.elapsed())
                self.history.ticked(self._time.told or said.at)
            case Snapshot():
                if not self.exercise:
                    self._time = self._time.beside(said)
                    if said.stamp > self.now() + AHEAD:
                        return
                stamps = self.history.stamps.get(said.source)
                if not stamps or said.stamp >= stamps[-1]:
                    self.listed[said.source] = said.ids
                self.history.listed(said.source, said.stamp)
            case Outcome():
                self.history.matched(said.listed_id, record.at)
                said = self._called(with_sender_in_ids(said))
                self.known_since.setdefault(said.base_id, self.now() if self.exercise else record.at)
                self.decided_at[said.base_id] = self.now() if self.exercise or self.caught_up else record.at
                if (known := self.outcomes.get(said.base_id)) and known.rules == said.rules:
                    said = said.model_copy(update={"meanings": meanings_of_all(known.meanings, said.meanings)})
                if known == said:
                    return
                self.outcomes[said.base_id] = said
                while len(self.outcomes) > MAX_ALERTS:
                    oldest = next(iter(self.outcomes))
                    del self.outcomes[oldest]
                    self.known_since.pop(oldest, None)
                    self.decided_at.pop(oldest, None)
                self._telling.tell("alert", in_utc(said.model_copy(update={"meanings": ()})).to_bytes())

    def _called(self, said: Outcome) -> Outcome:
        """A message that was revised, by the name that its city gives the later content (`warning/revisions.py`)."""
        oldest = self.outcomes.get(said.base_id)
        if oldest is None or None in (oldest.digest, said.digest, oldest.sent, said.sent):
            return said
        if (oldest.sent, oldest.digest) == (said.sent, said.digest):
            return said
        return said.model_copy(update={"base_id": revision_id(said.base_id, said)})

    def outcome(self, base_id: str) -> Outcome | None:
        """The message that an item of a stele names; of a revision that was not seen, the message."""
        return self.outcomes.get(base_id) or self.outcomes.get(base_id.rpartition("~")[0])

    def _take_rejected(self, record: TopicRecord) -> None:
        headers = record.headers
        place = f"{headers.get('topic', '?')}/{headers.get('partition', '?')}@{headers.get('offset', '?')}"
        reason, agent = headers.get("reason", "?"), headers.get("agent", "?")
        note(self.rejected, Rejected(record.at, reason, agent, record.key, place, record.value or b"", record.at))
        self._telling.tell("rejected", b"{}")

    def _take_action(self, value: bytes) -> None:
        action = read_action(value)
        self._check_stage(action.stage)
        match action:
            case Acknowledgement() as done:
                self.acknowledged[done.key] = done
            case Reminder() as reminder:
                self.reminded.add(reminder.key)
            case ChannelPause() as stop:
                if stop not in self.stop_log:
                    self.stop_log.append(stop)
                known = self.stops.get(stop.channel)
                if known and stop.at <= known.at:
                    return
                self.stops[stop.channel], self.asked[stop.channel] = stop, self.elapsed()
            case ChannelState() as said:
                place = said.city, said.channel
                if self.channels.get(place) == said:
                    return
                self.channels[place] = said
                self.answers.append(said)
        self._telling.tell("action", in_utc(action).to_bytes())

    def asked_for(self, action: Action) -> None:
        """An action that was just written from here: the page that follows shows it, before it is read again."""
        self.written_here += 1
        if isinstance(action, ChannelPause):
            self._take_action(action.to_bytes())

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

    def since(self, number: int) -> Iterator[BoardEvent] | None:
        """What changed after that event; None where it is too long ago, or was counted by another process."""
        return self._telling.since(number)

    async def changed(self) -> None:
        """Wait for the next change."""
        await self._telling.changed()

    def events(self, after: int) -> AsyncGenerator[BoardEvent | None, None]:
        """Changes as they come, for ever; None where the reader has to load anew."""
        return self._telling.events(after)

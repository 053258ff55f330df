"""A city, its feed and the server that the feed asks, as one value that can be put aside and gone on from.

The feed, the matcher and `settle` are the real ones; the server, the broker and the clocks are scripted. The state is
written and read again after every step.
"""

import asyncio
import io
import re
import zipfile
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from copy import copy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from functools import cache, cached_property
from typing import Any, cast

import httpx

from geofences import GeofenceIndex
from tests.domain.messages import Message, Warned, cap
from tests.support import NOON, at, city_rules
from warnsys.feeds.poller import DwdFeed
from warnsys.partition import Partition
from warnsys.pipeline import CityRules, CityState
from warnsys.records import (
    AlertHeaders,
    FeedStatus,
    ImpactRecord,
    Notice,
    Outcome,
    PushNotice,
    Snapshot,
    SteleRecord,
    Tick,
)
from warnsys.settings import Source
from warnsys.warning.facts import Ledger
from warnsys.warning.matching import Matcher
from warnsys.warning.situation import Situation

PLACE = city_rules(1)
HERE = ("d1",)
STALE_MIN = 15.0
EMPTY_ZIP = b"PK\x05\x06" + bytes(18)


def matcher(version: int) -> Matcher:
    """Each version of the geofences decides the same, under another name."""
    share = {"other": version / 1000}
    return Matcher(GeofenceIndex(PLACE.place.districts), share, senders={"dwd": ("opendata@dwd.de",)})


MATCHERS = [matcher(version) for version in range(8)]


class Here(ThreadPoolExecutor):
    """What a thread is asked to do is done at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class Client:
    """Of HTTP no more than what an answer says: histories are many, and httpx's own ways are tested elsewhere."""

    def __init__(self, answer: Callable[[], httpx.Response]) -> None:
        self._answer = answer

    @asynccontextmanager
    async def stream(self, method: str, url: httpx.URL, **_: object) -> AsyncIterator[httpx.Response]:
        answer = self._answer()
        answer.request = httpx.Request(method, url)
        yield answer


LOOP = asyncio.new_event_loop()
LOOP.set_default_executor(Here())


@cache
def packed(messages: tuple[Message, ...]) -> bytes:
    """What the server answers that lists them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for message in messages:
            file.writestr(zipfile.ZipInfo(f"{message.key}.xml"), cap(message))
    return content.getvalue() if messages else EMPTY_ZIP


SOURCES = ("dwd", "city")
SOURCE = Source.model_validate({"name": "dwd", "url": "https://dwd.example/alerts.zip"})


@dataclass(frozen=True)
class Clocks:
    """By how many minutes each is wrong."""

    broker: float = 0
    feed: float = 0
    server: float = 0
    worker: float = 0


@dataclass(frozen=True)
class World:
    minute: float = 0
    published: tuple[Message, ...] = ()
    listed: tuple[str, ...] = ()
    """Keys that the server lists, in truth."""
    stamp: float = 0
    """When it wrote its listing."""
    older: tuple[str, ...] = ()
    """What it listed before, and when: a lagging node still has it."""
    older_stamp: float = -10
    clocks: Clocks = Clocks()
    feed_lives: bool = True
    stopped_until: float = -1
    geofences: int = 0
    two_sources: bool = False
    feed: Mapping[str, Any] = field(default_factory=dict)
    """What the feed remembers."""
    ledger: Ledger = field(default_factory=Ledger)
    state: CityState = field(default_factory=lambda: CityState(city="x"))
    last: tuple[ImpactRecord, ...] = ()
    """The records of the last step, which come again after a rebalance."""
    delivered: frozenset[str] = frozenset()
    told: frozenset[tuple[str, int]] = frozenset()
    """Base id and level of what the public's push told."""
    ids: frozenset[tuple[str, str]] = frozenset()
    """Of notices, with what each said."""
    looked: float = -1_000
    """The last look that brought a whole answer."""
    notices: tuple[Notice, ...] = ()
    """Of the last step."""

    def message(self, key: str) -> Message:
        return next(one for one in self.published if one.key == key)

    def holds(self, key: str) -> bool:
        """Whether a message is in force in truth: listed, and not over."""
        message = self.message(key)
        ends = [said.until for said in message.says]
        return key in self.listed and bool(ends) and all(end is not None and self.minute < end for end in ends)

    @cached_property
    def situation(self) -> Situation | None:
        return self.partition.situation("x")

    @property
    def partition(self) -> Partition:
        """The worker's, as it is after a start."""
        return Partition({"x": self.rules}, self.ledger, {"x": self.state})

    @cached_property
    def rules(self) -> CityRules:
        sources = SOURCES if self.two_sources else SOURCES[:1]
        limits = dict.fromkeys(sources, timedelta(minutes=STALE_MIN))
        return replace(PLACE, ruleset_version=MATCHERS[self.geofences].ruleset_version, stale_after=limits)

    def key(self) -> str:
        """What has the same is the same: all times are told from now."""

        def told(moment: re.Match[bytes]) -> bytes:
            when = datetime.fromisoformat(moment[0].decode())
            return b"%d" % round((when - at(self.minute)).total_seconds())

        state = re.sub(rb'"grown":\d+|"content":"\w+"', b"", self.ledger.to_bytes() + self.state.to_bytes())
        state = re.sub(rb"\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)", told, state)
        state = re.sub(rb'"monotonic":[\d.]+', b"", state)
        held = self.feed.get("_held")
        known = sorted(self.feed.get("_published", ())), self.feed.get("_agreed", False)
        feed = (held and (held.stamp - at(self.minute), held.ids), *known)
        ends = [(one.key, [said.until and said.until - self.minute for said in one.says]) for one in self.published]
        rest = (
            ends, self.listed, self.minute - self.stamp, self.older, self.clocks, self.feed_lives, self.geofences,
            max(-1.0, self.stopped_until - self.minute), sorted(self.told), sorted(self.delivered),
            min(60.0, self.minute - self.looked),
        )  # fmt: skip
        return f"{state!r} {feed!r} {rest!r}"


@cache
def decided(geofences: int, headers: AlertHeaders, body: bytes) -> Outcome:
    return MATCHERS[geofences].decide_bytes(body, headers).outcome


class Play:
    """One step being played: collects what comes of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.notices: list[Notice] = []
        self.records: list[ImpactRecord] = []

    # -- the server -------------------------------------------------------------------------------------------------

    def set(self, **changes: Any) -> None:
        self.world = replace(self.world, **changes)

    def publish(self, *messages: Message, listed: tuple[str, ...] | None = None) -> None:
        now = self.world
        keys = (*now.listed, *(one.key for one in messages)) if listed is None else listed
        published = (*now.published, *messages)
        older = {"older": now.listed, "older_stamp": now.stamp}
        self.set(published=published, listed=keys, stamp=now.minute, **older)

    def answer(self, kind: str) -> httpx.Response:
        now = self.world
        listed, stamp = (now.older, now.older_stamp) if kind == "older" else (now.listed, now.stamp)
        listed = () if kind == "nothing" else listed
        content = packed(tuple(map(now.message, listed)))
        if kind == "damaged":
            content = bytes(200) + EMPTY_ZIP
        written = at(stamp + now.clocks.server)
        date = at(now.minute + now.clocks.server)
        headers = {"Last-Modified": _http(written), "Date": _http(date), "Content-Type": "application/zip"}
        return httpx.Response(200, content=content, headers=headers)

    # -- the feed ---------------------------------------------------------------------------------------------------

    def look(self, kind: str = "whole") -> None:
        if self.world.feed_lives:
            LOOP.run_until_complete(self._look(kind))

    async def _look(self, kind: str) -> None:
        def clock() -> datetime:
            return at(self.world.minute + self.world.clocks.feed)

        client = cast(httpx.AsyncClient, Client(lambda: self.answer(kind)))
        feed = DwdFeed(SOURCE, "live", client, self, clock, uptime=lambda: self.world.minute * 60)
        given = {"_source", "_stage", "_publisher", "_time", "_random", "_keeper", "_asks"}
        vars(feed).update({name: copy(value) for name, value in self.world.feed.items() if name in vars(feed)})
        feed._time._clock, feed._time._now = self.world.feed.get("clock", (feed._time._clock, None))
        await feed.look()
        memory = {name: value for name, value in vars(feed).items() if name not in given}
        memory["clock"] = feed._time._clock, feed._time._now
        self.set(feed=memory)
        if kind in ("whole", "nothing"):
            self.set(looked=self.world.minute)

    async def alert(self, headers: AlertHeaders, body: bytes) -> None:
        outcome = decided(self.world.geofences, headers, body)
        self.set(delivered=self.world.delivered | {outcome.base_id})
        self.take(outcome)

    async def snapshot(self, snapshot: Snapshot) -> None:
        self.take(snapshot)

    async def status(self, status: FeedStatus) -> None:
        """Nobody reads it here."""

    # -- the worker -------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        now, clocks = self.world.minute, self.world.clocks
        broker, worker = at(now + clocks.broker), at(now + clocks.worker)
        self.take(Tick(stage="live", at=worker, process="worker", monotonic=now * 60 + 1_000, appended=broker))

    def take(self, record: ImpactRecord) -> None:
        partition = self.world.partition
        self.notices += partition.take(record)
        self.set(ledger=partition.ledger, state=partition.states["x"])
        self.records.append(record)

    def passes(self, minutes: float, *, look: bool = True, every: float = 1) -> None:
        """Time passes: the server goes on listing the same under new stamps, the feed looks, ticks are told."""
        end = self.world.minute + minutes
        while self.world.minute < end:
            self.set(minute=min(end, self.world.minute + every))
            if look:
                if self.world.minute - self.world.stamp >= 5:
                    self.publish()
                self.look()
            self.tick()

    def done(self) -> World:
        """The world after the step; another process goes on from what was written of it."""
        ledger, state = (one.to_bytes() for one in (self.world.ledger, self.world.state))
        pushes = [one for one in self.notices if isinstance(one, PushNotice) and one.audience == "public"]
        told = self.world.told | {(one.cause, one.level) for one in pushes if one.kind != "ended"}
        said = {(one.id, f"{one.kind} {one.cause}") for one in self.notices if not isinstance(one, SteleRecord)}
        return replace(
            self.world, ledger=Ledger.from_bytes(ledger), state=CityState.from_bytes(state), told=told,
            notices=tuple(self.notices),
            last=tuple(self.records) or self.world.last, ids=self.world.ids | said,
        )  # fmt: skip


def _http(moment: datetime) -> str:
    return format_datetime(moment, usegmt=True)


def warned(key: str, severity: str, group: str, minute: float, *, replaces: tuple[str, ...] = ()) -> Message:
    return Message(key, minute, (Warned(severity, HERE, minute + 60, group=group),), replaces)


def clock_of(minute: float) -> str:
    return f"{NOON + timedelta(minutes=minute):%a %H:%M}"

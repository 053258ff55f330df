"""Every machine's clock wrong in every way, through a feed and the real agents in memory: what is told, and when.

    python -m tests.streams.clock_table > docs/reference/clocks.md

The true time goes on in steps of five seconds. A Severe warning holds all the time; in the middle of the fault an
Extreme one comes, a minute after its end another; then the feed dies.
"""

import asyncio
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from geofences import bundled
from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import ConsumedRecord, MemorySender
from streams.kafka.topics import Topics
from streams.worker.match import MatchAgent
from streams.worker.remembered import MemoryStateStore
from streams.worker.settle import SettleAgent
from tests.support import NOON
from warnsys.feeds.poller import DwdFeed
from warnsys.metrics import Metrics
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import Notice, PushNotice, SteleRecord, Tick
from warnsys.settings import parse

MACHINES = ("server", "feed", "worker", "broker")
STEP_S, TICK_S, PUBLISH_S, POLL_S = 5, 10, 300, 5
BEGIN_S, DURING_S, END_S, AFTER_S, DEAD_S, LAST_S = 600, 720, 1500, 1560, 1800, 3000
"""Begin of the fault, the message in it, its end, the message after it, the feed's end, and the end of all."""
STALE_S = 900 + PUBLISH_S
KINDS: dict[str, Callable[[float], float]] = {
    "a day ahead": lambda _: 86_400,
    "six hours ahead": lambda _: 21_600,
    "ten minutes ahead": lambda _: 600,
    "ten minutes behind": lambda _: -600,
    "six hours behind": lambda _: -21_600,
    "a day behind": lambda _: -86_400,
    "jumping": lambda since: (21_600, -21_600, 600, 0)[int(since // 60) % 4],
    "frozen": lambda since: -since,
}
"""By how many seconds a clock is wrong so many seconds after the fault began."""
INFO = (
    "<info><language>de-DE</language><category>Met</category><event>HEFTIGER STARKREGEN</event>"
    "<urgency>Immediate</urgency>"
    "<severity>{severity}</severity><certainty>Likely</certainty>"
    "<eventCode><valueName>II</valueName><value>62</value></eventCode>"
    "<eventCode><valueName>GROUP</valueName><value>{group}</value></eventCode>"
    "<onset>{onset}</onset><expires>{expires}</expires><headline>Kopf</headline><description>Text</description>"
    "<area><areaDesc>Solingen</areaDesc><geocode><valueName>WARNCELLID</valueName><value>805122000</value></geocode>"
    "</area></info>"
)


@dataclass
class World:
    """A server or a folder, a feed, a worker and a broker, each with a clock."""

    machines: frozenset[str] = frozenset()
    kind: str = "jumping"
    folder: Path | None = None
    calm: bool = False
    """Nothing is warned at first."""
    now_s: float = 0
    warned_s: float = 0
    """When the newest message was published."""
    told: dict[str, float] = field(default_factory=dict)
    """By message, when its public push went out."""
    ended: dict[str, float] = field(default_factory=dict)
    false_clears: int = 0
    alarms: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        city = {"id": "solingen", "name": "Solingen", "geofences": str(bundled()), "warn_cells": ["805122000"]}
        place = {"folder": str(self.folder)} if self.folder else {"url": "http://dwd/latest.zip"}
        settings = parse({"cities": [city], "sources": [{"name": "dwd", "poll_s": POLL_S, **place}]})
        matcher = matcher_for(settings)
        self.cities, self.topics, self.sender = cities_for(settings, matcher), Topics("live", 1), MemorySender()
        self.match = MatchAgent(matcher, self.cities, self.topics, self.sender, Metrics())
        self.settle = SettleAgent(
            self.cities, self.topics, self.sender, MemoryStateStore(), Metrics(), heard=self._heard
        )
        client = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))
        self.feed = DwdFeed(
            settings.sources[0], "live", client, KafkaPublisher(self.topics, self.sender), lambda: self.clock("feed"),
            uptime=lambda: self.now_s,
        )  # fmt: skip
        self.files: dict[str, bytes] = {}
        self.stamp, self.published_s, self.offsets, self.read = self.clock("server"), -1.0, {"": 0}, 0
        if self.folder:
            (self.folder / "warnsys.folder").touch()

    def clock(self, machine: str) -> datetime:
        wrong = 0.0
        if machine in self.machines and BEGIN_S <= self.now_s < END_S:
            wrong = KINDS[self.kind](self.now_s - BEGIN_S)
        return NOON + timedelta(seconds=self.now_s + wrong)

    async def run(self) -> "World":
        if not self.calm:
            self._warn("A", "Severe", "RAIN")
        while self.now_s < LAST_S:
            if self.now_s == DURING_S and not self.calm:
                self._warn("B", "Extreme", "WIND")
            if self.now_s == AFTER_S:
                self._warn("C", "Extreme", "THUNDERSTORM")
            if self.now_s - self.published_s >= PUBLISH_S:
                self.stamp, self.published_s = self.clock("server"), self.now_s
            if self.now_s % TICK_S == 0:
                at, sent = self.clock("worker"), self.now_s
                await self._impact(Tick(stage="live", at=at, process="w", monotonic=sent).to_bytes())
            if self.now_s < DEAD_S:
                status = await self.feed.look()
                self.alarms |= {"feed"} if status.clock_error or "ends nothing" in status.error else set()
            await self._pump()
            self._look()
            self.now_s += STEP_S
        return self

    # -- the server --

    def _warn(self, name: str, severity: str, group: str) -> None:
        true = NOON + timedelta(seconds=self.now_s)
        info = INFO.format(
            severity=severity, group=group, onset=true.isoformat(), expires=(true + timedelta(hours=4)).isoformat()
        )
        self.files[name] = (
            f'<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{name}</identifier>'
            f"<sender>opendata@dwd.de</sender><sent>{true.isoformat()}</sent><status>Actual</status>"
            f"<msgType>Alert</msgType><scope>Public</scope>{info}</alert>"
        ).encode()
        self.published_s, self.warned_s = -PUBLISH_S, self.now_s
        if self.folder:
            (self.folder / f"{name}.xml").write_bytes(self.files[name])

    def _answer(self, request: httpx.Request) -> httpx.Response:
        date = format_datetime(self.clock("server"), usegmt=True)
        tag = f'"{self.stamp.timestamp()}-{"".join(sorted(self.files))}"'
        if request.headers.get("if-none-match") == tag:
            return httpx.Response(304, headers={"Date": date})
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as bundle:
            for name, body in self.files.items():
                bundle.writestr(f"{name}.xml", body)
        modified = format_datetime(self.stamp, usegmt=True)
        return httpx.Response(
            200, content=packed.getvalue(), headers={"Date": date, "Last-Modified": modified, "ETag": tag}
        )

    # -- the broker --

    async def _pump(self) -> None:
        while self.read < len(self.sender.records):
            sent = self.sender.records[self.read]
            self.read += 1
            if sent.value is not None and sent.topic in ("cap.alerts", "cap.extreme"):
                stamp = self.clock("broker").timestamp()
                await self.match.handle(
                    ConsumedRecord(sent.topic, 0, self._offset(sent.topic), b"", sent.value, sent.headers, stamp)
                )
            elif sent.value is not None and sent.topic == "warn.impacts":
                await self._impact(sent.value)

    async def _impact(self, value: bytes) -> None:
        offset, stamp = self._offset("warn.impacts"), self.clock("broker").timestamp()
        record = ConsumedRecord("warn.impacts", 0, offset, b"", value, {}, stamp)
        await self.settle.handle(record)
        await self.settle.flush(record)

    def _offset(self, topic: str) -> int:
        self.offsets[topic] = self.offsets.get(topic, -1) + 1
        return self.offsets[topic]

    # -- what comes of it --

    def _heard(self, notice: Notice) -> None:
        if isinstance(notice, PushNotice) and notice.audience == "public":
            kept = self.ended if notice.kind == "ended" else self.told
            kept.setdefault(notice.cause, self.now_s)
        known = bool(self.files) and self.now_s > self.warned_s + TICK_S
        if isinstance(notice, SteleRecord) and notice.status == "clear" and (known or self.now_s > self._stale()):
            self.false_clears += 1

    def _stale(self) -> float:
        """When no data of the feed can be fresh any more."""
        return DEAD_S + STALE_S

    def _look(self) -> None:
        if situation := self.settle.situation("solingen"):
            self.alarms |= {flag.split()[1] for flag in situation.flags if flag.startswith("clock")}
            self.alarms |= {"stamp" for flag in situation.flags if flag.startswith("stamp ahead")}
            self.freshness = situation.freshness
            self.off_s = (situation.now - NOON).total_seconds() - self.now_s

    @property
    def during(self) -> float:
        """Seconds until the message in the fault was told."""
        return self.told.get("B", float("inf")) - DURING_S

    @property
    def after(self) -> float:
        return self.told.get("C", float("inf")) - AFTER_S


def cases() -> Iterator[tuple[frozenset[str], str]]:
    for machine in MACHINES:
        for kind in KINDS:
            yield frozenset({machine}), kind


async def _row(machines: frozenset[str], kind: str, *, folder: bool) -> str:
    with TemporaryDirectory() as place:
        world = await World(machines, kind, folder=Path(place) if folder else None).run()
    alarms = ", ".join(sorted(world.alarms)) or "none"
    what = f"{' and '.join(sorted(machines))}{', folder' if folder else ''}"
    return f"| {what} | {kind} | {world.false_clears} | {world.during:g} s | {world.after:g} s | {alarms} |"


HEAD = """# Wrong clocks, and what they lead to

Written by `python -m tests.streams.clock_table`; `tests/streams/test_clocks.py` holds it. A Severe warning holds; ten
minutes on a clock goes wrong, for fifteen minutes. In the fault an Extreme warning comes, and another a minute after
its end; then the feed dies. The feed looks every 5 s, a tick comes every 10 s. Rules: docs/adr/0014.

`told in it`: seconds from the server's publication, or from when the file lay in the folder, to the public push.

| clock of | is | false all-clears | told in it | told after it | alarm |
|---|---|---|---|---|---|"""

REAL = """
## As processes on a real Kafka

Measured by hand with `pytest -m crash -s tests/crash/test_clocks.py`, on two cores beside much else (load 10 to 14): a
broker, a feed, two workers and a web process with users and rights, a stand-in for the server. A Severe warning
stands, listings come, a tick every 2 s, a look every 0.5 s. The clock on one machine's wall jumps six hours ahead for
15 s, then is right, then jumps six hours behind for 15 s; each time an Extreme message comes. `tests/crash/clocks.py`
sets it in the running process, the JVM too; CLOCK_BOOTTIME and timeouts stay right.

`told`: seconds from the server's publication to the public's push in two cities, in a fault by SMS, too. `figure`:
from the jump until `warnsys_clock_off_seconds`, or for feed and server `warnsys_feed_clock_off`, says so; right again:
from that message on until it does no more.

| clock of | false all-clears | ahead: told | figure | right again: told | figure | behind: told | figure |
|---|---|---|---|---|---|---|---|
| broker | 0 | 0.8 s | 1.6 s | 0.9 s | 0.3 s | 1.2 s | 1.9 s |
| feed | 0 | 1.1 s | 0.3 s | 1.1 s | 0.0 s | 1.0 s | 0.9 s |
| worker, one of two | 0 | 0.7 s | 1.7 s | 0.7 s | 0.7 s | 0.9 s | 2.0 s |
| server | 0 | 0.7 s | 0.1 s | 1.3 s | 0.1 s | 0.8 s | 0.6 s |

A web process whose clock jumps says so on its page, and goes on to show the warnings."""


async def _table() -> None:
    print(HEAD)
    for machines, kind in cases():
        print(await _row(machines, kind, folder=False))
    for kind in KINDS:
        print(await _row(frozenset({"feed"}), kind, folder=True))
    for kind in KINDS:
        print(await _row(frozenset({"broker", "worker"}), kind, folder=False))
    for kind in KINDS:
        print(await _row(frozenset({"broker", "worker", "feed"}), kind, folder=False))
    print(REAL)


if __name__ == "__main__":
    asyncio.run(_table())

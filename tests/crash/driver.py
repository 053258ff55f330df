"""One run: a stage of its own, a feed, workers, and a plan of faults; then everything is read, and judged.

The plan follows from its seed. The feed goes on until the last fault is over; from then on nothing new comes, and the
group has to catch up all the same: what was dropped on a topic that has gone quiet shows in that way.
"""

import asyncio
import json
import pickle
import random
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from streams.publisher import KafkaPublisher
from streams.records import KafkaSender, Progress, read_headers
from streams.runtime import broker_of
from streams.topics import MIB, Topics, topics_for
from tests.crash import storm
from tests.crash.crew import Crew, until
from tests.crash.oracle import Findings, Logged, Logs, judge, recoveries
from tests.crash.points import NAMES
from tests.crash.runners import groups
from warnsys.records import Snapshot, Tick
from warnsys.settings import Settings, parse

PARTITIONS = 4
FAULTS = ("kill", "term", "stop", "scale", "quiet", "points")
SILENCE_S = 14.0
"""Between two bursts, on a quiet topic."""
SLEEP_S = 15.0
LOGS = "logs.pickle"
"""In the folder of a run that went wrong: `judge(parse(…settings.json…), pickle.loads(…))` finds it again."""
CATCH_UP_S = 90.0
POINTS_S = 150.0
STEADY = 0.7
"""Share of the faults that wait until every worker has partitions; the others may come within a rebalance."""


@dataclass(frozen=True)
class Plan:
    seed: int
    faults: tuple[str, ...] = ("kill",) * 6
    """One after the other, each at a random victim: kill, term, stop or scale."""
    points: tuple[str, ...] = ()
    """Kill points, one a worker, in this order; "NAME:N" or "NAME:N STOP"."""
    quiet: bool = False
    runner: str = "strict"
    workers: int = 2
    ticks: bool = False
    """Whether the workers tell the time, as in the live stage, and not the feed."""
    pause_s: tuple[float, float] = (1.0, 7.0)
    """Between two faults."""
    rate: float = 15.0
    """Records of the feed in a second, on average; the more, the more lies in buffers when a worker dies."""


def plan(seed: int, kinds: Sequence[str], count: int, runner: str, rate: float) -> Plan:
    """The plan of the long form."""
    chance = random.Random(seed)
    single = [kind for kind in kinds if kind in ("kill", "term", "stop", "scale")]
    faults = tuple(chance.choice(single) for _ in range(count)) if single else ()
    names = [f"{name}:{chance.randint(1, 20)}" for name in NAMES] if "points" in kinds else []
    names += [f"{name} STOP" for name in names if "stop" in kinds and not name.startswith("match")]
    return Plan(seed, faults, tuple(names), quiet="quiet" in kinds and seed % 2 == 0, runner=runner, rate=rate)


@dataclass
class Run:
    """What came of a plan."""

    plan: Plan
    folder: Path
    findings: Findings
    sent: int
    impacts: int
    notices: int
    recovery_s: list[float]
    caught_up_s: float | None
    """From the feed's last record on; None if the group did not catch up."""
    struck: int
    own_ends: list[str]
    alarms: list[str]
    """What workers called critical: a record taken for deleted or for a hole would be a loss."""
    leave_s: list[float]
    seconds: float

    @property
    def good(self) -> bool:
        return self.findings.good and self.caught_up_s is not None and not self.alarms

    def problems(self) -> str:
        found = self.findings
        named = {
            "lost": found.lost, "late": found.late, "strange": found.strange, "state": found.states,
            "false clear": found.false_clears, "outdated": found.outdated, "ended": self.own_ends,
            "alarm": self.alarms,
        }  # fmt: skip
        lines = [f"{kind}: {what}" for kind, entries in named.items() for what in entries[:10]]
        return "\n".join([f"seed {self.plan.seed}, logs in {self.folder}", *lines])


async def run(bootstrap: str, plan: Plan, folder: Path) -> Run:
    """Folder keeps the settings and the workers' logs."""
    begun = time.monotonic()
    settings = _settings(bootstrap, plan, folder)
    with broker_of(settings):
        pass  # its topics are there now
    path = folder / "settings.json"
    crew = Crew(path, plan.runner, plan.ticks, list(plan.points), SLEEP_S)
    topics = topics_for(settings)
    async with crew, _feed(bootstrap, settings, plan) as feed, _reader(bootstrap) as reader:
        tail = _Tail(reader, [topic.name for topic in topics.all()])
        await tail.begin()
        await crew.ready([crew.start() for _ in range(plan.workers)])
        feed.go()
        await _strike(crew, plan)
        await feed.stop()
        caught_up = await _caught_up(bootstrap, plan.runner, topics)
        await asyncio.gather(*(crew.terminate(member) for member in list(crew.members)))
        records = await tail.end()
    async with _reader(bootstrap) as reader:
        tail = _Tail(reader, [topics.state.name])
        await tail.begin()
        kept = (await tail.end())[topics.state.name]
    logs = Logs(topics, records, kept, await _all_committed(bootstrap, plan.runner, topics))
    findings = await asyncio.to_thread(judge, settings, logs)
    if not findings.good:
        (folder / LOGS).write_bytes(pickle.dumps(logs))
    await _clear(bootstrap, topics)
    return Run(
        plan,
        folder,
        findings,
        sent=len(logs.records[topics.alerts.name]),
        impacts=len(logs.records[topics.impacts.name]),
        notices=sum(len(logs.records[topics.channel(name).name]) for name in ("stele", "push", "sms")),
        recovery_s=recoveries(logs, crew.deaths),
        caught_up_s=caught_up,
        struck=crew.struck,
        own_ends=crew.own_ends,
        alarms=_alarms(folder),
        leave_s=crew.leave_s,
        seconds=time.monotonic() - begun,
    )


def _alarms(folder: Path) -> list[str]:
    """The watchdog's own are among `own_ends`."""
    lines = (line for log in sorted(folder.glob("*.log")) for line in log.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if " CRITICAL " in line and "streams.watchdog" not in line]


def _settings(bootstrap: str, plan: Plan, folder: Path) -> Settings:
    content: dict[str, Any] = {
        "stage": f"crash-{uuid.uuid4().hex[:8]}",
        "cities": storm.write_cities(folder),
        "broker": {"url": f"kafka://{bootstrap}", "partitions": PARTITIONS},
        "tick_s": 1,
    }
    (folder / "settings.json").write_text(json.dumps(content), "utf-8")
    return parse(content)


# -- the feed -------------------------------------------------------------------------------------------------------


@dataclass
class _Feed:
    publisher: KafkaPublisher
    story: storm.Storm
    silence_s: float
    """Between two bursts, on a quiet topic; else 0."""
    rate: float
    _ending: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def go(self) -> None:
        self._task = asyncio.create_task(self._tell())

    async def stop(self) -> None:
        self._ending.set()
        if self._task:
            await self._task

    async def _tell(self) -> None:
        since = 0
        for said in self.story:
            match said:
                case storm.Alert(headers, body):
                    await self.publisher.alert(headers, body)
                case Tick():
                    await self.publisher.tick(said, range(PARTITIONS))
                case Snapshot():
                    await self.publisher.snapshot(said)
            since += 1
            if isinstance(said, Snapshot):  # the messages of a ZIP come all at once
                if self._ending.is_set():
                    return
                await asyncio.sleep(self.silence_s or since / self.rate)
                since = 0


@asynccontextmanager
async def _feed(bootstrap: str, settings: Settings, plan: Plan) -> AsyncIterator[_Feed]:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1) if plan.ticks else storm.START
    story = storm.Storm(plan.seed, settings.stage, ticks=not plan.ticks, start=start)
    async with KafkaSender(bootstrap, Progress()) as sender:
        feed = _Feed(KafkaPublisher(topics_for(settings), sender), story, SILENCE_S if plan.quiet else 0, plan.rate)
        try:
            yield feed
        finally:
            await feed.stop()


# -- the faults -----------------------------------------------------------------------------------------------------


async def _strike(crew: Crew, plan: Plan) -> None:
    chance = random.Random(plan.seed)
    for kind in plan.faults:
        if chance.random() < STEADY:
            await crew.ready(crew.members)
        await asyncio.sleep(chance.uniform(*plan.pause_s))
        await _one(crew, kind, chance)
    if plan.points:
        try:
            await until(lambda: crew.struck >= len(plan.points), POINTS_S)
        except TimeoutError:
            crew.own_ends.append(f"only {crew.struck} of {len(plan.points)} points were reached")
            crew.points.clear()
    await asyncio.sleep(plan.pause_s[0])


async def _one(crew: Crew, kind: str, chance: random.Random) -> None:
    victim = chance.choice(crew.members)
    match kind:
        case "kill":
            await crew.kill(victim)
            crew.start()
        case "term":
            await crew.terminate(victim)
            crew.start()
        case "stop":
            await crew.sleep(victim, SLEEP_S)
        case "scale":
            await _scale(crew, chance)


async def _scale(crew: Crew, chance: random.Random) -> None:
    """To three workers, to one, and back to as many as there were."""
    before = len(crew.members)
    for count in (3, 1, before):
        while len(crew.members) < count:
            crew.start()
        await crew.ready(crew.members)
        while len(crew.members) > count:
            await crew.terminate(chance.choice(crew.members))
        await asyncio.sleep(3)


# -- afterwards -----------------------------------------------------------------------------------------------------


async def _caught_up(bootstrap: str, runner: str, topics: Topics) -> float | None:
    """Seconds until everything that stood on the inputs was committed: first the alerts, then what came of them."""
    begun = time.monotonic()
    for topic in (topics.alerts.name, topics.impacts.name):
        ends = await _ends(bootstrap, topic)
        while await _behind(bootstrap, runner, topics, topic, ends):
            if time.monotonic() - begun > CATCH_UP_S:
                return None
            await asyncio.sleep(0.2)
    return time.monotonic() - begun


async def _behind(bootstrap: str, runner: str, topics: Topics, topic: str, ends: Mapping[int, int]) -> list[int]:
    committed = await _committed(bootstrap, groups(runner, topics)[topic])
    return [partition for partition, end in ends.items() if committed.get((topic, partition), 0) < end]


async def _ends(bootstrap: str, topic: str) -> dict[int, int]:
    async with _reader(bootstrap) as reader:
        ends = await reader.end_offsets([TopicPartition(topic, partition) for partition in range(PARTITIONS)])
    return {place.partition: end for place, end in ends.items()}


async def _committed(bootstrap: str, group: str) -> dict[tuple[str, int], int]:
    async with _admin(bootstrap) as admin:
        offsets = await admin.list_consumer_group_offsets(group)
    return {(place.topic, place.partition): max(found.offset, 0) for place, found in offsets.items()}


async def _all_committed(bootstrap: str, runner: str, topics: Topics) -> dict[tuple[str, int], int]:
    committed: dict[tuple[str, int], int] = {}
    for topic, group in groups(runner, topics).items():
        found = await _committed(bootstrap, group)
        committed |= {place: offset for place, offset in found.items() if place[0] == topic}
    return committed


class _Tail:
    """Reads topics from their start for as long as a run takes: what is compacted meanwhile has been seen."""

    def __init__(self, reader: Any, topics: Iterable[str]) -> None:
        self._reader, self._places = reader, [TopicPartition(topic, n) for topic in topics for n in range(PARTITIONS)]
        self.records: dict[str, list[Logged]] = {place.topic: [] for place in self._places}

    async def begin(self) -> None:
        self._reader.assign(self._places)
        await self._reader.seek_to_beginning(*self._places)
        self._task = asyncio.create_task(self._read())

    async def end(self) -> dict[str, tuple[Logged, ...]]:
        """All that stands there by now."""
        ends = await self._reader.end_offsets(self._places)
        while any([await self._reader.position(place) < end for place, end in ends.items()]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        return {topic: tuple(records) for topic, records in self.records.items()}

    async def _read(self) -> None:
        while True:
            for place, records in (await self._reader.getmany(timeout_ms=200)).items():
                self.records[place.topic] += map(_logged, records)


def _logged(record: Any) -> Logged:
    return Logged(
        record.partition, record.offset, record.timestamp / 1000, (record.key or b"").decode(), record.value,
        read_headers(record.headers),
    )  # fmt: skip


@asynccontextmanager
async def _reader(bootstrap: str) -> AsyncIterator[Any]:
    reader = AIOKafkaConsumer(
        bootstrap_servers=bootstrap, enable_auto_commit=False, max_partition_fetch_bytes=16 * MIB
    )  # fmt: skip
    await reader.start()
    try:
        yield reader
    finally:
        await reader.stop()


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[Any]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def _clear(bootstrap: str, topics: Topics) -> None:
    async with _admin(bootstrap) as admin:
        await admin.delete_topics([topic.name for topic in topics.all()])

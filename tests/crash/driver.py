"""One run: a stage of its own, a feed, workers, and a plan of faults; then everything is read, and judged.

The plan follows from its seed. The feed goes on until the last fault is over; from then on nothing new comes, and the
group has to catch up all the same: what was dropped on a topic that has gone quiet shows in that way.
"""

import asyncio
import json
import logging
import pickle
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import Progress, SendError, read_headers
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import MIB, Topics, topics_for
from streams.processes.runtime import broker_of
from tests.crash import storm
from tests.crash.brokers import TroubledKafka
from tests.crash.crew import Crew, Strike
from tests.crash.faults import SLEEP_S, Plan, strike
from tests.crash.oracle import Findings, Logged, Logs, delays, judge, takeovers
from tests.crash.runners import groups
from tools.local_kafka import LocalKafka
from warnsys.records import Snapshot, Tick
from warnsys.settings import LIVE, Settings, parse

log = logging.getLogger(__name__)
PARTITIONS = 4
SILENCE_S = 14.0
"""Between two bursts, on a quiet topic."""
LOGS = "logs.pickle"
"""In the folder of a run that went wrong: `judge(parse(…settings.json…), pickle.loads(…))` finds it again."""
CATCH_UP_S = 90.0
FEED_AGAIN_S = 1.0


@dataclass
class Run:
    """What came of a plan."""

    plan: Plan
    folder: Path
    findings: Findings
    sent: int
    impacts: int
    notices: int
    strikes: list[Strike]
    takeovers_s: list[list[float]]
    """For each strike and partition that it left to others: seconds until somebody handled the next record."""
    delays_s: list[float]
    """For each record of `warn.impacts` that changed a state: from its coming until that was remembered."""
    caught_up_s: float | None
    """From the feed's last record on; None if the group did not catch up."""
    struck: int
    own_ends: list[str]
    alarms: list[str]
    """What workers called critical: a record taken for deleted or for a hole would be a loss."""
    leave_s: list[float]
    outage_s: float
    """The longest for which a broker was away: from its end, or from its disk's, until it answered again."""
    seconds: float

    @property
    def recovery_s(self) -> list[float]:
        """After each SIGKILL."""
        both = zip(self.strikes, self.takeovers_s, strict=True)
        return [seconds for strike, taken in both if strike.how == "KILL" for seconds in taken]

    @property
    def good(self) -> bool:
        return self.findings.good and self.caught_up_s is not None and not self.alarms

    def problems(self) -> str:
        found = self.findings
        named = {
            "lost": found.lost, "late": found.late, "strange": found.strange, "state": found.states,
            "false clear": found.false_clears, "outdated": found.outdated, "overtaken": found.overtaken,
            "ended": self.own_ends, "alarm": self.alarms,
        }  # fmt: skip
        lines = [f"{kind}: {what}" for kind, entries in named.items() for what in entries[:10]]
        return "\n".join([f"seed {self.plan.seed}, logs in {self.folder}", *lines])


async def run(kafka: LocalKafka, plan: Plan, folder: Path) -> Run:
    """Folder keeps the settings and the workers' logs."""
    begun, bootstrap = time.monotonic(), kafka.bootstrap
    settings = _settings(kafka, plan, folder)
    with broker_of(settings):
        pass  # its topics are there now
    path = folder / "settings.json"
    by_way = kafka.by_way if plan.ways and isinstance(kafka, TroubledKafka) else None
    crew = Crew(path, plan.runner, plan.live, plan.named, list(plan.points), plan.calm_s, SLEEP_S, by_way)
    topics = topics_for(settings)
    names = [topic.name for topic in topics.all()]
    async with crew, _feed(bootstrap, settings, plan) as feed, _tail(bootstrap, names) as tail:
        await crew.ready([crew.start() for _ in range(plan.workers)])
        feed.go()
        await strike(crew, plan, kafka, topics.impacts.name, feed)
        await feed.stop()
        caught_up = await _caught_up(bootstrap, plan.runner, topics)
        await asyncio.gather(*(crew.terminate(member) for member in list(crew.members)))
        records = await tail.end()
    async with _tail(bootstrap, [topics.state.name]) as tail:
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
        sent=sum(len(logs.records[topic.name]) for topic in topics.messages),
        impacts=len(logs.records[topics.impacts.name]),
        notices=sum(len(logs.records[topics.channel(name).name]) for name in ("stele", "push", "sms")),
        strikes=crew.strikes,
        takeovers_s=takeovers(logs, crew.strikes),
        delays_s=delays(logs),
        caught_up_s=caught_up,
        struck=crew.struck,
        own_ends=crew.own_ends,
        alarms=_alarms(folder),
        leave_s=crew.leave_s,
        outage_s=crew.outage_s,
        seconds=time.monotonic() - begun,
    )


def _alarms(folder: Path) -> list[str]:
    """The watchdog's own are among `own_ends`."""
    lines = (line for log in sorted(folder.glob("*.log")) for line in log.read_text("utf-8", "replace").splitlines())
    return [line for line in lines if " CRITICAL " in line and "streams.kafka.ending" not in line]


def _settings(kafka: LocalKafka, plan: Plan, folder: Path) -> Settings:
    content: dict[str, Any] = {
        "stage": LIVE if plan.live else f"crash-{uuid.uuid4().hex[:8]}",
        "cities": storm.write_cities(folder),
        "broker": {
            "url": f"kafka://{kafka.bootstrap}",
            "partitions": PARTITIONS,
            "replication": len(kafka.running),
        },
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
    _dying: bool = False

    def go(self) -> None:
        self._dying = False
        self._task = asyncio.create_task(self._tell())

    async def die(self) -> None:
        self._dying = True
        if self._task:
            await self._task

    async def stop(self) -> None:
        self._ending.set()
        if self._task:
            await self._task

    async def _tell(self) -> None:
        since = 0
        for said in self.story:
            await self._publish(said)
            since += 1
            if self._dying and isinstance(said, storm.Alert):  # in mid-snapshot
                return
            if isinstance(said, Snapshot):  # the messages of a ZIP come all at once
                if self._ending.is_set():
                    return
                await asyncio.sleep(self.silence_s or since / self.rate)
                since = 0

    async def _publish(self, said: storm.Said) -> None:
        """As a feed does: again, until the broker takes it."""
        while True:
            try:
                match said:
                    case storm.Alert(headers, body):
                        await self.publisher.alert(headers, body)
                    case Tick():
                        await self.publisher.tick(said, range(PARTITIONS))
                    case Snapshot():
                        await self.publisher.snapshot(said)
            except SendError as error:
                log.warning("the feed says it again: %r", error)
                await asyncio.sleep(FEED_AGAIN_S)
            else:
                return


@asynccontextmanager
async def _feed(bootstrap: str, settings: Settings, plan: Plan) -> AsyncIterator[_Feed]:
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1) if plan.live else storm.START
    story = storm.Storm(plan.seed, settings.stage, ticks=not plan.live, start=start)
    async with KafkaSender(bootstrap, Progress()) as sender:
        feed = _Feed(KafkaPublisher(topics_for(settings), sender), story, SILENCE_S if plan.quiet else 0, plan.rate)
        try:
            yield feed
        finally:
            await feed.stop()


# -- afterwards -----------------------------------------------------------------------------------------------------


async def _caught_up(bootstrap: str, runner: str, topics: Topics) -> float | None:
    """Seconds until everything that stood on the inputs was committed: first the alerts, then what came of them."""
    begun = time.monotonic()
    for topic in (topic.name for topic in topics.inputs):
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
    async with _admin(bootstrap) as admin, asyncio.timeout(CATCH_UP_S):
        while True:
            try:
                offsets = await admin.list_consumer_group_offsets(group)
                break
            except KafkaError as error:  # a broker that has just come back takes its groups over
                log.warning("asked again: %r", error)
                await asyncio.sleep(0.5)
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
        return {topic: tuple(records) for topic, records in self.records.items()}

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            for place, records in (await self._reader.getmany(timeout_ms=200)).items():
                self.records[place.topic] += map(_logged, records)


@asynccontextmanager
async def _tail(bootstrap: str, topics: Iterable[str]) -> AsyncIterator[_Tail]:
    async with _reader(bootstrap) as reader:
        tail = _Tail(reader, topics)
        await tail.begin()
        try:
            yield tail
        finally:
            await tail.stop()


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

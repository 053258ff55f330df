"""What is done to a run, and when: to its workers, one at a time, to the network, to the brokers, and to the feed.

kill   SIGKILL           term   SIGTERM to one worker        stop    SIGSTOP, and awake after 15 s
roll   SIGTERM to one after the other                        points  each at a named point of its own
scale  to three workers, to one, and back                    quiet   bursts with long silence between, on the whole run
cut    no byte between one worker and the brokers for 15 s   slow    each chunk 0.2 s later for 15 s, for every worker
broker SIGKILL to a broker, and started again at once        leader  the same to the leader of a partition, which stays
disk   a leader's disk full until it has ended; after 5 s            away for 15 s
       there is room, and it is started again                clock   a worker an hour ahead, then one an hour behind
feed   SIGKILL to a worker while the feed dies in mid-snapshot; after 5 s it publishes everything current, and goes on
"""

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from confluent_kafka.admin import AdminClient

from tests.crash.brokers import TroubledKafka
from tests.crash.crew import START_S, Crew, Member, Strike, until
from tests.crash.points import NAMES
from tools.local_kafka import LocalKafka

SINGLE = ("kill", "term", "stop", "roll", "scale", "cut", "slow", "broker", "leader", "disk", "clock", "feed")
FAULTS = (*SINGLE, "quiet", "points")
ON_THE_WAY = ("cut", "slow")
SLEEP_S = 15.0
POINTS_S = 400.0
STEADY = 0.7
"""Share of the faults that wait until every worker has partitions; the others may come within a rebalance."""
DELAY_S = 0.2
REPAIR_S = 5.0
HOUR_S = 3610.0
"""And a bit: by more than an hour a stamp may not be ahead of the broker's clock, where Kafka's default holds."""


class Feed(Protocol):
    async def die(self) -> None:
        """In mid-snapshot: some of its messages are out, the others and the list are not."""

    def go(self) -> None:
        """Everything current first, as when a feed starts."""


@dataclass(frozen=True)
class Plan:
    seed: int
    faults: tuple[str, ...] = ("kill",) * 6
    """One after the other, each at a random victim, of `SINGLE`."""
    points: tuple[str, ...] = ()
    """One a worker, in this order: "NAME:N KILL", TERM or STOP."""
    calm_s: float = 0
    """How long a worker has had its partitions before it may come to its point; with 0 it may still be starting."""
    quiet: bool = False
    runner: str = "strict"
    workers: int = 2
    spared: int = 0
    """So many workers, the first, are never struck themselves."""
    named: bool = True
    """Whether a worker's successor has its name in the group, `broker.instance`, as under systemd."""
    pause_s: tuple[float, float] = (1.0, 7.0)
    """Between two faults."""
    rate: float = 8.0
    """Records of the feed in a second, on average; the more, the more lies in buffers when a worker dies."""

    @property
    def live(self) -> bool:
        """In the live stage the workers tell the time and not the feed: whose clock is right matters there alone."""
        return "clock" in self.faults

    @property
    def ways(self) -> bool:
        return any(fault in ON_THE_WAY for fault in self.faults)


def points(signal: str) -> tuple[str, ...]:
    """Every one of them, and not always the first time that somebody comes by."""
    return tuple(f"{name}:{2 + number % 5} {signal}" for number, name in enumerate(NAMES))


def plan(seed: int, kinds: Sequence[str], count: int, runner: str, rate: float, *, named: bool = True) -> Plan:
    """The plan of the long form."""
    chance = random.Random(seed)
    single = [kind for kind in kinds if kind in SINGLE]
    faults = tuple(chance.choice(single) for _ in range(count)) if single else ()
    names = [f"{name}:{chance.randint(1, 20)}" for name in NAMES] if "points" in kinds else []
    names = [f"{name} {signal}" for signal in ("KILL", *(["STOP"] if "stop" in kinds else [])) for name in names]
    return Plan(
        seed, faults, tuple(names), quiet="quiet" in kinds and seed % 2 == 0, runner=runner, rate=rate, named=named
    )


def brokers_for(plans: Sequence[Plan], count: int) -> TroubledKafka:
    """With all that these plans ask for; a full disk wants `with_own_mounts`."""
    return TroubledKafka(
        count, ways=any(one.ways for one in plans), small_disks=any("disk" in one.faults for one in plans)
    )


async def strike(crew: Crew, plan: Plan, kafka: LocalKafka, topic: str, feed: Feed) -> None:
    """All of a plan; `topic` is the one whose leaders are looked for."""
    chance = random.Random(plan.seed)
    for kind in plan.faults:
        if chance.random() < STEADY:
            await crew.ready(crew.members)
        await asyncio.sleep(chance.uniform(*plan.pause_s))
        match kind:
            case "broker":
                with _outage(crew):
                    await _broker(kafka, chance.choice(kafka.running), 0)
            case "leader":
                number = await asyncio.to_thread(_leader, kafka, topic, chance)
                with _outage(crew):
                    await _broker(kafka, number, SLEEP_S)
            case "disk":
                number = await asyncio.to_thread(_leader, kafka, topic, chance)
                with _outage(crew):
                    await _disk(_troubled(kafka), number)
            case "cut":
                await _cut(crew, plan, _troubled(kafka), chance)
            case "slow":
                await _slow(crew, _troubled(kafka))
            case "feed":
                await _feed(crew, plan, feed, chance)
            case _:
                await _worker(crew, plan, kind, chance)
    if plan.points:
        try:
            await until(lambda: crew.struck >= len(plan.points), POINTS_S)
        except TimeoutError:
            crew.own_ends.append(f"only {crew.struck} of {len(plan.points)} points were reached")
            crew.points.clear()
    await asyncio.sleep(plan.pause_s[0])


@contextmanager
def _outage(crew: Crew) -> Iterator[None]:
    """Notes how long a broker is away: so long nobody can handle a record, whatever they do."""
    began = time.monotonic()
    try:
        yield
    finally:
        crew.outage_s = max(crew.outage_s, time.monotonic() - began)


async def _worker(crew: Crew, plan: Plan, kind: str, chance: random.Random) -> None:
    victim = _victim(crew, plan, chance)
    match kind:
        case "kill":
            await crew.kill(victim)
            crew.start()
        case "term":
            await crew.terminate(victim)
            crew.start()
        case "stop":
            await crew.sleep(victim, SLEEP_S)
        case "roll":
            for member in list(crew.members):
                await crew.terminate(member)
                await crew.ready([crew.start()])
        case "scale":
            await _scale(crew, chance)
        case "clock":
            for off_s in (HOUR_S, -HOUR_S, 0):
                await crew.terminate(next(member for member in crew.members if member.place == victim.place))
                await crew.ready([crew.start(off_s)])
                await asyncio.sleep(REPAIR_S)


def _victim(crew: Crew, plan: Plan, chance: random.Random) -> Member:
    return chance.choice([member for member in crew.members if member.place > plan.spared])


async def _scale(crew: Crew, chance: random.Random) -> None:
    """To three workers, to one, and back to as many as there were.

    Of four partitions Faust gives whoever comes third none (two, two, none), so nobody waits for that one.
    """
    before = len(crew.members)
    for count in (3, 1, before):
        new = [crew.start() for _ in range(count - len(crew.members))]
        await until(lambda: any(member.ready() for member in new) or not new, START_S)  # noqa: B023 - at once
        while len(crew.members) > count:
            await crew.terminate(chance.choice(crew.members))
        await asyncio.sleep(REPAIR_S)


async def _feed(crew: Crew, plan: Plan, feed: Feed, chance: random.Random) -> None:
    await feed.die()
    await _worker(crew, plan, "kill", chance)
    await asyncio.sleep(REPAIR_S)
    feed.go()


async def _cut(crew: Crew, plan: Plan, kafka: TroubledKafka, chance: random.Random) -> None:
    victim = _victim(crew, plan, chance)
    way = kafka.way(victim.place - 1)
    crew.strikes.append(Strike(time.time(), victim.name, "CUT"))
    way.cut()
    await asyncio.sleep(SLEEP_S)
    way.mend()


async def _slow(crew: Crew, kafka: TroubledKafka) -> None:
    ways = [kafka.way(member.place - 1) for member in crew.members]
    for way in ways:
        way.slow(DELAY_S)
    await asyncio.sleep(SLEEP_S)
    for way in ways:
        way.mend()


async def _broker(kafka: LocalKafka, number: int, away_s: float) -> None:
    await asyncio.to_thread(kafka.kill, number)
    await asyncio.sleep(away_s)
    await asyncio.to_thread(kafka.start, number)


async def _disk(kafka: TroubledKafka, number: int) -> None:
    if not await asyncio.to_thread(kafka.fill, number):
        raise RuntimeError(f"broker {number} lives on with a full disk; its log is in {kafka.folder}")
    await asyncio.to_thread(kafka.kill, number)  # it has ended; so that it can be started again
    await asyncio.sleep(REPAIR_S)
    kafka.free(number)
    await asyncio.to_thread(kafka.start, number)


def _leader(kafka: LocalKafka, topic: str, chance: random.Random) -> int:
    partitions = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(topic, timeout=10).topics[topic]
    return int(chance.choice(sorted({partition.leader for partition in partitions.partitions.values()})))


def _troubled(kafka: LocalKafka) -> TroubledKafka:
    if not isinstance(kafka, TroubledKafka):
        raise TypeError("this fault needs a TroubledKafka")
    return kafka

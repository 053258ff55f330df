"""What is done to a run, and when: to its workers, one at a time, and to the brokers.

kill   SIGKILL           term   SIGTERM, as in a rolling restart      stop    SIGSTOP, and awake after 15 s
scale  to three workers, to one, and back                             points  each at a named point of its own
quiet  bursts with long silence between them, on the whole run
broker SIGKILL to a broker, and started again at once                 leader  the same to the leader of a partition,
                                                                              which stays away for 15 s
"""

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass

from confluent_kafka.admin import AdminClient

from streams.kafka import LocalKafka
from tests.crash.crew import Crew, until
from tests.crash.points import NAMES

SINGLE = ("kill", "term", "stop", "scale", "broker", "leader")
FAULTS = (*SINGLE, "quiet", "points")
SLEEP_S = 15.0
POINTS_S = 150.0
STEADY = 0.7
"""Share of the faults that wait until every worker has partitions; the others may come within a rebalance."""


@dataclass(frozen=True)
class Plan:
    seed: int
    faults: tuple[str, ...] = ("kill",) * 6
    """One after the other, each at a random victim, of `SINGLE`."""
    points: tuple[str, ...] = ()
    """Kill points, one a worker, in this order; "NAME:N" or "NAME:N STOP"."""
    quiet: bool = False
    runner: str = "strict"
    workers: int = 2
    named: bool = True
    """Whether a worker's successor has its name in the group, `broker.instance`, as under systemd."""
    ticks: bool = False
    """Whether the workers tell the time, as in the live stage, and not the feed."""
    pause_s: tuple[float, float] = (1.0, 7.0)
    """Between two faults."""
    rate: float = 8.0
    """Records of the feed in a second, on average; the more, the more lies in buffers when a worker dies."""


def plan(seed: int, kinds: Sequence[str], count: int, runner: str, rate: float, *, named: bool = True) -> Plan:
    """The plan of the long form."""
    chance = random.Random(seed)
    single = [kind for kind in kinds if kind in SINGLE]
    faults = tuple(chance.choice(single) for _ in range(count)) if single else ()
    names = [f"{name}:{chance.randint(1, 20)}" for name in NAMES] if "points" in kinds else []
    names += [f"{name} STOP" for name in names if "stop" in kinds and not name.startswith("match")]
    return Plan(
        seed, faults, tuple(names), quiet="quiet" in kinds and seed % 2 == 0, runner=runner, rate=rate, named=named
    )


async def strike(crew: Crew, plan: Plan, kafka: LocalKafka, topic: str) -> None:
    """All of a plan; `topic` is the one whose leaders are looked for."""
    chance = random.Random(plan.seed)
    for kind in plan.faults:
        if chance.random() < STEADY:
            await crew.ready(crew.members)
        await asyncio.sleep(chance.uniform(*plan.pause_s))
        match kind:
            case "broker":
                await _broker(kafka, chance.choice(kafka.running), 0)
            case "leader":
                await _broker(kafka, await asyncio.to_thread(_leader, kafka, topic, chance), SLEEP_S)
            case _:
                await _worker(crew, kind, chance)
    if plan.points:
        try:
            await until(lambda: crew.struck >= len(plan.points), POINTS_S)
        except TimeoutError:
            crew.own_ends.append(f"only {crew.struck} of {len(plan.points)} points were reached")
            crew.points.clear()
    await asyncio.sleep(plan.pause_s[0])


async def _worker(crew: Crew, kind: str, chance: random.Random) -> None:
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


async def _broker(kafka: LocalKafka, number: int, away_s: float) -> None:
    await asyncio.to_thread(kafka.kill, number)
    await asyncio.sleep(away_s)
    await asyncio.to_thread(kafka.start, number)


def _leader(kafka: LocalKafka, topic: str, chance: random.Random) -> int:
    partitions = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(topic, timeout=10).topics[topic]
    return int(chance.choice(sorted({partition.leader for partition in partitions.partitions.values()})))

"""A worker process, put together as by `streams.processes.runtime.pipeline_on`, that can strike itself.

    python -m tests.crash.worker SETTINGS.json --name w1 [--runner plain] [--at settle.mid-send:17 [--signal STOP]]
                                 [--bootstrap HOST:PORT] [--clock-off 3600]

Says READY on stdout once it has partitions. SIGTERM ends it in order, as it does the command `warnsys`.
"""

import argparse
import asyncio
import json
import logging
import math
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import Progress
from streams.kafka.sender import KafkaSender
from streams.kafka.topics import topics_for
from streams.worker.app import SESSION_S
from streams.worker.hand import Hand
from streams.worker.state import KafkaStateStore
from streams.worker.watchdog import Vitals
from tests.crash.crew import READY, START_S, until
from tests.crash.points import PointedMatch, PointedSender, PointedSettle, Points
from tests.crash.runners import RUNNERS, Kit, Runner
from warnsys.clocks import live_tick
from warnsys.metrics import Metrics
from warnsys.pipeline import cities_for, matcher_for
from warnsys.settings import Settings, parse


async def work(settings: Settings, arguments: argparse.Namespace, points: Points) -> None:
    bootstrap = arguments.bootstrap or settings.broker.url.removeprefix("kafka://")
    topics, metrics = topics_for(settings), Metrics()
    matcher = matcher_for(settings)
    cities = cities_for(settings, matcher)
    vitals: Vitals[Any] = Vitals(SESSION_S)
    hand = Hand(arguments.settings.parent / "run", arguments.instance or "worker")
    progress = Progress()
    async with KafkaSender(bootstrap, progress, slept=vitals.slept) as sender:
        store = KafkaStateStore(bootstrap, topics, PointedSender(sender, points, "state"), progress, arguments.name)
        match = PointedMatch(matcher, cities, topics, PointedSender(sender, points, "match"), metrics)
        settle = PointedSettle(cities, topics, PointedSender(sender, points, "settle"), store, metrics)
        match.points = settle.points = points
        chosen = RUNNERS[arguments.runner](
            Kit(bootstrap, topics, match, settle, sender, points, arguments.instance, vitals, hand)
        )
        async with chosen.running():
            await until(lambda: bool(chosen.partitions()), START_S)
            points.since = time.monotonic() + arguments.calm if arguments.calm else 0
            print(READY, flush=True)
            await _ticking(chosen, KafkaPublisher(topics, sender), settings, ticks=arguments.ticks)


async def _ticking(runner: Runner, publisher: KafkaPublisher, settings: Settings, *, ticks: bool) -> None:
    """For ever; the time goes to the cities of the partitions that are ours."""
    while True:
        if ticks:
            await publisher.tick(live_tick(settings.stage), sorted(runner.partitions()))
        await asyncio.sleep(settings.tick_s)


async def _until_sigterm(settings: Settings, arguments: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    points = Points(arguments.at, signal.Signals[f"SIG{arguments.signal}"], math.inf if arguments.calm else 0)
    await work(settings, arguments, points)


def _put_clock(off_s: float) -> None:
    """For everything in this process that asks for the time of day."""
    real = time.time
    time.time = lambda: real() + off_s


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.worker", description="A worker that can strike itself")
    parser.add_argument("settings", type=Path, help="JSON file")
    parser.add_argument("--name", required=True, help="names this process in what it remembers")
    parser.add_argument("--instance", default="", help="the name that its successor gets, too, as under a supervisor")
    parser.add_argument("--runner", choices=RUNNERS, default="strict")
    parser.add_argument("--at", default="", metavar="POINT:N", help="strike itself there, the n-th time")
    parser.add_argument("--signal", choices=("KILL", "TERM", "STOP"), default="KILL")
    parser.add_argument("--bootstrap", default="", help="the brokers' address, if not that of the settings")
    parser.add_argument("--clock-off", type=float, default=0, metavar="SECONDS", help="how wrong this one's clock is")
    parser.add_argument("--calm", type=float, default=0, metavar="SECONDS", help="not before it has been ready so long")
    parser.add_argument("--ticks", action="store_true", help="tell the time, as in the live stage")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    if arguments.clock_off:
        _put_clock(arguments.clock_off)
    settings = parse(json.loads(arguments.settings.read_text("utf-8")))
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_until_sigterm(settings, arguments))


if __name__ == "__main__":
    main()

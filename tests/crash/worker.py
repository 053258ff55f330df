"""A worker as a process of its own, put together as `streams.runtime.pipeline_on` does it, that can strike itself.

    python -m tests.crash.worker SETTINGS.json --name w1 [--runner plain] [--at settle.mid-send:17 [--signal STOP]]

Says READY on stdout once it has partitions. SIGTERM ends it in order, as it does the command `warnsys`.
"""

import argparse
import asyncio
import json
import logging
import signal
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from streams.publisher import KafkaPublisher
from streams.records import KafkaSender, Progress
from streams.state import KafkaStateStore
from streams.topics import topics_for
from tests.crash.crew import READY, START_S, until
from tests.crash.points import PointedMatch, PointedSender, PointedSettle, Points
from tests.crash.runners import RUNNERS, Kit, Runner
from warnsys.metrics import Metrics
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import Tick
from warnsys.settings import Settings, parse


async def work(settings: Settings, name: str, runner: str, points: Points, *, instance: str, ticks: bool) -> None:
    bootstrap = settings.broker.url.removeprefix("kafka://")
    topics, metrics = topics_for(settings), Metrics()
    matcher = matcher_for(settings)
    cities = cities_for(settings, matcher)
    async with KafkaSender(bootstrap, Progress()) as sender:
        store = KafkaStateStore(bootstrap, topics, PointedSender(sender, points, "state"), writer=name)
        match = PointedMatch(matcher, cities, topics, PointedSender(sender, points, "match"), metrics)
        settle = PointedSettle(cities, topics, PointedSender(sender, points, "settle"), store, metrics)
        match.points = settle.points = points
        chosen = RUNNERS[runner](Kit(bootstrap, topics, match, settle, sender, points, instance))
        async with chosen.running():
            await until(lambda: bool(chosen.partitions()), START_S)
            print(READY, flush=True)
            await _ticking(chosen, KafkaPublisher(topics, sender), settings, ticks=ticks)


async def _ticking(runner: Runner, publisher: KafkaPublisher, settings: Settings, *, ticks: bool) -> None:
    """For ever; the time goes to the cities of the partitions that are ours."""
    while True:
        if ticks:
            await publisher.tick(Tick(stage=settings.stage, at=datetime.now(UTC)), sorted(runner.partitions()))
        await asyncio.sleep(settings.tick_s)


async def _until_sigterm(settings: Settings, arguments: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    points = Points(arguments.at, signal.Signals[f"SIG{arguments.signal}"])
    await work(settings, arguments.name, arguments.runner, points, instance=arguments.instance, ticks=arguments.ticks)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash.worker", description="A worker that can strike itself")
    parser.add_argument("settings", type=Path, help="JSON file")
    parser.add_argument("--name", required=True, help="names this process in what it remembers")
    parser.add_argument("--instance", default="", help="the name that its successor gets, too, as under a supervisor")
    parser.add_argument("--runner", choices=RUNNERS, default="strict")
    parser.add_argument("--at", default="", metavar="POINT:N", help="strike itself there, the n-th time")
    parser.add_argument("--signal", choices=("KILL", "STOP"), default="KILL")
    parser.add_argument("--ticks", action="store_true", help="tell the time, as in the live stage")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("aiokafka").setLevel(logging.WARNING)
    settings = parse(json.loads(arguments.settings.read_text("utf-8")))
    with suppress(KeyboardInterrupt, asyncio.CancelledError):
        asyncio.run(_until_sigterm(settings, arguments))


if __name__ == "__main__":
    main()

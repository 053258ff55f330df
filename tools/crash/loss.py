"""The smallest thing that shows how Faust loses records: one agent with a table, two workers, a rolling restart.

    python -m tools.crash.loss [--runs 3] [--strict]

Records are numbered. The agent takes 10 ms for each, notes it in a table, sends its number on, and waits for the
acknowledgement: nothing leaves the loop, `concurrency` is 1. Meanwhile the workers are ended with SIGTERM in turn, and
each time another one is started. What the group has committed, and nobody has sent on, is lost. With `--strict` the
same agent asks the strict transport for each record. `docs/reference/faust-losses.md` has what it found.
"""

import argparse
import asyncio
import os
import signal
import subprocess
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from tempfile import mkdtemp
from typing import Any

import faust
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from yarl import URL

from streams.worker.transport import StrictTransport
from tools.local_kafka import LocalKafka

RECORDS, PARTITIONS = 2_000, 4
WORK_S = 0.01
PACE_S = 0.01
RESTART_EVERY_S, RESTARTS = 3.0, 6
SETTLE_S = 60.0


def app_of(bootstrap: str, name: str, *, strict: bool) -> Any:
    """Reads `{name}-in`, writes `{name}-out`."""
    broker = URL(f"kafka://{bootstrap}")
    app: Any = faust.App(
        name, broker=broker, store="memory://", datadir=mkdtemp(), topic_partitions=PARTITIONS,
        topic_disable_leader=True, topic_allow_declare=False, stream_wait_empty=False, web_enabled=False,
        broker_session_timeout=6, broker_heartbeat_interval=1, broker_commit_interval=0.5,
        consumer_auto_offset_reset="earliest",
    )  # fmt: skip
    if strict:
        app.transport = StrictTransport([broker], app)
    raw: Any = {"key_type": bytes, "value_type": bytes, "key_serializer": "raw", "value_serializer": "raw"}
    source, target = app.topic(f"{name}-in", **raw), app.topic(f"{name}-out", **raw)
    seen: Any = app.Table("seen", partitions=PARTITIONS, default=int)

    async def pass_on(stream: Any) -> None:
        async for event in stream.events():
            if strict and not await app.consumer.take(event.message):
                continue
            await asyncio.sleep(WORK_S)
            seen[event.value.decode()] += 1
            await (await target.send(key=event.key, value=event.value))
            if strict:
                app.consumer.handled(event.message)

    app.agent(source, concurrency=1)(pass_on)
    return app


@dataclass(frozen=True)
class Found:
    lost: int
    late: int
    """Neither handled nor committed in the end."""
    repeated: int


def run(bootstrap: str, *, strict: bool) -> Found:
    """One rolling restart."""
    name = f"loss-{uuid.uuid4().hex[:6]}"
    admin = AdminClient({"bootstrap.servers": bootstrap})
    log = {"cleanup.policy": "compact"}
    topics = [NewTopic(f"{name}-in", PARTITIONS, 1), NewTopic(f"{name}-out", PARTITIONS, 1)]
    for made in admin.create_topics([*topics, NewTopic(f"{name}-seen-changelog", PARTITIONS, 1, config=log)]).values():
        made.result()
    workers = [_started(bootstrap, name, strict=strict) for _ in range(2)]
    try:
        time.sleep(6)
        _feed(bootstrap, name, workers, strict=strict)
        until = time.monotonic() + SETTLE_S
        while _lag(bootstrap, name) and time.monotonic() < until:
            time.sleep(0.5)
        time.sleep(1)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()
    passed = Counter(value for _, _, value in _read(bootstrap, f"{name}-out"))
    done = _committed(bootstrap, name)
    missing = [(p, at) for p, at, value in _read(bootstrap, f"{name}-in") if not passed[value]]
    lost = sum(at < done[p] for p, at in missing)
    return Found(lost, len(missing) - lost, passed.total() - len(passed))


def _feed(bootstrap: str, name: str, workers: "list[subprocess.Popen[bytes]]", *, strict: bool) -> None:
    producer, restarts, then = Producer({"bootstrap.servers": bootstrap}), 0, time.monotonic() + RESTART_EVERY_S
    for number in range(RECORDS):
        producer.produce(f"{name}-in", value=b"%d" % number, partition=number % PARTITIONS)
        producer.poll(0)
        time.sleep(PACE_S)
        if restarts < RESTARTS and time.monotonic() > then:
            place = restarts % 2
            workers[place].send_signal(signal.SIGTERM)
            try:
                workers[place].wait(20)
            except subprocess.TimeoutExpired:
                workers[place].kill()
                workers[place].wait()
            workers[place] = _started(bootstrap, name, strict=strict)
            restarts, then = restarts + 1, time.monotonic() + RESTART_EVERY_S
    producer.flush()


def _started(bootstrap: str, name: str, *, strict: bool) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "tools.crash.loss", "--work", bootstrap, name, *(["--strict"] if strict else [])]
    return subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _read(bootstrap: str, topic: str) -> Iterator[tuple[int, int, bytes]]:
    """Partition, offset and value of all that stands there."""
    consumer: Any = Consumer({"bootstrap.servers": bootstrap, "group.id": uuid.uuid4().hex})
    try:
        for partition in range(PARTITIONS):
            place = TopicPartition(topic, partition, 0)
            end = consumer.get_watermark_offsets(place)[1]
            consumer.assign([place])
            at = 0
            while at < end:
                record = consumer.poll(1)
                if record is not None and not record.error():
                    yield partition, record.offset(), record.value()
                    at = record.offset() + 1
    finally:
        consumer.close()


def _committed(bootstrap: str, name: str) -> dict[int, int]:
    consumer: Any = Consumer({"bootstrap.servers": bootstrap, "group.id": name})
    try:
        places = [TopicPartition(f"{name}-in", partition) for partition in range(PARTITIONS)]
        return {place.partition: max(place.offset, 0) for place in consumer.committed(places)}
    finally:
        consumer.close()


def _lag(bootstrap: str, name: str) -> int:
    return RECORDS - sum(_committed(bootstrap, name).values())


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--strict", action="store_true")
    options.add_argument("--work", nargs=2, metavar=("BROKER", "NAME"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.work:
        faust.Worker(app_of(*chosen.work, strict=chosen.strict), loglevel="error").execute_from_commandline()
    print("| transport | lost | late | repeated | of |\n|---|---|---|---|---|", flush=True)
    with LocalKafka() as kafka:
        for _ in range(chosen.runs):
            found = run(kafka.bootstrap, strict=chosen.strict)
            kind = "strict" if chosen.strict else "stock"
            print(f"| {kind} | {found.lost} | {found.late} | {found.repeated} | {RECORDS} |", flush=True)


if __name__ == "__main__":
    main()

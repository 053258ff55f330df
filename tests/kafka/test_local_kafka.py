"""The Kafka that the other tests trust: it starts, keeps what was acknowledged, dies and comes back."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from tools import local_kafka as kafka_module
from tools.local_kafka import KafkaUnavailable, LocalKafka

pytestmark = pytest.mark.kafka


def make_topic(bootstrap: str, name: str, replication: int = 1) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(name, 1, replication)])[name].result(10)


async def produce(bootstrap: str, topic: str, *values: bytes) -> None:
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all") as producer:
        for value in values:
            await producer.send_and_wait(topic, value)


async def consume(bootstrap: str, topic: str, count: int) -> list[bytes]:
    async with AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest") as consumer:
        return [(await anext(consumer)).value for _ in range(count)]


async def test_what_is_produced_is_consumed(kafka: LocalKafka) -> None:
    make_topic(kafka.bootstrap, "spoken")
    await produce(kafka.bootstrap, "spoken", b"one", b"two")
    assert await consume(kafka.bootstrap, "spoken", 2) == [b"one", b"two"]


async def test_a_killed_broker_comes_back_with_its_data() -> None:
    with LocalKafka() as kafka:
        make_topic(kafka.bootstrap, "kept")
        await produce(kafka.bootstrap, "kept", b"before")
        kafka.kill()
        kafka.start()
        await produce(kafka.bootstrap, "kept", b"after the kill")
        kafka.stop()
        kafka.start()
        assert await consume(kafka.bootstrap, "kept", 2) == [b"before", b"after the kill"]


async def test_three_brokers_keep_what_the_leader_had() -> None:
    with LocalKafka(brokers=3) as kafka:
        make_topic(kafka.bootstrap, "copied", replication=3)
        await produce(kafka.bootstrap, "copied", b"before")
        leader = AdminClient({"bootstrap.servers": kafka.bootstrap}).list_topics(timeout=10).topics["copied"]
        kafka.kill(leader.partitions[0].leader)
        await produce(kafka.bootstrap, "copied", b"after")
        assert await consume(kafka.bootstrap, "copied", 2) == [b"before", b"after"]


def test_nothing_is_left_behind() -> None:
    with LocalKafka() as kafka:
        folder, pid = kafka.folder, kafka.pid()
    assert not folder.exists()
    assert not Path(f"/proc/{pid}").exists()


def test_a_broker_ends_with_the_process_that_started_it() -> None:
    code = (
        "import os; from tools.local_kafka import LocalKafka\n"
        "with LocalKafka() as kafka: print(kafka.folder, kafka.pid(), flush=True); os._exit(1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    folder, pid = done.stdout.split()
    broker = Path("/proc") / pid

    def runs() -> bool:
        return broker.exists() and (broker / "stat").read_text().split()[2] != "Z"  # its new parent may not have looked

    deadline = time.monotonic() + 60
    while Path(folder).exists() or runs():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_a_broker_that_does_not_start_is_quoted() -> None:
    with pytest.raises(KafkaUnavailable, match=r"broker 0: .*its log ends:\n(.|\n)*log\.segment\.bytes"):
        LocalKafka(properties={"log.segment.bytes": "none"}).__enter__()


def test_a_missing_java_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="no java: install Java 17"):
        LocalKafka().__enter__()


def test_a_missing_maven_is_named_with_its_remedy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match="no mvn: install Maven"):
        kafka_module.jars()

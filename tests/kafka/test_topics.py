"""Topics as code on a real Kafka: made as they must be, and every difference named with its remedy."""

import json
import time
from itertools import count
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import (  # type: ignore[attr-defined]
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    ResourceType,
)
from typer.testing import CliRunner, Result

from geofences import bundled
from streams.kafka import admin
from streams.kafka.admin import Admin, config_of, create_missing
from streams.kafka.records import ProducerRecord, Progress
from streams.kafka.sender import MAX_BATCH_BYTES, KafkaSender
from streams.kafka.topics import MIB, Topics
from tests.kafka.test_sizes import read
from tools.local_kafka import LocalKafka
from warnsys.cap.read import MAX_BYTES
from warnsys.cli.main import app
from warnsys.settings import SettingsError
from warnsys.warning.facts import MEMORY

pytestmark = pytest.mark.kafka
numbers = count(1)


@pytest.fixture
def topics() -> Topics:
    """A stage of its own for each test."""
    return Topics(f"topics-{next(numbers)}", partitions=2)


@pytest.fixture
def here(kafka: LocalKafka, topics: Topics) -> Admin:
    return Admin(kafka.bootstrap, topics, replication=1)


def alter(here: Admin, kafka: LocalKafka, topic: str, key: str, value: str | None) -> None:
    """Returns once the broker shows it."""
    before = here.found()
    operation = AlterConfigOpType.DELETE if value is None else AlterConfigOpType.SET
    change = ConfigResource(
        ResourceType.TOPIC, topic, incremental_configs=[ConfigEntry(key, value, incremental_operation=operation)]
    )
    client = AdminClient({"bootstrap.servers": kafka.bootstrap, "log_level": 0})
    for future in client.incremental_alter_configs([change]).values():
        future.result(60)
    deadline = time.monotonic() + 60
    while here.found() == before:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_made_topics_are_as_they_must_be_and_are_made_once(here: Admin, topics: Topics) -> None:
    assert sorted(here.create()) == sorted(topic.name for topic in topics.all())
    assert here.create() == []
    assert here.differences() == []


@pytest.mark.parametrize("hours", [2, -2])
def test_a_sender_with_a_wrong_clock_is_not_refused(kafka: LocalKafka, here: Admin, topics: Topics, hours: int) -> None:
    """A worker whose clock was an hour and ten seconds ahead could write nothing (tests/crash, fault clock)."""
    here.create()
    errors: list[object] = []
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "acks": "all"})
    stamp = int((time.time() + hours * 3600) * 1000)
    for topic in topics.all():
        producer.produce(
            topic.name, b"{}", key=b"k", partition=0, timestamp=stamp, on_delivery=lambda error, _: errors.append(error)
        )
    assert producer.flush(20) == 0
    assert errors == [None] * len(topics.all())


def test_missing_topics_are_named_with_the_command_that_makes_them(here: Admin, topics: Topics) -> None:
    assert {each.topic for each in here.differences()} == {topic.name for topic in topics.all()}
    assert {each.remedy for each in here.differences()} == {"make it with: warnsys topics create"}


def test_another_number_of_partitions_is_refused(kafka: LocalKafka, topics: Topics) -> None:
    create_missing(kafka.bootstrap, topics, 1)
    with pytest.raises(SettingsError, match=r"cap\.alerts: has 2 partitions.*set broker\.partitions to 2"):
        create_missing(kafka.bootstrap, Topics(topics.stage, 3), 1)


@pytest.mark.parametrize("policy", ["compact", "compact,delete", None])
@pytest.mark.parametrize("agents_input", ["cap.alerts", "warn.impacts"])
def test_an_agents_input_that_is_or_could_become_compacted_is_refused(
    kafka: LocalKafka, here: Admin, topics: Topics, agents_input: str, policy: str | None
) -> None:
    here.create()
    name = f"{topics.stage}.{agents_input}"
    alter(here, kafka, name, "cleanup.policy", policy)
    (difference,) = here.differences()
    assert (difference.topic, difference.fatal) == (name, True)
    assert "cleanup.policy=delete" in difference.remedy
    with pytest.raises(SettingsError, match="compaction takes records away"):
        create_missing(kafka.bootstrap, topics, 1)


@pytest.mark.parametrize(("key", "value"), [("retention.ms", "-1"), ("segment.ms", str(7 * 24 * admin.HOUR_MS))])
def test_alerts_are_never_kept_longer_than_superseded_ids_are_remembered(
    kafka: LocalKafka, here: Admin, topics: Topics, key: str, value: str
) -> None:
    here.create()
    alter(here, kafka, topics.alerts.name, key, value)
    with pytest.raises(SettingsError, match="what is over could come back"):
        create_missing(kafka.bootstrap, topics, 1)


def test_what_only_costs_is_named_but_does_not_stop_a_worker(kafka: LocalKafka, here: Admin, topics: Topics) -> None:
    here.create()
    alter(here, kafka, topics.push.name, "max.message.bytes", "1000")
    alter(here, kafka, topics.sms.name, "retention.ms", None)
    assert sorted(str(each).split("; ")[0] for each in here.differences()) == [
        f"{topics.push.name}: max.message.bytes is 1000, must be {MIB}",
        f"{topics.sms.name}: retention.ms is 604800000, must be 172800000",
    ]
    create_missing(kafka.bootstrap, topics, 1)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
async def test_a_topic_that_its_broker_compresses_is_told_and_read_all_the_same(
    kafka: LocalKafka, here: Admin, topics: Topics, codec: str
) -> None:
    here.create()
    alter(here, kafka, topics.alerts.name, "compression.type", codec)
    create_missing(kafka.bootstrap, topics, 1)
    (told,) = map(str, here.differences())
    assert f"compression.type is {codec}, must be producer" in told
    async with KafkaSender(kafka.bootstrap, Progress()) as sender:
        await sender.send([ProducerRecord(topics.alerts.name, 0, "x", b"storm " * 1_000)])
    (record,) = await read(kafka, topics.alerts)
    assert record.value == b"storm " * 1_000


def test_orders_of_an_older_installation_that_stay_for_ever_are_told_with_the_command_that_mends_it(
    kafka: LocalKafka, topics: Topics, here: Admin
) -> None:
    here.create()
    alter(here, kafka, topics.actions.name, "cleanup.policy", "compact")
    (found,) = here.differences()
    assert str(found).startswith(f"{topics.actions.name}: cleanup.policy is compact, must be compact,delete; ")
    assert found.remedy.endswith("--add-config cleanup.policy=[compact,delete]")
    create_missing(kafka.bootstrap, topics, 1)
    alter(here, kafka, topics.actions.name, "cleanup.policy", "delete,compact")
    assert here.differences() == []


def test_sizes_rise_along_the_way() -> None:
    topics = Topics("live", 1)
    assert min(topic.max_bytes for topic in topics.all()) > MAX_BATCH_BYTES
    assert MAX_BYTES < topics.alerts.max_bytes < topics.impacts.max_bytes < topics.rejected.max_bytes


def test_three_copies_need_two_in_sync() -> None:
    (alerts, *_) = Topics("live", 1).all()
    assert config_of(alerts, 3)["min.insync.replicas"] == "2"
    assert "min.insync.replicas" not in config_of(alerts, 1)


def test_our_own_retention_of_alerts_is_shorter_than_the_memory() -> None:
    config = config_of(Topics("live", 1).alerts, 1)
    assert int(config["retention.ms"]) + int(config["segment.ms"]) < MEMORY.total_seconds() * 1000


def test_a_broker_that_does_not_answer_is_named(topics: Topics, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admin, "ADMIN_S", 1)
    with pytest.raises(SettingsError, match=r"broker\.url: no Kafka answers as it should at 127\.0\.0\.1:9"):
        Admin("127.0.0.1:9", topics, 1).create()


# -- the command ----------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(kafka: LocalKafka, tmp_path: Path, topics: Topics) -> Path:
    file = tmp_path / "warnsys.toml"
    file.write_text(
        f'stage = "{topics.stage}"\n'
        f'[[cities]]\nid = "solingen"\nname = "Solingen"\ngeofences = "{bundled()}"\n'
        f'[broker]\nurl = "kafka://{kafka.bootstrap}"\npartitions = 2\n'
    )
    return file


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["topics", *map(str, arguments)])


def test_topics_are_made_checked_and_shown(here: Admin, kafka: LocalKafka, settings: Path, topics: Topics) -> None:
    before = run("check", "--settings", settings)
    assert (before.exit_code, "warnsys topics create" in before.stdout) == (1, True)
    assert f"{topics.alerts.name}: made" in run("create", "--settings", settings).stdout
    assert run("check", "--settings", settings).exit_code == 0
    shown = json.loads(run("describe", "--json", "--settings", settings).stdout)
    assert {row["topic"]: row["cleanup.policy"] for row in shown}[topics.stele.name] == "compact"
    assert "48 h" in run("describe", "--settings", settings).stdout
    alter(here, kafka, topics.impacts.name, "message.timestamp.type", "CreateTime")
    after = run("check", "--settings", settings)
    assert after.exit_code == 1
    assert f"--entity-name {topics.impacts.name} --add-config message.timestamp.type=LogAppendTime" in after.stdout


def test_acls_are_listed_without_asking_a_broker(settings: Path) -> None:
    listed = run("acls", "--commands", "--settings", settings, "--broker", "kafka://127.0.0.1:9").stdout
    assert "--allow-principal User:feed --operation Write --topic" in listed
    assert "warn.push" not in "".join(line for line in listed.splitlines() if "User:feed --operation Write" in line)
    assert "reader" in run("acls", "--settings", settings).stdout


def test_topics_need_a_kafka(settings: Path) -> None:
    assert run("check", "--settings", settings, "--broker", "embedded").exit_code == 2

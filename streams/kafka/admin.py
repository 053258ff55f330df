"""Topics as code: what each topic of a stage must be, made where it is missing, and held against what the broker has.

Some differences would lose warnings or revive what is over; with them no process starts (`fatal`): another number of
partitions, an agent's input that is compacted or may become so, alerts kept longer than superseded ids are remembered.
All others are named by `warnsys topics check`, with the remedy. Nothing here ever changes a topic that is there.
"""

import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, ConfigSource, ResourceType  # type: ignore[attr-defined]
from confluent_kafka.cimpl import NewTopic

from streams.kafka.topics import MIB, Topic, Topics
from warnsys.settings import SettingsError
from warnsys.warning.facts import MEMORY

ADMIN_S = 10
LOOK_EVERY_S = 0.05
HOUR_MS = 3_600_000
COMPRESSED_BY = "producer"
"""As the sender has it: to compress anew costs time, and not every stele's client can read what a broker made."""
STAMPED = "LogAppendTime"
"""By the broker's clock: ticks are read by it, and Kafka refuses a sender's stamp that is more than an hour ahead: a
worker with such a clock could write nothing."""
CLOSED_AFTER = 4
"""Kafka deletes a segment when its newest record is too old: closed after this part of the retention, none stays long.
Its default, seven days, would keep alerts for longer than their ids are remembered."""
COMPACTED = {"segment.ms": str(HOUR_MS // 6), "segment.bytes": str(32 * MIB), "min.cleanable.dirty.ratio": "0.1"}
"""The open segment is never compacted, and whoever restores a state reads it all: so it is short."""


@dataclass(frozen=True, slots=True)
class TopicOnBroker:
    """One topic as the broker has it."""

    partitions: int
    replication: int
    config: Mapping[str, str]
    own: frozenset[str]
    """The settings that stand at the topic itself; the others are the broker's defaults, and change with them."""


@dataclass(frozen=True, slots=True)
class TopicDifference:
    topic: str
    what: str
    remedy: str
    fatal: bool = False

    def __str__(self) -> str:
        return f"{self.topic}: {self.what}; {self.remedy}"


def config_of(topic: Topic, replication: int) -> dict[str, str]:
    """The settings that must stand at a topic, whatever the broker's defaults are."""
    retention = topic.retention_h * HOUR_MS
    kept = {"retention.ms": str(retention), "segment.ms": str(retention // CLOSED_AFTER)}
    if topic.compacted:
        kept = {**COMPACTED, **({"retention.ms": str(retention)} if topic.forgets else {})}
    return {
        "cleanup.policy": ("compact,delete" if topic.forgets else "compact") if topic.compacted else "delete",
        "compression.type": COMPRESSED_BY,
        "max.message.bytes": str(topic.max_bytes),
        "message.timestamp.type": STAMPED,
        **kept,
        **({"min.insync.replicas": "2"} if replication >= 3 else {}),
    }


class Admin:
    """The topics of a stage on a broker. Raises `SettingsError` where that does not answer as it should."""

    def __init__(self, bootstrap: str, topics: Topics, replication: int, security: Mapping[str, Any] = {}) -> None:
        self._bootstrap, self._topics, self._replication = bootstrap, topics, replication
        self._said: list[KafkaError] = []
        plain: dict[str, Any] = {"bootstrap.servers": bootstrap, "log_level": 0, "error_cb": self._said.append}
        self._client = AdminClient({**plain, **security})

    def create(self) -> list[str]:
        """Make the topics that are not there; gives their names."""
        with self._asking():
            there = self._client.list_topics(timeout=ADMIN_S).topics
            missing = [topic for topic in self._topics.all() if topic.name not in there]
            made = self._client.create_topics([self._new(topic) for topic in missing]) if missing else {}
            names = [name for name, future in made.items() if _was_made(name, future)]
            self._await([topic.name for topic in missing])
            return names

    def remove(self) -> None:
        """Delete the stage's topics with all that they hold: for exercises that begin anew."""
        with self._asking():
            names = {topic.name for topic in self._topics.all()} & self._client.list_topics(
                timeout=ADMIN_S
            ).topics.keys()
            for future in self._client.delete_topics(sorted(names)).values() if names else ():
                future.result()
            while names & self._client.list_topics(timeout=ADMIN_S).topics.keys():
                time.sleep(LOOK_EVERY_S)

    def found(self, skip: Collection[str] = ()) -> dict[str, TopicOnBroker]:
        """What is there of the stage's topics, by name."""
        with self._asking():
            there = self._client.list_topics(timeout=ADMIN_S).topics
            names = [topic.name for topic in self._topics.all() if topic.name in there.keys() - skip]
            asked = [ConfigResource(ResourceType.TOPIC, name) for name in names]
            answers = self._client.describe_configs(asked, request_timeout=ADMIN_S) if asked else {}
            entries = {resource.name: future.result() for resource, future in answers.items()}
        return {
            name: TopicOnBroker(
                partitions=len(there[name].partitions),
                replication=min((len(each.replicas) for each in there[name].partitions.values()), default=0),
                config={key: entry.value for key, entry in entries[name].items() if entry.value is not None},
                own=frozenset(key for key, entry in entries[name].items() if entry.source == TOPIC_OWN),
            )
            for name in names
        }

    def differences(self, skip: Collection[str] = ()) -> list[TopicDifference]:
        """All that is not as it must be, the fatal ones first."""
        found = self.found(skip)
        each = [
            difference
            for topic in self._topics.all()
            if topic.name not in skip
            for difference in compare(topic, self._topics, self._replication, found.get(topic.name), self._bootstrap)
        ]
        return sorted(each, key=lambda difference: not difference.fatal)

    def _await(self, names: Collection[str]) -> None:
        """A topic is made before the brokers know of it; a consumer that starts in between is assigned nothing."""
        deadline = time.monotonic() + ADMIN_S
        while names:
            there = self._client.list_topics(timeout=ADMIN_S).topics
            names = [name for name in names if name not in there or not _led(there[name])]
            if names and time.monotonic() > deadline:
                raise SettingsError(f"{names[0]}: made, but no broker leads it after {ADMIN_S} s; look at the brokers")
            time.sleep(LOOK_EVERY_S)

    def _new(self, topic: Topic) -> NewTopic:
        return NewTopic(
            topic.name, self._topics.partitions, self._replication, config=config_of(topic, self._replication)
        )

    @contextmanager
    def _asking(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            self._client.poll(0)  # which calls `error_cb`: the error itself knows no wrong password
            why = (self._said or [error.args[0]])[0].str()
            raise SettingsError(f"broker.url: no Kafka answers as it should at {self._bootstrap} ({why})") from error


TOPIC_OWN = ConfigSource.DYNAMIC_TOPIC_CONFIG.value


def create_missing(
    bootstrap: str,
    topics: Topics,
    replication: int,
    security: Mapping[str, Any] = {},
    first: Callable[[], None] = lambda: None,
) -> None:
    """What a process does before it starts: make what is missing, and refuse what would lose warnings.

    `first` looks at its rights, once there are all topics.
    """
    admin = Admin(bootstrap, topics, replication, security)
    made = admin.create()  # perhaps not yet known to every broker
    first()
    fatal = [str(each) for each in admin.differences(skip=made) if each.fatal]
    if fatal:
        raise SettingsError("\n".join(fatal))


def compare(
    topic: Topic, topics: Topics, replication: int, found: TopicOnBroker | None, bootstrap: str
) -> Iterator[TopicDifference]:
    """One topic: as it must be, against what there is."""

    def alter(setting: str) -> str:
        return (
            f"set it with: kafka-configs.sh --bootstrap-server {bootstrap} --alter --entity-type topics "
            f"--entity-name {topic.name} --add-config {setting}"
        )

    name = topic.name
    if found is None:
        yield TopicDifference(name, "is not there", "make it with: warnsys topics create")
        return
    if found.partitions != topics.partitions:
        yield TopicDifference(
            name, f"has {found.partitions} partitions, broker.partitions says {topics.partitions}",
            f"the number is fixed for a stage: set broker.partitions to {found.partitions}", fatal=True,
        )  # fmt: skip
    if found.replication != replication:
        yield TopicDifference(
            name, f"has {found.replication} copies, broker.replication says {replication}",
            f"set broker.replication to {found.replication}, or move it with kafka-reassign-partitions.sh",
        )  # fmt: skip
    if topic in topics.messages and (kept := _kept(found)) > MEMORY:
        wanted = config_of(topic, replication)
        yield TopicDifference(
            name, f"keeps records for {_words(kept)} (retention.ms and segment.ms), superseded ids are remembered for "
            f"{_words(MEMORY)}: what is over could come back",
            alter(f"retention.ms={wanted['retention.ms']},segment.ms={wanted['segment.ms']}"), fatal=True,
        )  # fmt: skip
    for key, value in config_of(topic, replication).items():
        is_input = topic in topics.inputs
        there = found.config.get(key, "")
        if key == "cleanup.policy" and sorted(there.split(",")) == sorted(value.split(",")):
            there = value
        if there == value and key in found.own:
            continue
        what = f"{key} is {there}, must be {value}"
        if there == value:
            what = f"{key} is {value} only by the broker's default"
        fatal = False
        if key == "cleanup.policy" and is_input:
            fatal = True
            what += ": an agent reads it, and compaction takes records away unread"
        yield TopicDifference(name, what, alter(f"{key}=[{value}]" if "," in value else f"{key}={value}"), fatal)


def _led(topic: Any) -> bool:
    return bool(topic.partitions) and all(partition.leader >= 0 for partition in topic.partitions.values())


def _kept(found: TopicOnBroker) -> timedelta:
    """How old a record may become at most."""
    parts = [int(found.config.get(key, -1)) for key in ("retention.ms", "segment.ms")]
    too_long = min(parts) < 0 or sum(parts) >= timedelta.max // timedelta(milliseconds=1)
    return timedelta.max if too_long else timedelta(milliseconds=sum(parts))


def _words(age: timedelta) -> str:
    return "ever" if age == timedelta.max else f"{age / timedelta(hours=1):g} h"


def _was_made(name: str, future: Future[None]) -> bool:
    try:
        future.result()
    except KafkaException as error:
        code = error.args[0].code()
        if code in (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED):
            raise SettingsError(
                f"{name}: this user may neither see nor make it; let an administrator run: warnsys topics create, "
                f"and give the user what warnsys topics acls lists"
            ) from error
        if code != KafkaError.TOPIC_ALREADY_EXISTS:
            raise
        return False
    return True

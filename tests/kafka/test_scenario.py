"""The storm through a real Kafka: situations as through the pure functions, and every notice that the fold gives."""

import io
from collections.abc import Iterator

import pytest
from confluent_kafka import Consumer, TopicPartition
from rich.console import Console

from streams.kafka.topics import Topics
from streams.processes import demo
from tests.streams.test_demo import offline
from tools.local_kafka import LocalKafka
from warnsys.partition import Partition
from warnsys.pipeline import by_channel, cities_for, matcher_for
from warnsys.records import Notice, read_impact_record
from warnsys.simulation.scenario import load

PARTITIONS = 4


def logged(bootstrap: str, topic: str, partitions: int = PARTITIONS) -> Iterator[tuple[int, bytes]]:
    """Partition and value of every record, in each partition's order."""
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "test", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
    ended = 0
    while ended < partitions:
        record = consumer.poll(60)
        assert record is not None, f"{topic} does not answer"
        if record.error():
            ended += 1
        else:
            yield record.partition() or 0, record.value() or b""
    consumer.close()


@pytest.mark.kafka
async def test_the_storm_is_the_same_through_kafka_and_through_the_pure_functions(kafka: LocalKafka) -> None:
    storm, url = load("storm"), f"kafka://{kafka.bootstrap}"
    first = await demo.play_headless(storm, url, Console(file=io.StringIO()))
    through_kafka = await demo.play_headless(storm, url, Console(file=io.StringIO()))
    assert through_kafka["situations"] == first["situations"], "a second run begins anew"
    pure = await offline(storm)
    assert through_kafka["situations"] == pure["situations"]
    assert through_kafka["alerts"] == pure["alerts"]

    settings = demo.demo_settings("http://localhost/x.zip", url, poll_s=20)
    cities, topics = cities_for(settings, matcher_for(settings)), Topics(demo.STAGE, PARTITIONS)
    alone = Partition({demo.CITY: cities[demo.CITY]})
    folded: list[Notice] = []
    for partition, value in logged(kafka.bootstrap, topics.impacts.name):
        if partition == topics.partition_of(demo.CITY):
            folded += alone.take(read_impact_record(value))
    for channel, notices in by_channel(folded).items():
        published = [value for _, value in logged(kafka.bootstrap, topics.channel(channel).name)]
        assert published == [notice.to_bytes() for notice in notices]

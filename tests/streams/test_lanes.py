"""What calls itself Extreme waits behind nothing else, and nothing but the wait hangs on it."""

from datetime import datetime

import pytest

from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import MemorySender
from streams.kafka.topics import Topics
from tests.support import NOON
from warnsys.records import AlertHeaders


async def published(body: bytes, partitions: int = 3, moment: datetime = NOON) -> str:
    sender = MemorySender()
    headers = AlertHeaders(stage="live", source="dwd", id="x", stamp=moment, seen=moment)
    await KafkaPublisher(Topics("live", partitions), sender).alert(headers, body)
    (record,) = sender.records
    assert record.value == body
    return record.topic


@pytest.mark.parametrize(
    "body",
    [
        b"<info><severity>Extreme</severity></info>",
        b"<cap:severity >\n Extreme </cap:severity>",
        b"<severity>Minor</severity><severity>Extreme</severity>",
        b"<severity>Extreme</severity>, and then it is cut o",
    ],
)
async def test_an_extreme_message_takes_the_lane_of_its_own(body: bytes) -> None:
    assert await published(body) == "cap.extreme"


@pytest.mark.parametrize("body", [b"<severity>Severe</severity>", b"\x00\xff", b"", b"<event>Extreme</event>"])
async def test_everything_else_takes_the_other(body: bytes) -> None:
    assert await published(body) == "cap.alerts"


async def test_one_partition_keeps_the_order_of_everything() -> None:
    assert await published(b"<severity>Extreme</severity>", partitions=1) == "cap.alerts"


def test_both_lanes_are_inputs_that_keep_every_record() -> None:
    topics = Topics("live", 3)
    assert topics.inputs == (topics.extreme, topics.alerts, topics.impacts)
    assert not any(topic.compacted for topic in topics.inputs)
    assert topics.extreme.max_bytes == topics.alerts.max_bytes
    assert set(topics.inputs) < set(topics.all())

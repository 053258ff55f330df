"""Every header that the product sends is described in the contracts."""

from datetime import timedelta

from geofences import bundled
from streams.kafka.publisher import KafkaPublisher
from streams.kafka.records import ConsumedRecord, MemorySender, ProducerRecord
from streams.kafka.topics import Topics
from streams.worker.match import MatchAgent
from streams.worker.remembered import MemoryStateStore
from streams.worker.settle import SettleAgent
from tools.contracts import samples
from tools.contracts.kinds import kinds
from warnsys.metrics import Metrics
from warnsys.pipeline import cities_for, matcher_for
from warnsys.records import AlertHeaders, Snapshot, Tick
from warnsys.settings import parse

STAGE = "replay"


def described(topic: str) -> set[str]:
    return {header for kind in kinds() if kind.address == topic for header in kind.headers}


def incoming(record: ProducerRecord, offset: int, at: float) -> ConsumedRecord:
    return ConsumedRecord(
        record.topic, record.partition, offset, record.key.encode(), record.value or b"", record.headers, at
    )


async def test_every_header_that_is_sent_is_described() -> None:
    settings = parse(
        {"stage": STAGE, "cities": [{"id": "solingen", "name": "Solingen", "geofences": str(bundled("solingen"))}]}
    )
    matcher, sender, topics = matcher_for(settings), MemorySender(), Topics(STAGE, 1)
    cities = cities_for(settings, matcher)
    match = MatchAgent(matcher, cities, topics, sender, Metrics())
    settle = SettleAgent(cities, topics, sender, MemoryStateStore(), Metrics())
    publisher = KafkaPublisher(topics, sender)
    (headers, body), records = samples.told()
    assert isinstance(headers, AlertHeaders)
    snapshot = next(record for record in records if isinstance(record, Snapshot))
    await publisher.tick(Tick(stage=STAGE, at=snapshot.checked), [0])
    await publisher.alert(headers, body)
    await publisher.alert(headers.model_copy(update={"id": "unreadable"}), b"<alert>")
    await publisher.snapshot(snapshot)
    await publisher.tick(Tick(stage=STAGE, at=snapshot.checked + timedelta(seconds=1)), [0])
    for offset, record in enumerate(sender.records):
        if record.topic == topics.alerts.name:
            await match.handle(incoming(record, offset, snapshot.checked.timestamp()))
    for offset, record in enumerate([one for one in sender.records if one.topic == topics.impacts.name]):
        await settle.handle(incoming(record, offset, snapshot.checked.timestamp()))
    sent = {record.topic.removeprefix(f"{STAGE}."): set[str]() for record in sender.records}
    for record in sender.records:
        sent[record.topic.removeprefix(f"{STAGE}.")] |= record.headers.keys()
    assert {"cap.alerts", "warn.impacts", "warn.stele", "warn.rejected"} <= sent.keys()
    for topic, names in sent.items():
        known = described(topic) | (described("cap.alerts") if topic == "warn.rejected" else set())
        assert names <= known, topic

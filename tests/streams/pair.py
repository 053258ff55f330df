"""Two cities on one partition of `warn.impacts`, and `settle` for both on a sender and a store that keep everything."""

from dataclasses import replace

from streams.kafka.records import ConsumedRecord, MemorySender, ProducerRecord
from streams.kafka.topics import Topics
from streams.worker.remembered import MemoryStateStore, RememberedPartition, StateStore
from streams.worker.settle import SettleAgent
from tests.support import NOON, City, city_rules, meaning, outcome, square_district
from warnsys.channels.wording import CityInfo
from warnsys.metrics import Metrics
from warnsys.pipeline import CityRules
from warnsys.records import ImpactRecord, Outcome, PushNotice, SteleRecord

HERE, THERE = "x", "y"
DISTRICTS = {HERE: "d1", THERE: "d5"}


def rules_of(city: str) -> CityRules:
    common = city_rules(1)
    number = int(DISTRICTS[city].removeprefix("d"))
    place = CityInfo(city, f"{city}stadt", (square_district(number, city),), common.place.timezone, "https://x")
    return replace(common, place=place)


def warning(base_id: str, *cities: str, severity: str = "Extreme", minute: float = 0) -> Outcome:
    """A message that warns in cities."""
    found = meaning(severity, districts=[DISTRICTS[city] for city in cities])
    impacts = tuple(
        impact.model_copy(update={"city": city}) for impact, city in zip(found.impacts, cities, strict=True)
    )
    return outcome(base_id, found.model_copy(update={"impacts": impacts}), stamp=minute, sent=minute)


class Pair:
    def __init__(
        self, store: StateStore | None = None, *, partition: int = 0, sender: MemorySender | None = None
    ) -> None:
        self.sender, self.store, self.metrics = sender or MemorySender(), store or MemoryStateStore(), Metrics()
        self.topics, self.partition, self.offset = Topics("live", 1), partition, -1
        self.cities = {city: rules_of(city) for city in (HERE, THERE)}
        self.agent = self.restarted()

    def restarted(self) -> SettleAgent:
        self.agent = SettleAgent(self.cities, self.topics, self.sender, self.store, self.metrics)
        return self.agent

    async def take(self, *records: ImpactRecord) -> "Pair":
        """As the worker does: each is remembered before the next."""
        for said in records:
            self.offset += 1
            at = said.at.timestamp() if said.kind == "tick" else NOON.timestamp()
            record = ConsumedRecord("warn.impacts", self.partition, self.offset, b"", said.to_bytes(), {}, at)
            await self.agent.handle(record)
            await self.agent.flush(record)
        return self

    def sent(self, topic: str) -> list[ProducerRecord]:
        return [record for record in self.sender.records if record.topic == topic]

    def told(self, city: str) -> list[PushNotice]:
        found = [PushNotice.from_bytes(record.value or b"") for record in self.sent("warn.push")]
        return [notice for notice in found if notice.city == city and notice.audience == "public"]

    def stele(self, city: str) -> SteleRecord:
        found = [record.value for record in self.sent("warn.stele") if record.key == DISTRICTS[city]]
        return SteleRecord.from_bytes(found[-1] or b"")

    def counted(self, name: str, **labels: str) -> float:
        return self.metrics.registry.get_sample_value(f"warnsys_{name}", labels) or 0.0


def remembered_of(
    city: str, *records: ImpactRecord, covers: int = -1, covers_at: float = 0.0, log: int = 0
) -> RememberedPartition:
    """What is remembered of a partition with this city alone."""
    alone = City(rules_of(city), id=city).take(*records)
    return RememberedPartition(alone.ledger, {city: alone.state}, covers, covers_at, log)

"""A city tells the same alone, looking at every record, and among others, looking only at those that touch it."""

import os
from collections.abc import Iterable
from dataclasses import replace

from hypothesis import settings

from tests.domain.messages import rules
from tests.domain.test_lifecycle_machine import Lifecycle
from tests.support import City, square_district
from warnsys.channels.wording import CityInfo
from warnsys.partition import Partition
from warnsys.pipeline import CityRules, CityState
from warnsys.records import ImpactRecord, Notice, Outcome
from warnsys.warning.facts import Ledger
from warnsys.warning.learned import LearnedRecord

HERE = "x"
ELSEWHERE = {"y": (5, "ACEG"), "z": (6, "BCF")}
"""By city its district, and the messages that warn there, too."""


class Everything(Partition):
    """It looks at every record in every city."""

    def touched(self, learned: LearnedRecord, others: Iterable[str] = ()) -> list[str]:
        return list(self.rules)


def rules_of(city: str, like: CityRules) -> CityRules:
    district = square_district(ELSEWHERE[city][0], city)
    return replace(like, place=CityInfo(city, city, (district,), like.place.timezone, "https://x"))


def also_elsewhere(record: ImpactRecord) -> ImpactRecord:
    if not isinstance(record, Outcome):
        return record
    meanings = []
    for meaning in record.meanings:
        more = [
            meaning.impacts[0].model_copy(update={"city": city, "district": f"d{number}"})
            for city, (number, keys) in ELSEWHERE.items()
            if meaning.impacts and record.listed_id[0] in keys
        ]
        meanings.append(meaning.model_copy(update={"impacts": (*meaning.impacts, *more)}))
    return record.model_copy(update={"meanings": tuple(meanings)})


class Watched(City):
    """Beside it the same city takes the same records among others, and each of them alone."""

    def __post_init__(self) -> None:
        super().__post_init__()
        all_rules = {HERE: self.rules, **{city: rules_of(city, self.rules) for city in ELSEWHERE}}
        self.among_others: Partition = Partition(all_rules)
        self.alone: dict[str, Partition] = {city: Everything({city: one}) for city, one in all_rules.items()}

    def take(self, *records: ImpactRecord) -> "Watched":
        super().take(*records)
        for record in map(also_elsewhere, records):
            told = self.among_others.take(record)
            for city, alone in self.alone.items():
                assert said(told, city) == said(alone.take(record), city), (city, record)
                ours, its = self.among_others.situation(city), alone.situation(city)
                assert (ours and ours.districts) == (its and its.districts)
        return self

    def restart(self, rules: CityRules | None = None, state: CityState | None = None) -> "Watched":
        super().restart(rules, state)
        before = self.among_others
        states = {city: CityState.from_bytes(one.to_bytes()) for city, one in before.states.items()}
        self.among_others = Partition(before.rules, Ledger.from_bytes(before.ledger.to_bytes()), states)
        return self


def said(notices: Iterable[Notice], city: str) -> list[bytes]:
    return [one.to_bytes() for one in notices if one.city == city]


class AmongOthers(Lifecycle):
    def city_of(self) -> City:
        """Its steles' records hardly ever grow old: else each tick would touch all."""
        some = rules(self.sources)
        return Watched(replace(some, policy=some.policy.model_copy(update={"stele_valid_s": 86_400})), paced=False)


AmongOthers.TestCase.settings = settings(
    max_examples=int(os.environ.get("EXAMPLES") or (300 if os.environ.get("CI") else 100)),
    derandomize=bool(os.environ.get("CI")),
    stateful_step_count=20,
    deadline=None,
    report_multiple_bugs=False,
)
TestAmongOthers = AmongOthers.TestCase

"""What one message would make each channel say, as if nothing had been told before: `warnsys match`."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from warnsys.channels.registry import called, channel_of
from warnsys.partition import Partition
from warnsys.pipeline import CityRules
from warnsys.records import ChangeNotice, Notice, Outcome, Snapshot, SteleRecord, Tick
from warnsys.replay.narrate import spoken
from warnsys.replay.run import header_cities
from warnsys.replay.words import AUDIENCES, why_not


@dataclass(frozen=True, slots=True)
class ToldAlone:
    """The channels' words, and why others are silent; German."""

    notices: tuple[Notice, ...]
    texts: tuple[str, ...]
    silent: tuple[str, ...]


def told_alone(outcome: Outcome, cities: Mapping[str, CityRules], source: str, at: datetime) -> ToldAlone:
    """For an outcome that matched, at a time; a snapshot of `source` lists it and nothing else."""
    notices: list[Notice] = []
    heard = outcome.model_copy(update={"source": source, "stamp": at})
    listed = Snapshot(stage=outcome.stage, source=source, stamp=at, checked=at, ids=(outcome.listed_id,))
    for city, rules in cities.items():
        alone = Partition({city: rules})
        alone.take(Tick(stage=outcome.stage, at=at))
        notices += [*alone.take(heard), *alone.take(listed)]
    last = {one.district if isinstance(one, SteleRecord) else one.id: one for one in notices}  # a stele's newest
    kept = tuple(one for one in last.values() if isinstance(one, ChangeNotice) or one.items)
    told = {(channel_of(one), one.audience) for one in kept if isinstance(one, ChangeNotice)}
    policy = next(iter(cities.values())).policy
    silent = tuple(
        f"{called(rule.channel, 'de')}, {AUDIENCES[rule.audience]}: {why_not(rule, outcome.meanings)}"
        for rule in policy.rules
        if (rule.channel, rule.audience) not in told
    )
    return ToldAlone(kept, tuple(spoken(list(kept), header_cities(cities))), silent)

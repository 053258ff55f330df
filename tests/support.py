"""Small builders for tests: a city of squares, and messages by what matters in them."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import shapely

from geofences import District
from warnsys.channels.wording import CityInfo
from warnsys.partition import Partition
from warnsys.pipeline import CityRules, CityState
from warnsys.records import (
    Decided,
    Impact,
    ImpactRecord,
    Meaning,
    Notice,
    Outcome,
    PushNotice,
    SmsNotice,
    Snapshot,
    SteleRecord,
    Text,
    Tick,
)
from warnsys.warning.facts import AHEAD, Ledger
from warnsys.warning.policy import Policy
from warnsys.warning.situation import Situation

NOON = datetime(2027, 7, 14, 12, 0, tzinfo=UTC)
RULES = "rules-1"


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def square_district(number: int, city: str = "x") -> District:
    return District(
        id=f"d{number}",
        name=f"District {number}",
        short_name=f"D{number}",
        city=city,
        warn_cells=frozenset({f"80000000{number}"}),
        geometry=shapely.box(7 + number / 100, 51, 7.01 + number / 100, 51.01),
        ground_min_m=None,
        ground_max_m=None,
        ground_source="unknown",
    )


def city_rules(districts: int = 2, policy: Policy | None = None, sources: Sequence[str] = ("dwd",)) -> CityRules:
    place = CityInfo(
        "x", "Xstadt", tuple(square_district(n + 1) for n in range(districts)), ZoneInfo("Europe/Berlin"), "https://x"
    )
    limits = {source: timedelta(minutes=15) for source in sources}
    return CityRules(place, "live", RULES, policy or Policy(), limits)


def meaning(
    severity: str = "Severe",
    *,
    districts: Iterable[str] = ("d1", "d2"),
    urgency: str = "Immediate",
    group: str = "RAIN",
    ii: str = "62",
    onset: float = 0,
    expires: float | None = 240,
    floor_m: float | None = None,
) -> Meaning:
    text = Text(event="HEFTIGER STARKREGEN", headline="Kopf", description="Text", instruction="")
    impacts = [Impact(city="x", district=d, via="cell", reason="cell", floor_m=floor_m) for d in districts]
    return Meaning.model_validate(
        {
            "ii": ii,
            "group": group,
            "urgency": urgency,
            "severity": severity,
            "certainty": "Likely",
            "onset": at(onset),
            "expires": None if expires is None else at(expires),
            "texts": {"de": text},
            "sender_name": "Deutscher Wetterdienst",
            "impacts": impacts,
        }
    )


def outcome(
    base_id: str,
    *meanings: Meaning,
    stamp: float | None = 0,
    sent: float = 0,
    supersedes: Iterable[str] = (),
    msg_type: str | None = None,
    decided: Decided = "matched",
    source: str = "dwd",
) -> Outcome:
    supersedes = tuple(supersedes)
    return Outcome.model_validate(
        {
            "stage": "live",
            "source": source,
            "listed_id": base_id,
            "base_id": base_id,
            "decided": decided,
            "reason": "",
            "rules": RULES,
            "stamp": None if stamp is None else at(stamp),
            "sent": None if decided == "rejected" else at(sent),
            "msg_type": None if decided == "rejected" else msg_type or ("Update" if supersedes else "Alert"),
            "supersedes": supersedes,
            "meanings": meanings,
        }
    )


def rejected(base_id: str, stamp: float = 0) -> Outcome:
    return outcome(base_id, stamp=stamp, decided="rejected")


def cancel(base_id: str, ended: str, stamp: float = 0) -> Outcome:
    return outcome(base_id, stamp=stamp, sent=stamp, supersedes=(ended,), msg_type="Cancel", decided="not_live")


def snapshot(stamp: float, *ids: str, source: str = "dwd") -> Snapshot:
    return Snapshot(stage="live", source=source, stamp=at(stamp), checked=at(stamp), ids=ids)


def tick(minutes: float) -> Tick:
    return Tick(stage="live", at=at(minutes))


def live_tick(
    minutes: float, *, broker: float = 0, worker: float = 0, process: str | None = "p", monotonic: float | None = None
) -> Tick:
    """As an agent hands it on: `broker` and `worker` are the minutes by which those clocks are wrong.

    `monotonic` is in minutes, too, and right unless it is said.
    """
    known = None if process is None else 60 * (minutes if monotonic is None else monotonic)
    return Tick(stage="live", at=at(minutes + worker), process=process, monotonic=known, appended=at(minutes + broker))


@dataclass
class City:
    """A city that takes records one after the other and keeps its notices.

    As ticks come every ten seconds, no snapshot comes long before its time: where it would, a tick comes first, unless
    the city is not `paced`.
    """

    rules: CityRules = field(default_factory=city_rules)
    notices: list[Notice] = field(default_factory=list)
    id: str = "x"
    paced: bool = True

    def __post_init__(self) -> None:
        self.partition = Partition({self.id: self.rules})

    def take(self, *records: ImpactRecord) -> "City":
        for record in records:
            now = self.ledger.now
            if self.paced and now and isinstance(record, Snapshot) and record.stamp > now + AHEAD:
                self.take(Tick(stage=record.stage, at=record.stamp))
            self.notices += self.partition.take(record)
        return self

    def restart(self, rules: CityRules | None = None, state: CityState | None = None) -> "City":
        """Another process goes on from what was written, perhaps by other rules or with another state."""
        ledger, written = Ledger.from_bytes(self.ledger.to_bytes()), CityState.from_bytes(self.state.to_bytes())
        assert (ledger, written) == (self.ledger, self.state), "it comes back"
        self.rules = rules or self.rules
        self.partition = Partition({self.id: self.rules}, ledger, {self.id: state or written})
        return self

    @property
    def state(self) -> CityState:
        return self.partition.states[self.id]

    @property
    def ledger(self) -> Ledger:
        return self.partition.ledger

    @property
    def situation(self) -> Situation:
        found = self.partition.situation(self.id)
        assert found is not None
        return found

    def status(self, district: str = "d1") -> str:
        return self.situation.districts[district].status

    def standing(self, district: str = "d1") -> list[str]:
        return [one.fact.base_id for one in self.situation.districts[district].standing]

    def push(self, audience: str = "public") -> list[PushNotice]:
        return [n for n in self.notices if isinstance(n, PushNotice) and n.audience == audience]

    def sms(self, audience: str = "public") -> list[SmsNotice]:
        return [n for n in self.notices if isinstance(n, SmsNotice) and n.audience == audience]

    def stele(self, district: str = "d1") -> SteleRecord:
        return [n for n in self.notices if isinstance(n, SteleRecord) and n.district == district][-1]

    def told(self, audience: str = "public") -> list[tuple[str, str]]:
        return [(notice.kind, notice.reason) for notice in self.push(audience)]


def essence(situation: Situation) -> tuple[object, ...]:
    """What two situations must have in common to be the same."""
    return (
        situation.freshness,
        situation.as_of,
        situation.flags,
        {
            name: (d.status, [(s.fact.base_id, s.phase, s.meaning) for s in d.standing])
            for name, d in situation.districts.items()
        },
    )


def distinct_ids(notices: Iterable[Notice]) -> bool:
    ids = [notice.id for notice in notices]
    return len(ids) == len(set(itertools.chain(ids)))

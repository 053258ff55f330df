"""The stele: one record a district with everything that holds there, in every language the alerts have.

Its first item is what a screen shows largest, with that item's own level, words and times (`rank`, docs/adr/0024).
The record is complete in itself. A reader shows it until `valid_until`; then it has no data to show, whoever died.
Where more holds than anybody reads and a broker takes, the least are counted only.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import get_args

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.channels.measures import measure
from warnsys.channels.registry import MIB, Channel, TopicShape
from warnsys.channels.wording import CityInfo
from warnsys.channels.words import LANGUAGES, in_language, say
from warnsys.records import CapMessage, Localised, Presentation, SteleItem, SteleRecord
from warnsys.settings import LIVE
from warnsys.warning.matching import BODY_CHARS, EVENT_CHARS, HEADLINE_CHARS, MAX_LANGUAGES
from warnsys.warning.notify import notice_id
from warnsys.warning.policy import Policy
from warnsys.warning.situation import DistrictSituation, Situation, Standing

Rank = tuple[bool, int, bool, int, bool]
"""A smaller one is shown larger."""

LOUDNESS: tuple[Presentation, ...] = get_args(Presentation)
"""From the least to the loudest."""
MOST_ITEMS = 100
MOST_TEXT_BYTES = 3 * 1024 * 1024
"""Of a record, which the topic takes up to 8 MiB of: in JSON a text may grow to twice its length."""
MOST_BYTES_OF_ONE = 4 * MAX_LANGUAGES * (EVENT_CHARS + HEADLINE_CHARS + 2 * BODY_CHARS)


def rank(phase: str, presentation: Presentation, onset: datetime, number: int, now: datetime) -> Rank:
    """Orders what holds in a district: what policy presents loudest, then what is in force, then the higher level.

    An advance notice is never in force. What has expired comes last. `number` is the level's.
    """
    later = phase == "advance" or onset > now
    return phase == "expired", -LOUDNESS.index(presentation), later, -number, phase == "advance"


def largest_first(items: Iterable[SteleItem], now: datetime) -> list[SteleItem]:
    """The items of a record in the order of `rank`: its writer may be of a release that had another."""
    return sorted(items, key=lambda one: rank(one.phase, one.presentation, one.onset, one.level, now))


class Shared:
    """What the steles of one city at one moment have in common: a warning is worded once for all its districts."""

    def __init__(self, place: CityInfo, situation: Situation, policy: Policy) -> None:
        self.place, self.situation, self.policy = place, situation, policy
        self._items: dict[_OneWarning, SteleItem] = {}
        self._presentations: dict[_OneWarning, Presentation] = {}
        self._text_bytes: dict[_OneWarning, int] = {}
        self._ranks: dict[_OneWarning, Rank] = {}
        self.contents: dict[tuple[object, ...], str] = {}
        """By what stands in a district, the digest of what its record shows: most districts are alike."""

    def item(self, one: Standing) -> SteleItem:
        """The warning as it holds in one district."""
        key, impact = _one_warning(one), one.impact
        if (shared := self._items.get(key)) is None:
            shared = self._items[key] = self._worded(one)
        here = {"via": impact.via, "share": impact.share, "floor_m": impact.floor_m, "ceiling_m": impact.ceiling_m}
        if all(getattr(shared, name) == value for name, value in here.items()):
            return shared
        return shared.model_copy(update={**here, "height": wording.height_band(impact)})

    def presentation(self, one: Standing) -> Presentation:
        key = _one_warning(one)
        if key not in self._presentations:
            told = "tile" if one.phase == "expired" else self.policy.presentation(one.meaning, self.situation.now)
            self._presentations[key] = told
        return self._presentations[key]

    def rank(self, one: Standing) -> Rank:
        key = _one_warning(one)
        if key not in self._ranks:
            presentation, meaning = self.presentation(one), one.meaning
            self._ranks[key] = rank(one.phase, presentation, meaning.onset, level(meaning.severity), self.situation.now)
        return self._ranks[key]

    def text_bytes(self, one: Standing) -> int:
        key = _one_warning(one)
        if key not in self._text_bytes:
            texts = one.meaning.texts.values()
            parts = (part for t in texts for part in (t.event, t.headline, t.description, t.instruction))
            self._text_bytes[key] = sum(len(part.encode()) for part in parts)
        return self._text_bytes[key]

    def _worded(self, one: Standing) -> SteleItem:
        meaning = one.meaning
        return SteleItem(
            base_id=one.fact.base_id,
            phase=one.phase,
            level=level(meaning.severity),
            severity=meaning.severity,
            urgency=meaning.urgency,
            certainty=meaning.certainty,
            category=meaning.category,
            group=meaning.group,
            ii=meaning.ii,
            presentation=self.presentation(one),
            label=wording.label(meaning),
            event=event_name(meaning),
            when=wording.period(meaning.onset, meaning.expires, self.place.timezone),
            height=wording.height_band(one.impact),
            onset=meaning.onset,
            expires=meaning.expires,
            texts=meaning.texts,
            quantities=meaning.parameters,
            measures=tuple(measure(name, text) for name, text in meaning.parameters),
            credit=wording.credit(meaning, shortened=any(text.shortened for text in meaning.texts.values())),
            via=one.impact.via,
            share=one.impact.share,
            floor_m=one.impact.floor_m,
            ceiling_m=one.impact.ceiling_m,
        )


_OneWarning = tuple[int, int, str]


def _one_warning(one: Standing) -> _OneWarning:
    """Tells warnings of one situation apart, whatever the district; it holds their messages as long as it lasts."""
    return id(one.fact), id(one.meaning), one.phase


def record(
    shared: Shared,
    district: DistrictSituation,
    stage: str,
    cause: tuple[str, ...],
    cap: tuple[CapMessage, ...] = (),
) -> SteleRecord:
    """The present state of one district. `cause` is what made it be sent, and the id follows from it."""
    place, situation = shared.place, shared.situation
    items = tuple(shared.item(one) for one in shown(shared, district))
    return SteleRecord(
        id=notice_id(stage, district.district, "stele", "public", *cause),
        stage=stage,
        exercise=stage != LIVE,
        city=place.id,
        district=district.district,
        district_name=place.district(district.district).name,
        status=district.status,
        freshness=situation.freshness,
        as_of=situation.as_of,
        issued=situation.now,
        valid_until=situation.now + timedelta(seconds=shared.policy.stele_valid_s),
        summary=_summary(place, district, situation, items, exercise=stage != LIVE),
        items=items,
        more=len(district.standing) - len(items),
        cap=cap,
    )


def content(shared: Shared, district: DistrictSituation) -> str:
    """A digest of everything that a record would show, found without wording it.

    Only `as_of` is left out. Each snapshot moves it for all districts, and the next record that is sent says it:
    within a minute, as a record is sent again at that age (docs/adr/0025).
    """
    key = (district.status, *((_one_warning(one), one.impact.reason) for one in district.standing))
    if key not in shared.contents:
        shared.contents[key] = _content(shared, district)
    return shared.contents[key]


def _content(shared: Shared, district: DistrictSituation) -> str:
    situation = shared.situation
    items = [
        (
            one.fact.base_id, one.fact.rules, one.meaning.ii, sorted(one.meaning.texts), one.phase,
            shared.presentation(one), one.impact.reason,
        )
        for one in shown(shared, district)
    ]  # fmt: skip
    said = (district.status, situation.freshness, items, len(district.standing))
    return hashlib.sha256(repr(said).encode()).hexdigest()[:16]


def shown(shared: Shared, district: DistrictSituation) -> list[Standing]:
    """What stands, the largest first. Where a record does not hold it all: the largest, and the worst of the rest."""
    ranked = sorted(district.standing, key=shared.rank)
    if len(ranked) * MOST_BYTES_OF_ONE <= MOST_TEXT_BYTES:
        return ranked
    return sorted(_worst(shared, ranked[0], district), key=shared.rank)


def _worst(shared: Shared, first: Standing, district: DistrictSituation) -> Iterator[Standing]:
    """One warning, and of the others the worst, as much as a record holds."""
    yield first
    room = MOST_TEXT_BYTES - shared.text_bytes(first)
    others = [one for one in district.standing if one is not first]
    for one in others[: MOST_ITEMS - 1]:
        room -= shared.text_bytes(one)
        if room < 0:
            return
        yield one


def _summary(
    place: CityInfo, district: DistrictSituation, situation: Situation, items: tuple[SteleItem, ...], *, exercise: bool
) -> Localised:
    parts: list[Localised]
    match district.status:
        case "warned":
            first = items[0]
            warned = say("title", label=first.label, event=first.event)
            parts = [warned, first.height, first.when]
        case "unconfirmed":
            parts = [say("unconfirmed")]
        case "clear":
            parts = [say("no-warning")]
        case "no_data":
            parts = [say("no-data")]
    parts.append(wording.freshness(situation.freshness, situation.as_of, place.timezone))
    summary = {lang: ", ".join(part[lang] for part in parts if part.get(lang)) for lang in LANGUAGES}
    return say("title-exercise", title=summary) if exercise else summary


def _parts(record: SteleRecord, language: str) -> tuple[str, ...]:
    return (in_language(record.summary, language),)


CHANNEL = Channel(
    name="stele",
    order=10,
    called={"de": "Stele", "en": "Stele"},
    record=SteleRecord,
    key="district",
    parts=_parts,
    pausable=False,
    topic=TopicShape(compacted=True, max_bytes=8 * MIB),
)

"""What the notices of all channels that tell a change have in common: ids, fields, and sentences side by side."""

from datetime import datetime
from typing import TypedDict

from warnsys.cap.model import Severity, level
from warnsys.channels.words import LANGUAGES
from warnsys.records import Audience, Localised, NoticeKind
from warnsys.settings import LIVE
from warnsys.warning.city import CityInfo
from warnsys.warning.notify import Change, notice_id
from warnsys.warning.situation import Situation


class CommonFields(TypedDict):
    """The fields of `ChangeNotice`."""

    id: str
    stage: str
    exercise: bool
    city: str
    audience: Audience
    kind: NoticeKind
    reason: str
    cause: str
    issued: datetime
    level: int
    severity: Severity
    group: str
    advance: bool | None
    districts: tuple[str, ...]
    onset: datetime
    expires: datetime | None
    more: int | None


def common_fields(place: CityInfo, change: Change, situation: Situation, stage: str, *which: str) -> CommonFields:
    """Gives what the record of every channel says of a change; `which` as for `change_id`."""
    meaning = change.meaning
    return {
        "id": change_id(place, change, stage, *which),
        "stage": stage,
        "exercise": stage != LIVE,
        "city": place.id,
        "audience": change.audience,
        "kind": change.kind,
        "reason": change.reason,
        "cause": change.cause,
        "issued": situation.now,
        "level": level(meaning.severity),
        "severity": meaning.severity,
        "group": meaning.group,
        "advance": change.advance or None,
        "districts": change.districts,
        "onset": meaning.onset,
        "expires": meaning.expires,
        "more": change.more or None,
    }


def change_id(place: CityInfo, change: Change, stage: str, *which: str) -> str:
    """`which` tells several records of one change apart (docs/adr/0004)."""
    return notice_id(stage, place.id, change.channel, change.audience, *change.identity, *which)


def district_link(place: CityInfo, district: str) -> str:
    """The address that the settings name for a district."""
    return place.link.replace("{city}", place.id).replace("{district}", district)


def in_one_text(*sentences: Localised) -> Localised:
    """Sentences one after the other; one that says nothing in a language is left out there."""
    return {language: " ".join(filter(None, (one.get(language) for one in sentences))) for language in LANGUAGES}

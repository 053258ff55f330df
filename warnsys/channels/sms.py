"""SMS: fixed slots within 160 characters of GSM-7. Level, event and end time are never cut; district names give way.

ÜBUNG: Unwetterwarnung: heftiger Starkregen. Mitte, Wald. Mi 14.07. 17:00-20:00. Daten: DWD, gekürzt
"""

import unicodedata
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from warnsys.cap.model import level
from warnsys.channels import wording
from warnsys.channels.events import event_name
from warnsys.channels.push import change_id
from warnsys.channels.wording import Place
from warnsys.records import SmsNotice
from warnsys.settings import LIVE
from warnsys.warning.change import Change
from warnsys.warning.situation import Situation
from warnsys.warning.text import shorten

MAX_CHARS = 160
"""One message of GSM-7 (3GPP TS 23.038); an extension character counts twice."""

GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("^{}\\[~]|€")
_SUBSTITUTES = str.maketrans(
    {
        "²": "2", "³": "3", "°": " Grad", "–": "-", "—": "-", "…": "...", "„": '"', "“": '"', "”": '"', "‚": "'",
        "‘": "'", "’": "'", "\u00a0": " ", "[": "(", "]": ")", "ẞ": "ß", "µ": "u", "×": "x", "·": ".",
    }
)  # fmt: skip


def notice(place: Place, change: Change, situation: Situation, stage: str) -> SmsNotice:
    meaning = change.meaning
    return SmsNotice(
        id=change_id(place, change, stage),
        stage=stage,
        exercise=stage != LIVE,
        city=place.id,
        audience=change.audience,
        kind=change.kind,
        reason=change.reason,
        cause=change.cause,
        issued=situation.now,
        level=level(meaning.severity),
        severity=meaning.severity,
        group=meaning.group,
        districts=change.districts,
        onset=meaning.onset,
        expires=meaning.expires,
        text=_text(place, change, exercise=stage != LIVE),
    )


def gsm7(text: str) -> str:
    """The text in characters that GSM-7 has; what it lacks is written otherwise, or as a question mark."""
    found = []
    for character in text.translate(_SUBSTITUTES):
        if character in GSM7 or character in GSM7_EXTENSION:
            found.append(character)
        else:
            plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode()
            found.append(plain or "?")
    return "".join(found)


def gsm7_length(text: str) -> int:
    return len(text) + sum(character in GSM7_EXTENSION for character in text)


def _text(place: Place, change: Change, *, exercise: bool) -> str:
    meaning = change.meaning
    mark = f"{wording.EXERCISE['de']}: " if exercise else ""
    head = gsm7(mark + _head(change))
    source = "DWD" if wording.is_dwd(meaning) else shorten(gsm7(meaning.sender_name), 20)
    tail = gsm7(f"Daten: {source}, gekürzt")
    if change.kind == "ended":
        tail = f"Folgegefahren möglich. {tail}"
    else:
        tail = f"{_period(meaning.onset, meaning.expires, place.timezone)}. {tail}"
    for names in _places(place, change.districts):
        text = f"{head}. {gsm7(names).removesuffix('.')}. {tail}"
        if gsm7_length(text) <= MAX_CHARS:
            return text
    return f"{head}. {tail}"


def _head(change: Change) -> str:
    meaning = change.meaning
    event, name = event_name(meaning)["de"], wording.LEVELS[level(meaning.severity)][0]
    if change.kind == "ended":
        return f"Wetterwarnung beendet: {event}"
    if meaning.advance:
        name = f"Vorabinfo {name}"
    before = {"warn": "", "update": "Update: ", "lowered": "Herabgestuft: "}[change.kind]
    return f"{before}{name}: {event}"


def _places(place: Place, districts: Sequence[str]) -> Iterator[str]:
    """The districts ever more briefly."""
    if len(districts) == len(place.districts) > 1:
        yield f"ganz {place.name}"
    else:
        yield ", ".join(place.district(district).short_name for district in districts)
    yield f"{place.name}, {len(districts)} von {len(place.districts)} Bezirken"
    yield f"{len(districts)} von {len(place.districts)} Bezirken"
    yield f"{len(districts)} Bezirke"


def _period(onset: datetime, expires: datetime | None, zone: ZoneInfo) -> str:
    begin = wording.moment(onset, zone, "de")
    if expires is None:
        return f"ab {begin}, Ende offen"
    same_day = onset.astimezone(zone).date() == expires.astimezone(zone).date()
    end = f"{expires.astimezone(zone):%H:%M}" if same_day else wording.moment(expires, zone, "de")
    return f"{begin}-{end}"

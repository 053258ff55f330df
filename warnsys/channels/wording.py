"""The words that all channels share: levels, times, places, heights, sources. German and English.

Nothing here says that all is well: DWD ending a warning says that the warning has ended, and water may still rise.
Times are absolute, for a text may be read after midnight. "Amtlich" stands only in DWD's own unaltered texts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from geofences import District
from warnsys.cap.model import level
from warnsys.records import Freshness, Impact, Localised, Meaning

LANGUAGES = ("de", "en")
LEVELS: dict[int, tuple[str, str]] = {
    1: ("Wetterwarnung", "Weather warning"),
    2: ("Markante Wetterwarnung", "Significant weather warning"),
    3: ("Unwetterwarnung", "Severe weather warning"),
    4: ("Extreme Unwetterwarnung", "Extreme weather warning"),
}
ADVANCE = ("Vorabinformation", "Advance notice")
ENDED: Localised = {
    "de": "Folgegefahren sind möglich, Wasser kann weiter steigen.",
    "en": "Dangers may remain, water may still be rising.",
}
EXERCISE: Localised = {"de": "ÜBUNG", "en": "EXERCISE"}
_DAYS = {"de": ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"), "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}


@dataclass(frozen=True)
class Place:
    """A city as texts need it."""

    id: str
    name: str
    districts: tuple[District, ...]
    timezone: ZoneInfo
    link: str

    def district(self, district_id: str) -> District:
        return next(district for district in self.districts if district.id == district_id)


def label(meaning: Meaning) -> Localised:
    """The level by its official name and number."""
    rank = level(meaning.severity)
    german, english = LEVELS[rank]
    if meaning.advance:
        return {
            "de": f"{ADVANCE[0]}: {german} möglich, Stufe {rank} von 4",
            "en": f"{ADVANCE[1]}: {english.lower()} possible, level {rank} of 4",
        }
    return {"de": f"{german}, Stufe {rank} von 4", "en": f"{english}, level {rank} of 4"}


def moment(at: datetime, zone: ZoneInfo, language: str, *, year: bool = False) -> str:
    """Weekday, date and time."""
    local = at.astimezone(zone)
    day = _DAYS[language][local.weekday()]
    if language == "de":
        return f"{day} {local:%d.%m.}{f'{local:%Y}' if year else ''} {local:%H:%M}"
    return f"{day} {local.day} {_MONTHS[local.month - 1]}{f' {local:%Y}' if year else ''} {local:%H:%M}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@lru_cache(maxsize=4096)
def period(onset: datetime, expires: datetime | None, zone: ZoneInfo) -> Localised:
    """From when until when; the day is repeated only where it changes."""
    begin = {language: moment(onset, zone, language) for language in LANGUAGES}
    if expires is None:
        return {"de": f"ab {begin['de']} Uhr, Ende offen", "en": f"from {begin['en']}, open-ended"}
    same_day = onset.astimezone(zone).date() == expires.astimezone(zone).date()
    end = {
        language: f"{expires.astimezone(zone):%H:%M}" if same_day else moment(expires, zone, language)
        for language in LANGUAGES
    }
    between = " bis " if same_day else " Uhr bis "
    return {"de": f"{begin['de']}{between}{end['de']} Uhr", "en": f"{begin['en']} to {end['en']}"}


def height(impact: Impact) -> Localised:
    """The height band, where a warning has one: "oberhalb 200 m"."""
    floor = None if impact.floor_m is None else f"{impact.floor_m:.0f} m"
    ceiling = None if impact.ceiling_m is None else f"{impact.ceiling_m:.0f} m"
    if floor and ceiling:
        return {"de": f"zwischen {floor} und {ceiling}", "en": f"between {floor} and {ceiling}"}
    if floor:
        return {"de": f"oberhalb {floor}", "en": f"above {floor}"}
    return {"de": f"unterhalb {ceiling}", "en": f"below {ceiling}"} if ceiling else {}


def heights(meaning: Meaning, districts: Sequence[str]) -> Localised:
    """The height band over several districts: the first that any of them has."""
    impacts = [impact for impact in meaning.impacts if impact.district in districts]
    return next((found for impact in impacts if (found := height(impact))), {})


def where(place: Place, districts: Sequence[str]) -> Localised:
    """Districts by name, or the whole city."""
    if len(districts) == len(place.districts) > 1:
        return {"de": f"ganz {place.name}", "en": f"all of {place.name}"}
    names = ", ".join(place.district(district).name for district in districts)
    return {"de": names, "en": names}


def credit(meaning: Meaning, *, shortened: bool) -> Localised:
    """The source note: DWD's licence (CC BY 4.0) asks for it, and for saying so where a text was changed."""
    if not is_dwd(meaning):
        return {"de": f"Quelle: {meaning.sender_name}", "en": f"Source: {meaning.sender_name}"}
    if shortened:
        return {
            "de": "Datenbasis: Deutscher Wetterdienst, Text gekürzt",
            "en": "Data: Deutscher Wetterdienst, text shortened",
        }
    return {"de": "Quelle: Deutscher Wetterdienst", "en": "Source: Deutscher Wetterdienst"}


def is_dwd(meaning: Meaning) -> bool:
    sender = meaning.sender_name.casefold()
    return "deutscher wetterdienst" in sender or "dwd" in sender


def freshness(state: Freshness, as_of: datetime | None, zone: ZoneInfo) -> Localised:
    """How far the data can be relied on; never that all is well."""
    stand = "" if as_of is None else f"Stand {moment(as_of, zone, 'de')} Uhr"
    as_of_en = "" if as_of is None else f"as of {moment(as_of, zone, 'en')}"
    return {
        "fresh": {"de": stand, "en": as_of_en},
        "incomplete": {
            "de": f"{stand}, unvollständig: eine Warnung ist nicht lesbar",
            "en": f"{as_of_en}, incomplete: a warning cannot be read",
        },
        "stale": {"de": f"{stand}, seither keine Daten", "en": f"{as_of_en}, no data since"},
        "none": {"de": "noch ohne vollständigen Stand", "en": "not yet complete"},
    }[state]

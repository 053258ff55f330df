"""How all channels say levels, times, places, heights, sources and freshness; the words are in `texts`.

Nothing here says that all is well: DWD ending a warning says that the warning has ended, and water may still rise.
Times are absolute, for a text may be read after midnight. What many records repeat is worded once and kept: a text
that is returned must not be changed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from warnsys.cap.model import Severity, level
from warnsys.channels.words import LANGUAGES, messages, say
from warnsys.records import Freshness, Impact, Localised, Meaning
from warnsys.warning.city import CityInfo as CityInfo

DWD = "Deutscher Wetterdienst"
NOTHING: Localised = dict.fromkeys(LANGUAGES, "")


def label(meaning: Meaning) -> Localised:
    """The level by its name and number: the DWD's official one, of other than weather by its category."""
    return _label(meaning.severity, advance=meaning.advance, other=is_other(meaning))


@lru_cache
def _label(severity: Severity, *, advance: bool, other: bool) -> Localised:
    return say(f"label-{'other-' if other else ''}{level(severity)}{'-advance' if advance else ''}")


def is_other(meaning: Meaning) -> bool:
    """Whether it warns of something else than weather: then nothing speaks of weather."""
    return meaning.category is not None and not is_dwd(meaning)


# -- times ----------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def moment(at: datetime, zone: ZoneInfo, language: str, *, year: bool = False) -> str:
    """Weekday, date and time."""
    local, words = at.astimezone(zone), messages(language)
    return words(
        "moment-year" if year else "moment",
        weekday=words(f"weekday-{local.weekday()}"),
        day=local.day,
        month=words(f"month-{local.month}"),
        time=_clock(local, language),
        **({"year": str(local.year)} if year else {}),
    )


def _clock(local: datetime, language: str) -> str:
    """The time of day; in the hour that comes twice when summer time ends, which of the two."""
    time = f"{local:%H:%M}"
    if local.replace(fold=0).utcoffset() == local.replace(fold=1).utcoffset():
        return time
    words = messages(language)
    return words("time-twice", time=time, zone=words("zone-winter" if local.fold else "zone-summer"))


def moments(at: datetime, zone: ZoneInfo) -> Localised:
    return {language: moment(at, zone, language) for language in LANGUAGES}


@lru_cache(maxsize=4096)
def period(onset: datetime, expires: datetime | None, zone: ZoneInfo) -> Localised:
    """From when until when; the day is repeated only where it changes."""
    begin = moments(onset, zone)
    if expires is None:
        return say("period-open", begin=begin)
    if same_day(onset, expires, zone):
        return say("period-in-a-day", begin=begin, end=clock(expires, zone))
    return say("period", begin=begin, end=moments(expires, zone))


def same_day(one: datetime, other: datetime, zone: ZoneInfo) -> bool:
    return one.astimezone(zone).date() == other.astimezone(zone).date()


def clock(at: datetime, zone: ZoneInfo) -> Localised:
    """The time without its date."""
    return {language: _clock(at.astimezone(zone), language) for language in LANGUAGES}


def duration(span: timedelta) -> Localised:
    """To the minute, at least one."""
    hours, minutes = divmod(max(1, round(abs(span) / timedelta(minutes=1))), 60)
    if not minutes:
        return say("hours", hours=hours)
    return say("hours-and-minutes", hours=hours, minutes=minutes) if hours else say("minutes", minutes=minutes)


def capital(sentence: str) -> str:
    """The sentence with a capital letter at its begin, where its script has them."""
    first = sentence[:1].upper()
    return f"{first}{sentence[1:]}" if len(first) == 1 else sentence


def capitals(sentence: Localised) -> Localised:
    return {language: capital(text) for language, text in sentence.items()}


# -- places ---------------------------------------------------------------------------------------------------------


def height_band(impact: Impact) -> Localised:
    """The height band, where a warning has one: "oberhalb 200 m"."""
    return _height(impact.floor_m, impact.ceiling_m)


@lru_cache
def _height(floor_m: float | None, ceiling_m: float | None) -> Localised:
    floor, ceiling = (f"{limit or 0:.0f}" for limit in (floor_m, ceiling_m))
    if floor_m is not None and ceiling_m is not None:
        return say("height-between", floor=floor, ceiling=ceiling)
    if floor_m is not None:
        return say("height-above", floor=floor)
    return say("height-below", ceiling=ceiling) if ceiling_m is not None else {}


def heights(meaning: Meaning, districts: Sequence[str]) -> Localised:
    """The height band over several districts: the first that any of them has."""
    impacts = [impact for impact in meaning.impacts if impact.district in districts]
    return next((found for impact in impacts if (found := height_band(impact))), {})


def where(place: CityInfo, districts: Sequence[str]) -> Localised:
    """Districts by name, or the whole city."""
    if len(districts) == len(place.districts) > 1:
        return say("whole-city", city=place.name)
    return dict.fromkeys(LANGUAGES, ", ".join(place.district(district).name for district in districts))


def where_and_height(place: CityInfo, districts: Sequence[str], meaning: Meaning) -> Localised:
    """The same with the height band, where the warning has one."""
    height = heights(meaning, districts)
    return say("where-high", where=where(place, districts), height=height) if height else where(place, districts)


# -- sources --------------------------------------------------------------------------------------------------------


def credit(meaning: Meaning, *, shortened: bool) -> Localised:
    """The source note: DWD's licence (CC BY 4.0) asks for it, and for saying so where a text was changed."""
    if not is_dwd(meaning):
        return say("source", source=meaning.sender_name)
    return _credit_dwd(shortened=shortened)


@lru_cache
def _credit_dwd(*, shortened: bool) -> Localised:
    return say("source-shortened" if shortened else "source", source=DWD)


def is_dwd(meaning: Meaning) -> bool:
    sender = meaning.sender_name.casefold()
    return DWD.casefold() in sender or "dwd" in sender


@lru_cache
def freshness(state: Freshness, as_of: datetime | None, zone: ZoneInfo) -> Localised:
    """How far the data can be relied on; never that all is well."""
    if state == "none":
        return say("freshness-none")
    stand = NOTHING if as_of is None else say("as-of", stand=moments(as_of, zone))
    rest = NOTHING if state == "fresh" else say(f"freshness-{state}")
    return {language: ", ".join(filter(None, (stand[language], rest[language]))) for language in LANGUAGES}

"""A replay told as people read it: what happened when, and the words that each channel had for it. German.

A channel's words to several audiences are told once, and so is what the steles of several districts show; a stele is
told of only where it shows something else.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from warnsys.channels.registry import called, channel_of, said_parts
from warnsys.channels.wording import moment
from warnsys.records import ChangeNotice, Notice, SteleRecord
from warnsys.replay.run import Arrival, ReplayEvent
from warnsys.replay.tape import plain_stele
from warnsys.replay.words import AUDIENCES, FRESHNESS, LOUDNESS, STATUS

CitiesShown = dict[str, Any]
"""The cities of a replay's header: name, time zone and districts by city."""


class Narrator:
    """Hears a replay and tells it line by line; call `close` at the end."""

    def __init__(self, cities: CitiesShown, tell: Callable[[str], object]) -> None:
        self._cities, self._tell = cities, tell
        self._zone = ZoneInfo(next(iter(cities.values()))["timezone"])
        self._shown: dict[tuple[str, str], object] = {}
        self._at: datetime | None = None
        self._told = ""
        self._waiting: list[Notice] = []

    def __call__(self, event: ReplayEvent) -> None:
        if isinstance(event, Arrival):
            self.close()
            for said in (event.shot.title, f"nicht angenommen: {event.error}" if event.error else ""):
                if said:
                    self._line(event.at, said)
        elif isinstance(event, SteleRecord):
            shows, place = plain_stele(event), (event.city, event.district)
            if self._shown.get(place) != shows:
                self._shown[place] = shows
                self._take(event)
        elif isinstance(event, ChangeNotice):
            self._take(event)

    def close(self) -> None:
        """Tell what waits for others that say the same."""
        waiting, self._waiting = self._waiting, []
        for said in spoken(waiting, self._cities):
            self._line(waiting[0].issued, said)

    def _take(self, notice: Notice) -> None:
        if self._waiting and self._waiting[0].issued != notice.issued:
            self.close()
        self._waiting.append(notice)

    def _line(self, at: datetime, said: str) -> None:
        clock = moment(at, self._zone, "de")
        self._tell(f"{clock if clock != self._told else ' ' * len(clock)}  {said}")
        self._told = clock


def spoken(notices: list[Notice], cities: CitiesShown) -> Iterator[str]:
    """What some notices of one moment say, each text once: to whom, where, and the words."""
    heard: dict[tuple[str, str, str], list[Notice]] = {}
    for notice in notices:
        text = stele_text(notice) if isinstance(notice, SteleRecord) else " – ".join(said_parts(notice, "de"))
        heard.setdefault((channel_of(notice), notice.city, text), []).append(notice)
    for (channel, city, text), some in heard.items():
        who = list(dict.fromkeys(AUDIENCES[one.audience] for one in some if isinstance(one, ChangeNotice)))
        where = {one.district for one in some if isinstance(one, SteleRecord)}
        where |= {district for one in some if isinstance(one, ChangeNotice) for district in one.districts}
        to_whom = f"{' und '.join(who)}, " if who else ""
        yield f"{called(channel, 'de')} ({to_whom}{district_names(cities[city], where)}): {text}"


def stele_text(record: SteleRecord) -> str:
    """What a stele shows: all that holds, else its state, and whether the data can be trusted."""
    items = [
        f"{item.label['de']}: {item.event['de']}, {item.when['de']} ({LOUDNESS[item.presentation]})"
        + (" – abgelaufen, unbestätigt" if item.phase == "expired" else "")
        for item in record.items
    ]
    data = "" if record.freshness == "fresh" else f" [Daten: {FRESHNESS[record.freshness]}]"
    mark = "ÜBUNG – " if record.exercise else ""
    return mark + ("; ".join(items) or STATUS[record.status]) + data


def district_names(city: dict[str, Any], districts: set[str]) -> str:
    """Districts of a city by name; all of them are the whole city."""
    known: dict[str, str] = city["districts"]
    if districts == set(known):
        return f"ganz {city['name']}"
    return ", ".join(known.get(district, district) for district in sorted(districts))

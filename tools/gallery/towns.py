"""The towns whose pages the gallery is made of, by name: those of the tests, and some with orders and forms."""

from collections.abc import Callable

from tests.web.moments import MOMENTS, STORM, other
from tests.web.states import EXTREME, GALE, GUSTS, HEAT, STATES, Town

_SENT = {"Sec-Fetch-Site": "same-origin"}


def ordered(town: Town, channel: str, minutes: int, *, answered: bool = True) -> Town:
    town.agents = answered
    form = {"channel": channel, "reason": "Fehlalarm", "by": "Leitstelle A", "minutes": str(minutes)}
    town.operators.post("/act/stop", data=form, headers=_SENT, follow_redirects=False)
    return town


def posted(town: Town, path: str, **form: str) -> str:
    """The page that follows a form, as it was typed."""
    return town.operators.post(path, data=form, headers=_SENT, follow_redirects=False).text


def _stopped() -> Town:
    """Push is stopped while the storm grows, SMS is about to be, and nobody has answered that yet."""
    town = Town().tick(-60).snap(-7, HEAT, STORM).snap(-2, HEAT, STORM)
    grown = other(EXTREME, "grown", at=1, onset=1, update="storm")
    return ordered(ordered(town, "push", 30).snap(2, HEAT, STORM, grown), "sms", 30, answered=False)


def _resuming() -> Town:
    return ordered(_stopped(), "push", 0, answered=False)


def _seen() -> Town:
    town = MOMENTS["extreme"]()
    item = next(one for record in town.board.steles.values() for one in record.items if one.presentation == "full")
    posted(town, "/act/acknowledge", city="solingen", base_id=item.base_id, level=str(item.level), by="Leitstelle A")
    return town


def _minor() -> Town:
    windy = other(GUSTS, "windy", at=-5, onset=-5, until=90)
    return Town().tick(-60).snap(-5, windy).snap(0, windy)


def _long_word() -> Town:
    """A long name of an event, in German alone."""
    vibrations = other(GALE, "vibrations", ii="79", texts={"de": GALE.texts["de"]})
    return Town().tick(-60).snap(-5, vibrations).snap(0, vibrations)


def _gap() -> Town:
    """Of one district nothing is known."""
    town = MOMENTS["moderate"]()
    town.put("stele", town.city.rules.place.districts[0].id, None)
    return town


TOWNS: dict[str, Callable[[], Town]] = {
    **{name: make for name, make in MOMENTS.items() if name != "long"},
    **{name: STATES[name] for name in ("advance", "far", "incomplete")},
    "with its night": STATES["extreme"],
    "minor": _minor,
    "a long word": _long_word,
    "a district without data": _gap,
    "night": lambda: Town().tick(600).snap(635).snap(660),
    "stopped": _stopped,
    "stopping late": lambda: _stopped().tick(3),
    "resuming": _resuming,
    "acknowledged": _seen,
}

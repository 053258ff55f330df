"""The quantities of a warning in words: "Böen um 55 km/h", "Niederschlag 20 bis 35 l/m² in 6 Std."."""

from functools import lru_cache

from warnsys.cap.quantities import Quantity, quantity
from warnsys.channels.words import LANGUAGES, say
from warnsys.records import Localised, Measure


@lru_cache(maxsize=1024)
def measure(name: str, text: str) -> Measure:
    """One parameter of a message; what could not be read is told as it stands there."""
    found = quantity(name, text)
    if not found.known:
        return Measure(quantity=found, words=dict.fromkeys(LANGUAGES, f"{name}: {text}"))
    named = say(f"quantity-{found.kind}")
    return Measure(quantity=found, words=say("quantity", name=named, amount=_amount(found)))


def _amount(found: Quantity) -> Localised:
    amount = _ends(found)
    return amount if found.hours is None else say("amount-in", amount=amount, hours=_plain(found.hours))


def _ends(found: Quantity) -> Localised:
    unit = found.unit
    if found.low is None:
        return say("amount-up-to", high=_plain(found.high or 0), unit=unit)
    if found.high is None:
        return say("amount-above", low=_plain(found.low), unit=unit)
    if found.low != found.high:
        return say("amount-range", low=_plain(found.low), high=_plain(found.high), unit=unit)
    return say("amount-about" if found.about else "amount", low=_plain(found.low), unit=unit)


def _plain(number: float) -> float | int:
    """Without a fraction where it has none; Fluent writes the decimal comma."""
    return int(number) if number == int(number) else number

"""DWD's parameters as quantities: `gusts` = "~55 [km/h]", `precipitation` = "20-35 [l/m² in 6h]", `hail` = "<2 [cm]".

The names are English since profile 2.1 and were German in 2019 ("Schneefall", "Staulagen"). No message is refused for
a parameter: what has no number or unit that we know is kept as its text.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Kind = Literal[
    "gusts", "exposed_gusts", "wind", "precipitation", "snow", "snow_windward", "hail", "temperature",
    "felt_temperature", "visibility", "other",
]  # fmt: skip
"""`snow_windward`: on slopes towards the wind ("Staulagen"). `other`: a parameter that we have no name for."""

KINDS: dict[str, Kind] = {
    "gusts": "gusts",
    "böen": "gusts",
    "exposed gusts": "exposed_gusts",
    "gusts exposed": "exposed_gusts",
    "böen exponiert": "exposed_gusts",
    "exponierte böen": "exposed_gusts",
    "böen in exponierten lagen": "exposed_gusts",
    "wind": "wind",
    "wind speed": "wind",
    "mittelwind": "wind",
    "precipitation": "precipitation",
    "rain": "precipitation",
    "heavy rain": "precipitation",
    "continuous rain": "precipitation",
    "niederschlag": "precipitation",
    "regen": "precipitation",
    "starkregen": "precipitation",
    "dauerregen": "precipitation",
    "snow": "snow",
    "snowfall": "snow",
    "fresh snow": "snow",
    "schnee": "snow",
    "schneefall": "snow",
    "neuschnee": "snow",
    "heavy snowfall accumulations": "snow_windward",
    "windward slopes": "snow_windward",
    "staulagen": "snow_windward",
    "hail": "hail",
    "hagel": "hail",
    "temperature": "temperature",
    "air temperature": "temperature",
    "minimum temperature": "temperature",
    "maximum temperature": "temperature",
    "temperatur": "temperature",
    "lufttemperatur": "temperature",
    "tiefsttemperatur": "temperature",
    "tiefstwerte": "temperature",
    "höchsttemperatur": "temperature",
    "frost": "temperature",
    "felt temperature": "felt_temperature",
    "perceived temperature": "felt_temperature",
    "gefühlte temperatur": "felt_temperature",
    "visibility": "visibility",
    "sichtweite": "visibility",
}
"""By the parameter's name in small letters; the second half of each group is German, as in 2019."""

UNITS: dict[str, tuple[str, float]] = {
    "km/h": ("km/h", 1.0),
    "m/s": ("km/h", 3.6),
    "kn": ("km/h", 1.852),
    "kt": ("km/h", 1.852),
    "l/m²": ("l/m²", 1.0),
    "l/m2": ("l/m²", 1.0),
    "l/qm": ("l/m²", 1.0),
    "mm": ("mm", 1.0),
    "cm": ("cm", 1.0),
    "m": ("m", 1.0),
    "km": ("km", 1.0),
    "°c": ("°C", 1.0),
    "grad c": ("°C", 1.0),
    "c": ("°C", 1.0),
}
"""A unit as it is written, as we write it, and the factor between: one unit for each speed."""

DIMENSIONS: dict[Kind, frozenset[str]] = {
    "gusts": frozenset({"km/h"}),
    "exposed_gusts": frozenset({"km/h"}),
    "wind": frozenset({"km/h"}),
    "precipitation": frozenset({"l/m²", "mm"}),
    "snow": frozenset({"cm", "mm"}),
    "snow_windward": frozenset({"cm", "mm"}),
    "hail": frozenset({"cm", "mm"}),
    "temperature": frozenset({"°C"}),
    "felt_temperature": frozenset({"°C"}),
    "visibility": frozenset({"m", "km"}),
}


@dataclass(frozen=True, slots=True)
class Quantity:
    """One parameter. Without a number (`low` and `high` None) there is only its text."""

    kind: Kind
    name: str
    """As in the message."""
    text: str
    """As in the message."""
    low: float | None = None
    """Lower end in `unit`: also the one of ">55", and the value itself of "~55"."""
    high: float | None = None
    """Upper end in `unit`: also the one of "<2", and the value itself of "~55"."""
    about: bool = False
    """Whether the value is an approximate one: "~55"."""
    unit: str = ""
    """km/h, l/m², mm, cm, m, km or °C."""
    hours: float | None = None
    """The time in which an amount falls."""

    @property
    def known(self) -> bool:
        return self.low is not None or self.high is not None


# At most two decimals: "1.000" would be a thousand to one reader and one to another.
_NUMBER = r"[+-]?\d{1,5}(?:[.,]\d{1,2})?"
_VALUE = re.compile(
    rf"(?P<sign>[~<>≤≥]|ca\.?|bis|up to|über|ab|um)?\s*(?P<low>{_NUMBER})"
    rf"(?:\s*(?:-|bis|to|and|und)\s*(?P<high>{_NUMBER}))?\s*(?P<rest>\D.*)?"
)
_SPAN = re.compile(r"(?P<unit>.*?)\s*(?:\bin|/)\s*(?P<time>\d{1,3}(?:[.,]\d)?)\s*(?P<of>h|std|stunden?|hours?|min)\.?")
_UP_TO, _FROM, _ABOUT = ("<", "≤", "bis", "up to"), (">", "≥", "über", "ab"), ("~", "ca", "ca.", "um")


MAX_CHARS = 200
"""Of a value that is read; the DWD's have some thirty."""


@lru_cache(maxsize=1024)
def quantity(name: str, text: str) -> Quantity:
    """What a parameter says. Never raises: what is not understood is its text alone."""
    if len(name) > MAX_CHARS or len(text) > MAX_CHARS:
        return Quantity("other", name, text)
    kind = KINDS.get(" ".join(name.casefold().replace("_", " ").split()), "other")
    plain = " ".join(text.casefold().translate(_PLAIN).split())
    match = _VALUE.fullmatch(plain)
    if kind == "other" or match is None:
        return Quantity(kind, name, text)
    unit, hours = _unit_and_hours(match["rest"] or "")
    known = UNITS.get(unit)
    if known is None or known[0] not in DIMENSIONS[kind]:
        return Quantity(kind, name, text)
    first = round(_number(match["low"]) * known[1], 3)
    second = round(_number(match["high"]) * known[1], 3) if match["high"] else None
    sign = match["sign"] or ""
    if known[0] == "°C" and sign in ("bis", "up to"):
        return Quantity(kind, name, text)  # from above or from below
    low, high = _ends(first, second, sign)
    return Quantity(kind, name, text, low, high, sign in _ABOUT, known[0], hours)


_PLAIN = str.maketrans({"[": " ", "]": " ", "(": " ", ")": " ", "–": "-", "−": "-", "‑": "-", "\u00a0": " "})


def _ends(first: float, second: float | None, sign: str) -> tuple[float | None, float | None]:
    if second is not None:
        return min(first, second), max(first, second)  # frost is also written from the mild to the cold end
    if sign in _UP_TO:
        return None, first
    if sign in _FROM:
        return first, None
    return first, first


def _unit_and_hours(rest: str) -> tuple[str, float | None]:
    span = _SPAN.fullmatch(rest.strip())
    if span is None:
        return rest.strip(), None
    time = _number(span["time"])
    return span["unit"].strip(), round(time / 60, 3) if span["of"] == "min" else time


def _number(text: str) -> float:
    return float(text.replace(",", "."))

"""Ids from names, and names short enough for an SMS."""

import re
from collections import Counter
from collections.abc import Sequence

LENGTH = 14  # of an SMS's 160 characters

_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})
_KIND = re.compile(
    r"^(kreisfreie stadt|stadtbezirk|stadtteil|ortsteil|bezirk|gemeinde|stadt|markt)\s+(?=\D)", re.IGNORECASE
)
_AND = re.compile(r" ?(?:[,/&]|\bund\b) ?")


def slug(name: str) -> str:
    """A name as an id: small letters a to z, digits and hyphens ("Mülheim an der Ruhr" → "muelheim-an-der-ruhr")."""
    letters = name.casefold().translate(_UMLAUTS)
    words = "".join(letter if letter.isascii() and letter.isalnum() else " " for letter in letters).split()
    return "-".join(words) or "city"


def short_names(names: Sequence[str], city: str) -> list[str]:
    """For each name one of at most LENGTH characters, no two alike; without the kind of area and the city's name."""
    made = [_short(name, city) for name in names]
    seen: Counter[str] = Counter()
    counts = Counter(made)
    for index, name in enumerate(made):
        if counts[name] > 1:
            seen[name] += 1
            made[index] = _cut(name, LENGTH - 1 - len(str(seen[name]))) + f" {seen[name]}"
    return made


def _short(name: str, city: str) -> str:
    plain = _KIND.sub("", " ".join(name.split()))
    if slug(plain).startswith(f"{slug(city)}-"):
        plain = re.sub(rf"^(?:\w+\W+){{{len(slug(city).split('-'))}}}", "", plain)
    if len(plain) <= LENGTH:
        return plain
    first, *others = [part for part in _AND.split(plain) if part]
    if others and len(first) + 5 <= LENGTH:  # a slash and four characters say something of the next
        return f"{first}/{_cut(others[0], LENGTH - len(first) - 1)}"
    return _cut(first, LENGTH)


def _cut(name: str, length: int) -> str:
    return name if len(name) <= length else f"{name[: length - 1].rstrip(' -.(')}."

"""Names of districts as people type them: in any case, without their marks or spelt out, and in part."""

import unicodedata
from functools import lru_cache

_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})


def is_named(asked: str, name: str) -> bool:
    """Whether each word that was asked for is a part of the name: "grafr" and "GRAEFRATH" are of "Gräfrath"."""
    words = list(zip(_bare(asked), _spelt(asked), strict=True))
    bare, spelt = _forms(name) if words else ("", "")
    return all(word in bare or word in spelt or other in spelt for word, other in words)


@lru_cache(maxsize=20_000)
def _forms(name: str) -> tuple[str, str]:
    return "".join(_bare(name)), "".join(_spelt(name))


def _bare(text: str) -> list[str]:
    """Its words in small letters without marks."""
    return [_without_marks(word) for word in _words(text)]


def _spelt(text: str) -> list[str]:
    """The same, but umlauts are spelt out as German does it."""
    return [_without_marks(word.translate(_SPELT_OUT)) for word in _words(text)]


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter if letter.isalnum() else " " for letter in folded).split()


def _without_marks(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))

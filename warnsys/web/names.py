"""Names of districts as people type them: in any case, without their marks or spelt out, and in part."""

import unicodedata
from collections.abc import Collection
from typing import NamedTuple

_SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe", "æ": "ae"})


class NameForms(NamedTuple):
    """A name, or a word of a question, in small letters: as it is compared."""

    bare: str
    """Without marks."""
    spelt: str
    """The same, but umlauts are spelt out as German does it."""


def words_of(asked: str) -> tuple[NameForms, ...]:
    """Each word of a question once; none where it has neither letters nor digits."""
    words = dict.fromkeys(_forms(word) for word in _words(asked))
    return tuple(word for word in words if word.bare)


def forms_of(name: str) -> NameForms:
    """Of a whole name, whose words stand together: to be made once for all questions."""
    return _forms("".join(_words(name)))


def is_named(words: Collection[NameForms], name: NameForms) -> bool:
    """Whether each word that was asked for is a part of the name: "grafr" and "GRAEFRATH" are of "Gräfrath"."""
    return bool(words) and all(
        word.bare in name.bare or word.bare in name.spelt or word.spelt in name.spelt for word in words
    )


def _forms(word: str) -> NameForms:
    return NameForms(_without_marks(word), _without_marks(word.translate(_SPELT_OUT)))


def _words(text: str) -> list[str]:
    folded = unicodedata.normalize("NFC", text.casefold())
    return "".join(letter if letter.isalnum() else " " for letter in folded).split()


def _without_marks(word: str) -> str:
    return "".join(letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter))

"""The words of the pages, from Fluent catalogues: German, and English by the switch."""

from functools import lru_cache
from pathlib import Path

from fluent.runtime import FluentBundle, FluentResource

LANGUAGES = ("de", "en")
MOST_TEXTS = 4_000
"""Kept as they were worded last: a page asks for some hundreds, mostly the same ones."""
_FOLDER = Path(__file__).parent / "texts"


class Words:
    """The messages of one language; calling it gives a text."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._bundle = FluentBundle([language], use_isolating=False)
        self._bundle.add_resource(FluentResource((_FOLDER / f"{language}.ftl").read_text("utf-8")))
        self._known = lru_cache(MOST_TEXTS, typed=True)(self._text)

    @property
    def keys(self) -> frozenset[str]:
        return frozenset(self._bundle._messages)

    def __call__(self, key: str, **values: str | float) -> str:
        """Raises `KeyError` for a message that is not there."""
        return self._known(key, **values)

    def _text(self, key: str, **values: str | float) -> str:
        pattern = self._bundle.get_message(key).value  # raises the KeyError itself
        if pattern is None:
            raise KeyError(key)
        text, errors = self._bundle.format_pattern(pattern, values)
        if errors:
            raise KeyError(f"{key}: {errors[0]}")
        return str(text)


@lru_cache
def words(language: str) -> Words:
    return Words(language if language in LANGUAGES else LANGUAGES[0])

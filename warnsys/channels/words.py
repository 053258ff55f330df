"""The words of all channels, from the Fluent catalogues in `texts`: German and English, complete in both."""

from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files

from fluent.runtime import FluentBundle, FluentResource
from fluent.syntax import ast, visitor

from warnsys.records import Localised

LANGUAGES = ("de", "en")
MOST_VALUE = 2_000
"""Characters of a value that are put into a text: Fluent refuses the whole text for a longer one than 2,500."""
Value = str | int | float | Localised
"""A `Localised` value is put into each language's text in that language."""


class Messages:
    """The messages of one language; calling it gives a text."""

    def __init__(self, language: str) -> None:
        self.language = language
        source = (files(__package__) / "texts" / f"{language}.ftl").read_text("utf-8")
        self._resource = FluentResource(source)
        self._bundle = FluentBundle([language], use_isolating=False)  # an SMS has no characters for isolation
        self._bundle.add_resource(self._resource)

    def variables(self) -> dict[str, frozenset[str]]:
        """The names of the variables of each message."""
        found = {}
        for entry in self._resource.body:
            if isinstance(entry, ast.Message):
                used = _Variables()
                used.visit(entry)
                found[entry.id.name] = frozenset(used.names)
        return found

    def __contains__(self, key: str) -> bool:
        return self._bundle.has_message(key)

    def __call__(self, key: str, **values: Value) -> str:
        """Raises `KeyError` for a message, or a variable of it, that is missing."""
        pattern = self._bundle.get_message(key).value
        if pattern is None:
            raise KeyError(key)
        own = {
            name: _short(value[self.language] if isinstance(value, dict) else value) for name, value in values.items()
        }
        text, errors = self._bundle.format_pattern(pattern, own)
        if errors:
            raise KeyError(f"{key}: {errors[0]}")
        return str(text)


def _short(value: str | float) -> str | float:
    return value[:MOST_VALUE] if isinstance(value, str) else value


class _Variables(visitor.Visitor):
    def __init__(self) -> None:
        self.names: set[str] = set()

    def visit_VariableReference(self, node: ast.VariableReference) -> None:  # noqa: N802 - Fluent's name
        self.names.add(node.id.name)


@cache
def messages(language: str) -> Messages:
    return Messages(language)


def say(key: str, **values: Value) -> Localised:
    """A message in every language; must not be changed, for it is kept. Raises `KeyError` as `Messages` does."""
    each = (tuple(value.items()) if isinstance(value, dict) else value for value in values.values())
    return _said(key, tuple(values), *each)


@lru_cache(maxsize=4096, typed=True)
def _said(key: str, names: tuple[str, ...], *values: str | int | float | tuple[tuple[str, str], ...]) -> Localised:
    each = (dict(value) if isinstance(value, tuple) else value for value in values)
    put_in = dict(zip(names, each, strict=True))
    return {language: messages(language)(key, **put_in) for language in LANGUAGES}


def in_language(texts: Mapping[str, str], language: str) -> str:
    """A text in a language; in another where it is not there: a record may be of a release that wrote others."""
    return texts.get(language) or texts.get("de") or next(iter(texts.values()), "")


def known(key: str) -> bool:
    return key in messages(LANGUAGES[0])

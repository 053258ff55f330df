"""The reason of a decision in the reader's words. Records have it short and in English, for programs.

What is not known here, as of another release, stays as it is, in brackets.
"""

import re

from warnsys.web.words import words

_NUMBER = r"[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?"
_KNOWN: tuple[tuple[str, str], ...] = (
    (r"cell (?P<cell>\w+)", "reason-cell"),
    (r"cells listed, none of ours", "reason-other-cells"),
    (rf"area (?P<share>{_NUMBER})(?P<code>, .+)?", "reason-area"),
    (rf"part (?P<share>{_NUMBER}) of a shape(?P<code>, .+)?", "reason-part"),
    (rf"share (?P<share>{_NUMBER}) below (?P<least>{_NUMBER})", "reason-small-share"),
    (r"no overlap", "reason-no-overlap"),
    (r"no area", "reason-no-area"),
    (r"no districts", "reason-no-area"),
    (rf"ground up to (?P<ground>{_NUMBER}) m lies below (?P<limit>{_NUMBER}) m", "reason-too-low"),
    (rf"ground from (?P<ground>{_NUMBER}) m lies above (?P<limit>{_NUMBER}) m", "reason-too-high"),
    (r"test: (?P<code>.+)", "reason-test"),
    (r"exercise", "reason-exercise"),
    (r"(?P<code>msgType \w+)", "reason-type"),
    (r"(?P<code>scope \w+)", "reason-scope"),
    (r"cancel: names (?P<count>\d+), warns nobody", "reason-cancel"),
    (r"all clear", "reason-over"),
)
_PATTERNS = tuple((re.compile(pattern), key) for pattern, key in _KNOWN)
_SHARES = ("share", "least")


def in_words(reason: str, language: str) -> str:
    """ "" for no reason; codes that only the developers read stand in brackets."""
    return "; ".join(_one(part, language) for part in reason.split("; ")) if reason else ""


def _one(reason: str, language: str) -> str:
    for pattern, key in _PATTERNS:
        if found := pattern.fullmatch(reason):
            given = {name: value for name, value in found.groupdict().items() if value}
            code = given.pop("code", "").removeprefix(", ")
            said = words(language)(key, **{name: _value(name, value, language) for name, value in given.items()})
            return f"{said} ({code})" if code else said
    return f"({reason})"


def _value(name: str, value: str, language: str) -> str | int:
    if name == "count":
        return int(value)
    if name in _SHARES:
        value = f"{100 * float(value):.2f}".rstrip("0").rstrip(".")
    return value.replace(".", ",") if language == "de" else value

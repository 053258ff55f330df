"""No pattern of the code takes longer than a text's length deserves, whatever the text."""

import ast
import importlib
import itertools
import pkgutil
import re
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from re import _constants as sre  # Python's own parse of a pattern
from re import _parser
from types import ModuleType
from typing import Any

import pytest

import geofences
import streams
import warnsys

PACKAGES: tuple[ModuleType, ...] = (warnsys, streams, geofences)
CALLS = frozenset("compile match fullmatch search sub subn split findall finditer".split())
ANCHORED = ("match", "fullmatch")
BOUNDED = {
    "warnsys.cap.quantities._VALUE": 200,
    "warnsys.cap.quantities._SPAN": 200,
    "geofences.files.outline._INVALID_AT": 200,
}
"""Patterns whose texts are never longer, by their callers (`quantity`) or as GEOS writes them."""
CLASSES = {
    sre.CATEGORY_DIGIT: "0", sre.CATEGORY_WORD: "a0", sre.CATEGORY_SPACE: " ",
    sre.CATEGORY_NOT_DIGIT: "a", sre.CATEGORY_NOT_WORD: " ", sre.CATEGORY_NOT_SPACE: "a",
}  # fmt: skip


@cache
def sources() -> list[tuple[str, list[ast.Attribute | ast.Call]]]:
    """Of each file what may name a pattern or ask one. Every process that collects tests goes through all of them."""
    return [
        (
            f"{package.__name__}/{path.relative_to(package.__path__[0])}",
            [node for node in ast.walk(ast.parse(path.read_bytes())) if isinstance(node, ast.Attribute | ast.Call)],
        )
        for package in PACKAGES
        for path in sorted(Path(package.__path__[0]).rglob("*.py"))
    ]


def ways() -> dict[str, set[str]]:
    """By which methods a pattern with a name is asked."""
    found: dict[str, set[str]] = {}
    for _, nodes in sources():
        for node in nodes:
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.attr in CALLS:
                found.setdefault(node.value.id, set()).add("search" if node.attr not in ANCHORED else node.attr)
    return found


def written() -> Iterator[tuple[str, str | bytes]]:
    """Patterns that stand in the code as they are: in calls of `re`, and in pydantic's `pattern=`."""
    for file, nodes in sources():
        for call in (node for node in nodes if isinstance(node, ast.Call)):
            of_re = isinstance(call.func, ast.Attribute) and ast.unparse(call.func).startswith("re.")
            found = call.args[:1] if of_re and call.func.attr in CALLS else []  # type: ignore[attr-defined]
            found += [keyword.value for keyword in call.keywords if keyword.arg == "pattern"]
            for one in found:
                if isinstance(one, ast.Constant) and isinstance(one.value, str | bytes):
                    yield f"{file}:{one.lineno}", one.value


def compiled() -> Iterator[tuple[str, str | bytes]]:
    """Patterns that modules keep, also those put together from pieces."""
    for package in PACKAGES:
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name.endswith("__main__"):
                continue
            for name, value in vars(importlib.import_module(info.name)).items():
                if isinstance(value, re.Pattern):
                    yield f"{info.name}.{name}", value.pattern


WAYS = ways()
PATTERNS = {text: name for name, text in itertools.chain(written(), compiled())}


def pieces(parsed: Any) -> Iterator[str]:
    """Texts that single parts of a pattern take: what a hostile text is made of."""
    for operator, value in parsed:
        if operator is sre.LITERAL:
            yield chr(value)
        elif operator is sre.NOT_LITERAL or operator is sre.ANY:
            yield "a"
        elif operator is sre.IN:
            yield from members(value)
        elif operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            yield from pieces(value[2])
        elif operator is sre.SUBPATTERN:
            yield whole(value[3])
            yield from pieces(value[3])
        elif operator is sre.BRANCH:
            for branch in value[1]:
                yield whole(branch)
                yield from pieces(branch)
        elif operator in (sre.ASSERT, sre.ASSERT_NOT):
            yield from pieces(value[1])
        elif operator is sre.ATOMIC_GROUP:
            yield from pieces(value)


def members(value: Any) -> Iterator[str]:
    for operator, of in value:
        if operator is sre.LITERAL:
            yield chr(of)
        elif operator is sre.RANGE:
            yield chr(of[0])
        elif operator is sre.CATEGORY:
            yield from CLASSES.get(of, "a")


def whole(parsed: Any) -> str:
    """One text that the pattern takes, more or less."""
    found = []
    for operator, value in parsed:
        if operator in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            found.append(whole(value[2]) * max(1, min(value[0], 20)))
        elif operator is sre.SUBPATTERN:
            found.append(whole(value[3]))
        elif operator is sre.BRANCH:
            found.append(whole(value[1][0]))
        else:
            found.append(next(pieces([(operator, value)]), ""))
    return "".join(found)


def hostile(pattern: str | bytes) -> Iterator[tuple[str, str, str]]:
    """What a text begins with, what it repeats, and what it ends in."""
    parsed = _parser.parse(pattern)
    sample = whole(parsed)
    atoms = dict.fromkeys([sample, *pieces(parsed)])
    literals = "".join(chr(value) for operator, value in parsed if operator is sre.LITERAL)
    units = dict.fromkeys([*atoms, literals, *map("".join, itertools.permutations([*atoms][:4], 2))])
    for unit in filter(None, units):
        for begin, end in (("", "\0"), (sample[:1], "\0"), (sample, "\n\0"), ("a", unit[:1] + "\0")):
            yield begin, unit, end


def asked_by(pattern: str | bytes, name: str) -> set[str]:
    return WAYS.get(name.rpartition(".")[2]) or (
        {"match"} if str(pattern).startswith("^") else {"match", "fullmatch", "search"}
    )


def seconds(pattern: re.Pattern[Any], text: str | bytes, way: str) -> float:
    before = time.process_time()
    getattr(pattern, way)(text)
    return time.process_time() - before


def test_there_are_patterns_to_be_asked() -> None:
    assert len(PATTERNS) > 20
    assert any("h|std" in str(pattern) for pattern in PATTERNS)


@pytest.mark.parametrize("pattern", PATTERNS, ids=lambda pattern: PATTERNS[pattern])
def test_no_pattern_takes_longer_than_a_texts_length_deserves(pattern: str | bytes) -> None:
    asked, name = re.compile(pattern), PATTERNS[pattern]
    lengths = [length for length in (1_500, 12_500, 100_000) if length <= BOUNDED.get(name, length)] or [BOUNDED[name]]
    for begin, unit, end in hostile(pattern):
        for way in asked_by(pattern, name):
            for length in lengths:
                text = begin + unit * (length // len(unit)) + end
                took = seconds(asked, text.encode("utf-8") if isinstance(pattern, bytes) else text, way)
                # Ten times what a slow machine needs for a linear pattern, a tenth of what a quadratic one takes.
                says = f"{way} of {begin!r} + {unit!r} * n + {end!r}: {took:.2f} s for {length} characters"
                assert took < max(0.03, length * 1e-6), says

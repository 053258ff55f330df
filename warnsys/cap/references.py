"""`references`: which messages one replaces, in the forms that people write it.

CAP 1.2 (3.2.1) has `sender,identifier,sent`, separated by blanks. Blanks beside commas, a comma or a semicolon between
triples, a time with a blank in it, and parts that are missing are read as meant where that is plain.
"""

import re
from collections.abc import Iterator

MAX_TIME = 40
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[T_ ]?\d\d:?\d\d(?::?\d\d)?(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?$", re.IGNORECASE)
_SPLIT_TIME = re.compile(r"(,\s*\d{4}-\d\d-\d\d)\s+(?=\d\d:\d\d)")
_IN_A_ROW = 3
_UNSEEN = dict.fromkeys(map(ord, "\u200b\u2060\ufeff"))


_ADDRESS = re.compile(r"[@:]|\w\.\w{2,}$")
"""What a word has that is an address: "e.V." is none."""
_WITH_BLANKS = re.compile(
    r"[\s;,]*+([^,;]++),([^,;]++),\s*+(\d{4}-\d\d-\d\d[T ]\d\d:\d\d[^\s,;]*+)(?=[\s,;]|\Z)", re.IGNORECASE
)
"""One triple, in whose sender and identifier may be blanks."""


def triples(text: str) -> list[str]:
    """What names one message each, each once; parts are separated by commas alone."""
    text = text.translate(_UNSEEN)
    pieces = text.split()
    if all(map(_is_triple, pieces)):  # as CAP writes it
        return list(dict.fromkeys(piece for piece in pieces if piece.strip(",")))
    if whole := _with_blanks(text):
        return list(dict.fromkeys(whole))
    text = _SPLIT_TIME.sub(r"\1T", text.replace(";", " "))
    found = dict[str, None]()
    for piece in ",".join(part.strip() for part in text.split(",")).split():
        found.update(dict.fromkeys(_apart(piece)))
    return list(found)


def _is_triple(piece: str) -> bool:
    """Whether a word is one triple. A semicolon is lawful in an identifier, and else stands between triples."""
    parts = piece.split(",")
    if len(parts) != _IN_A_ROW or ";" not in piece:
        return len(parts) == _IN_A_ROW
    return ";" not in parts[0] and ";" not in parts[2] and is_time(parts[2])


def _with_blanks(text: str) -> list[str]:
    """The triples of a text of nothing else, where a sender or identifier is of several words: "Leitstelle Solingen".

    Where a sender ends in an address, what stands before it is another message's name.
    """
    found, end = list[str](), 0
    while triple := _WITH_BLANKS.match(text, end):
        sender, end = triple[1].split(), triple.end()
        if len(sender) > 1 and _ADDRESS.search(sender[-1]):
            return []
        found.append(",".join(" ".join(part.split()) for part in triple.groups()))
    words = any(" " in part for one in found for part in one.split(",")[:2])
    return found if words and not text[end:].strip(" \t\r\n;,") else []


def _apart(piece: str) -> Iterator[str]:
    """The triples of a row of them that has commas between, too: each third part is a time."""
    parts = piece.strip(",").split(",")
    times = parts[_IN_A_ROW - 1 :: _IN_A_ROW]
    if len(parts) > _IN_A_ROW and len(parts) % _IN_A_ROW == 0 and all(map(is_time, times)):
        for start in range(0, len(parts), _IN_A_ROW):
            yield ",".join(parts[start : start + _IN_A_ROW])
    elif piece.strip(","):
        yield piece


def parts_of(triple: str) -> tuple[str, str, str]:
    """Sender, identifier and sent; "" for what is missing."""
    parts = triple.split(",")
    if len(parts) == 1:
        return "", parts[0], ""
    if len(parts) == 2:
        return ("", *parts) if is_time(parts[1]) else (*parts, "")  # type: ignore[return-value] # mypy counts no stars
    end = -1 if is_time(parts[-1]) else 2
    return parts[0], ",".join(parts[1:end]), ",".join(parts[end:])


def is_time(part: str) -> bool:
    return len(part) <= MAX_TIME and _TIME.match(part) is not None

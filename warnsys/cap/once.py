"""A document whose languages repeat the areas of the first, opened without the repetition.

Every language of a DWD message lists the same areas, hundreds for a country: seven eighths of the bytes. Where an info
ends in the same bytes as the first one, from its first area on, those are left out before XML is parsed.
"""

import re
from functools import cache
from typing import NamedTuple

from lxml import etree

from warnsys.cap.document import parse
from warnsys.cap.errors import CapError

_MARKUP = re.compile(rb"<[!?]")
_END = re.compile(rb"</((?:[\w.-]+:)?)alert\s*>\s*")


class RootWithoutRepeats(NamedTuple):
    """A root, in which some infos may lack their areas."""

    root: etree._Element
    alike: frozenset[int]
    """The numbers of those infos, counted from 0: their areas are those of the first."""


def parse_once(body: bytes) -> RootWithoutRepeats:
    """The root of a CAP alert. Raises what `parse` raises, and for the same bytes."""
    end = _END.fullmatch(body, max(body.rfind(b"</"), 0))
    if end and (short := _shortened(body, end[1])):
        try:
            root = parse(short.body)
        except CapError:
            pass  # said of the whole below, which has the right lines
        else:
            if _is_sure(root, short.body, end[1]):
                return RootWithoutRepeats(root, frozenset(short.alike))
    return RootWithoutRepeats(parse(body), frozenset())


class _Short(NamedTuple):
    body: bytes
    alike: list[int]


def _shortened(body: bytes, prefix: bytes) -> _Short | None:
    opening, areas, closing = (
        mark + prefix + name for mark, name in ((b"<", b"info"), (b"<", b"area"), (b"</", b"info"))
    )
    begin, end = body.find(areas), body.find(closing)
    if not 0 <= begin < end:
        return None
    first = body[begin : end + len(closing)]
    parts, kept, alike = list[bytes](), 0, list[int]()
    number, at = 1, body.find(opening, end)
    while at >= 0:
        begin = body.find(areas, at)
        if body.startswith(first, begin) and body.find(opening, at + 1, begin) < 0:
            parts.append(body[kept:begin])
            alike.append(number)
            end = kept = begin + len(first) - len(closing)
        else:
            end = body.find(closing, at)
        number, at = number + 1, body.find(opening, end) if end >= 0 else -1
    return _Short(b"".join((*parts, body[kept:])), alike) if alike else None


def _is_sure(root: etree._Element, short: bytes, prefix: bytes) -> bool:
    """Whether what was left out is well-formed where it stood, and means the same there as in the first info.

    So it is in UTF-8 without comments, CDATA and processing instructions, where each "<info" begins an info; with one
    declaration of a namespace; and where the first info ends in areas, and has nothing like an area before.
    """
    namespace = etree.QName(root).namespace or ""
    infos = root.findall(f"{{{namespace}}}info")
    return (
        (root.getroottree().docinfo.encoding or "UTF-8").upper() == "UTF-8"
        and not short.startswith(b"<!")
        and _MARKUP.search(short, 1) is None  # at 0 XML is declared
        and short.count(b"xmlns") == 1
        and len(infos) == short.count(b"<" + prefix + b"info") == short.count(b"</" + prefix + b"info")
        and bool(_ends_in_areas(namespace)(infos[0]))
    )


@cache
def _ends_in_areas(namespace: str) -> etree.XPath:
    """Of an info: whether areas are the last of its children, and no name begins like theirs before."""
    before = "c:area[1]/preceding-sibling::*/descendant-or-self::*[starts-with(local-name(), 'area')]"
    after = "c:area[1]/following-sibling::*[not(self::c:area)]"
    return etree.XPath(f"c:area and not({before}) and not({after})", namespaces={"c": namespace})

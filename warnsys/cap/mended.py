"""Bytes that are no XML or no CAP as they stand, though it is plain what they should be.

Asked only for what was refused: an encoding named wrongly, a namespace left out or miswritten, entities of HTML that
nobody declared, an `&` that is one, and padding behind the end. Whatever else is wrong stays wrong.
"""

import codecs
import re
from html.entities import html5
from itertools import islice
from typing import Final

from warnsys.cap.document import NAMESPACES

_HEAD_BYTES = 10_000
"""In which the root begins."""

_DECLARED = re.compile(rb"""\A(<\?xml\b[^<>]*?\bencoding\s*=\s*["'])([\w.-]+)""")
_CODECS = re.compile(r"utf-8|iso8859-\d+|cp125\d|koi8-[ru]|mac-roman")
"""What may be meant, by Python's names: each letter is a byte or is UTF-8."""

_ROOT = re.compile(rb"\A(?>\s|<!--.*?-->|<\?.*?\?>)*+<((?:[\w.-]+:)?)alert(?=[\s/>])[^<>]*", re.DOTALL)
_MEANT: Final = {one.casefold(): one for one in NAMESPACES}
_ENTITY = re.compile(rb"&([A-Za-z][A-Za-z0-9]{1,31};)")
_BARE = re.compile(rb"&(?!#?[A-Za-z0-9]{1,32};)")
_MOST_BARE = 10_000
"""A message with more such signs is none of ours: its other faults would be looked for too long."""
_PADDING = b"\0\x1a \t\r\n"
_OF_XML: Final = ("amp;", "lt;", "gt;", "quot;", "apos;")

Said = list[tuple[str, str]]
"""Codes with a sentence each."""


def whole_xml(body: bytes) -> tuple[bytes, Said]:
    """The bytes as they are meant, and what was mended; nothing is where they are meant as they stand."""
    said: Said = []
    for mend in (_tail, _encoding, _namespace, _entities):
        body = mend(body, said)
    return body, said


def _tail(body: bytes, said: Said) -> bytes:
    """Blocks of a fixed size are filled up with zeros; DOS ends a text with Ctrl-Z."""
    if b"\0" in body[:4]:  # UTF-16 and UTF-32, whose letters have zeros in them
        return body
    found = body.rstrip(_PADDING)
    if not found.endswith(b">") or body[len(found) :].isspace() or found == body:
        return body
    said.append(("xml-tail", f"{len(body) - len(found)} bytes of padding behind the XML, left out"))
    return found


def _encoding(body: bytes, said: Said) -> bytes:
    """.NET declares UTF-16 for every text, in whatever bytes it is sent."""
    if not (found := _DECLARED.match(body)):
        return body
    name = found[2].decode()
    try:
        codec = "utf-8" if name.upper().startswith(("UTF-16", "UTF16", "UTF-32")) else codecs.lookup(name).name
        text = body[found.end() :].decode(codec) if _CODECS.fullmatch(codec) else None
    except (LookupError, UnicodeDecodeError):
        return body
    if text is None or name.upper() == "UTF-8":
        return body
    said.append(("encoding", f"declared as {name}; read as {codec}"))
    return found[1] + b"UTF-8" + text.encode()


def _namespace(body: bytes, said: Said) -> bytes:
    if not (root := _ROOT.match(body[:_HEAD_BYTES])):
        return body
    prefix = root[1].rstrip(b":")
    name = b"xmlns" + (b":" + prefix if prefix else b"")
    declared = re.search(rb"\s%b\s*=\s*([\"'])(.*?)\1" % re.escape(name), root[0][root.end(1) :], re.DOTALL)
    start = root.end(1) + len(b"alert")
    if declared is None and not prefix:
        said.append(("namespace-form", "no namespace; read as CAP 1.2"))
        return body[:start] + b' xmlns="' + NAMESPACES[0].encode() + b'"' + body[start:]
    if declared is None:
        return body
    written = declared[2].decode("utf-8", "replace")
    meant = _MEANT.get(written.strip().rstrip("/").casefold(), written)
    if meant == written:
        return body
    said.append(("namespace-form", f"the namespace {written!r} read as {meant}"))
    begin, end = (root.end(1) + place for place in declared.span(2))
    return body[:begin] + meant.encode() + body[end:]


def _entities(body: bytes, said: Said) -> bytes:
    """As numbers, which need no declaration; and `&` that begin none as such signs. Within CDATA both are right."""
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        return body
    first, *others = body.split(b"<![CDATA[")
    parts = [(b"", b"", first), *((b"<![CDATA[", *one.partition(b"]]>")) for one in others)]
    texts = [part[-1] for part in parts]
    named = [_ENTITY.sub(_number, text) for text in texts]
    if named != texts:
        said.append(("markup", "entities of HTML that no XML knows, read as the characters that they name"))
    bare = sum(1 for _ in islice((one for text in named for one in _BARE.finditer(text)), _MOST_BARE + 1))
    if 0 < bare <= _MOST_BARE:
        said.append(("markup", f"{bare} signs & that begin no entity, read as such signs"))
        named = [_BARE.sub(b"&amp;", text) for text in named]
    return b"".join(piece for part, text in zip(parts, named, strict=True) for piece in (*part[:-1], text))


def _number(entity: re.Match[bytes]) -> bytes:
    name = entity[1].decode()
    letters = "" if name in _OF_XML else html5.get(name, "")
    return "".join(f"&#{ord(letter)};" for letter in letters).encode() or entity[0]

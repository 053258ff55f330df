"""A CAP document: opened safely, its elements found, its texts, times and codes read, with what is odd and where.

The parser loads no DTD, expands no entity and opens nothing. An element that CAP has once and that stands there twice
with two values is refused where it decides who is warned, when or of what; of texts for people both are read.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TypeVar
from zoneinfo import ZoneInfo

from lxml import etree

from warnsys.cap import forms
from warnsys.cap.errors import Misleading, NotCap, Unsafe
from warnsys.cap.model import Finding, Named

NAMESPACES = tuple(f"urn:oasis:names:tc:emergency:cap:1.{minor}" for minor in (2, 1))
OLDEST_NAMESPACE = "http://www.incident.com/cap/1.0"

DECISIVE = frozenset(
    """identifier sender sent status msgType scope event urgency severity certainty effective onset expires
    valueName value""".split()
)
"""What is read once and decides who is warned, when or of what; the rest is for people."""

PASSAGES = ("description", "instruction")
"""Of these several are read one below the other: AlertSwiss gives each instruction its own element."""

MAX_ELEMENTS = 200_000
"""Comments among them: as many opening brackets are counted before any tree is built. Real messages have 20,000."""

MAX_NOTES, MAX_NOTE_CHARS = 100, 1_000
"""How many of one code are kept of a message, and how much of what each says."""

ZONE = ZoneInfo("Europe/Berlin")
"""Of times without an offset, where the source says no other."""

T = TypeVar("T")

_PARSER = etree.XMLParser(
    resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, remove_comments=True,
    remove_pis=True, huge_tree=False,
)  # fmt: skip

_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:[0-5]\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?")
_BETWEEN_CODES = re.compile(r"[\s,;|/]+")
_NEVER = re.compile(r"[29]999-\d\d-\d\d(?:[T ].*)?", re.DOTALL)
_MIDNIGHT = re.compile(r"(.{10}[T ])24(:00(?::00(?:\.0+)?)?(?:Z|[+-].*)?)")
"""A day without a time is none: whether its begin or its end is meant would have to be guessed."""


def parse(body: bytes) -> etree._Element:
    """The root of a CAP alert of any version. Raises `NotCap` and `Unsafe`."""
    if (elements := body.count(b"<") - body.count(b"</")) > MAX_ELEMENTS:
        raise Unsafe("elements-many", "/", f"{elements} elements, at most {MAX_ELEMENTS} are read")
    try:
        root = etree.fromstring(body, _PARSER)
    except etree.XMLSyntaxError as error:
        raise NotCap("not-xml", f"line {error.lineno}", f"{error.msg}") from error
    except ValueError as error:
        raise NotCap("not-xml", "/", str(error)) from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise Unsafe("dtd", "/", "a document type declaration; CAP has none, and entities are never expanded")
    name = etree.QName(root)
    if name.localname != "alert" or name.namespace not in (*NAMESPACES, OLDEST_NAMESPACE):
        raise NotCap("not-cap", f"/{name.localname}", f"expected a CAP alert, found {root.tag!r}")
    return root


class Document:
    """The elements of one document by their names; keeps what was noticed on the way."""

    def __init__(self, root: etree._Element, zone: tzinfo = ZONE) -> None:
        """`zone` is where the source's clocks go that say no offset."""
        self.root = root
        self.namespace = etree.QName(root).namespace or ""
        self.prefix = f"{{{self.namespace}}}"
        self._zone = zone
        self._offset: timedelta | None = None
        self.findings: list[Finding] = []
        self._noted = Counter[str]()
        self._value_name, self._value = f"{self.prefix}valueName", f"{self.prefix}value"
        self._count_areas = etree.XPath("count(c:area)", namespaces={"c": self.namespace})
        self._groups: dict[etree._Element, dict[str, list[etree._Element]]] = {}

    def sent_at(self, sent: datetime) -> None:
        """From now on an offset that the source's clocks did not have when it was sent is one that times may mean."""
        if sent.utcoffset() != sent.astimezone(self._zone).utcoffset():
            self._offset = sent.utcoffset()

    # -- elements ---------------------------------------------------------------------------------------------------

    def children(self, parent: etree._Element, name: str) -> Sequence[etree._Element]:
        """In the order of the document, but no areas; a parent is gone through once, whatever is asked of it."""
        groups = self._groups.get(parent)
        if groups is None:
            groups = self._groups[parent] = {}
            for child in self._before_areas(parent):
                groups.setdefault(child.tag, []).append(child)
        return groups.get(self.prefix + name, ())

    def _before_areas(self, parent: etree._Element) -> Iterable[etree._Element]:
        """Without the areas where they stand at the end, as they should: there may be hundreds in each language."""
        first = next(parent.iterchildren(self.prefix + "area"), None)
        if first is not None:
            end = len(parent) - int(self._count_areas(parent))  # type: ignore[arg-type] # the stubs know no numbers
            if parent[end] is first:
                return parent[:end]  # type: ignore[index] # the stubs know no slices
        return parent

    def path(self, parent: etree._Element, name: str = "") -> str:
        """An XPath without namespaces."""
        full = self.root.getroottree().getelementpath(parent).replace(self.prefix, "").removeprefix(".")
        return "/".join(part for part in ("/alert", full.strip("/"), name) if part)

    def note(self, code: str, parent: etree._Element, name: str, text: str) -> None:
        """The first hundred of each code: where thousands are alike, the next tells nothing new."""
        self.note_at(code, "" if self._noted[code] >= MAX_NOTES else self.path(parent, name), text)

    def note_at(self, code: str, where: str, text: str) -> None:
        """The same of a place that is known by its path."""
        self._noted[code] += 1
        if self._noted[code] <= MAX_NOTES:
            self.findings.append(Finding(code, where, text[:MAX_NOTE_CHARS]))

    def noted(self, code: str) -> int:
        """How often something was noted."""
        return self._noted[code]

    # -- texts ------------------------------------------------------------------------------------------------------

    def texts(self, parent: etree._Element, name: str) -> tuple[str, ...]:
        """Of an element that CAP may have several times."""
        return tuple(stripped for child in self.children(parent, name) if (stripped := self.said(child)))

    def text(self, parent: etree._Element, name: str) -> str:
        """Of an element that CAP has once; "" where there is none. Raises `Misleading`."""
        found = self.children(parent, name)
        if not found:
            return ""
        if len(found) == 1:
            return self.said(found[0])
        return self._once(map(self.said, found), parent, name)

    def plain(self, parent: etree._Element, name: str) -> str:
        """The same for people: without escaped tags."""
        return self.readable(self.text(parent, name), parent, name)

    def readable(self, text: str, parent: etree._Element, name: str = "") -> str:
        """A text without escaped tags."""
        if (plain := forms.plain(text)) != text:
            self.note("markup", parent, name, f"tags or entities of HTML taken out of {text[:80]!r}")
        return plain

    def said(self, element: etree._Element) -> str:
        """The whole text of an element, also where it has elements in it."""
        if not len(element):
            return (element.text or "").strip()
        self.note("markup", element, "", f"{len(element)} elements within a text, taken out")
        parts = list[str]()
        for event, inside in etree.iterwalk(element, events=("start", "end")):
            apart = forms.sets_apart(etree.QName(inside).localname)
            text = inside.text if event == "start" else inside.tail
            if inside is not element:
                parts.append(f"{' ' * apart}{text or ''}")
            elif event == "start":
                parts.append(text or "")
        return forms.tidy("".join(parts))

    def _once(self, texts: Iterable[str], parent: etree._Element, name: str) -> str:
        """The one text of an element that stands there several times."""
        different = tuple(dict.fromkeys(stripped for text in texts if (stripped := text.strip())))
        if len(different) > 1 and name in DECISIVE:
            says = " and ".join(f"{text[:40]!r}" for text in different[:3])
            raise Misleading("repeated", self.path(parent, name), f"<{name}> says {says}")
        self.note("repeated-text", parent, name, f"<{name}> stands there several times")
        return ("\n" if name in PASSAGES else " / ").join(different)

    def required(self, parent: etree._Element, name: str) -> str:
        if not (found := self.text(parent, name)):
            raise Misleading("missing", self.path(parent, name), f"<{name}> is missing or empty")
        return found

    def named(self, parent: etree._Element, name: str, known: Collection[str] = ()) -> Named:
        """Pairs of a name and a value; names that are known in their own letters."""
        return tuple([self._known(known, pair) for pair in self.children(parent, name)])

    def _known(self, known: Collection[str], element: etree._Element) -> tuple[str, str]:
        written, value = self.pair(element)
        if (name := forms.code(written, known)) != written:
            self.note("code-form", element, "valueName", f"{written!r} read as {name}")
        return name, value

    def pair(self, pair: etree._Element) -> tuple[str, str]:
        """valueName and value; CAP 1.0 wrote `valueName=value` instead. Raises `Misleading`."""
        name = value = ""
        for child in pair:
            text = self.said(child) if len(child) else (child.text or "").strip()
            if child.tag == self._value_name:
                name = self._once((name, text), pair, "valueName") if name else text
            elif child.tag == self._value:
                value = self._once((value, text), pair, "value") if value else text
        if name or value or len(pair):
            return name, value
        name, _, value = (pair.text or "").partition("=")
        return name.strip(), value.strip()

    # -- values -----------------------------------------------------------------------------------------------------

    def time(self, parent: etree._Element, name: str) -> datetime | None:
        """None where nothing stands, and for an end in the year 9999 or 2999. Raises `Misleading`."""
        if not (text := self.text(parent, name)):
            return None
        written = text if _TIME.fullmatch(text) else forms.written_time(text)
        if name == "expires" and _NEVER.fullmatch(written):
            self.note("expires-never", parent, name, f"{text!r} read as no end")
            return None
        midnight = _MIDNIGHT.fullmatch(written)
        if written != text and not midnight:
            self.note("time-form", parent, name, f"{text!r} read as {written}")
        written = f"{midnight[1]}00{midnight[2] or ''}" if midnight else written
        try:
            moment = datetime.fromisoformat(written) if _TIME.fullmatch(written) else None
        except ValueError:
            moment = None
        if moment is None:
            raise Misleading("time", self.path(parent, name), f"{text!r} is no CAP time")
        if not 2000 <= moment.year < 2200:
            raise Misleading("time-year", self.path(parent, name), f"the year of {text!r} cannot be right")
        if midnight:
            moment += timedelta(days=1)
            self.note("time-midnight", parent, name, f"{text!r} read as {moment.isoformat()}")
        if moment.tzinfo is None:
            moment = self._in_zone(moment, ends=name == "expires")
            self.note("time-without-offset", parent, name, f"{text!r} has no offset; read as {moment.isoformat()}")
        return moment

    def _in_zone(self, moment: datetime, *, ends: bool) -> datetime:
        """A time without an offset, by the source's clocks. Where it can mean two moments (the hour that comes twice; a
        `sent` with an offset that those clocks do not have) an end is the later one, anything else the earlier."""
        readings = [moment.replace(tzinfo=self._zone, fold=fold) for fold in (0, 1)]
        offsets = {offset for one in readings if (offset := one.utcoffset()) is not None}
        if self._offset is not None:
            offsets.add(self._offset)
        return moment.replace(tzinfo=timezone(min(offsets) if ends else max(offsets)))

    def one_of(self, known: Mapping[str, T], parent: etree._Element, name: str) -> T:
        """A code that decides about the whole message. Raises `Misleading`."""
        self.required(parent, name)
        text = self.coded(known, parent, name)
        if text not in known:
            raise Misleading(name, self.path(parent, name), f"{text!r} is none of {', '.join(known)}")
        return known[text]

    def graded(self, known: Mapping[str, T], parent: etree._Element, name: str) -> T:
        """A code on a scale that has an Unknown: what is not on the scale is read as that, and told."""
        text = self.coded(known, parent, name)
        if text not in known:
            self.note(f"{name}-unknown", parent, name, f"{text!r} is not one of CAP's values; read as Unknown")
        return known.get(text, known["Unknown"])

    def coded(self, known: Mapping[str, T], parent: etree._Element, name: str) -> str:
        """A code of CAP in CAP's letters; what is none as it stands. Raises `Misleading`."""
        found = self.children(parent, name)
        if len(found) == 1:
            return self._code(known, self.said(found[0]), parent, name)
        return (
            self._once([self._code(known, self.said(one), parent, name) for one in found], parent, name)
            if found
            else ""
        )

    def codes(self, known: Mapping[str, T], parent: etree._Element, name: str) -> tuple[str, ...]:
        """The same of an element that CAP may have several times; some write several into one."""
        return tuple(code for text in self.texts(parent, name) for code in self._several(known, text, parent, name))

    def _several(self, known: Mapping[str, T], text: str, parent: etree._Element, name: str) -> tuple[str, ...]:
        found = tuple(forms.code(part, known) for part in _BETWEEN_CODES.split(text) if part)
        if len(found) < 2 or forms.code(text, known) in known or not all(code in known for code in found):
            return (self._code(known, text, parent, name),)
        self.note("code-form", parent, name, f"{text!r} read as {' and '.join(found)}")
        return found

    def _code(self, known: Mapping[str, T], text: str, parent: etree._Element, name: str) -> str:
        code = forms.code(text, known)
        if code != text:
            self.note("code-form", parent, name, f"{text!r} read as {code}")
        return code

    def language(self, info: etree._Element) -> str:
        """As BCP 47 writes it; English where nothing stands (CAP 1.2, 3.2.2)."""
        text = self.text(info, "language")
        language = forms.language(text)
        if language.lower() != text.lower():
            self.note("code-form", info, "language", f"{text!r} read as {language}")
        return language or "en-US"
